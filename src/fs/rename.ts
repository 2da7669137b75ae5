/** rename(2), renameat2(2). Linux has them in namei.c. */
import { fd, path, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EBUSY, EEXIST, EINVAL, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EXDEV } from '../uapi/errno.js';
import { AT_FDCWD } from '../uapi/fcntl.js';
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, renameFlags } from '../uapi/fs.js';
import { CAP_MKNOD } from '../uapi/capability.js';
import { capable } from '../kernel/credentials.js';
import { S_ISDIR } from '../uapi/stat.js';
import { exchangeDentries, isBelow, lookupChild, moveDentry } from './dcache.js';
import type { Dentry } from './dentry.js';
import { detachMounts, isLocalMountpoint } from './mount-tree.js';
import { inodeOf, lookupParent } from './namei.js';
import { notifyMove } from './notify.js';
import { checkCreate, checkDelete, checkMountWritable, checkPermission, MAY_WRITE } from './permission.js';

const isDirectory = (entry: Dentry): boolean => entry.inode !== undefined && S_ISDIR(entry.inode.mode);

function rename(task: Task, fromFd: number, from: Name, toFd: number, to: Name, how: number): number {
  checkFlags(task, how);
  const source = lookupParent(task, fromFd, from);
  const target = lookupParent(task, toFd, to);
  if (source.parent.mount !== target.parent.mount) throw EXDEV;
  if (source.type !== 'name') throw EBUSY;
  if (target.type !== 'name') throw (how & RENAME_NOREPLACE) === 0 ? EBUSY : EEXIST;
  checkMountWritable(source.parent.mount);
  const oldEntry = lookupChild(source.parent.dentry, source.last);
  if (oldEntry.inode === undefined) throw ENOENT;
  const newEntry = lookupChild(target.parent.dentry, target.last);
  checkTargets(oldEntry, newEntry, source.trailingSlash, target.trailingSlash, how);
  checkAncestors(source.parent.dentry, oldEntry, target.parent.dentry, newEntry, how);
  if (oldEntry.inode === newEntry.inode) return 0;
  moveEntry(task, oldEntry, newEntry, how);
  return 0;
}

function checkFlags(task: Task, how: number): void {
  if (!renameFlags.has(how)) throw EINVAL;
  if ((how & RENAME_EXCHANGE) !== 0 && (how & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) throw EINVAL;
  // A whiteout is a device node, although a harmless one.
  if ((how & RENAME_WHITEOUT) !== 0 && !capable(task.credentials, CAP_MKNOD)) throw EPERM;
}

/** What the flags and trailing slashes demand of both entries. */
function checkTargets(
  oldEntry: Dentry,
  newEntry: Dentry,
  oldSlash: boolean,
  newSlash: boolean,
  how: number,
): void {
  if ((how & RENAME_NOREPLACE) !== 0 && newEntry.inode !== undefined) throw EEXIST;
  const exchange = (how & RENAME_EXCHANGE) !== 0;
  if (exchange) {
    if (newEntry.inode === undefined) throw ENOENT;
    if (newSlash && !isDirectory(newEntry)) throw ENOTDIR;
  }
  if (isDirectory(oldEntry)) return;
  if (oldSlash || (newSlash && !exchange)) throw ENOTDIR;
}

/** Neither may an entry move below itself, nor onto what it lies in. */
function checkAncestors(
  oldParent: Dentry,
  oldEntry: Dentry,
  newParent: Dentry,
  newEntry: Dentry,
  how: number,
): void {
  if (oldParent === newParent) return;
  if (isDirectory(oldEntry) && isBelow(newParent, oldEntry)) throw EINVAL;
  if (isDirectory(newEntry) && isBelow(oldParent, newEntry))
    throw (how & RENAME_EXCHANGE) === 0 ? ENOTEMPTY : EINVAL;
}

/** Checks permissions and moves. Linux's vfs_rename. */
function moveEntry(task: Task, oldEntry: Dentry, newEntry: Dentry, how: number): void {
  const { credentials } = task;
  const oldDirectory = inodeOf(oldEntry.parent as Dentry);
  const newDirectory = inodeOf(newEntry.parent as Dentry);
  const inode = inodeOf(oldEntry);
  const replaced = newEntry.inode;
  const exchange = (how & RENAME_EXCHANGE) !== 0;
  const movesDirectory = S_ISDIR(inode.mode);
  checkDelete(credentials, oldDirectory, oldEntry, movesDirectory);
  if (replaced === undefined) checkCreate(credentials, newDirectory, newEntry);
  else checkDelete(credentials, newDirectory, newEntry, exchange ? S_ISDIR(replaced.mode) : movesDirectory);
  if (oldDirectory !== newDirectory) {
    // '..' of a directory changes.
    if (movesDirectory) checkPermission(credentials, inode, MAY_WRITE);
    if (exchange && replaced !== undefined && S_ISDIR(replaced.mode))
      checkPermission(credentials, replaced, MAY_WRITE);
  }
  if (isLocalMountpoint(task, oldEntry) || isLocalMountpoint(task, newEntry)) throw EBUSY;
  const [oldName, newName] = [oldEntry.name, newEntry.name];
  oldDirectory.rename(oldName, inode, newDirectory, newName, replaced, how & ~RENAME_NOREPLACE);
  // Watches are to hear of the move before they hear that what it replaced is gone.
  newEntry.hold();
  if (exchange) exchangeDentries(oldEntry, newEntry);
  else {
    if (replaced !== undefined) {
      if (S_ISDIR(replaced.mode)) replaced.dead = true;
      detachMounts(newEntry);
    }
    moveDentry(oldEntry, newEntry, replaced !== undefined);
  }
  notifyMove(oldDirectory, oldName, newDirectory, newName, inode, exchange ? undefined : replaced);
  if (exchange && replaced !== undefined)
    notifyMove(newDirectory, newName, oldDirectory, oldName, replaced, undefined);
  newEntry.drop();
}

export const sys_rename = syscall([path, path], (task, from, to) =>
  rename(task, AT_FDCWD, from, AT_FDCWD, to, 0),
);
export const sys_renameat = syscall([fd, path, fd, path], (task, fromFd, from, toFd, to) =>
  rename(task, fromFd, from, toFd, to, 0),
);
export const sys_renameat2 = syscall([fd, path, fd, path, uint], rename);
