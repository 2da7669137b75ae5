/** Consoles and serial lines on channels of the host: what is typed and shown on the other side. */
import { connect, type Socket } from 'node:net';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linux } from '../support/machine.js';
import { Terminal } from '../support/terminal.js';

const O_RDWR_NOCTTY_NONBLOCK = 0o4402;

let terminal: Terminal;
const clients: Client[] = [];
beforeEach(() => {
  terminal = new Terminal();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  terminal.close();
});

/** The machine's shell, on console 0, with these switches. */
async function shell(...switches: string[]): Promise<{ ended: Promise<number | string> }> {
  const ended = terminal.run(process.execPath, [linux, 'mem=256M', ...switches]);
  await terminal.expect('# ');
  return { ended };
}

/** Something that shows text in the course of time. */
abstract class Client {
  output = '';
  constructor() {
    clients.push(this);
  }
  abstract type(text: string): void;
  abstract close(): void;
  async expect(text: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.output.includes(text)) {
      if (Date.now() > deadline)
        throw new Error(`${JSON.stringify(text)} is not shown in ${JSON.stringify(this.output)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.poll();
    }
  }
  protected poll(): void {}
}

/** Somebody at a terminal device of the host, as screen(1) would be. */
class Attached extends Client {
  private readonly fd: number;
  constructor(path: string) {
    super();
    this.fd = openSync(path, O_RDWR_NOCTTY_NONBLOCK);
  }
  override type(text: string): void {
    writeSync(this.fd, text);
  }
  protected override poll(): void {
    const buffer = Buffer.alloc(65536);
    try {
      const count = readSync(this.fd, buffer);
      this.output += buffer.toString('latin1', 0, count);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
  override close(): void {
    closeSync(this.fd);
  }
}

class TelnetClient extends Client {
  readonly socket: Socket;
  ended = false;
  constructor(port: number | string) {
    super();
    this.socket = typeof port === 'string' ? connect(port) : connect(port, '127.0.0.1');
    this.socket.on('data', (data) => (this.output += data.toString('latin1')));
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.ended = true));
  }
  override type(text: string): void {
    this.socket.write(Buffer.from(text, 'latin1'));
  }
  override close(): void {
    this.socket.destroy();
  }
}

const assigned = async (what: string): Promise<string> => {
  await terminal.expect(`${what} assigned device '`);
  await terminal.expect("'");
  const names = [...terminal.output.matchAll(new RegExp(`${what} assigned device '([^']*)'`, 'g'))];
  return names[names.length - 1][1];
};

const session = 'setsid -c sh -i';

/** TCP sockets on a local port that are in use, TIME_WAIT aside: /proc/net/tcp. */
function socketsInUse(port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  const states = lines.map((line) => line.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(wanted));
  return states.filter(([, , , state]) => state !== '06').length;
}

test('a console on a pts: announced when the guest opens it; a fresh one after the host side has gone', async () => {
  const { ended } = await shell('con1=pts', 'con=none', 'con0=fd:0,fd:1');
  terminal.type('ls /dev/tty[0-9]* | tr "\\n" " "; echo\r');
  await terminal.expect('/dev/tty0 /dev/tty1 \r\n');
  terminal.type(`(while :; do ${session} </dev/tty1 >/dev/tty1 2>&1; done) & \r`);
  const first = new Attached(await assigned('Virtual console 1'));
  await first.expect('# ');
  first.type('tty; echo $((6 * 7))\r');
  await first.expect('/dev/tty1');
  await first.expect('42\r\n');
  first.close();
  clients.length = 0;
  const second = new Attached(await assigned('Virtual console 1'));
  await second.expect('# ');
  second.type('echo again $((6 * 8))\r');
  await second.expect('again 48\r\n');
  terminal.type('exit\r');
  await ended;
});

test('output that nobody reads stops its writer, and nothing else', async () => {
  await shell('con1=pts');
  terminal.type('yes >/dev/tty1 & sleep 2; echo goes on; kill %1; wait; echo ended\r');
  await terminal.expect('goes on\r\n', 10_000);
  await terminal.expect('ended\r\n', 10_000);
});

test('serial lines share a port; who finds none waiting is served when one is free', async () => {
  const port = 20_000 + (process.pid % 20_000);
  await shell(`ssl=port:${port}`, 'con=null', 'con0=fd:0,fd:1');
  for (const line of [0, 1])
    terminal.type(`(while :; do ${session} </dev/ttyS${line} >/dev/ttyS${line} 2>&1; done) &\r`);
  terminal.type('echo started\r');
  await terminal.expect('\nstarted\r\n');
  const one = new TelnetClient(port);
  await one.expect('# ');
  const two = new TelnetClient(port);
  await two.expect('# ');
  expect(one.output.startsWith('\xff\xfb\x01\xff\xfb\x03')).toBe(true);
  // NAWS: 100 columns, 40 rows.
  one.type('\xff\xfa\x1f\0\x64\0\x28\xff\xf0');
  one.type('stty size; tty\r\0');
  await one.expect('40 100');
  await one.expect('/dev/ttyS');
  const three = new TelnetClient(port);
  await three.expect('There are currently no UML consoles waiting for port connections.');
  two.close();
  await three.expect('# ');
  three.type('echo $((6 * 7))\r\0');
  await three.expect('42\r\n');
  // The end of a session is the end of its connection.
  three.type('exit\r\0');
  await expect.poll(() => three.ended, { timeout: 10_000 }).toBe(true);
});

test('con0 on a port holds the boot until somebody comes, who then sees the whole log', async () => {
  const port = 40_000 + (process.pid % 20_000);
  const status = terminal.run(process.execPath, [linux, 'mem=256M', `con0=port:${port}`]);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(terminal.output).toBe('');
  const client = new TelnetClient(port);
  await client.expect('Linux version');
  await client.expect('Console initialized on /dev/tty0');
  await client.expect('# ');
  client.type('exit\r\0');
  await status;
});

test('a serial line as console, and one on a unix socket', async () => {
  const path = `/tmp/uml-consoles-${process.pid}`;
  const status = terminal.run(process.execPath, [
    linux,
    'mem=256M',
    'console=ttyS3',
    'ssl3=null,fd:1',
    `ssl4=unix:${path}`,
  ]);
  await terminal.expect('printk: console [ttyS3] enabled');
  await terminal.expect('# ');
  terminal.type(`setsid -c sh -i </dev/ttyS4 >/dev/ttyS4 2>&1 & echo started\r`);
  await terminal.expect('started\r\n');
  const client = new TelnetClient(path);
  await client.expect('# ');
  client.type('tty\r');
  await client.expect('/dev/ttyS4');
  terminal.type('exit\r');
  await status;
});

test('switches that make no sense are told, and the machine boots', async () => {
  await shell('con99=pty', 'con2=floppy', 'ssl2=none', 'ssl3=fd', 'con3=port:x', 'con4=tty:/dev/nothing');
  const { output } = terminal;
  expect(output).toContain(
    'Failed to set up console with configuration string "99=pty" : Device number out of range',
  );
  expect(output).toContain('setup_one_line failed for device 2 : failed to parse channel pair');
  expect(output).toContain("setup_one_line failed for device 2 : configured as 'none'");
  expect(output).toContain("fd_init : channel type 'fd' must specify a file descriptor");
  expect(output).toContain("port_init : couldn't parse port 'x'");
  terminal.type('echo </dev/tty4\r');
  await terminal.expect('No such file or directory');
});

test('two machines joined by a serial line', async () => {
  await shell('ssl1=pts');
  terminal.type('stty -F /dev/ttyS1 raw -echo; exec 3<>/dev/ttyS1\r');
  const device = await assigned('Serial line 1');
  const other = new Terminal();
  try {
    other.run(process.execPath, [linux, 'mem=256M', `ssl1=tty:${device}`]);
    await other.expect('# ');
    other.type('exec 3<>/dev/ttyS1; stty raw -echo <&3; head -n1 <&3; echo $((6 * 8)) >&3\r');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    terminal.type('echo over $((6 * 7)) the wire >&3; head -n1 <&3\r');
    await other.expect('over 42 the wire');
    await terminal.expect('48\r\n');
  } finally {
    other.close();
  }
});

test('a hundred connections that come and go leave the port usable and no descriptor behind', async () => {
  const port = 30_000 + (process.pid % 10_000);
  await shell(`ssl0=port:${port}`);
  terminal.type(`(while :; do ${session} </dev/ttyS0 >/dev/ttyS0 2>&1; done) &\r`);
  for (let round = 0; round < 100; round++) {
    const client = new TelnetClient(port);
    await new Promise((resolve) => client.socket.once(round % 2 === 0 ? 'connect' : 'data', resolve));
    client.type('echo \xff\xfd'.slice(0, round % 7));
    client.close();
  }
  const last = new TelnetClient(port);
  await last.expect('# ');
  last.type('echo $((6 * 7))\r\0');
  await last.expect('42\r\n');
  // The one that listens, and the last connection.
  await expect.poll(() => socketsInUse(port), { timeout: 5000 }).toBe(2);
});
