/** truncate(2), ftruncate(2), fallocate(2). Linux has them in open.c. */
import { fd, int, long, path, type Result, syscall } from '../kernel/syscall.js';
import { EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EPERM, ESPIPE, ETXTBSY } from '../uapi/errno.js';
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
} from '../uapi/fcntl.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../uapi/fs.js';
import { IN_MODIFY } from '../uapi/inotify.js';
import { S_ISBLK, S_ISDIR, S_ISFIFO, S_ISREG } from '../uapi/stat.js';
import { changeSize, checkNewSize, MAX_FILE_SIZE, removePrivileges } from './attr.js';
import { inodeOf, lookupPath } from './namei.js';
import { notifyDentry, notifyFile } from './notify.js';
import { checkMountWritable, checkPermission, MAY_WRITE } from './permission.js';

export const sys_truncate = syscall([path, long], (task, name, length) => {
  if (length < 0) throw EINVAL;
  const { mount, dentry } = lookupPath(task, name);
  const inode = inodeOf(dentry);
  if (S_ISDIR(inode.mode)) throw EISDIR;
  if (!S_ISREG(inode.mode)) throw EINVAL;
  checkMountWritable(mount);
  checkPermission(task.credentials, inode, MAY_WRITE);
  if ((inode.flags & FS_APPEND_FL) !== 0) throw EPERM;
  if (inode.writers < 0) throw ETXTBSY;
  changeSize(task, inode, length);
  notifyDentry(dentry, IN_MODIFY);
  return 0;
});

export const sys_ftruncate = syscall([fd, long], (task, at, length) => {
  if (length < 0) throw EINVAL;
  const file = task.files.getOpen(at);
  const { inode } = file;
  if (!S_ISREG(inode.mode) || !file.writable) throw EINVAL;
  if ((inode.flags & FS_APPEND_FL) !== 0) throw EPERM;
  changeSize(task, inode, length);
  if (file.dentry !== undefined) notifyDentry(file.dentry, IN_MODIFY);
  return 0;
});

/** What fallocate(2) is to do is one of these; only FALLOC_FL_KEEP_SIZE may go with it. Linux's vfs_fallocate. */
function checkFallocateMode(mode: number): void {
  const keeps = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return;
    case FALLOC_FL_PUNCH_HOLE:
      if (!keeps) throw EOPNOTSUPP;
      return;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
      if (keeps) throw EOPNOTSUPP;
      return;
    default:
      throw EOPNOTSUPP;
  }
}

export const sys_fallocate = syscall([fd, int, long, long], (task, at, mode, offset, length): Result => {
  const file = task.files.getOpen(at);
  const { inode } = file;
  if (offset < 0 || length <= 0) throw EINVAL;
  checkFallocateMode(mode);
  if (!file.writable) throw EBADF;
  if ((mode & ~FALLOC_FL_KEEP_SIZE) !== 0 && (inode.flags & FS_APPEND_FL) !== 0) throw EPERM;
  if ((inode.flags & FS_IMMUTABLE_FL) !== 0) throw EPERM;
  if (S_ISFIFO(inode.mode)) throw ESPIPE;
  if (S_ISDIR(inode.mode)) throw EISDIR;
  if (!S_ISREG(inode.mode) && !S_ISBLK(inode.mode)) throw ENODEV;
  if (offset + length > MAX_FILE_SIZE) throw EFBIG;
  inode.refresh();
  if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && offset + length > inode.size) checkNewSize(task, offset + length);
  removePrivileges(task.credentials, inode);
  const result = inode.fallocate(mode, offset, length);
  notifyFile(file, IN_MODIFY);
  return result;
});
