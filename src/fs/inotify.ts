/** inotify(7): watches on inodes (fs/notify) whose events queue up to be read. */
import type { FsSettings, InotifyAccount } from '../kernel/kernel.js';
import { type Result, bits, fd, flags, int, path, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { WaitQueue } from '../kernel/wait.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { type Name, putName } from '../lib/names.js';
import { EAGAIN, EEXIST, EFAULT, EINVAL, EMFILE, ENOSPC, ENOTTY } from '../uapi/errno.js';
import { EPOLLIN, EPOLLRDNORM } from '../uapi/epoll.js';
import { AT_FDCWD, O_RDONLY } from '../uapi/fcntl.js';
import {
  IN_ALL_EVENTS,
  IN_CLOEXEC,
  IN_DELETE_SELF,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_MOVE_SELF,
  IN_NONBLOCK,
  IN_ONESHOT,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  inotifyInitFlags,
  inotifyWatchFlags,
  inotify_event,
} from '../uapi/inotify.js';
import { FIONREAD } from '../uapi/ioctls.js';
import { AnonymousFile } from './anon-inode.js';
import { descriptorLimit } from './file-calls.js';
import type { PollTable } from './file.js';
import type { Inode } from './inode.js';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, inodeAt } from './namei.js';
import { type InodeWatch, InodeWatches } from './notify.js';
import { MAY_READ, checkPermission } from './permission.js';

/** A mask without any of these is an error; unknown bits beside them are not. */
const ANY_BIT = inotifyWatchFlags.mask | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR;

interface Event {
  /** -1 for IN_Q_OVERFLOW. */
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: Name;
}

/** A name is followed by at least one NUL, up to a multiple of the header's size. */
const nameSize = (name: Name): number =>
  name === '' ? 0 : Math.ceil((name.length + 1) / inotify_event.size) * inotify_event.size;
const sizeOf = ({ name }: Event): number => inotify_event.size + nameSize(name);

function encode({ wd, mask, cookie, name }: Event): Uint8Array {
  const len = nameSize(name);
  const bytes = new Uint8Array(inotify_event.size + len);
  inotify_event.write(new DataView(bytes.buffer), 0, { wd, mask, cookie, len });
  putName(name, bytes, inotify_event.size);
  return bytes;
}

class Watch implements InodeWatch {
  constructor(
    private readonly file: InotifyFile,
    readonly inode: Inode,
    readonly wd: number,
    /** Events, IN_EXCL_UNLINK and IN_ONESHOT. */
    public mask: number,
  ) {}

  event(mask: number, cookie: number, name: Name, unlinked: boolean): void {
    if (unlinked && (this.mask & IN_EXCL_UNLINK) !== 0) return;
    // What happens to a directory itself is not marked as a directory's.
    const shown = (mask & (IN_MOVE_SELF | IN_DELETE_SELF)) === 0 ? mask : mask & ~IN_ISDIR;
    this.file.queueEvent({ wd: this.wd, mask: shown, cookie, name });
    if ((this.mask & IN_ONESHOT) !== 0) this.file.remove(this);
  }

  inodeGone(): void {
    this.file.remove(this);
  }
}

class InotifyFile extends AnonymousFile {
  private readonly watches = new Map<number, Watch>();
  private readonly byInode = new Map<Inode, Watch>();
  private events: Event[] = [];
  /** Events before this one have been read. */
  private head = 0;
  private overflowed = false;
  private lastWd = 0;
  private readonly changed = new WaitQueue();
  private readonly settings: FsSettings;

  constructor(
    task: Task,
    openFlags: number,
    private readonly account: InotifyAccount,
  ) {
    super(task.kernel, task.credentials, openFlags, 'anon_inode:inotify');
    this.settings = task.kernel.fsSettings;
    account.instances++;
  }

  override get asyncCapable(): boolean {
    return true;
  }

  override release(): void {
    for (const watch of this.watches.values()) watch.inode.watches?.remove(watch);
    this.account.instances--;
    this.account.watches -= this.watches.size;
    this.watches.clear();
    this.byInode.clear();
  }

  private get queued(): number {
    return this.events.length - this.head;
  }

  /** An event like the last one in the queue is told once. */
  queueEvent(event: Event): void {
    const last = this.queued > 0 ? this.events[this.events.length - 1] : undefined;
    if (
      last !== undefined &&
      last.wd === event.wd &&
      last.mask === event.mask &&
      last.name === event.name &&
      (last.mask & IN_IGNORED) === 0
    )
      return;
    if (this.queued < this.settings.inotifyMaxQueuedEvents) this.events.push(event);
    else if (this.overflowed) return;
    else {
      this.overflowed = true;
      this.events.push({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: '' });
    }
    this.changed.wake(EPOLLIN | EPOLLRDNORM);
  }

  private takeEvent(): Event {
    const event = this.events[this.head++];
    if (event.wd === -1) this.overflowed = false;
    if (this.head === this.events.length || this.head >= 1024) {
      this.events = this.events.slice(this.head);
      this.head = 0;
    }
    return event;
  }

