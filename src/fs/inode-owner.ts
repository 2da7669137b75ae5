/** Mode, owner and group of new inodes: open(2), mkdir(2), inode(7). Linux's vfs_prepare_mode and inode_init_owner. */
import { capable, inGroup, type Credentials } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import { CAP_FSETID } from '../uapi/capability.js';
import { S_ISDIR, S_ISGID, S_IXGRP } from '../uapi/stat.js';
import type { Inode } from './inode.js';

/** The mode that a new inode gets in `directory`: the umask, and no set-group-ID for groups one does not belong to. */
export function newFileMode(task: Task, directory: Inode, mode: number): number {
  return withoutForeignGroup(task.credentials, directory, mode) & ~task.fs.umask;
}

function withoutForeignGroup(credentials: Credentials, directory: Inode, mode: number): number {
  if (S_ISDIR(mode) || (mode & (S_ISGID | S_IXGRP)) !== (S_ISGID | S_IXGRP)) return mode;
  if ((directory.mode & S_ISGID) === 0) return mode;
  if (inGroup(credentials, directory.gid) || capable(credentials, CAP_FSETID)) return mode;
  return mode & ~S_ISGID;
}

/** Owner and group: those of the task, but the group of a set-group-ID directory is handed down, and its bit to directories. */
export function initializeOwner(
  inode: Inode,
  directory: Inode | undefined,
  mode: number,
  owner: Credentials,
): void {
  inode.mode = mode;
  inode.uid = owner.fsuid;
  inode.gid = owner.fsgid;
  if (directory === undefined || (directory.mode & S_ISGID) === 0) return;
  inode.gid = directory.gid;
  if (S_ISDIR(mode)) inode.mode |= S_ISGID;
}
