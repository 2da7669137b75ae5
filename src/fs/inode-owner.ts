/** Mode, owner and group of new inodes: open(2), mkdir(2), inode(7). Linux's vfs_prepare_mode and inode_init_owner. */
import { capable, inGroup, type Credentials } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import { CAP_FSETID } from '../uapi/capability.js';
import { S_ISDIR, S_ISGID, S_ISLNK, S_IXGRP } from '../uapi/stat.js';
import type { Inode } from './inode.js';
import { inheritAcl } from './posix-acl.js';

/** The mode that a new inode gets in `directory`: the umask, and no set-group-ID for groups one does not belong to. */
export function newFileMode(task: Task, directory: Inode, mode: number): number {
  const full = withoutForeignGroup(task.credentials, directory, mode);
  // A default list takes the place of the umask.
  return directory.acl?.default === undefined ? full & ~task.fs.umask : full;
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

/** What a directory's default access control list gives to a new inode, whose mode and owner are set. */
export function initializeAcl(inode: Inode, directory: Inode | undefined): void {
  const inherited = directory?.acl?.default;
  if (inherited === undefined || S_ISLNK(inode.mode)) return;
  const { mode, control } = inheritAcl(inherited, inode.mode, S_ISDIR(inode.mode));
  inode.mode = mode;
  inode.acl = control;
}
