/** Access control lists through the extended attributes system.posix_acl_access and system.posix_acl_default. */
import { capable, inGroup } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { CAP_FSETID } from '../uapi/capability.js';
import { EACCES, ENODATA, EOPNOTSUPP, EPERM } from '../uapi/errno.js';
import { S_IRWXUGO, S_ISDIR, S_ISGID, S_ISLNK } from '../uapi/stat.js';
import { XATTR_NAME_POSIX_ACL_ACCESS, XATTR_NAME_POSIX_ACL_DEFAULT } from '../uapi/xattr.js';
import type { Inode } from './inode.js';
import { currentTime } from './inode-times.js';
import { type Acl, encodeAcl, equivalentMode, parseAcl } from './posix-acl.js';
import { ownerOrCapable } from './permission.js';

/** Whether an attribute of this name is a list that the inode's file system keeps as such. */
export const isAclOf = (inode: Inode, name: Name): boolean =>
  inode.superBlock.posixAcl &&
  (name === XATTR_NAME_POSIX_ACL_ACCESS || name === XATTR_NAME_POSIX_ACL_DEFAULT);

export function getAclAttribute(inode: Inode, name: Name): Uint8Array {
  if (S_ISLNK(inode.mode)) throw EOPNOTSUPP;
  const acl = name === XATTR_NAME_POSIX_ACL_ACCESS ? inode.acl?.access : inode.acl?.default;
  if (acl === undefined) throw ENODATA;
  return encodeAcl(acl);
}

/** Names of the lists that an inode has: listxattr(2). */
export function aclNames({ acl }: Inode): Name[] {
  const names: Name[] = [];
  if (acl?.access !== undefined) names.push(XATTR_NAME_POSIX_ACL_ACCESS);
  if (acl?.default !== undefined) names.push(XATTR_NAME_POSIX_ACL_DEFAULT);
  return names;
}

export const setAclAttribute = (task: Task, inode: Inode, name: Name, value: Uint8Array): void =>
  setAcl(task, inode, name, parseAcl(value));

export function removeAclAttribute(task: Task, inode: Inode, name: Name): void {
  setAcl(task, inode, name, undefined);
}

/** Sets or removes a list. One that says no more than a mode becomes a mode. */
function setAcl(task: Task, inode: Inode, name: Name, acl: Acl | undefined): void {
  if (S_ISLNK(inode.mode)) throw EOPNOTSUPP;
  if (!ownerOrCapable(task.credentials, inode)) throw EPERM;
  const { access, default: inherited } = inode.acl ?? {};
  const ctime = currentTime(task.kernel);
  if (name === XATTR_NAME_POSIX_ACL_DEFAULT) {
    if (!S_ISDIR(inode.mode)) {
      if (acl !== undefined) throw EACCES;
      return;
    }
    inode.setAcl({ access, default: acl });
    inode.setAttributes({ ctime });
    return;
  }
  if (acl === undefined) {
    inode.setAcl({ access: undefined, default: inherited });
    inode.setAttributes({ ctime });
    return;
  }
  const { bits, whole } = equivalentMode(acl);
  let mode = (inode.mode & ~S_IRWXUGO) | bits;
  if (!inGroup(task.credentials, inode.gid) && !capable(task.credentials, CAP_FSETID)) mode &= ~S_ISGID;
  inode.setAcl({ access: whole ? undefined : acl, default: inherited });
  inode.setAttributes({ mode, ctime });
}
