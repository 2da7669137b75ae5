/**
 * The host's files and descriptors, for hostfs, ubd and console channels: thin, typed host system calls. Names are byte
 * strings (lib/names.ts). Results are zero or more, or a negated errno. Buffers may lie in guest physical memory.
 */

/** What statx tells, numbers exact. Times in seconds and nanoseconds. */
export interface HostStat {
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  size: number;
  blksize: number;
  blocks: number;
  atime: number;
  atimeNsec: number;
  mtime: number;
  mtimeNsec: number;
  ctime: number;
  ctimeNsec: number;
  btime: number;
  btimeNsec: number;
}

export interface HostStatFs {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  namelen: number;
  frsize: number;
}

export interface HostDirEntry {
  name: string;
  ino: number;
  /** DT_* */
  type: number;
}

/** `at` is a directory descriptor, or HOST_AT_FDCWD for the process's own working directory. */
export const HOST_AT_FDCWD = -100;

export interface HostFiles {
  /** openat2; `resolve` is a mask of RESOLVE_*. O_CLOEXEC is always added. */
  open(at: number, path: string, flags: number, mode: number, resolve: number): number;
  close(fd: number): number;
  dup(fd: number): number;
  read(fd: number, into: Uint8Array): number;
  write(fd: number, from: Uint8Array): number;
  pread(fd: number, into: Uint8Array, offset: number): number;
  pwrite(fd: number, from: Uint8Array, offset: number): number;
  /** fstatat with AT_EMPTY_PATH (empty path: the descriptor itself), never following a final symlink. Fills `into`. */
  stat(at: number, path: string, into: HostStat): number;
  statfs(fd: number, into: HostStatFs): number;
  /** Appends all entries ('.' and '..' included) to `into`, from the directory's beginning. */
  readDirectory(fd: number, into: HostDirEntry[]): number;
  /** The link's text, or a negated errno. */
  readLink(at: number, path: string): string | number;
  mkdir(at: number, path: string, mode: number): number;
  mknod(at: number, path: string, mode: number, rdev: number): number;
  /** `flags`: 0 or AT_REMOVEDIR. */
  unlink(at: number, path: string, flags: number): number;
  symlink(target: string, at: number, path: string): number;
  link(oldAt: number, oldPath: string, newAt: number, newPath: string, flags: number): number;
  rename(oldAt: number, oldPath: string, newAt: number, newPath: string, flags: number): number;
  /** On the object that (at, path) names, without following a final symlink; an empty path is the descriptor itself. */
  chmod(at: number, path: string, mode: number): number;
  chown(at: number, path: string, uid: number, gid: number): number;
  /** Seconds and nanoseconds; UTIME_NOW and UTIME_OMIT as nanoseconds pass through. */
  utimes(
    at: number,
    path: string,
    atime: number,
    atimeNsec: number,
    mtime: number,
    mtimeNsec: number,
  ): number;
  truncate(fd: number, size: number): number;
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  fsync(fd: number, dataOnly: boolean): number;
  access(at: number, path: string, mode: number): number;
  seek(fd: number, offset: number, whence: number): number;
  getxattr(fd: number, name: string, into: Uint8Array): number;
  listxattr(fd: number, into: Uint8Array): number;
  setxattr(fd: number, name: string, value: Uint8Array, flags: number): number;
  removexattr(fd: number, name: string): number;
  /** fcntl F_SETLK over the whole file: 'read' or 'write' lock. */
  lock(fd: number, kind: 'read' | 'write' | 'unlock'): number;
  /** fcntl F_GETLK: the process whose lock stands in the way of such a lock; 0 when none does. */
  lockOwner(fd: number, kind: 'read' | 'write'): number;
  /** What holds of a descriptor now, without waiting: a mask of READY_* out of `interest`, READY_ERR and READY_HUP. */
  poll(fd: number, interest: number): number;
  /** ioctl with a buffer argument (TCGETS, TCSETS, TIOCGWINSZ, ...). */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /**
   * A new, non-blocking descriptor for the same pipe or device where that is possible, else a plain dup: a socket, or a
   * regular file, whose position is shared with whoever else has it open.
   */
  reopenNonBlocking(fd: number, flags: number): number;
}
