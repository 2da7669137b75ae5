/** chdir(2), chroot(2), getcwd(2), umask(2). */
import { capable } from '../kernel/credentials.js';
import { address, fd, int, path, syscall, ulong } from '../kernel/syscall.js';
import { nameToBytes } from '../lib/names.js';
import { CAP_SYS_CHROOT } from '../uapi/capability.js';
import { ENOENT, ENOTDIR, EPERM, ERANGE } from '../uapi/errno.js';
import { S_ISDIR } from '../uapi/stat.js';
import { pathName } from './dcache.js';
import { filePath, inodeOf, LOOKUP_DIRECTORY, LOOKUP_FOLLOW, lookupPath } from './namei.js';
import { checkPermission, MAY_EXEC } from './permission.js';

export const sys_chdir = syscall([path], (task, name) => {
  const place = lookupPath(task, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  checkPermission(task.credentials, inodeOf(place.dentry), MAY_EXEC);
  task.fs.cwd = place;
  return 0;
});

export const sys_fchdir = syscall([fd], (task, at) => {
  const place = filePath(task.files.get(at));
  const inode = inodeOf(place.dentry);
  if (!S_ISDIR(inode.mode)) throw ENOTDIR;
  checkPermission(task.credentials, inode, MAY_EXEC);
  task.fs.cwd = place;
  return 0;
});

export const sys_chroot = syscall([path], (task, name) => {
  const place = lookupPath(task, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  checkPermission(task.credentials, inodeOf(place.dentry), MAY_EXEC);
  if (!capable(task.credentials, CAP_SYS_CHROOT)) throw EPERM;
  task.fs.root = place;
  return 0;
});

/** The result counts the NUL. */
export const sys_getcwd = syscall([address, ulong], (task, buffer, size) => {
  const { cwd, root } = task.fs;
  if (cwd.dentry.deleted) throw ENOENT;
  const { name, reach } = pathName(cwd, root);
  const text = reach === 'reached' ? name : `(unreachable)${name}`;
  if (text.length + 1 > size) throw ERANGE;
  task.memory.copyOut(buffer, nameToBytes(`${text}\0`));
  return text.length + 1;
});

export const sys_umask = syscall([int], (task, mask) => {
  const old = task.fs.umask;
  task.fs.umask = mask & 0o777;
  return old;
});
