/**
 * The host process's own descriptors as guest files: what `uml run` gives its command as standard streams when they are
 * pipes or files. Character devices, since a guest opens them by name too (/dev/stdin leads here).
 */
import { CharDriver, type Devices, makeDevice } from '../../fs/char-dev.js';
import type { Dentry } from '../../fs/dentry.js';
import { File, type PollTable } from '../../fs/file.js';
import type { Inode, OpenContext } from '../../fs/inode.js';
import type { Mount } from '../../fs/mount.js';
import type { HostStat } from '../../host/files.js';
import { type Host, READY_ERR, READY_HUP, READY_IN, READY_OUT, type ReadyListener } from '../../host/host.js';
import type { Credentials } from '../../kernel/credentials.js';
import { killInfo } from '../../kernel/siginfo.js';
import { sendToTask } from '../../kernel/signal-send.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { WaitQueue } from '../../kernel/wait.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { EPOLLRDNORM, EPOLLWRNORM } from '../../uapi/epoll.js';
import { EAGAIN, EFAULT, ENOTTY, ENXIO, EPIPE, Errno, errnoOf } from '../../uapi/errno.js';
import { O_RDONLY, O_WRONLY } from '../../uapi/fcntl.js';
import { FIONREAD } from '../../uapi/ioctls.js';
import { SIGPIPE } from '../../uapi/signal.js';
import { S_IFCHR, S_ISSOCK } from '../../uapi/stat.js';

/** From the range for local use. */
const MAJOR = 240;
/** Bytes moved in one host call. */
const CHUNK = 65536;
/** What a write to a blocking pipe or socket takes without blocking, once it is ready: PIPE_BUF. */
const SAFE_WRITE = 4096;
const STREAM_NAMES = ['hostin', 'hostout', 'hosterr'];

/** One descriptor of the host process, shared by all guest files that were opened from it. */
export class HostStream implements ReadyListener {
  /** Woken, with the READY_* bits, when the host says so. */
  readonly changed = new WaitQueue();
  private readonly fd: number;
  /** For bytes on their way, between two awaits. */
  readonly scratch = new Uint8Array(CHUNK);
  private interest = 0;
  /** A socket: it could not be made non-blocking without changing what others have of it. */
  private readonly mayBlock: boolean;

  constructor(
    private readonly host: Host,
    descriptor: number,
  ) {
    const stat = {} as HostStat;
    this.mayBlock = host.files.stat(descriptor, '', stat) === 0 && S_ISSOCK(stat.mode);
    const flags = descriptor === 0 ? O_RDONLY : O_WRONLY;
    this.fd = host.files.reopenNonBlocking(descriptor, flags);
  }

  get exists(): boolean {
    return this.fd >= 0;
  }

  /** What holds now: a mask of READY_*. */
  ready(): number {
    return this.host.files.poll(this.fd, READY_IN | READY_OUT);
  }

  /** Has `changed` woken once when one of these holds. */
  arm(interest: number): void {
    if ((this.interest & interest) === interest) return;
    this.interest |= interest;
    this.host.events.watch(this.fd, this.interest, this);
  }

  hostReady(_fd: number, ready: number): void {
    // A hang-up is reported for as long as anything is watched.
    const over = (ready & (READY_ERR | READY_HUP)) !== 0;
    this.interest = over ? 0 : this.interest & ~ready;
    this.host.events.watch(this.fd, this.interest, this);
    this.changed.wake(ready);
  }

  /** Bytes read, 0 at the end, or a negated errno. */
  read(into: Uint8Array): number {
    if (this.mayBlock && this.ready() === 0) return -EAGAIN.number;
    return this.host.files.read(this.fd, into);
  }

  write(from: Uint8Array): number {
    if (!this.mayBlock) return this.host.files.write(this.fd, from);
    if ((this.ready() & ~READY_IN) === 0) return -EAGAIN.number;
    return this.host.files.write(this.fd, from.subarray(0, SAFE_WRITE));
  }

  /** FIONREAD. */
  waiting(): number {
    const bytes = new Uint8Array(4);
    if (this.host.files.ioctl(this.fd, FIONREAD, bytes) !== 0) throw ENOTTY;
    return new DataView(bytes.buffer).getInt32(0, true);
  }
}

