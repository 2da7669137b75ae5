/**
 * From a place to an open file: type, permissions, truncation, devices. Linux's may_open, vfs_open and do_dentry_open.
 */
import type { Task } from '../kernel/task.js';
import { EACCES, EBADF, EISDIR, ELOOP, ENOTDIR, ENXIO, EPERM, EROFS, ETXTBSY } from '../uapi/errno.js';
import {
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOATIME,
  O_NOCTTY,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
} from '../uapi/fcntl.js';
import { FS_APPEND_FL } from '../uapi/fs.js';
import { IN_MODIFY, IN_OPEN } from '../uapi/inotify.js';
import { MS_NODEV, MS_NOEXEC } from '../uapi/mount.js';
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISREG,
} from '../uapi/stat.js';
import { PseudoInode } from './anon-inode.js';
import { changeSize } from './attr.js';
import { majorOf, minorOf } from './char-dev.js';
import { File } from './file.js';
import type { Inode, OpenContext } from './inode.js';
import type { Path } from './mount.js';
import { inodeOf, LOOKUP_DIRECTORY } from './namei.js';
import { notifyFile } from './notify.js';
import type { OpenRequest } from './open-flags.js';
import {
  checkMountWritable,
  checkPermission,
  isReadOnly,
  MAY_EXEC,
  MAY_WRITE,
  ownerOrCapable,
} from './permission.js';
import { openFifo } from './pipe.js';

/** An O_PATH descriptor: a place, and no more. */
export class PathFile extends File {
  override get seekable(): boolean {
    return false;
  }
  override seek(): number {
    throw EBADF;
  }
}

/** Opens a place. A file that the same call has created needs no permission. */
export function dentryOpen(
  task: Task,
  place: Path,
  request: OpenRequest,
  origin: 'found' | 'created',
): File | Promise<File> {
  const { mount, dentry } = place;
  const { flags, access, lookup } = request;
  const inode = inodeOf(dentry);
  if ((flags & O_PATH) !== 0) return new PathFile(mount, dentry, inode, statusFlags(flags), task.credentials);
  if (origin === 'created') return openInode(task, place, inode, flags);
  if ((lookup & LOOKUP_DIRECTORY) !== 0 && (inode.mode & S_IFMT) !== S_IFDIR) throw ENOTDIR;
  const truncates = (flags & O_TRUNC) !== 0 && S_ISREG(inode.mode);
  if (truncates) checkMountWritable(mount);
  checkOpen(task, place, inode, flags, access);
  const opened = openInode(task, place, inode, flags);
  if (!truncates) return opened;
  return opened instanceof Promise ? opened.then((file) => truncate(task, file)) : truncate(task, opened);
}

/** O_TRUNC. Once it fails there is nobody to close the file. */
function truncate(task: Task, file: File): File {
  try {
    if (file.inode.writers < 0) throw ETXTBSY;
    changeSize(task, file.inode, 0);
    notifyFile(file, IN_MODIFY);
  } catch (error) {
    file.hold().drop();
    throw error;
  }
  return file;
}

/** Whether the place may be opened so. Linux's may_open. */
function checkOpen(task: Task, { mount }: Path, inode: Inode, flags: number, access: number): void {
  switch (inode.mode & S_IFMT) {
    case S_IFLNK:
      throw ELOOP;
    case S_IFDIR:
      if ((access & MAY_WRITE) !== 0) throw EISDIR;
      if ((access & MAY_EXEC) !== 0) throw EACCES;
      break;
    case S_IFBLK:
    case S_IFCHR:
      if ((mount.flags & MS_NODEV) !== 0 || (access & MAY_EXEC) !== 0) throw EACCES;
      break;
    case S_IFIFO:
    case S_IFSOCK:
      if ((access & MAY_EXEC) !== 0) throw EACCES;
      break;
    case S_IFREG:
      if ((access & MAY_EXEC) !== 0 && (mount.flags & MS_NOEXEC) !== 0) throw EACCES;
      break;
  }
  checkPermission(task.credentials, inode, access);
  if ((inode.flags & FS_APPEND_FL) !== 0) {
    if ((flags & O_ACCMODE) !== O_RDONLY && (flags & O_APPEND) === 0) throw EPERM;
    if ((flags & O_TRUNC) !== 0) throw EPERM;
  }
  if ((flags & O_NOATIME) !== 0 && !ownerOrCapable(task.credentials, inode)) throw EPERM;
}

/** The flags that stay with the open file: fcntl(F_GETFL). */
const statusFlags = (flags: number): number => flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);

/** Lets the file system, the device or the FIFO make the open file. */
function openInode(task: Task, { mount, dentry }: Path, inode: Inode, flags: number): File | Promise<File> {
  const type = inode.mode & S_IFMT;
  const writes = (flags & O_ACCMODE) !== O_RDONLY && (flags & O_ACCMODE) !== O_ACCMODE;
  const countsAsWriter = writes && (type === S_IFREG || type === S_IFDIR);
  if (countsAsWriter) {
    if (inode.writers < 0) throw ETXTBSY;
    if (isReadOnly(mount)) throw EROFS;
  }
  // These stay in sight: terminals ask for O_NOCTTY, block devices for O_EXCL, and what is to be truncated need not be
  // copied up first.
  const kept = flags & (O_NOCTTY | O_TRUNC | (type === S_IFBLK ? O_EXCL : 0));
  const context: OpenContext = { task, mount, dentry, flags: statusFlags(flags) | kept };
  const opened = openByType(context, inode, type);
  if (!(opened instanceof Promise)) return finish(opened, countsAsWriter);
  dentry.hold();
  return opened.then((file) => finish(file, countsAsWriter)).finally(() => dentry.drop());
}

function finish(file: File, countsAsWriter: boolean): File {
  file.flags &= ~(O_NOCTTY | O_TRUNC | O_EXCL);
  if (countsAsWriter) {
    file.countsAsWriter = true;
    file.inode.writers++;
    if (file.mount !== undefined) file.mount.writers++;
  }
  notifyFile(file, IN_OPEN);
  return file;
}

function openByType(context: OpenContext, inode: Inode, type: number): File | Promise<File> {
  // Reached through /proc/PID/fd: a pipe, or what cannot be opened a second time.
  if (inode instanceof PseudoInode) return inode.openAgain(context.task, context.flags);
  switch (type) {
    case S_IFCHR:
    case S_IFBLK:
      return openDevice(context, inode, type);
    case S_IFIFO:
      return openFifo(context, inode);
    case S_IFSOCK:
      throw ENXIO;
    default:
      return inode.open(context);
  }
}

function openDevice(context: OpenContext, inode: Inode, type: number): File | Promise<File> {
  const { devices } = context.task.kernel;
  const [major, minor] = [majorOf(inode.rdev), minorOf(inode.rdev)];
  const driver = type === S_IFCHR ? devices.findChar(major, minor) : devices.findBlock(major, minor);
  if (driver === undefined) throw ENXIO;
  return driver.open(inode, minor, context);
}
