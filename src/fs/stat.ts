/** stat(2), statx(2), readlink(2). Linux's stat.c. */
import { address, bits, fd, int, path, syscall, uint, type Argument } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { nameToBytes, type Name } from '../lib/names.js';
import { hi } from '../lib/word64.js';
import { EINVAL, ENOENT } from '../uapi/errno.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
  fstatatFlags,
  statxFlags,
} from '../uapi/fcntl.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL, FS_NODUMP_FL } from '../uapi/fs.js';
import {
  S_ISLNK,
  stat as statLayout,
  statx as statxLayout,
  STATX_ATTR_APPEND,
  STATX_ATTR_IMMUTABLE,
  STATX_ATTR_MOUNT_ROOT,
  STATX_ATTR_NODUMP,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX__RESERVED,
} from '../uapi/stat.js';
import { majorOf, minorOf } from './char-dev.js';
import type { Inode } from './inode.js';
import { touchAtime } from './inode-times.js';
import type { Path } from './mount.js';
import { filePath, inodeOf, lookupAt, LOOKUP_EMPTY, LOOKUP_FOLLOW } from './namei.js';

/** LOOKUP_* of the AT_ flags that most calls take. */
export const lookupFlags = (flags: number): number =>
  ((flags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : LOOKUP_FOLLOW) |
  ((flags & AT_EMPTY_PATH) !== 0 ? LOOKUP_EMPTY : 0);

/** The inode to tell of: an empty path means the descriptor, whatever it refers to. */
function statTarget(task: Task, dirfd: number, name: Name, flags: number): Inode {
  if (name === '' && (flags & AT_EMPTY_PATH) !== 0 && dirfd !== AT_FDCWD) return task.files.get(dirfd).inode;
  return inodeOf(lookupAt(task, dirfd, name, lookupFlags(flags)).dentry);
}

/** Where a struct stat is laid out before it goes to user memory: one for a kernel, since making one costs more than a look-up. */
export class StatBuffer {
  private readonly words = new Int32Array(statLayout.size / 4);
  readonly bytes = new Uint8Array(this.words.buffer);

  /** A 64-bit field. Plain words: every program's start is full of stats, and this is twice as fast as field by field. */
  private put(at: number, value: number): void {
    this.words[at] = value;
    this.words[at + 1] = value >= 0 && value <= 0x7fff_ffff ? 0 : hi(value);
  }

  fill(inode: Inode): Uint8Array {
    const { words } = this;
    this.put(at.st_dev, inode.device);
    this.put(at.st_ino, inode.ino);
    this.put(at.st_nlink, inode.nlink);
    words[at.st_mode] = inode.mode;
    words[at.st_uid] = inode.uid;
    words[at.st_gid] = inode.gid;
    this.put(at.st_rdev, inode.rdev);
    this.put(at.st_size, inode.size);
    this.put(at.st_blksize, inode.blockSize);
    this.put(at.st_blocks, inode.blocks);
    const { atime, mtime, ctime } = inode;
    this.put(at.st_atime, atime.sec);
    this.put(at.st_atime_nsec, atime.nsec);
    this.put(at.st_mtime, mtime.sec);
    this.put(at.st_mtime_nsec, mtime.nsec);
    this.put(at.st_ctime, ctime.sec);
    this.put(at.st_ctime_nsec, ctime.nsec);
    return this.bytes;
  }
}

type Offsets = { readonly [K in keyof typeof statLayout.offset]: number };
/** Of each field, in words. */
const at = Object.fromEntries(
  Object.entries(statLayout.offset).map(([name, offset]) => [name, offset / 4]),
) as Offsets;

/** Puts an inode's struct stat into user memory. */
function putStat(task: Task, inode: Inode, buffer: number): number {
  inode.refresh();
  const { kernel } = task;
  task.memory.copyOut(buffer, (kernel.statBuffer ??= new StatBuffer()).fill(inode));
  return 0;
}

export const sys_stat = syscall([path, address], (task, name, buffer) =>
  putStat(task, statTarget(task, AT_FDCWD, name, 0), buffer),
);

export const sys_lstat = syscall([path, address], (task, name, buffer) =>
  putStat(task, statTarget(task, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW), buffer),
);

export const sys_fstat = syscall([fd, address], (task, file, buffer) =>
  putStat(task, task.files.get(file).inode, buffer),
);

export const sys_newfstatat = syscall(
  [fd, path, address, bits(fstatatFlags)],
  (task, dirfd, name, buffer, flags) => {
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) !== 0) throw EINVAL;
    return putStat(task, statTarget(task, dirfd, name, flags), buffer);
  },
);

