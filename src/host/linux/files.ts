/** The host's files: each method is one host system call, or what stands in for it where the host is older. */
import { makeDevice } from '../../fs/char-dev.js';
import { nameFromBytes, type Name } from '../../lib/names.js';
import { s32, s64, struct, u32, u64 } from '../../lib/struct.js';
import { EBADF, EINVAL, ENOENT, ENOSYS, EOPNOTSUPP } from '../../uapi/errno.js';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  F_DUPFD_CLOEXEC,
  F_GETLK,
  F_RDLCK,
  F_SETLK,
  F_UNLCK,
  F_WRLCK,
  O_CLOEXEC,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  flock,
} from '../../uapi/fcntl.js';
import {
  STATX_BASIC_STATS,
  STATX_BTIME,
  S_ISCHR,
  S_ISFIFO,
  S_ISLNK,
  statx as statxLayout,
} from '../../uapi/stat.js';
import {
  HOST_AT_FDCWD,
  type HostDirEntry,
  type HostFiles,
  type HostStat,
  type HostStatFs,
} from '../files.js';
import { call, pinned } from './ffi.js';
import { Opener } from './open.js';
import { PathBuffer } from './path-buffer.js';

const SYS_getdents64 = 217;
const SYS_faccessat2 = 439;
const SYS_fchmodat2 = 452;

const close = call<[number]>('int close(int fd)');
const fcntl = call<[number, number, number]>('int fcntl(int fd, int command, intptr_t argument)');
const read = call<[number, Uint8Array, number]>('int64_t read(int fd, uint8_t *into, size_t count)');
const write = call<[number, Uint8Array, number]>('int64_t write(int fd, const uint8_t *from, size_t count)');
const pread = call<[number, Uint8Array, number, number]>(
  'int64_t pread64(int fd, uint8_t *into, size_t count, int64_t offset)',
);
const pwrite = call<[number, Uint8Array, number, number]>(
  'int64_t pwrite64(int fd, const uint8_t *from, size_t count, int64_t offset)',
);
const statx = call<[number, number, number, number, number]>(
  'int statx(int at, intptr_t path, int flags, unsigned int mask, intptr_t into)',
);
const fstatfs = call<[number, number]>('int fstatfs64(int fd, intptr_t into)');
const lseek = call<[number, number, number]>('int64_t lseek64(int fd, int64_t offset, int whence)');
const getdents64 = call<[number, number, number, number]>(
  'int64_t syscall(int64_t number, int fd, intptr_t into, size_t count)',
);
const readlinkat = call<[number, number, number, number]>(
  'int64_t readlinkat(int at, intptr_t path, intptr_t into, size_t count)',
);
const mkdirat = call<[number, number, number]>('int mkdirat(int at, intptr_t path, unsigned int mode)');
const mknodat = call<[number, number, number, number]>(
  'int mknodat(int at, intptr_t path, unsigned int mode, uint64_t rdev)',
);
const unlinkat = call<[number, number, number]>('int unlinkat(int at, intptr_t path, int flags)');
const symlinkat = call<[number, number, number]>('int symlinkat(intptr_t target, int at, intptr_t path)');
const linkat = call<[number, number, number, number, number]>(
  'int linkat(int oldAt, intptr_t oldPath, int newAt, intptr_t newPath, int flags)',
);
const renameat2 = call<[number, number, number, number, number]>(
  'int renameat2(int oldAt, intptr_t oldPath, int newAt, intptr_t newPath, unsigned int flags)',
);
const fchmodat2 = call<[number, number, number, number, number]>(
  'int64_t syscall(int64_t number, int at, intptr_t path, unsigned int mode, unsigned int flags)',
);
const chmod = call<[number, number]>('int chmod(intptr_t path, unsigned int mode)');
const fchownat = call<[number, number, number, number, number]>(
  'int fchownat(int at, intptr_t path, unsigned int uid, unsigned int gid, int flags)',
);
const utimensat = call<[number, number, number, number]>(
  'int utimensat(int at, intptr_t path, intptr_t times, int flags)',
);
const ftruncate = call<[number, number]>('int ftruncate64(int fd, int64_t size)');
const fallocate = call<[number, number, number, number]>(
  'int fallocate64(int fd, int mode, int64_t offset, int64_t length)',
);
const fsync = call<[number]>('int fsync(int fd)');
const fdatasync = call<[number]>('int fdatasync(int fd)');
const faccessat2 = call<[number, number, number, number, number]>(
  'int64_t syscall(int64_t number, int at, intptr_t path, int mode, int flags)',
);
const faccessat = call<[number, number, number, number]>(
  'int faccessat(int at, intptr_t path, int mode, int flags)',
);
const fgetxattr = call<[number, number, Uint8Array, number]>(
  'int64_t fgetxattr(int fd, intptr_t name, uint8_t *into, size_t size)',
);
const flistxattr = call<[number, Uint8Array, number]>(
  'int64_t flistxattr(int fd, uint8_t *into, size_t size)',
);
const fsetxattr = call<[number, number, Uint8Array, number, number]>(
  'int fsetxattr(int fd, intptr_t name, const uint8_t *value, size_t size, int flags)',
);
const fremovexattr = call<[number, number]>('int fremovexattr(int fd, intptr_t name)');
const getxattr = call<[number, number, Uint8Array, number]>(
  'int64_t getxattr(intptr_t path, intptr_t name, uint8_t *into, size_t size)',
);
const listxattr = call<[number, Uint8Array, number]>(
  'int64_t listxattr(intptr_t path, uint8_t *into, size_t size)',
);
const setxattr = call<[number, number, Uint8Array, number, number]>(
  'int setxattr(intptr_t path, intptr_t name, const uint8_t *value, size_t size, int flags)',
);
const removexattr = call<[number, number]>('int removexattr(intptr_t path, intptr_t name)');
const poll = call<[number, number, number]>('int poll(intptr_t fds, unsigned long count, int timeout)');
const ioctl = call<[number, number, Uint8Array]>(
  'int ioctl(int fd, unsigned long request, uint8_t *argument)',
);

