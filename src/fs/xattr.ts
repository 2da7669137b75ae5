/** Extended attributes: xattr(7), setxattr(2), getxattr(2), listxattr(2), removexattr(2). Linux's xattr.c. */
import { capable } from '../kernel/credentials.js';
import {
  address,
  type Argument,
  fd,
  flags as flagsArgument,
  path,
  size,
  syscall,
} from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { nameToBytes, type Name } from '../lib/names.js';
import { CAP_SETFCAP, CAP_SYS_ADMIN } from '../uapi/capability.js';
import { E2BIG, EFAULT, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE } from '../uapi/errno.js';
import { AT_FDCWD } from '../uapi/fcntl.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../uapi/fs.js';
import { IN_ATTRIB } from '../uapi/inotify.js';
import { S_ISDIR, S_ISREG, S_ISVTX } from '../uapi/stat.js';
import {
  XATTR_NAME_CAPS,
  XATTR_NAME_MAX,
  XATTR_SECURITY_PREFIX,
  XATTR_SIZE_MAX,
  XATTR_SYSTEM_PREFIX,
  XATTR_TRUSTED_PREFIX,
  XATTR_USER_PREFIX,
  xattrFlags,
} from '../uapi/xattr.js';
import type { Inode } from './inode.js';
import type { Path } from './mount.js';
import { filePath, inodeOf, LOOKUP_FOLLOW, lookupAt } from './namei.js';
import { notifyDentry } from './notify.js';
import {
  aclNames,
  getAclAttribute,
  isAclOf,
  removeAclAttribute,
  setAclAttribute,
} from './posix-acl-calls.js';
import { checkMountWritable, checkPermission, MAY_READ, MAY_WRITE, ownerOrCapable } from './permission.js';

/** An attribute's name: 1 to 255 bytes. ERANGE. */
const attributeName: Argument<Name> = {
  decode(task, lo, hi) {
    const at = address.decode(task, lo, hi);
    if (at === 0) throw EFAULT;
    const name = task.memory.readString(at, XATTR_NAME_MAX + 1);
    if (name === undefined || name === '') throw ERANGE;
    return name;
  },
  format: (value) => JSON.stringify(value),
};

const prefixes = [XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX, XATTR_SYSTEM_PREFIX];

