/** chmod(2), chown(2) and their relatives. Linux has them in open.c. */
import { fd, flags, mode as modeArgument, path, syscall, int } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EOPNOTSUPP } from '../uapi/errno.js';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, fchmodat2Flags, fchownatFlags } from '../uapi/fcntl.js';
import { IN_ATTRIB } from '../uapi/inotify.js';
import { S_ISLNK } from '../uapi/stat.js';
import { changeMode, changeOwner } from './attr.js';
import type { Path } from './mount.js';
import { filePath, inodeOf, lookupAt } from './namei.js';
import { notifyDentry } from './notify.js';
import { checkMountWritable } from './permission.js';
import { lookupFlags } from './stat.js';

function chmod(task: Task, { mount, dentry }: Path, mode: number): number {
  const inode = inodeOf(dentry);
  // A symbolic link has no permissions of its own.
  if (S_ISLNK(inode.mode)) throw EOPNOTSUPP;
  checkMountWritable(mount);
  changeMode(task, inode, mode);
  notifyDentry(dentry, IN_ATTRIB);
  return 0;
}

export const sys_chmod = syscall([path, modeArgument], (task, name, mode) =>
  chmod(task, lookupAt(task, AT_FDCWD, name, lookupFlags(0)), mode),
);

export const sys_fchmod = syscall([fd, modeArgument], (task, file, mode) =>
  chmod(task, filePath(task.files.getOpen(file)), mode),
);

export const sys_fchmodat = syscall([fd, path, modeArgument], (task, dirfd, name, mode) =>
  chmod(task, lookupAt(task, dirfd, name, lookupFlags(0)), mode),
);

export const sys_fchmodat2 = syscall(
  [fd, path, modeArgument, flags(fchmodat2Flags)],
  (task, dirfd, name, mode, how) => chmod(task, lookupAt(task, dirfd, name, lookupFlags(how)), mode),
);

function chown(task: Task, { mount, dentry }: Path, uid: number, gid: number): number {
  checkMountWritable(mount);
  changeOwner(task, inodeOf(dentry), uid, gid);
  notifyDentry(dentry, IN_ATTRIB);
  return 0;
}

function chownAt(task: Task, dirfd: number, name: Name, uid: number, gid: number, how: number): number {
  return chown(task, lookupAt(task, dirfd, name, lookupFlags(how)), uid, gid);
}

/** Ids are unsigned but for -1, which stands for "as it is". */
const id = { ...int, decode: (_task: Task, lo: number): number => (lo === -1 ? -1 : lo >>> 0) };

export const sys_chown = syscall([path, id, id], (task, name, uid, gid) =>
  chownAt(task, AT_FDCWD, name, uid, gid, 0),
);

export const sys_lchown = syscall([path, id, id], (task, name, uid, gid) =>
  chownAt(task, AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW),
);

export const sys_fchown = syscall([fd, id, id], (task, file, uid, gid) =>
  chown(task, filePath(task.files.getOpen(file)), uid, gid),
);

export const sys_fchownat = syscall([fd, path, id, id, flags(fchownatFlags)], chownAt);
