/**
 * An inode: what a file system knows of a file. Each file system subclasses it; the defaults fail as Linux does for an
 * operation that a file system does not have. All operations are synchronous (a read that must wait for the host's disk
 * does so); only open files wait. Callers (namei) have checked permissions, types and read-only mounts.
 */
import type { TimeSpec } from '../host/host.js';
import type { Credentials } from '../kernel/credentials.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import type { PageCache } from '../mm/page-cache.js';
import { EACCES, EINVAL, ENODATA, ENOTDIR, EOPNOTSUPP, EPERM } from '../uapi/errno.js';
import type { Dentry } from './dentry.js';
import type { File } from './file.js';
import type { InodeLocks } from './locks.js';
import type { Mount } from './mount.js';
import type { InodeWatches } from './notify.js';
import type { AccessControl } from './posix-acl.js';
import type { SuperBlock } from './super-block.js';

/** What setattr changes; absent fields stay. Times are exact. */
export interface AttributeChange {
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atime?: TimeSpec;
  mtime?: TimeSpec;
  ctime?: TimeSpec;
}

/** What open hands to an inode. */
export interface OpenContext {
  readonly task: Task;
  readonly mount: Mount;
  readonly dentry: Dentry;
  /** O_* flags. O_CREAT and the like have been acted on; O_NOCTTY and O_TRUNC are still seen, but do not stay. */
  readonly flags: number;
}

export abstract class Inode {
  /** S_IF* type and permission bits. */
  mode = 0;
  nlink = 1;
  uid = 0;
  gid = 0;
  /** Device number, for device nodes: makedev encoding of lib as in st_rdev. */
  rdev = 0;
  /** Bytes; exact below 2^53. */
  size = 0;
  atime: TimeSpec = { sec: 0, nsec: 0 };
  mtime: TimeSpec = { sec: 0, nsec: 0 };
  ctime: TimeSpec = { sec: 0, nsec: 0 };
  btime: TimeSpec | undefined;
  /** FS_*_FL flags: immutable, append-only: chattr(1). */
  flags = 0;
  /** Access control lists, where the file system keeps them: fs/posix-acl.ts. */
  acl: AccessControl | undefined;
  /** Open for writing (> 0) or being executed (< 0): ETXTBSY. */
  writers = 0;
  /** Without a name, but linkat(2) may give it one: O_TMPFILE. */
  linkable = false;
  /** A removed directory: nothing can be made in it any more. */
  dead = false;
  /** Locks: fs/locks.ts. Undefined when there never were any. */
  locks: InodeLocks | undefined;
  /** inotify watches: fs/notify.ts. Undefined when there are none. */
  watches: InodeWatches | undefined;
  /** F_SEAL_* of memfd_create(2); undefined where files cannot be sealed. */
  seals: number | undefined;
  /** F_SET_RW_HINT: RWH_WRITE_LIFE_*. */
  writeHint = 0;
  /** A FIFO's or a bound unix socket's live object: fs/pipe.ts, net/unix. */
  endpoint: unknown;

  constructor(
    readonly superBlock: SuperBlock,
    readonly ino: number,
  ) {}

  /** The page cache of a regular file, or undefined where there is none (proc, devices). */
  get pages(): PageCache | undefined {
    return undefined;
  }

  /** st_dev: that of the file system, but for overlayfs. */
  get device(): number {
    return this.superBlock.dev;
  }

  /** 512-byte blocks used, for stat. */
  get blocks(): number {
    return Math.ceil(this.size / 512);
  }

  get blockSize(): number {
    return this.superBlock.blockSize;
  }

  /** Brings the fields up to date before they are shown (hostfs asks the host). */
  refresh(): void {}

  /** Checks MAY_READ 4, MAY_WRITE 2, MAY_EXEC 1; undefined: the generic mode-bit (and ACL) check applies. Throws EACCES. */
  permission(_credentials: Credentials, _mask: number): boolean | undefined {
    return undefined;
  }

  // Directories. Names are single components, never '.' or '..'.