/** Whether the task may read or write an attribute of this name. Linux's xattr_permission. */
function checkAttribute(task: Task, inode: Inode, name: Name, mask: number): void {
  const { credentials } = task;
  const writes = (mask & MAY_WRITE) !== 0;
  if (writes && (inode.flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0) throw EPERM;
  if (name.startsWith(XATTR_SECURITY_PREFIX) || name.startsWith(XATTR_SYSTEM_PREFIX)) return;
  if (name.startsWith(XATTR_TRUSTED_PREFIX)) {
    if (!capable(credentials, CAP_SYS_ADMIN)) throw writes ? EPERM : ENODATA;
    return;
  }
  if (name.startsWith(XATTR_USER_PREFIX)) {
    if (!S_ISREG(inode.mode) && !S_ISDIR(inode.mode)) throw writes ? EPERM : ENODATA;
    const sticky = S_ISDIR(inode.mode) && (inode.mode & S_ISVTX) !== 0;
    if (sticky && writes && !ownerOrCapable(credentials, inode)) throw EPERM;
  }
  checkPermission(credentials, inode, mask);
}

/** security.* is for the kernel's own use: only privileged tasks set or remove it. capabilities(7). */
function checkSecurity(task: Task, name: Name): void {
  if (!name.startsWith(XATTR_SECURITY_PREFIX)) return;
  const needed = name === XATTR_NAME_CAPS ? CAP_SETFCAP : CAP_SYS_ADMIN;
  if (!capable(task.credentials, needed)) throw EPERM;
}

/** A name needs a known prefix, and something behind it. */
function checkPrefix(name: Name): void {
  const prefix = prefixes.find((known) => name.startsWith(known));
  if (prefix === undefined) throw EOPNOTSUPP;
  if (name === prefix) throw EINVAL;
}

function set(
  task: Task,
  { mount, dentry }: Path,
  name: Name,
  value: number,
  length: number,
  how: number,
): number {
  if (length > XATTR_SIZE_MAX) throw E2BIG;
  const bytes = task.memory.copyIn(value, length);
  checkMountWritable(mount);
  const inode = inodeOf(dentry);
  checkAttribute(task, inode, name, MAY_WRITE);
  checkSecurity(task, name);
  checkPrefix(name);
  if (isAclOf(inode, name)) setAclAttribute(task, inode, name, bytes);
  else inode.setxattr(name, bytes, how);
  notifyDentry(dentry, IN_ATTRIB);
  return 0;
}

function get(task: Task, { dentry }: Path, name: Name, buffer: number, length: number): number {
  const inode = inodeOf(dentry);
  checkAttribute(task, inode, name, MAY_READ);
  checkPrefix(name);
  return giveOut(
    task,
    isAclOf(inode, name) ? getAclAttribute(inode, name) : inode.getxattr(name),
    buffer,
    length,
  );
}

/** A length of 0 asks how long it is. */
function giveOut(task: Task, bytes: Uint8Array, buffer: number, length: number): number {
  if (length === 0) return bytes.length;
  if (bytes.length > length) throw ERANGE;
  task.memory.copyOut(buffer, bytes);
  return bytes.length;
}

function list(task: Task, { dentry }: Path, buffer: number, length: number): number {
  const privileged = capable(task.credentials, CAP_SYS_ADMIN);
  const inode = inodeOf(dentry);
  const names = inode.listxattr().filter((name) => privileged || !name.startsWith(XATTR_TRUSTED_PREFIX));
  const all = [...aclNames(inode), ...names];
  return giveOut(task, nameToBytes(all.map((name) => `${name}\0`).join('')), buffer, length);
}

function remove(task: Task, { mount, dentry }: Path, name: Name): number {
  checkMountWritable(mount);
  const inode = inodeOf(dentry);
  checkAttribute(task, inode, name, MAY_WRITE);
  checkSecurity(task, name);
  checkPrefix(name);
  if (isAclOf(inode, name)) removeAclAttribute(task, inode, name);
  else inode.removexattr(name);
  notifyDentry(dentry, IN_ATTRIB);
  return 0;
}

const follow = (task: Task, name: Name): Path => lookupAt(task, AT_FDCWD, name, LOOKUP_FOLLOW);
const noFollow = (task: Task, name: Name): Path => lookupAt(task, AT_FDCWD, name, 0);
const open = (task: Task, at: number): Path => filePath(task.files.getOpen(at));

export const sys_setxattr = syscall(
  [path, attributeName, address, size, flagsArgument(xattrFlags)],
  (task, at, name, value, length, how) => set(task, follow(task, at), name, value, length, how),
);
export const sys_lsetxattr = syscall(
  [path, attributeName, address, size, flagsArgument(xattrFlags)],
  (task, at, name, value, length, how) => set(task, noFollow(task, at), name, value, length, how),
);
export const sys_fsetxattr = syscall(
  [fd, attributeName, address, size, flagsArgument(xattrFlags)],
  (task, at, name, value, length, how) => set(task, open(task, at), name, value, length, how),
);

export const sys_getxattr = syscall([path, attributeName, address, size], (task, at, name, buffer, length) =>
  get(task, follow(task, at), name, buffer, length),
);
export const sys_lgetxattr = syscall([path, attributeName, address, size], (task, at, name, buffer, length) =>
  get(task, noFollow(task, at), name, buffer, length),
);
export const sys_fgetxattr = syscall([fd, attributeName, address, size], (task, at, name, buffer, length) =>
  get(task, open(task, at), name, buffer, length),
);

export const sys_listxattr = syscall([path, address, size], (task, at, buffer, length) =>
  list(task, follow(task, at), buffer, length),
);
export const sys_llistxattr = syscall([path, address, size], (task, at, buffer, length) =>
  list(task, noFollow(task, at), buffer, length),
);
export const sys_flistxattr = syscall([fd, address, size], (task, at, buffer, length) =>
  list(task, open(task, at), buffer, length),
);

export const sys_removexattr = syscall([path, attributeName], (task, at, name) =>
  remove(task, follow(task, at), name),
);
export const sys_lremovexattr = syscall([path, attributeName], (task, at, name) =>
  remove(task, noFollow(task, at), name),
);
export const sys_fremovexattr = syscall([fd, attributeName], (task, at, name) =>
  remove(task, open(task, at), name),
);
