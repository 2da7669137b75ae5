/** A terminal for tests: a pseudo-terminal of the host, on whose other side one of the project's commands runs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { call, declare } from '../../src/host/linux/ffi.js';
import { TCGETS, TIOCSWINSZ, termios, winsize } from '../../src/uapi/termios.js';

const O_RDWR_NOCTTY = 0o402;

const posix_openpt = call<[number]>('int posix_openpt(int flags)');
const grantpt = call<[number]>('int grantpt(int fd)');
const unlockpt = call<[number]>('int unlockpt(int fd)');
const ptsname = declare<(fd: number) => string>('const char *ptsname(int fd)');
const ioctl = call<[number, number, Uint8Array]>(
  'int ioctl(int fd, unsigned long request, uint8_t *argument)',
);

export class Terminal {
  /** All that has been shown so far. */
  output = '';
  private readonly master: number;
  private readonly slave: number;
  private child: ChildProcess | undefined;
  private waiting: (() => void)[] = [];
  private seen = 0;

  constructor(rows = 24, columns = 80) {
    this.master = posix_openpt(O_RDWR_NOCTTY);
    grantpt(this.master);
    unlockpt(this.master);
    this.slave = openSync(ptsname(this.master), O_RDWR_NOCTTY);
    this.resize(rows, columns);
    const stream = createReadStream('', { fd: this.master, autoClose: false });
    stream.on('data', (data) => {
      this.output += data.toString('latin1');
      for (const wake of this.waiting.splice(0)) wake();
    });
    // EIO: the other side is closed.
    stream.on('error', () => {});
  }

  /** Runs a command on the other side: its exit status, or the name of the signal that ended it. */
  run(command: string, args: readonly string[]): Promise<number | string> {
    const child = spawn(command, args, {
      stdio: [this.slave, this.slave, this.slave],
      detached: true,
      env: { ...process.env, TERM: 'dumb' },
    });
    this.child = child;
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (status, signal) => resolve(status ?? signal ?? 'unknown'));
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  type(text: string): void {
    writeSync(this.master, text);
  }

  /** Waits until something is shown, after what the last wait has found. */
  async expect(text: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const at = this.output.indexOf(text, this.seen);
      if (at >= 0) {
        this.seen = at + text.length;
        return;
      }
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${JSON.stringify(text)} is not shown in ${JSON.stringify(this.output)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  resize(rows: number, columns: number): void {
    ioctl(this.master, TIOCSWINSZ, winsize.encode({ ws_row: rows, ws_col: columns }));
  }

  /** The terminal's settings, as bytes. */
  settings(): Uint8Array {
    const bytes = new Uint8Array(termios.size);
    ioctl(this.slave, TCGETS, bytes);
    return bytes;
  }

  close(): void {
    this.child?.kill('SIGKILL');
    closeSync(this.slave);
  }
}