class HostStreamFile extends File {
  constructor(
    private readonly stream: HostStream,
    mount: Mount | undefined,
    dentry: Dentry | undefined,
    inode: Inode,
    flags: number,
    credentials: Credentials,
  ) {
    super(mount, dentry, inode, flags, credentials);
  }

  override get seekable(): boolean {
    return false;
  }

  override async read(task: Task, to: IoBuffer): Promise<number> {
    if (to.remaining === 0) return 0;
    const { scratch } = this.stream;
    const bytes = to.remaining < scratch.length ? scratch.subarray(0, to.remaining) : scratch;
    let count = this.stream.read(bytes);
    while (count === -EAGAIN.number) {
      await this.wait(task, READY_IN);
      count = this.stream.read(bytes);
    }
    if (count < 0) throw errnoOf(-count);
    if (to.put(bytes.subarray(0, count)) < count) throw EFAULT;
    return count;
  }

  override async write(task: Task, from: IoBuffer): Promise<number> {
    const { scratch } = this.stream;
    let done = 0;
    while (from.remaining > 0) {
      const bytes = from.remaining < scratch.length ? scratch.subarray(0, from.remaining) : scratch;
      const taken = from.get(bytes);
      if (taken === 0 && done === 0) throw EFAULT;
      const sent = await this.writeAll(task, bytes.subarray(0, taken), done);
      done += sent;
      if (sent < taken || from.fault) break;
    }
    return done;
  }

  /** Writes all, unless a signal or an error ends it: then what has been written counts, if that is anything. */
  private async writeAll(task: Task, bytes: Uint8Array, before: number): Promise<number> {
    let rest = bytes;
    try {
      while (rest.length > 0) {
        const count = this.stream.write(rest);
        if (count >= 0) rest = rest.subarray(count);
        else if (count === -EAGAIN.number) {
          // The scratch memory is everybody's while this one sleeps.
          if (rest.buffer === this.stream.scratch.buffer) rest = rest.slice();
          await this.wait(task, READY_OUT);
        } else this.failed(task, -count);
      }
    } catch (error) {
      if (!(error instanceof Errno) || (before === 0 && rest.length === bytes.length)) throw error;
    }
    return bytes.length - rest.length;
  }

  private failed(task: Task, error: number): never {
    if (error === EPIPE.number) sendToTask(task, killInfo(task, SIGPIPE));
    throw errnoOf(error);
  }

  private wait(task: Task, interest: number): Promise<void> {
    if (this.nonBlocking) throw EAGAIN;
    this.stream.arm(interest);
    return this.stream.changed.sleep(task);
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    const ready = this.stream.ready();
    if (table !== undefined) {
      table.wait(this.stream.changed);
      const wanted = (this.readable ? READY_IN : 0) | (this.writable ? READY_OUT : 0);
      if ((wanted & ~ready) !== 0) this.stream.arm(wanted & ~ready);
    }
    return (
      ready | ((ready & READY_IN) !== 0 ? EPOLLRDNORM : 0) | ((ready & READY_OUT) !== 0 ? EPOLLWRNORM : 0)
    );
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    if (request !== FIONREAD) throw ENOTTY;
    task.memory.putU32(argument, this.stream.waiting());
    return 0;
  }
}

/** /dev/hostin, /dev/hostout and /dev/hosterr: the host process's descriptors 0, 1 and 2. */
export class HostStreams extends CharDriver {
  override readonly name = 'hoststream';
  override readonly major = MAJOR;
  override readonly minors = [0, STREAM_NAMES.length] as const;
  private readonly streams: readonly HostStream[];

  constructor(host: Host, devices: Devices) {
    super();
    this.streams = STREAM_NAMES.map((_, descriptor) => new HostStream(host, descriptor));
    STREAM_NAMES.forEach((name, minor) =>
      devices.addNode({ name, mode: S_IFCHR | 0o666, rdev: makeDevice(MAJOR, minor) }),
    );
  }

  /** The path of the device for a descriptor of the host process. */
  static path(descriptor: number): string {
    return `/dev/${STREAM_NAMES[descriptor]}`;
  }

  override open(inode: Inode, minor: number, context: OpenContext): File {
    const stream = this.streams[minor];
    if (stream === undefined || !stream.exists) throw ENXIO;
    const { mount, dentry, flags, task } = context;
    return new HostStreamFile(stream, mount, dentry, inode, flags, task.credentials);
  }
}
