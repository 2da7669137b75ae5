/**
 * Pipes and FIFOs: pipe(2), pipe(7), fifo(7). The bytes are in fs/pipe-ring; here are the ends, waiting and waking.
 *
 * What must hold: a reader sleeps only while the pipe is empty and has writers, a writer only while it is full and has
 * readers. One sleeper is woken at a time, and wakes the next if there is something left for it.
 */
import { capable, type Credentials } from '../kernel/credentials.js';
import { killInfo } from '../kernel/siginfo.js';
import { sendToTask } from '../kernel/signal-send.js';
import { address, flags, type Result, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { WaitQueue } from '../kernel/wait.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import { CAP_SYS_RESOURCE } from '../uapi/capability.js';
import { EAGAIN, EBADF, EBUSY, EFAULT, EINVAL, ENOTTY, ENXIO, EPERM, EPIPE } from '../uapi/errno.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../uapi/epoll.js';
import { O_ACCMODE, O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_WRONLY, pipeFlags } from '../uapi/fcntl.js';
import { FIONREAD } from '../uapi/ioctls.js';
import { SIGPIPE } from '../uapi/signal.js';
import { PseudoInode } from './anon-inode.js';
import type { Dentry } from './dentry.js';
import { descriptorLimit } from './file-calls.js';
import { File, type PollTable } from './file.js';
import type { Inode, OpenContext } from './inode.js';
import type { Mount } from './mount.js';
import { PAGE, PipeRing } from './pipe-ring.js';

const READABLE = EPOLLIN | EPOLLRDNORM;
const WRITABLE = EPOLLOUT | EPOLLWRNORM;

const DEFAULT_SLOTS = 16;

export class Pipe {
  readonly ring = new PipeRing(DEFAULT_SLOTS);
  /** Open files that read and that write. */
  readers = 0;
  writers = 0;
  /** How often it has been opened for each: an open that waits for its partner waits for a change of these. */
  readerOpens = 0;
  writerOpens = 0;
  readonly readable = new WaitQueue();
  readonly writable = new WaitQueue();
  /** Somebody polls: tell of every write, since an edge-triggered epoll wants each. */
  polled = false;

  /** Moves bytes out and lets writers know. */
  take(to: IoBuffer): number {
    const { ring } = this;
    const wasFull = ring.full;
    const count = ring.take(to);
    this.removed(wasFull);
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }

  /** Moves bytes in, as many as there is room for, and lets readers know. `first`: the call has written nothing yet. */
  give(from: IoBuffer, packets: boolean, first: boolean): number {
    const { ring } = this;
    const wasEmpty = ring.empty;
    let count = first ? ring.merge(from) : 0;
    if (!from.fault) count += ring.fill(from, packets);
    if (count > 0) this.added(wasEmpty);
    if (first && count === 0 && from.fault) throw EFAULT;
    return count;
  }

  /** Bytes have come: readers may want to know, be it because there were none. */
  added(news: boolean): void {
    if (news || this.polled) this.readable.wakeOne(READABLE);
  }

  /** Bytes have gone: writers may want to know, be it because there was no room. */
  removed(news: boolean): void {
    if (news && !this.ring.full) this.writable.wakeOne(WRITABLE);
  }

  /** An end has been opened or closed. */
  changed(): void {
    this.readable.wake(READABLE | EPOLLERR | EPOLLHUP);
    this.writable.wake(WRITABLE | EPOLLERR | EPOLLHUP);
  }
}

/** The inode of a pipe(2). */
export class PipeInode extends PseudoInode {
  readonly pipe = new Pipe();

  override openAgain(task: Task, openFlags: number): File {
    // Unlike a FIFO's, a pipe's other end need not be open.
    return new PipeFile(undefined, undefined, this, openFlags, task.credentials, this.pipe).opened();
  }
}

export class PipeFile extends File {
  /** `pipe.writerOpens` when a FIFO was opened without writers: not a hang-up until one has come. */
  private quietUntil = -1;

  constructor(
    mount: Mount | undefined,
    dentry: Dentry | undefined,
    inode: Inode,
    openFlags: number,
    credentials: Credentials,
    readonly pipe: Pipe,
  ) {
    super(mount, dentry, inode, openFlags, credentials);
  }

  override get label(): Name {
    return this.dentry === undefined ? `pipe:[${this.inode.ino}]` : '';
  }
  override get seekable(): boolean {
    return false;
  }
  override get asyncCapable(): boolean {
    return true;
  }

  /** Counts the new end. */
  opened(): this {
    const { pipe } = this;
    if (this.readable) {
      pipe.readers++;
      pipe.readerOpens++;
    }
    if (this.writable) {
      pipe.writers++;
      pipe.writerOpens++;
    }
    return this;
  }

  override release(): void {
    const { pipe } = this;
    if (this.readable) pipe.readers--;
    if (this.writable) pipe.writers--;
    if ((pipe.readers === 0) !== (pipe.writers === 0)) pipe.changed();
    // What is left in a FIFO goes with the last that has it open.
    else if (pipe.readers === 0 && this.inode.endpoint === pipe) this.inode.endpoint = undefined;
  }

  override read(task: Task, to: IoBuffer): Result {
    const { pipe } = this;
    if (to.remaining === 0) return 0;
    if (!pipe.ring.empty) return pipe.take(to);
    if (pipe.writers === 0) return 0;
    if (this.nonBlocking) throw EAGAIN;
    return this.readLater(task, to);
  }

  private async readLater(task: Task, to: IoBuffer): Promise<number> {
    const { pipe } = this;
    while (pipe.ring.empty && pipe.writers > 0) {
      if (this.nonBlocking) throw EAGAIN;
      await pipe.readable.sleep(task);
    }
    if (pipe.ring.empty) return 0;
    try {
      return pipe.take(to);
    } finally {
      if (!pipe.ring.empty) pipe.readable.wakeOne(READABLE);
    }
  }

  override write(task: Task, from: IoBuffer): Result {
    const { pipe } = this;
    if (from.remaining === 0) return 0;
    if (pipe.readers === 0) return broken(task);
    const count = pipe.give(from, this.packets, true);
    if (from.remaining === 0 || from.fault) return count;
    if (!this.nonBlocking) return this.writeLater(task, from, count);
    if (count === 0) throw EAGAIN;
    return count;
  }

  private async writeLater(task: Task, from: IoBuffer, before: number): Promise<number> {
    const { pipe } = this;
    let count = before;
    try {
      do {
        while (pipe.ring.full && pipe.readers > 0) {
          if (this.nonBlocking) throw EAGAIN;
          await pipe.writable.sleep(task);
        }
        if (pipe.readers === 0) return broken(task);
        count += pipe.give(from, this.packets, false);
        if (from.fault) throw EFAULT;
      } while (from.remaining > 0);
      if (!pipe.ring.full) pipe.writable.wakeOne(WRITABLE);
      return count;
    } catch (error) {
      // What has been written counts more than why it was not all.
      if (count > 0) return count;
      throw error;
    }
  }

  private get packets(): boolean {
    return (this.flags & O_DIRECT) !== 0;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    const { pipe } = this;
    pipe.polled = true;
    let events = 0;
    if (this.readable) {
      table?.wait(pipe.readable);
      if (!pipe.ring.empty) events |= READABLE;
      if (pipe.writers === 0 && this.quietUntil !== pipe.writerOpens) events |= EPOLLHUP;
    }
    if (this.writable) {
      table?.wait(pipe.writable);
      if (!pipe.ring.full) events |= WRITABLE;
      if (pipe.readers === 0) events |= EPOLLERR;
    }
    return events;
  }

  override fsync(): number {
    throw EINVAL;
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    if (request !== FIONREAD) throw ENOTTY;
    task.memory.putU32(argument, this.pipe.ring.bytes);
    return 0;
  }

  /** Counts the new end of a FIFO, and waits for the other one if it has to. */
  openFifo(task: Task): File | Promise<File> {
    const { pipe } = this;
    this.opened();
    if ((this.readable && pipe.readers === 1) || (this.writable && pipe.writers === 1)) pipe.changed();
    if (this.readable && this.writable) return this;
    const alone = this.readable ? pipe.writers === 0 : pipe.readers === 0;
    if (!alone) return this;
    if (!this.nonBlocking) return this.waitForPartner(task);
    this.quietUntil = pipe.writerOpens;
    return this;
  }

  /** Waits for an open of the other end since this one's; it may be closed again by the time that this is noticed. */
  private async waitForPartner(task: Task): Promise<File> {
    const { pipe, readable } = this;
    const opens = (): number => (readable ? pipe.writerOpens : pipe.readerOpens);
    const before = opens();
    try {
      while (opens() === before) await (readable ? pipe.readable : pipe.writable).sleep(task);
      return this;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }
}

/** Nobody will ever read it. */
export function broken(task: Task): never {
  sendToTask(task, killInfo(task, SIGPIPE));
  throw EPIPE;
}

/**
 * Opens a FIFO of a file system: fifo(7). It waits for the other end, unless O_RDWR opens both. With O_NONBLOCK it does not
 * wait, but refuses to write to nobody.
 */
export function openFifo(context: OpenContext, inode: Inode): File | Promise<File> {
  const { task, mount, dentry } = context;
  const access = context.flags & O_ACCMODE;
  if (access === O_ACCMODE) throw EINVAL;
  const old = inode.endpoint as Pipe | undefined;
  if (access === O_WRONLY && (context.flags & O_NONBLOCK) !== 0 && (old?.readers ?? 0) === 0) throw ENXIO;
  const pipe = old ?? new Pipe();
  inode.endpoint = pipe;
  const file = new PipeFile(mount, dentry, inode, context.flags, task.credentials, pipe);
  return file.openFifo(task);
}

/** A new pipe: its reading and its writing end. */
export function createPipe(task: Task, openFlags: number): [read: PipeFile, write: PipeFile] {
  const { anonymous } = task.kernel;
  const inode = new PipeInode(anonymous.pipes, anonymous.newIno());
  anonymous.initializePipe(inode, task.credentials);
  const end = (endFlags: number): PipeFile =>
    new PipeFile(undefined, undefined, inode, endFlags, task.credentials, inode.pipe).opened();
  return [end(openFlags & O_NONBLOCK), end(O_WRONLY | (openFlags & (O_NONBLOCK | O_DIRECT)))];
}

function makePipe(task: Task, at: number, openFlags: number): number {
  const { files } = task;
  const limit = descriptorLimit(task);
  const closeOnExec = (openFlags & O_CLOEXEC) !== 0;
  const ends = createPipe(task, openFlags);
  const made: number[] = [];
  try {
    for (const end of ends) made.push(files.install(end, closeOnExec, limit));
    task.memory.copyOut(at, new Uint8Array(new Int32Array(made).buffer));
    return 0;
  } catch (error) {
    for (const fd of made) files.close(task, fd);
    for (const end of ends.slice(made.length)) end.drop();
    throw error;
  }
}

export const sys_pipe = syscall([address], (task, at) => makePipe(task, at, 0));

export const sys_pipe2 = syscall([address, flags(pipeFlags)], makePipe);

/** F_GETPIPE_SZ */
export function pipeSize(file: File): number {
  if (!(file instanceof PipeFile)) throw EBADF;
  return file.pipe.ring.capacity * PAGE;
}

/** The capacity that a pipe gets which is to hold `size` bytes: a power of two of pages. EINVAL when that is too much. */
export function roundPipeSize(size: number): number {
  if (size > 2 ** 31) throw EINVAL;
  let rounded = PAGE;
  while (rounded < size) rounded *= 2;
  return rounded;
}

/** F_SETPIPE_SZ */
export function setPipeSize(task: Task, file: File, wanted: number): number {
  if (!(file instanceof PipeFile)) throw EBADF;
  const size = roundPipeSize(wanted);
  const slots = size / PAGE;
  const { pipe } = file;
  const { ring } = pipe;
  const { pipeMaxSize } = task.kernel.fsSettings;
  if (slots > ring.capacity && size > pipeMaxSize && !capable(task.credentials, CAP_SYS_RESOURCE))
    throw EPERM;
  if (slots < ring.usedSlots) throw EBUSY;
  ring.resize(slots);
  // There may be more room for writers now. Linux does not look whether there is.
  pipe.writable.wake();
  return size;
}