/** struct statfs of x86-64: statfs(2). */
const statfsLayout = struct(
  {
    f_type: s64,
    f_bsize: s64,
    f_blocks: u64,
    f_bfree: u64,
    f_bavail: u64,
    f_files: u64,
    f_ffree: u64,
    f_fsid: u64,
    f_namelen: s64,
    f_frsize: s64,
  },
  { size: 120 },
);
const timesLayout = struct({ atime: s64, atimeNsec: s64, mtime: s64, mtimeNsec: s64 });

const LINK_MAX = 4096;
const DIRECTORY_BYTES = 32768;
const { field: st } = statxLayout;
const { tv_sec, tv_nsec } = struct({ tv_sec: s64, tv_nsec: u32, __reserved: s32 }).field;
const lockKinds = { read: F_RDLCK, write: F_WRLCK, unlock: F_UNLCK };

/** A path that names what a descriptor refers to, for calls that take no descriptor opened with O_PATH. */
const descriptorPath = (fd: number): Name => `/proc/self/fd/${fd}`;
/** An empty path means the descriptor itself. */
const emptyPathFlag = (path: Name): number => (path === '' ? AT_EMPTY_PATH : 0);

export class LinuxFiles implements HostFiles {
  private readonly path = new PathBuffer();
  /** For calls that take two names. */
  private readonly secondPath = new PathBuffer();
  private readonly opener = new Opener(this.path);
  private readonly record = pinned(statxLayout.size);
  private readonly bytes = pinned(DIRECTORY_BYTES);

  open(at: number, path: Name, flags: number, mode: number, resolve: number): number {
    return this.opener.open(at, path, flags, mode, resolve);
  }

  close(fd: number): number {
    return close(fd);
  }

  dup(fd: number): number {
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }

  read(fd: number, into: Uint8Array): number {
    return read(fd, into, into.length);
  }

  write(fd: number, from: Uint8Array): number {
    return write(fd, from, from.length);
  }

  pread(fd: number, into: Uint8Array, offset: number): number {
    return pread(fd, into, into.length, offset);
  }

  pwrite(fd: number, from: Uint8Array, offset: number): number {
    return pwrite(fd, from, from.length, offset);
  }

  stat(at: number, path: Name, into: HostStat): number {
    const { view, address } = this.record;
    const flags = AT_SYMLINK_NOFOLLOW | emptyPathFlag(path);
    const result = statx(at, this.path.put(path), flags, STATX_BASIC_STATS | STATX_BTIME, address);
    if (result < 0) return result;
    into.dev = makeDevice(st.stx_dev_major.get(view, 0), st.stx_dev_minor.get(view, 0));
    into.ino = st.stx_ino.get(view, 0);
    into.mode = st.stx_mode.get(view, 0);
    into.nlink = st.stx_nlink.get(view, 0);
    into.uid = st.stx_uid.get(view, 0);
    into.gid = st.stx_gid.get(view, 0);
    into.rdev = makeDevice(st.stx_rdev_major.get(view, 0), st.stx_rdev_minor.get(view, 0));
    into.size = st.stx_size.get(view, 0);
    into.blksize = st.stx_blksize.get(view, 0);
    into.blocks = st.stx_blocks.get(view, 0);
    into.atime = tv_sec.get(view, st.stx_atime.offset);
    into.atimeNsec = tv_nsec.get(view, st.stx_atime.offset);
    into.mtime = tv_sec.get(view, st.stx_mtime.offset);
    into.mtimeNsec = tv_nsec.get(view, st.stx_mtime.offset);
    into.ctime = tv_sec.get(view, st.stx_ctime.offset);
    into.ctimeNsec = tv_nsec.get(view, st.stx_ctime.offset);
    into.btime = tv_sec.get(view, st.stx_btime.offset);
    into.btimeNsec = tv_nsec.get(view, st.stx_btime.offset);
    return 0;
  }

