/** An open terminal: blocking reads and writes, polling. read(2) and write(2) as termios(3) rules them. */
import type { IoBuffer } from '../../lib/io-buffer.js';
import type { Credentials } from '../../kernel/credentials.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { EAGAIN, EFAULT, EIO } from '../../uapi/errno.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../../uapi/epoll.js';
import { TOSTOP, VEOF, VMIN, VTIME } from '../../uapi/termios.js';
import type { Dentry } from '../../fs/dentry.js';
import { File, type PollTable } from '../../fs/file.js';
import type { Inode } from '../../fs/inode.js';
import type { Mount } from '../../fs/mount.js';
import { checkChange, checkRead } from './job-control.js';
import { ttyIoctl } from './tty-ioctl.js';
import type { Tty } from './tty.js';

const TENTH = 100_000_000;
/** Ends of file that a reader of an ended input is given before the terminal hangs up on it. */
const ENDS_OF_FILE = 16;

export class TtyFile extends File {
  /** Hang-ups of the terminal before it was opened: one more cuts this file off. */
  private readonly hangups: number;
  private endsSeen = 0;

  constructor(
    readonly tty: Tty,
    mount: Mount | undefined,
    dentry: Dentry | undefined,
    inode: Inode,
    flags: number,
    credentials: Credentials,
  ) {
    super(mount, dentry, inode, flags, credentials);
    tty.opened();
    this.hangups = tty.hangups;
  }

  override get seekable(): boolean {
    return false;
  }

  get hungUp(): boolean {
    return this.tty.hangups !== this.hangups;
  }

  override async read(task: Task, to: IoBuffer): Promise<number> {
    const { tty } = this;
    if (this.hungUp) return 0;
    checkRead(task, tty);
    if (to.remaining === 0) return 0;
    return tty.discipline.canonical ? this.readLine(task, to) : this.readRaw(task, to);
  }

  private async readLine(task: Task, to: IoBuffer): Promise<number> {
    const { tty } = this;
    while (tty.discipline.available === 0) {
      if (this.hungUp) return 0;
      if (!tty.discipline.canonical) return this.readRaw(task, to);
      if (tty.inputEnded) return this.endOfFile();
      if (this.nonBlocking) throw EAGAIN;
      await tty.readers.sleep(task);
      checkRead(task, tty);
    }
    return this.move(to);
  }

  /** VMIN and VTIME: the four cases of termios(3). */
  private async readRaw(task: Task, to: IoBuffer): Promise<number> {
    const { tty } = this;
    const { clock } = task.kernel.host;
    const minimum = Math.min(tty.termios.cc[VMIN], to.remaining);
    const interval = tty.termios.cc[VTIME] * TENTH;
    let deadline = minimum === 0 ? clock.now() + interval : Infinity;
    let seen = tty.discipline.available;
    if (minimum > 0 && interval > 0 && seen > 0) deadline = clock.now() + interval;
    while (tty.discipline.available < Math.max(1, minimum)) {
      if (this.hungUp) return 0;
      const available = tty.discipline.available;
      if (tty.inputEnded) {
        if (available > 0) break;
        return this.endCharacter(to);
      }
      if (this.nonBlocking) {
        if (available > 0) break;
        throw EAGAIN;
      }
      if (minimum > 0 && interval > 0 && available > seen) deadline = clock.now() + interval;
      seen = available;
      if (clock.now() >= deadline) break;
      try {
        await tty.readers.sleep(task, deadline);
      } catch (error) {
        // What has come already is not lost to a signal.
        if (tty.discipline.available > 0) break;
        throw error;
      }
      checkRead(task, tty);
    }
    return tty.discipline.available === 0 ? 0 : this.move(to);
  }

  private move(to: IoBuffer): number {
    const { tty } = this;
    const bytes = new Uint8Array(Math.min(to.remaining, 4096));
    const count = tty.discipline.take(bytes);
    if (count === to.remaining) tty.discipline.skipEndOfFile();
    tty.drainBacklog();
    if (to.put(bytes.subarray(0, count)) < count) throw EFAULT;
    return count;
  }

  /** A pipe below has ended. Readers see ends of file; one that goes on reading regardless gets a hang-up. */
  private endOfFile(): number {
    if (++this.endsSeen > ENDS_OF_FILE) this.tty.hangup();
    return 0;
  }

  /** In raw mode an end of file is what the key for it would send. */
  private endCharacter(to: IoBuffer): number {
    if (++this.endsSeen > ENDS_OF_FILE) {
      this.tty.hangup();
      return 0;
    }
    return to.put(Uint8Array.of(this.tty.termios.cc[VEOF] || 4));
  }

  override async write(task: Task, from: IoBuffer): Promise<number> {
    const { tty } = this;
    if (this.hungUp) throw EIO;
    if ((tty.termios.lflag & TOSTOP) !== 0) checkChange(task, tty);
    let done = 0;
    while (from.remaining > 0) {
      const bytes = new Uint8Array(Math.min(from.remaining, 4096));
      if (from.get(bytes) < bytes.length) throw EFAULT;
      let sent = 0;
      while (sent < bytes.length) {
        const step = tty.send(bytes.subarray(sent));
        sent += step;
        done += step;
        if (step > 0) continue;
        if (this.hungUp) throw EIO;
        if (this.nonBlocking) {
          if (done === 0) throw EAGAIN;
          return done;
        }
        try {
          await tty.writers.sleep(task);
        } catch (error) {
          if (done === 0) throw error;
          return done;
        }
      }
    }
    return done;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    const { tty } = this;
    table?.wait(tty.readers);
    table?.wait(tty.writers);
    if (this.hungUp) return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP;
    let events = 0;
    const minimum =
      tty.discipline.canonical || tty.termios.cc[VTIME] > 0 ? 1 : Math.max(1, tty.termios.cc[VMIN]);
    if (tty.discipline.available >= minimum || tty.inputEnded) events |= EPOLLIN | EPOLLRDNORM;
    if (!tty.outputStopped && tty.port.room() > 0) events |= EPOLLOUT | EPOLLWRNORM;
    return events;
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    if (this.hungUp) throw EIO;
    return ttyIoctl(task, this.tty, request, argument);
  }

  override release(): void {
    this.tty.closed();
  }
}
