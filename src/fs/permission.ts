/** Who may do what with an inode: path_resolution(7), capabilities(7). Linux's inode_permission and its kin in namei.c. */
import { capable, inGroup, type Credentials } from '../kernel/credentials.js';
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER } from '../uapi/capability.js';
import { EACCES, EBUSY, EEXIST, EISDIR, ENOENT, ENOTDIR, EPERM, EROFS } from '../uapi/errno.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../uapi/fs.js';
import { MS_RDONLY } from '../uapi/mount.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_IRWXG, S_ISDIR, S_ISVTX, S_IXUGO } from '../uapi/stat.js';
import type { Dentry } from './dentry.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { aclGrants } from './posix-acl.js';

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** Throws EACCES, EPERM (immutable) or EROFS unless the access is granted. `mask` is of MAY_*. */
export function checkPermission(credentials: Credentials, inode: Inode, mask: number): void {
  if ((mask & MAY_WRITE) !== 0) {
    if (inode.superBlock.readOnly && isStored(inode.mode)) throw EROFS;
    if ((inode.flags & FS_IMMUTABLE_FL) !== 0) throw EPERM;
  }
  const verdict = inode.permission(credentials, mask);
  if (verdict === undefined ? !genericPermission(credentials, inode, mask) : !verdict) throw EACCES;
}

/** Whether it lives in the file system itself, so that a read-only one forbids writing: devices and FIFOs do not. */
function isStored(mode: number): boolean {
  const type = mode & S_IFMT;
  return type === S_IFREG || type === S_IFDIR || type === S_IFLNK;
}

/** The mode bits or the access control list, then the capabilities that override them. */
export function genericPermission(credentials: Credentials, inode: Inode, mask: number): boolean {
  const { mode } = inode;
  let granted = mode;
  const access = inode.acl?.access;
  if (inode.uid === credentials.fsuid) granted >>= 6;
  // Without any bit of the group, which is the list's mask, a list grants nobody anything that others don't have.
  else if (access !== undefined && (mode & S_IRWXG) !== 0)
    granted = aclGrants(access, inode, credentials, mask) ? mask : 0;
  // Groups need looking at only if they get something else than others do.
  else if ((mask & (mode ^ (mode >> 3))) !== 0 && inGroup(credentials, inode.gid)) granted >>= 3;
  if ((mask & ~granted) === 0) return true;
  if (S_ISDIR(mode)) {
    if ((mask & MAY_WRITE) === 0 && capable(credentials, CAP_DAC_READ_SEARCH)) return true;
    return capable(credentials, CAP_DAC_OVERRIDE);
  }
  if (mask === MAY_READ && capable(credentials, CAP_DAC_READ_SEARCH)) return true;
  // What nobody may execute, root may not either.
  if ((mask & MAY_EXEC) !== 0 && (mode & S_IXUGO) === 0) return false;
  return capable(credentials, CAP_DAC_OVERRIDE);
}

/** Whether these credentials own the inode, or may act as if. */
export function ownerOrCapable(credentials: Credentials, inode: Inode): boolean {
  return inode.uid === credentials.fsuid || capable(credentials, CAP_FOWNER);
}

/** EROFS unless the mount and its file system can be written. Linux's mnt_want_write. */
export function checkMountWritable(mount: Mount): void {
  if (isReadOnly(mount)) throw EROFS;
}

export const isReadOnly = (mount: Mount): boolean =>
  mount.superBlock.readOnly || (mount.flags & MS_RDONLY) !== 0;

/** May an entry be added to this directory? Linux's may_create. */
export function checkCreate(credentials: Credentials, directory: Inode, entry: Dentry): void {
  if (entry.inode !== undefined) throw EEXIST;
  if (directory.dead) throw ENOENT;
  checkPermission(credentials, directory, MAY_WRITE | MAY_EXEC);
}

/** May this entry be removed from the directory? Linux's may_delete. */
export function checkDelete(
  credentials: Credentials,
  directory: Inode,
  entry: Dentry,
  isDirectory: boolean,
): Inode {
  const { inode } = entry;
  if (inode === undefined) throw ENOENT;
  checkPermission(credentials, directory, MAY_WRITE | MAY_EXEC);
  if ((directory.flags & FS_APPEND_FL) !== 0) throw EPERM;
  if (stickyForbids(credentials, directory, inode) || (inode.flags & (FS_APPEND_FL | FS_IMMUTABLE_FL)) !== 0)
    throw EPERM;
  if (isDirectory) {
    if (!S_ISDIR(inode.mode)) throw ENOTDIR;
    if (entry.isRoot) throw EBUSY;
  } else if (S_ISDIR(inode.mode)) throw EISDIR;
  if (directory.dead) throw ENOENT;
  return inode;
}

/** In a sticky directory, only the owner of the file or of the directory may remove or rename it. */
function stickyForbids(credentials: Credentials, directory: Inode, inode: Inode): boolean {
  if ((directory.mode & S_ISVTX) === 0) return false;
  if (inode.uid === credentials.fsuid || directory.uid === credentials.fsuid) return false;
  return !capable(credentials, CAP_FOWNER);
}