  statfs(fd: number, into: HostStatFs): number {
    const result = fstatfs(fd, this.record.address);
    if (result < 0) return result;
    const { f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_namelen, f_frsize } =
      statfsLayout.read(this.record.view, 0);
    into.type = f_type;
    into.bsize = f_bsize;
    into.blocks = f_blocks;
    into.bfree = f_bfree;
    into.bavail = f_bavail;
    into.files = f_files;
    into.ffree = f_ffree;
    into.namelen = f_namelen;
    into.frsize = f_frsize;
    return 0;
  }

  readDirectory(fd: number, into: HostDirEntry[]): number {
    const start = lseek(fd, 0, 0);
    if (start < 0) return start;
    const { bytes, view, address } = this.bytes;
    for (;;) {
      const length = getdents64(SYS_getdents64, fd, address, DIRECTORY_BYTES);
      if (length <= 0) return length;
      for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
        // struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name.
        const ino = view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
        into.push({
          name: nameFromBytes(bytes, at + 19, bytes.indexOf(0, at + 19)),
          ino,
          type: bytes[at + 18],
        });
      }
    }
  }

  readLink(at: number, path: Name): Name | number {
    const length = readlinkat(at, this.path.put(path), this.bytes.address, LINK_MAX);
    return length < 0 ? length : nameFromBytes(this.bytes.bytes, 0, length);
  }

  mkdir(at: number, path: Name, mode: number): number {
    return mkdirat(at, this.path.put(path), mode);
  }

  mknod(at: number, path: Name, mode: number, rdev: number): number {
    return mknodat(at, this.path.put(path), mode, rdev);
  }

  unlink(at: number, path: Name, flags: number): number {
    return unlinkat(at, this.path.put(path), flags);
  }

  symlink(target: Name, at: number, path: Name): number {
    return symlinkat(this.secondPath.put(target), at, this.path.put(path));
  }

  link(oldAt: number, oldPath: Name, newAt: number, newPath: Name, flags: number): number {
    const result = linkat(oldAt, this.path.put(oldPath), newAt, this.secondPath.put(newPath), flags);
    if (result !== -ENOENT.number || oldPath !== '' || (flags & AT_EMPTY_PATH) === 0) return result;
    // Before Linux 6.10 AT_EMPTY_PATH took a capability, and its lack was ENOENT.
    const path = this.path.put(descriptorPath(oldAt));
    return linkat(HOST_AT_FDCWD, path, newAt, this.secondPath.put(newPath), AT_SYMLINK_FOLLOW);
  }

  rename(oldAt: number, oldPath: Name, newAt: number, newPath: Name, flags: number): number {
    return renameat2(oldAt, this.path.put(oldPath), newAt, this.secondPath.put(newPath), flags);
  }

  chmod(at: number, path: Name, mode: number): number {
    const flags = AT_SYMLINK_NOFOLLOW | emptyPathFlag(path);
    const result = fchmodat2(SYS_fchmodat2, at, this.path.put(path), mode, flags);
    // Linux 6.6 has it; container filters answer EPERM to what they do not know.
    return result === -ENOSYS.number || result === -1 ? this.chmodByDescriptor(at, path, mode) : result;
  }

  private chmodByDescriptor(at: number, path: Name, mode: number): number {
    if (path === '') return chmod(this.path.put(descriptorPath(at)), mode);
    const fd = this.open(at, path, O_PATH | O_NOFOLLOW, 0, 0);
    if (fd < 0) return fd;
    const { view, address } = this.record;
    let result = statx(fd, this.path.put(''), AT_EMPTY_PATH, STATX_BASIC_STATS, address);
    if (result === 0) {
      if (S_ISLNK(st.stx_mode.get(view, 0))) result = -EOPNOTSUPP.number;
      else result = chmod(this.path.put(descriptorPath(fd)), mode);
    }
    close(fd);
    return result;
  }

  chown(at: number, path: Name, uid: number, gid: number): number {
    const flags = AT_SYMLINK_NOFOLLOW | emptyPathFlag(path);
    return fchownat(at, this.path.put(path), uid >>> 0, gid >>> 0, flags);
  }

  utimes(at: number, path: Name, atime: number, atimeNsec: number, mtime: number, mtimeNsec: number): number {
    timesLayout.write(this.record.view, 0, { atime, atimeNsec, mtime, mtimeNsec });
    const times = this.record.address;
    const flags = AT_SYMLINK_NOFOLLOW | emptyPathFlag(path);
    const result = utimensat(at, this.path.put(path), times, flags);
    if (result !== -EINVAL.number || path !== '') return result;
    // AT_EMPTY_PATH came with Linux 5.8.
    return utimensat(HOST_AT_FDCWD, this.path.put(descriptorPath(at)), times, 0);
  }

  truncate(fd: number, size: number): number {
    return ftruncate(fd, size);
  }

  fallocate(fd: number, mode: number, offset: number, length: number): number {
    return fallocate(fd, mode, offset, length);
  }

  fsync(fd: number, dataOnly: boolean): number {
    return dataOnly ? fdatasync(fd) : fsync(fd);
  }

  access(at: number, path: Name, mode: number): number {
    const flags = AT_EACCESS | AT_SYMLINK_NOFOLLOW | emptyPathFlag(path);
    const result = faccessat2(SYS_faccessat2, at, this.path.put(path), mode, flags);
    if (result !== -ENOSYS.number && result !== -1) return result;
    // Before Linux 5.8 the C library does what flags ask; EPERM is also a container filter's answer to the new call.
    if (path === '') return faccessat(HOST_AT_FDCWD, this.path.put(descriptorPath(at)), mode, AT_EACCESS);
    return faccessat(at, this.path.put(path), mode, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
  }

  seek(fd: number, offset: number, whence: number): number {
    return lseek(fd, offset, whence);
  }

  // The f*xattr calls refuse descriptors opened with O_PATH (EBADF); their path in /proc serves instead.

  getxattr(fd: number, name: Name, into: Uint8Array): number {
    const key = this.secondPath.put(name);
    const result = fgetxattr(fd, key, into, into.length);
    if (result !== -EBADF.number) return result;
    return getxattr(this.path.put(descriptorPath(fd)), key, into, into.length);
  }

  listxattr(fd: number, into: Uint8Array): number {
    const result = flistxattr(fd, into, into.length);
    return result !== -EBADF.number
      ? result
      : listxattr(this.path.put(descriptorPath(fd)), into, into.length);
  }

  setxattr(fd: number, name: Name, value: Uint8Array, flags: number): number {
    const key = this.secondPath.put(name);
    const result = fsetxattr(fd, key, value, value.length, flags);
    if (result !== -EBADF.number) return result;
    return setxattr(this.path.put(descriptorPath(fd)), key, value, value.length, flags);
  }

  removexattr(fd: number, name: Name): number {
    const key = this.secondPath.put(name);
    const result = fremovexattr(fd, key);
    return result !== -EBADF.number ? result : removexattr(this.path.put(descriptorPath(fd)), key);
  }

  lock(fd: number, kind: 'read' | 'write' | 'unlock'): number {
    // l_start and l_len of 0: the whole file, however it grows.
    flock.write(this.record.view, 0, { l_type: lockKinds[kind] });
    return fcntl(fd, F_SETLK, this.record.address);
  }

  lockOwner(fd: number, kind: 'read' | 'write'): number {
    const { view, address } = this.record;
    flock.write(view, 0, { l_type: lockKinds[kind] });
    const result = fcntl(fd, F_GETLK, address);
    if (result < 0) return result;
    return flock.field.l_type.get(view, 0) === F_UNLCK ? 0 : flock.field.l_pid.get(view, 0);
  }

  ioctl(fd: number, request: number, argument: Uint8Array): number {
    return ioctl(fd, request >>> 0, argument);
  }

  poll(fd: number, interest: number): number {
    // struct pollfd; the bits are those of epoll.
    const { view, address } = this.record;
    view.setInt32(0, fd, true);
    view.setInt16(4, interest, true);
    const result = poll(address, 1, 0);
    return result <= 0 ? result : view.getInt16(6, true);
  }

  reopenNonBlocking(fd: number, flags: number): number {
    const { view, address } = this.record;
    const result = statx(fd, this.path.put(''), AT_EMPTY_PATH, STATX_BASIC_STATS, address);
    if (result < 0) return result;
    const mode = st.stx_mode.get(view, 0);
    if (!S_ISFIFO(mode) && !S_ISCHR(mode)) return this.dup(fd);
    // A new open file description: O_NONBLOCK on the old one would also hit whoever shares it, such as a shell.
    const all = flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const opened = this.open(HOST_AT_FDCWD, descriptorPath(fd), all, 0, 0);
    return opened >= 0 ? opened : this.dup(fd);
  }
}
