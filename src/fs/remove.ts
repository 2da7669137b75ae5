/** unlink(2), rmdir(2). Linux has them in namei.c. */
import { fd, flags, path, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EBUSY, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../uapi/errno.js';
import { AT_FDCWD, AT_REMOVEDIR, unlinkatFlags } from '../uapi/fcntl.js';
import { S_ISDIR } from '../uapi/stat.js';
import { forget, lookupChild } from './dcache.js';
import { inodeOf, lookupParent } from './namei.js';
import { notifyDelete, notifyLinkCount } from './notify.js';
import { checkDelete, checkMountWritable } from './permission.js';
import { detachMounts, isLocalMountpoint } from './mount-tree.js';

export function unlink(task: Task, dirfd: number, name: Name): number {
  const { parent, last, type, trailingSlash } = lookupParent(task, dirfd, name);
  if (type !== 'name') throw EISDIR;
  checkMountWritable(parent.mount);
  const entry = lookupChild(parent.dentry, last);
  if (entry.inode === undefined) throw ENOENT;
  if (trailingSlash) throw S_ISDIR(entry.inode.mode) ? EISDIR : ENOTDIR;
  const directory = inodeOf(parent.dentry);
  const inode = checkDelete(task.credentials, directory, entry, false);
  if (isLocalMountpoint(task, entry)) throw EBUSY;
  directory.unlink(last, inode);
  notifyLinkCount(inode);
  detachMounts(entry);
  forget(entry);
  notifyDelete(directory, last, inode);
  return 0;
}

export function rmdir(task: Task, dirfd: number, name: Name): number {
  const { parent, last, type } = lookupParent(task, dirfd, name);
  if (type === 'dotdot') throw ENOTEMPTY;
  if (type === 'dot') throw EINVAL;
  if (type === 'root') throw EBUSY;
  checkMountWritable(parent.mount);
  const entry = lookupChild(parent.dentry, last);
  if (entry.inode === undefined) throw ENOENT;
  const directory = inodeOf(parent.dentry);
  const inode = checkDelete(task.credentials, directory, entry, true);
  if (isLocalMountpoint(task, entry)) throw EBUSY;
  directory.rmdir(last, inode);
  inode.dead = true;
  detachMounts(entry);
  forget(entry);
  notifyDelete(directory, last, inode);
  return 0;
}

export const sys_unlink = syscall([path], (task, name) => unlink(task, AT_FDCWD, name));
export const sys_rmdir = syscall([path], (task, name) => rmdir(task, AT_FDCWD, name));
export const sys_unlinkat = syscall([fd, path, flags(unlinkatFlags)], (task, dirfd, name, how) =>
  (how & AT_REMOVEDIR) === 0 ? unlink(task, dirfd, name) : rmdir(task, dirfd, name),
);
