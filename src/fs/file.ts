/**
 * An open file: Linux's struct file, the "open file description" of POSIX. Every kind of thing that a descriptor can refer
 * to subclasses it; the defaults fail as Linux does. Descriptors (fs/file-table) share it by dup and fork and count.
 */
import type { Credentials } from '../kernel/credentials.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { WaitQueue } from '../kernel/wait.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import type { Mappable } from '../mm/mappable.js';
import { EINVAL, ENODEV, ENOTDIR, ENOTTY, ESPIPE } from '../uapi/errno.js';
import { F_OWNER_PID, O_ACCMODE, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, O_PATH } from '../uapi/fcntl.js';
import type { Dentry } from './dentry.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { notifyClose } from './notify.js';

/** What a poll hands to a file: the queues that will be woken when its readiness may have changed. */
export interface PollTable {
  wait(queue: WaitQueue): void;
}

/** Takes directory entries. False when it has no room: the entry is to be offered again. */
export interface DirectorySink {
  /** `next` is the position to continue at after this entry; `type` is DT_*. */
  emit(name: Name, ino: number, type: number, next: number): boolean;
}

/** Gets told that a file's last reference is gone: epoll instances that watch it, locks that belong to it. */
export interface ReleaseListener {
  released(file: File): void;
}

export abstract class File {
  /** O_* flags: access mode and status flags (O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME...). */
  flags: number;
  position = 0;
  /** Descriptors and mappings that share it. */
  private references = 0;
  /** F_SETOWN_EX: who gets SIGIO, a thread, process or process group (F_OWNER_*); 0 for nobody. F_SETSIG. */
  owner = 0;
  ownerType = F_OWNER_PID;
  ownerSignal = 0;
  /** Of who set the owner: they decide whether it may be signalled. */
  ownerCredentials: Credentials | undefined;
  /** O_ASYNC is on: fs/fasync.ts. */
  notifier: ReleaseListener | undefined;
  /** It counts in `inode.writers` and `mount.writers`: set by fs/open. */
  countsAsWriter = false;
  private releaseListeners: Set<ReleaseListener> | undefined;

  constructor(
    /** Where it was opened: undefined for what has no place in a mounted tree (pipes, sockets, anonymous inodes). */
    readonly mount: Mount | undefined,
    readonly dentry: Dentry | undefined,
    readonly inode: Inode,
    flags: number,
    readonly credentials: Credentials,
  ) {
    this.flags = flags;
    inode.hold();
    dentry?.hold();
    mount?.hold();
  }

  get readable(): boolean {
    // Access mode 3 is for ioctls only: neither readable nor writable.
    const access = this.flags & O_ACCMODE;
    return (access === O_RDONLY || access === O_RDWR) && (this.flags & O_PATH) === 0;
  }
  get writable(): boolean {
    const access = this.flags & O_ACCMODE;
    return (access === O_WRONLY || access === O_RDWR) && (this.flags & O_PATH) === 0;
  }
  get nonBlocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }
  /** Whether it has a position: pread, pwrite and lseek work. Streams (pipes, sockets, ttys) have none: ESPIPE. */
  get seekable(): boolean {
    return true;
  }

  hold(): this {
    this.references++;
    return this;
  }
  /** How many keep it open. */
  get referenceCount(): number {
    return this.references;
  }
  /** The last drop releases. */
  drop(): void {
    if (--this.references > 0) return;
    notifyClose(this);
    this.abandon();
  }
  /** An open has failed after all: as the last drop, but watches never heard of the file. */
  abandon(): void {
    if (this.releaseListeners !== undefined)
      for (const listener of this.releaseListeners) listener.released(this);
    this.release();
    if (this.countsAsWriter) {
      this.inode.writers--;
      if (this.mount !== undefined) this.mount.writers--;
    }
    this.dentry?.drop();
    this.mount?.drop();
    this.inode.drop();
  }

  onRelease(listener: ReleaseListener): void {
    (this.releaseListeners ??= new Set()).add(listener);
  }
  offRelease(listener: ReleaseListener): void {
    this.releaseListeners?.delete(listener);
  }

  /** What /proc/PID/fd/N shows for a file without a place in a mounted tree: 'pipe:[8]', 'anon_inode:[eventfd]'. */
  get label(): Name {
    return '';
  }
  /** Whether O_ASYNC works: a change of readiness sends SIGIO. fs/fasync.ts. */
  get asyncCapable(): boolean {
    return false;
  }

  /**
   * Moves bytes at `position` (ignored by streams) and returns how many. The caller advances `this.position`. Opened for
   * reading: checked by the caller. May wait (unless nonBlocking).
   */
  read(_task: Task, _to: IoBuffer, _position: number): Result {
    throw EINVAL;
  }
  write(_task: Task, _from: IoBuffer, _position: number): Result {
    throw EINVAL;
  }
  /** Whether it takes a vector as one write; else writev(2) is a write of each range, up to the first that is not complete. */
  get writesVectors(): boolean {
    return true;
  }
  /** lseek: default refuses. fs/read-write has the generic one for files with a size. */
  seek(_task: Task, _offset: number, _whence: number): Result {
    throw ESPIPE;
  }
  /** Whether it can be waited for. What has no poll of its own, regular files for instance, is always ready. */
  get canPoll(): boolean {
    return this.poll !== File.prototype.poll;
  }
  /** EPOLL* events that hold now; queues that may change that go to `table` if there is one. */
  poll(_task: Task, _table: PollTable | undefined): number {
    return 0x145; // EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM: always ready
  }
  ioctl(_task: Task, _request: number, _argument: number): Result {
    throw ENOTTY;
  }
  /** What a mapping of this file shows: mmap(2). `protection` and `shared` for those that refuse some. */
  mappable(_protection: number, _shared: boolean): Mappable {
    throw ENODEV;
  }
  /** Entries from `this.position` on, '.' and '..' included. Sets `this.position` to where it stopped. */
  readDirectory(_task: Task, _sink: DirectorySink): void {
    throw ENOTDIR;
  }
  fsync(_task: Task, dataOnly: boolean): Result {
    return this.inode.sync(dataOnly);
  }
  /** close(2) of one descriptor, before `drop`: POSIX locks go, errors of write-back are told. */
  flush(_task: Task): void {}
  /** The last reference is gone. */
  release(): void {}
  /** fcntl F_SETFL: after O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME, O_ASYNC were changed. */
  flagsChanged(): void {}
  /** Lines for /proc/PID/fdinfo/N after pos, flags, mnt_id, ino. */
  showFdInfo(): string {
    return '';
  }
}
