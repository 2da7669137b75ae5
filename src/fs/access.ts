/** access(2), faccessat(2). */
import type { Credentials } from '../kernel/credentials.js';
import { noCapabilities } from '../kernel/credentials.js';
import { bits, fd, int, path, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EACCES, EINVAL, EROFS } from '../uapi/errno.js';
import { AT_EACCESS, AT_FDCWD, F_OK, faccessat2Flags, R_OK, W_OK, X_OK } from '../uapi/fcntl.js';
import { MS_NOEXEC } from '../uapi/mount.js';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK, S_ISREG } from '../uapi/stat.js';
import { inodeOf, lookupAt } from './namei.js';
import { checkPermission, isReadOnly } from './permission.js';
import { lookupFlags } from './stat.js';

/** Bit 2 of a mask of securebits(7): capabilities do not follow the user id. */
const SECURE_NO_SETUID_FIXUP = 1 << 2;

/** The credentials that access(2) asks about: those of the real ids. */
function realCredentials(credentials: Credentials): Credentials {
  const { uid, gid, permitted, effective, securebits } = credentials;
  const capabilities =
    (securebits & SECURE_NO_SETUID_FIXUP) !== 0 ? effective : uid === 0 ? permitted : noCapabilities;
  return { ...credentials, fsuid: uid, fsgid: gid, effective: capabilities };
}

function access(task: Task, dirfd: number, name: Name, mask: number, flags: number): number {
  if ((mask & ~(R_OK | W_OK | X_OK)) !== 0 || faccessat2Flags.unknown(flags) !== 0) throw EINVAL;
  const { uid, euid, gid, egid, fsuid, fsgid } = task.credentials;
  const same = uid === fsuid && uid === euid && gid === fsgid && gid === egid;
  const useOwn = (flags & AT_EACCESS) !== 0 || (same && uid === 0);
  const credentials = useOwn ? task.credentials : realCredentials(task.credentials);
  const { mount, dentry } = lookupAt(task, dirfd, name, lookupFlags(flags), credentials);
  const inode = inodeOf(dentry);
  inode.refresh();
  if (mask === F_OK) return 0;
  if ((mask & X_OK) !== 0 && S_ISREG(inode.mode) && (mount.flags & MS_NOEXEC) !== 0) throw EACCES;
  checkPermission(credentials, inode, mask);
  if ((mask & W_OK) !== 0 && isReadOnly(mount) && !isSpecial(inode.mode)) throw EROFS;
  return 0;
}

function isSpecial(mode: number): boolean {
  const type = mode & S_IFMT;
  return type === S_IFCHR || type === S_IFBLK || type === S_IFIFO || type === S_IFSOCK;
}

export const sys_access = syscall([path, int], (task, name, mask) => access(task, AT_FDCWD, name, mask, 0));

export const sys_faccessat = syscall([fd, path, int], (task, dirfd, name, mask) =>
  access(task, dirfd, name, mask, 0),
);

export const sys_faccessat2 = syscall([fd, path, int, bits(faccessat2Flags)], access);