/** A path for statx(2): since Linux 6.11 a null pointer is taken for an empty path. */
const statxPath: Argument<Name> = {
  decode: (task, lo, hi) => (lo === 0 && hi === 0 ? '' : path.decode(task, lo, hi)),
  format: (value) => path.format(value),
};

export const sys_statx = syscall(
  [fd, statxPath, bits(statxFlags), uint, address],
  (task, dirfd, name, flags, mask, buffer) => {
    if (statxFlags.unknown(flags) !== 0 || (mask & STATX__RESERVED) !== 0) throw EINVAL;
    if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) throw EINVAL;
    const place =
      name === '' && (flags & AT_EMPTY_PATH) !== 0 && dirfd !== AT_FDCWD
        ? filePath(task.files.get(dirfd))
        : lookupAt(task, dirfd, name, lookupFlags(flags));
    putStatx(task, place, mask, buffer);
    return 0;
  },
);

const ATTRIBUTES_KNOWN = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP | STATX_ATTR_MOUNT_ROOT;

function putStatx(task: Task, { mount, dentry }: Path, mask: number, buffer: number): void {
  const inode = inodeOf(dentry);
  inode.refresh();
  const { flags, btime } = inode;
  const attributes =
    ((flags & FS_IMMUTABLE_FL) !== 0 ? STATX_ATTR_IMMUTABLE : 0) |
    ((flags & FS_APPEND_FL) !== 0 ? STATX_ATTR_APPEND : 0) |
    ((flags & FS_NODUMP_FL) !== 0 ? STATX_ATTR_NODUMP : 0) |
    (dentry === mount.root && mount.id !== 0 ? STATX_ATTR_MOUNT_ROOT : 0);
  const given =
    STATX_BASIC_STATS |
    (btime !== undefined && (mask & STATX_BTIME) !== 0 ? STATX_BTIME : 0) |
    (mount.id !== 0 && (mask & STATX_MNT_ID) !== 0 ? STATX_MNT_ID : 0);
  const time = (at: { sec: number; nsec: number }) => ({ tv_sec: at.sec, tv_nsec: at.nsec });
  task.memory.copyOut(
    buffer,
    statxLayout.encode({
      stx_mask: given,
      stx_blksize: inode.blockSize,
      stx_attributes: attributes,
      stx_nlink: inode.nlink,
      stx_uid: inode.uid,
      stx_gid: inode.gid,
      stx_mode: inode.mode,
      stx_ino: inode.ino,
      stx_size: inode.size,
      stx_blocks: inode.blocks,
      stx_attributes_mask: ATTRIBUTES_KNOWN,
      stx_atime: time(inode.atime),
      stx_btime: (given & STATX_BTIME) !== 0 && btime !== undefined ? time(btime) : {},
      stx_ctime: time(inode.ctime),
      stx_mtime: time(inode.mtime),
      stx_rdev_major: majorOf(inode.rdev),
      stx_rdev_minor: minorOf(inode.rdev),
      stx_dev_major: majorOf(inode.device),
      stx_dev_minor: minorOf(inode.device),
      stx_mnt_id: (given & STATX_MNT_ID) !== 0 ? mount.id : 0,
    }),
  );
}

function readLink(task: Task, dirfd: number, name: Name, buffer: number, length: number): number {
  if (length <= 0) throw EINVAL;
  const { mount, dentry } = lookupAt(task, dirfd, name, LOOKUP_EMPTY);
  const inode = inodeOf(dentry);
  if (!S_ISLNK(inode.mode)) throw name === '' ? ENOENT : EINVAL;
  touchAtime(mount, inode);
  const text = nameToBytes(inode.readlink(task));
  const count = Math.min(text.length, length);
  task.memory.copyOut(buffer, text.subarray(0, count));
  return count;
}

export const sys_readlink = syscall([path, address, int], (task, name, buffer, length) =>
  readLink(task, AT_FDCWD, name, buffer, length),
);

/** readlinkat(2): an empty path means the link that `dirfd` was opened on with O_PATH. */
export const sys_readlinkat = syscall([fd, path, address, int], (task, dirfd, name, buffer, length) =>
  readLink(task, dirfd, name, buffer, length),
);