  /** The inode of a name, or undefined when there is none. */
  lookup(_name: Name): Inode | undefined {
    throw ENOTDIR;
  }
  /** A new regular file. `mode` includes S_IFREG and has the umask applied. The new inode belongs to `owner`. */
  create(_name: Name, _mode: number, _owner: Credentials): Inode {
    throw EACCES;
  }
  mkdir(_name: Name, _mode: number, _owner: Credentials): Inode {
    throw EPERM;
  }
  /** A device node, FIFO or socket. */
  mknod(_name: Name, _mode: number, _rdev: number, _owner: Credentials): Inode {
    throw EPERM;
  }
  symlink(_name: Name, _target: Name, _owner: Credentials): Inode {
    throw EPERM;
  }
  link(_name: Name, _target: Inode): void {
    throw EPERM;
  }
  unlink(_name: Name, _inode: Inode): void {
    throw EPERM;
  }
  rmdir(_name: Name, _inode: Inode): void {
    throw EPERM;
  }
  /**
   * Moves `inode` (called `name` here) to `toName` in `to`, replacing `replaced` if given. `flags`: RENAME_NOREPLACE is
   * handled by the caller; RENAME_EXCHANGE and RENAME_WHITEOUT are the file system's (EINVAL if it has not got them).
   */
  rename(
    _name: Name,
    _inode: Inode,
    _to: Inode,
    _toName: Name,
    _replaced: Inode | undefined,
    _flags: number,
  ): void {
    throw EPERM;
  }
  /** An unnamed regular file: O_TMPFILE. */
  tmpfile(_mode: number, _owner: Credentials): Inode {
    throw EOPNOTSUPP;
  }

  // Everything.

  /** The text of a symbolic link; that of some in /proc depends on who reads it. */
  readlink(_reader?: Task): Name {
    throw EINVAL;
  }
  /** Follows a magic link (/proc/PID/fd/N, /proc/PID/exe) straight to an object; undefined for ordinary links. */
  followMagic(_task: Task): { mount: Mount; dentry: Dentry } | undefined {
    return undefined;
  }
  /** Applies changes, already checked. A size change truncates or extends. */
  setAttributes(change: AttributeChange): void {
    if (change.mode !== undefined) this.mode = (this.mode & 0o170000) | (change.mode & 0o7777);
    if (change.uid !== undefined) this.uid = change.uid;
    if (change.gid !== undefined) this.gid = change.gid;
    if (change.atime !== undefined) this.atime = change.atime;
    if (change.mtime !== undefined) this.mtime = change.mtime;
    if (change.ctime !== undefined) this.ctime = change.ctime;
    if (change.size !== undefined) throw EINVAL;
  }
  /** Makes an open file. Device nodes, FIFOs and sockets are opened by fs/open before this is reached. May wait. */
  open(_context: OpenContext): File | Promise<File> {
    throw EOPNOTSUPP;
  }
  /** Notes an access or a change of the contents: times that no one has asked for by name. Linux's update_time. */
  updateTimes(times: Pick<AttributeChange, 'atime' | 'mtime' | 'ctime'>): void {
    if (times.atime !== undefined) this.atime = times.atime;
    if (times.mtime !== undefined) this.mtime = times.mtime;
    if (times.ctime !== undefined) this.ctime = times.ctime;
  }
  fallocate(_mode: number, _offset: number, _length: number): Result {
    throw EOPNOTSUPP;
  }
  /** SEEK_DATA and SEEK_HOLE from an offset inside the file; ENXIO: no data there. Without holes, all is data. */
  seekData(offset: number): number {
    return offset;
  }
  seekHole(_offset: number): number {
    return this.size;
  }
  /** Writes back data (and metadata) to stable storage. */
  sync(_dataOnly: boolean): Result {
    return 0;
  }
  /** F_ADD_SEALS, checked. EBUSY if they cannot be had now: F_SEAL_WRITE with writable shared mappings. */
  addSeals(seals: number): void {
    this.seals = (this.seals ?? 0) | seals;
  }
  /** Whether it has FS_*_FL flags (`flags`) that FS_IOC_GETFLAGS shows. */
  get hasFlags(): boolean {
    return false;
  }
  /** FS_IOC_SETFLAGS, checked. EOPNOTSUPP for flags that the file system has not got. */
  setFlags(_flags: number): void {
    throw EOPNOTSUPP;
  }
  /** Keeps lists, already checked, and in accord with the mode: for file systems whose super block says `posixAcl`. */
  setAcl(_acl: AccessControl | undefined): void {
    throw EOPNOTSUPP;
  }
  getxattr(_name: Name): Uint8Array {
    throw EOPNOTSUPP;
  }
  /** `flags`: XATTR_CREATE, XATTR_REPLACE. */
  setxattr(_name: Name, _value: Uint8Array, _flags: number): void {
    throw EOPNOTSUPP;
  }
  listxattr(): Name[] {
    return [];
  }
  /** Whether there is a security.capability attribute: writes and chown take it away. */
  get hasFileCapabilities(): boolean {
    return false;
  }
  removexattr(_name: Name): void {
    throw ENODATA;
  }
  /** No dentry, file or mapping refers to it any more. With nlink 0 its storage may go. */
  evict(): void {}

  /** How many dentries, open files and mappings keep it: `evict` runs when it falls to 0. */
  private users = 0;
  hold(): this {
    this.users++;
    return this;
  }
  drop(): void {
    if (--this.users === 0) this.evict();
  }
}
