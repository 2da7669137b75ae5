/**
 * Changing an inode's attributes: who may, and what else changes with them. Linux's notify_change, in attr.c.
 * chmod(2), chown(2), truncate(2), utimensat(2).
 */
import { capable, inGroup, type Credentials } from '../kernel/credentials.js';
import { killInfo } from '../kernel/siginfo.js';
import { sendToTask } from '../kernel/signal-send.js';
import type { Task } from '../kernel/task.js';
import { CAP_CHOWN, CAP_FSETID } from '../uapi/capability.js';
import { EFBIG, EPERM } from '../uapi/errno.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../uapi/fs.js';
import { RLIMIT_FSIZE } from '../uapi/resource.js';
import { SIGXFSZ } from '../uapi/signal.js';
import { S_IALLUGO, S_IFMT, S_ISDIR, S_ISGID, S_ISREG, S_ISUID, S_IXGRP } from '../uapi/stat.js';
import { XATTR_NAME_CAPS } from '../uapi/xattr.js';
import type { AttributeChange, Inode } from './inode.js';
import { currentTime } from './inode-times.js';
import { ownerOrCapable } from './permission.js';
import { aclWithMode } from './posix-acl.js';

/** The largest file that page indexes of Linux can describe: MAX_LFS_FILESIZE. Ours end where numbers become inexact. */
export const MAX_FILE_SIZE = Number.MAX_SAFE_INTEGER;

const unchangeable = (inode: Inode): boolean => (inode.flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0;

/** chmod(2), already on a writable mount. */
export function changeMode(task: Task, inode: Inode, mode: number): void {
  const { credentials } = task;
  inode.refresh();
  if (unchangeable(inode)) throw EPERM;
  if (!ownerOrCapable(credentials, inode)) throw EPERM;
  let bits = mode & S_IALLUGO;
  if ((bits & S_ISGID) !== 0 && !inGroupOrCapable(credentials, inode, inode.gid)) bits &= ~S_ISGID;
  inode.setAttributes({ mode: (inode.mode & S_IFMT) | bits, ctime: currentTime(task.kernel) });
  const { acl } = inode;
  if (acl?.access !== undefined) inode.setAcl({ ...acl, access: aclWithMode(acl.access, bits) });
}

/** Whether a set-group-ID bit may stay for this group. */
const inGroupOrCapable = (credentials: Credentials, _inode: Inode, gid: number): boolean =>
  inGroup(credentials, gid) || capable(credentials, CAP_FSETID);

/** chown(2): ids of -1 stay. */
export function changeOwner(task: Task, inode: Inode, uid: number, gid: number): void {
  const { credentials } = task;
  inode.refresh();
  const change: AttributeChange = { ctime: currentTime(task.kernel) };
  if (uid !== -1) change.uid = uid;
  if (gid !== -1) change.gid = gid;
  if ((uid !== -1 || gid !== -1) && unchangeable(inode)) throw EPERM;
  if (uid !== -1 && !mayChangeOwner(credentials, inode, uid)) throw EPERM;
  if (gid !== -1 && !mayChangeGroup(credentials, inode, gid)) throw EPERM;
  if (!S_ISDIR(inode.mode)) {
    const mode = withoutPrivileges(credentials, inode);
    if (mode !== inode.mode) change.mode = mode;
    dropFileCapabilities(inode);
  }
  inode.setAttributes(change);
}

function mayChangeOwner(credentials: Credentials, inode: Inode, uid: number): boolean {
  return (inode.uid === credentials.fsuid && uid === inode.uid) || capable(credentials, CAP_CHOWN);
}

function mayChangeGroup(credentials: Credentials, inode: Inode, gid: number): boolean {
  if (inode.uid === credentials.fsuid && (inGroup(credentials, gid) || gid === inode.gid)) return true;
  return capable(credentials, CAP_CHOWN);
}

/** The mode without the bits that a change of owner or a write takes away. Linux's setattr_should_drop_suidgid. */
function withoutPrivileges(credentials: Credentials, inode: Inode): number {
  let { mode } = inode;
  mode &= ~S_ISUID;
  // Without group execution, the set-group-ID bit once meant mandatory locking: only members of the group keep it.
  if ((mode & S_IXGRP) !== 0 || !inGroupOrCapable(credentials, inode, inode.gid)) mode &= ~S_ISGID;
  return mode;
}

/** security.capability goes with the first change of the contents or of the owner. */
function dropFileCapabilities(inode: Inode): void {
  if (inode.hasFileCapabilities) inode.removexattr(XATTR_NAME_CAPS);
}

/** Before a regular file's contents change: takes set-user-ID and the like away. Linux's file_remove_privs. */
export function removePrivileges(credentials: Credentials, inode: Inode): void {
  if (!S_ISREG(inode.mode)) return;
  if ((inode.mode & (S_ISUID | S_ISGID)) !== 0 && !capable(credentials, CAP_FSETID)) {
    const mode = withoutPrivileges(credentials, inode);
    if (mode !== inode.mode) inode.setAttributes({ mode, ctime: currentTime(inode.superBlock.kernel) });
  }
  dropFileCapabilities(inode);
}

/** The size that a task's RLIMIT_FSIZE allows; a file may not grow beyond. EFBIG, and SIGXFSZ for the limit. */
export function checkNewSize(task: Task, size: number): void {
  if (size > task.process.rlimits[RLIMIT_FSIZE].soft) {
    sendToTask(task, killInfo(task, SIGXFSZ));
    throw EFBIG;
  }
  if (size > MAX_FILE_SIZE) throw EFBIG;
}

/** Truncates or extends: truncate(2), ftruncate(2), O_TRUNC. Write access has been checked. */
export function changeSize(task: Task, inode: Inode, size: number): void {
  inode.refresh();
  if (size > inode.size) checkNewSize(task, size);
  removePrivileges(task.credentials, inode);
  const now = currentTime(task.kernel);
  inode.setAttributes({ size, mtime: now, ctime: now });
}