  /** inotify_add_watch(2): the watch on an inode, new or changed. */
  watch(inode: Inode, request: number): number {
    const mask = request & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);
    const old = this.byInode.get(inode);
    if (old !== undefined) {
      if ((request & IN_MASK_CREATE) !== 0) throw EEXIST;
      old.mask = (request & IN_MASK_ADD) === 0 ? mask : old.mask | mask;
      return old.wd;
    }
    if (this.account.watches >= this.settings.inotifyMaxUserWatches) throw ENOSPC;
    this.account.watches++;
    // Numbers are not used again soon: a reader may still find events of the old watch.
    const watch = new Watch(this, inode, ++this.lastWd, mask);
    this.watches.set(watch.wd, watch);
    this.byInode.set(inode, watch);
    InodeWatches.add(inode, watch);
    return watch.wd;
  }

  /** inotify_rm_watch(2) */
  removeNumber(wd: number): void {
    const watch = this.watches.get(wd);
    if (watch === undefined) throw EINVAL;
    this.remove(watch);
  }

  remove(watch: Watch): void {
    this.watches.delete(watch.wd);
    this.account.watches--;
    this.byInode.delete(watch.inode);
    this.queueEvent({ wd: watch.wd, mask: IN_IGNORED, cookie: 0, name: '' });
    watch.inode.watches?.remove(watch);
  }

  override read(task: Task, to: IoBuffer): Result {
    if (this.queued > 0) return this.take(to);
    if (this.nonBlocking) throw EAGAIN;
    return this.readLater(task, to);
  }

  private async readLater(task: Task, to: IoBuffer): Promise<number> {
    while (this.queued === 0) await this.changed.sleep(task);
    return this.take(to);
  }

  /** As many whole events as there is room for: EINVAL if not even for one. */
  private take(to: IoBuffer): number {
    let count = 0;
    while (this.queued > 0) {
      const size = sizeOf(this.events[this.head]);
      if (size > to.remaining) {
        if (count === 0) throw EINVAL;
        break;
      }
      // An event that cannot be stored is lost, as on Linux.
      if (to.put(encode(this.takeEvent())) < size) throw EFAULT;
      count += size;
    }
    return count;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.changed);
    return this.queued > 0 ? EPOLLIN | EPOLLRDNORM : 0;
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    if (request !== FIONREAD) throw ENOTTY;
    let bytes = 0;
    for (let index = this.head; index < this.events.length; index++) bytes += sizeOf(this.events[index]);
    task.memory.putU32(argument, bytes);
    return 0;
  }

  override showFdInfo(): string {
    const hex = (value: number): string => (value >>> 0).toString(16);
    const lines: string[] = [];
    for (const { wd, inode, mask } of this.watches.values())
      lines.push(
        `inotify wd:${hex(wd)} ino:${inode.ino.toString(16)} sdev:${hex(inode.superBlock.dev)} ` +
          `mask:${hex(mask)} ignored_mask:0\n`,
      );
    return lines.reverse().join('');
  }
}

function accountOf({ kernel: { inotifyAccounts }, credentials: { uid } }: Task): InotifyAccount {
  let account = inotifyAccounts.get(uid);
  if (account === undefined) inotifyAccounts.set(uid, (account = { instances: 0, watches: 0 }));
  return account;
}

function create(task: Task, createFlags: number): number {
  const account = accountOf(task);
  if (account.instances >= task.kernel.fsSettings.inotifyMaxUserInstances) throw EMFILE;
  const file = new InotifyFile(task, O_RDONLY | (createFlags & IN_NONBLOCK), account);
  return task.files.installNew(file, (createFlags & IN_CLOEXEC) !== 0, descriptorLimit(task));
}

export const sys_inotify_init = syscall([], (task) => create(task, 0));

export const sys_inotify_init1 = syscall([flags(inotifyInitFlags)], create);

function inotifyFile(task: Task, at: number): InotifyFile {
  const file = task.files.getOpen(at);
  if (!(file instanceof InotifyFile)) throw EINVAL;
  return file;
}

export const sys_inotify_add_watch = syscall([fd, path, bits(inotifyWatchFlags)], (task, at, name, mask) => {
  if ((mask & ANY_BIT) === 0) throw EINVAL;
  const file = task.files.getOpen(at);
  if ((mask & IN_MASK_ADD) !== 0 && (mask & IN_MASK_CREATE) !== 0) throw EINVAL;
  if (!(file instanceof InotifyFile)) throw EINVAL;
  const follow = (mask & IN_DONT_FOLLOW) === 0 ? LOOKUP_FOLLOW : 0;
  const onlyDirectory = (mask & IN_ONLYDIR) === 0 ? 0 : LOOKUP_DIRECTORY;
  const inode = inodeAt(task, AT_FDCWD, name, follow | onlyDirectory);
  checkPermission(task.credentials, inode, MAY_READ);
  return file.watch(inode, mask);
});

export const sys_inotify_rm_watch = syscall([fd, int], (task, at, wd) => {
  inotifyFile(task, at).removeNumber(wd);
  return 0;
});
