/** open(2), openat2(2), creat(2). Linux's open.c and the last steps of namei.c. */
import {
  address,
  bits,
  fd,
  mode as modeArgument,
  path,
  type Result,
  size,
  syscall,
} from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { E2BIG, EACCES, EEXIST, EINVAL, EISDIR, EROFS } from '../uapi/errno.js';
import {
  AT_FDCWD,
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_LARGEFILE,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  open_how,
  OPEN_HOW_SIZE_VER0,
  openFlags,
} from '../uapi/fcntl.js';
import { RLIMIT_NOFILE } from '../uapi/resource.js';
import { S_IFREG, S_ISDIR, S_ISFIFO, S_ISREG, S_ISVTX, S_IWGRP, S_IWOTH } from '../uapi/stat.js';
import { instantiate } from './dcache.js';
import { Dentry } from './dentry.js';
import type { File } from './file.js';
import type { Inode } from './inode.js';
import { newFileMode } from './inode-owner.js';
import type { Path } from './mount.js';
import { inodeOf, lookupAt, LOOKUP_DIRECTORY, LOOKUP_EMPTY, LOOKUP_FOLLOW, Walk } from './namei.js';
import { notifyCreate } from './notify.js';
import { dentryOpen } from './dentry-open.js';
import { O_TMPFILE_BIT, openRequest, strictRequest, type OpenRequest } from './open-flags.js';
import {
  checkCreate,
  checkMountWritable,
  checkPermission,
  isReadOnly,
  MAY_EXEC,
  MAY_WRITE,
} from './permission.js';

/** Opens what a path names, or makes it. */
export function openAt(task: Task, dirfd: number, name: Name, request: OpenRequest): File | Promise<File> {
  const { flags, lookup } = request;
  if ((flags & O_TMPFILE_BIT) !== 0) return openTemporary(task, dirfd, name, request);
  if ((flags & O_CREAT) === 0 || (flags & O_PATH) !== 0)
    return dentryOpen(task, lookupAt(task, dirfd, name, lookup), request, 'found');
  const walk = new Walk(task, task.credentials, lookup, dirfd, name);
  let rest: Name | undefined = name;
  let created = false;
  let directory: Inode | undefined;
  while (rest !== undefined) {
    walk.toParent(rest);
    if (walk.type !== 'name') {
      // '.', '..' or '/': exists, and is a directory.
      throw (flags & O_EXCL) !== 0 ? EEXIST : EISDIR;
    }
    if (walk.trailingSlash) throw EISDIR;
    directory = inodeOf(walk.dentry);
    const child = walk.child(walk.last);
    if (child.inode === undefined) {
      createFile(task, { mount: walk.mount, dentry: walk.dentry }, child, request.mode);
      created = true;
    }
    rest = walk.stepLast(child);
  }
  const place = { mount: walk.mount, dentry: walk.dentry };
  if (created) return dentryOpen(task, place, request, 'created');
  if ((flags & O_EXCL) !== 0) throw EEXIST;
  const inode = inodeOf(place.dentry);
  if (S_ISDIR(inode.mode)) throw EISDIR;
  if (directory !== undefined && stickyForbidsOpening(task, directory, inode)) throw EACCES;
  return dentryOpen(task, place, request, 'found');
}

/** Makes a regular file for O_CREAT. */
function createFile(task: Task, { mount, dentry }: Path, child: Dentry, mode: number): void {
  const directory = inodeOf(dentry);
  if (isReadOnly(mount)) throw EROFS;
  checkCreate(task.credentials, directory, child);
  const full = newFileMode(task, directory, S_IFREG | mode);
  const inode = directory.create(child.name, full, task.credentials);
  instantiate(child, inode);
  notifyCreate(directory, child.name, inode);
}

/** /proc/sys/fs/protected_regular and protected_fifos: in /tmp, O_CREAT does not open what another user has put there. */
function stickyForbidsOpening(task: Task, directory: Inode, inode: Inode): boolean {
  if ((directory.mode & S_ISVTX) === 0) return false;
  const { protectedRegular, protectedFifos } = task.kernel.fsSettings;
  const level = S_ISREG(inode.mode) ? protectedRegular : S_ISFIFO(inode.mode) ? protectedFifos : 0;
  if (level === 0 || inode.uid === directory.uid || inode.uid === task.credentials.fsuid) return false;
  if ((directory.mode & S_IWOTH) !== 0) return true;
  return (directory.mode & S_IWGRP) !== 0 && level >= 2;
}

/** O_TMPFILE: a regular file without a name, in the file system of the directory that the path names. */
function openTemporary(task: Task, dirfd: number, name: Name, request: OpenRequest): File | Promise<File> {
  const { mount, dentry } = lookupAt(task, dirfd, name, request.lookup | LOOKUP_DIRECTORY);
  checkMountWritable(mount);
  const directory = inodeOf(dentry);
  checkPermission(task.credentials, directory, MAY_WRITE | MAY_EXEC);
  const inode = directory.tmpfile(newFileMode(task, directory, S_IFREG | request.mode), task.credentials);
  inode.linkable = (request.flags & O_EXCL) === 0;
  const unnamed = Dentry.floating(`#${inode.ino}`, inode);
  unnamed.parent = dentry;
  unnamed.deleted = true;
  return dentryOpen(task, { mount, dentry: unnamed }, request, 'created');
}

/** Opens a program or interpreter for execve(2). EACCES unless it is a regular file that may be executed. */
export function openExecutable(task: Task, dirfd: number, name: Name, atFlags: number): File | Promise<File> {
  const lookup =
    ((atFlags & AT_SYMLINK_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0) |
    ((atFlags & AT_EMPTY_PATH) === 0 ? 0 : LOOKUP_EMPTY);
  const place = lookupAt(task, dirfd, name, lookup);
  const request = { flags: O_RDONLY | O_LARGEFILE, mode: 0, access: MAY_EXEC, lookup };
  return dentryOpen(task, place, request, 'found');
}

/** Opens by path for the kernel's own purposes, with the task's rights. */
export const openPath = (task: Task, name: Name, flags: number, mode = 0): File | Promise<File> =>
  openAt(task, AT_FDCWD, name, openRequest(flags, mode));

/** Opens and gives the result a descriptor. */
function openDescriptor(task: Task, dirfd: number, name: Name, request: OpenRequest): Result {
  const limit = task.process.rlimits[RLIMIT_NOFILE].soft;
  // Before anything is made or truncated.
  task.files.checkRoom(limit);
  const opened = openAt(task, dirfd, name, request);
  const closeOnExec = (request.flags & O_CLOEXEC) !== 0;
  if (!(opened instanceof Promise)) return task.files.install(opened, closeOnExec, limit);
  return opened.then((file) => {
    // Others may have taken the last descriptor meanwhile: then nobody else releases the file.
    file.hold();
    try {
      return task.files.install(file, closeOnExec, limit);
    } finally {
      file.drop();
    }
  });
}

export const sys_open = syscall([path, bits(openFlags), modeArgument], (task, name, flags, mode) =>
  openDescriptor(task, AT_FDCWD, name, openRequest(flags, mode)),
);

export const sys_openat = syscall(
  [fd, path, bits(openFlags), modeArgument],
  (task, dirfd, name, flags, mode) => openDescriptor(task, dirfd, name, openRequest(flags, mode)),
);

export const sys_creat = syscall([path, modeArgument], (task, name, mode) =>
  openDescriptor(task, AT_FDCWD, name, openRequest(O_CREAT | O_WRONLY | O_TRUNC, mode)),
);

const PAGE_SIZE = 4096;

/** openat2(2): a structure that is longer than ours is taken if what we do not know of it is zero. */
export const sys_openat2 = syscall([fd, path, address, size], (task, dirfd, name, how, length) => {
  if (length < OPEN_HOW_SIZE_VER0) throw EINVAL;
  if (length > PAGE_SIZE) throw E2BIG;
  const bytes = task.memory.copyIn(how, length);
  if (bytes.subarray(open_how.size).some((byte) => byte !== 0)) throw E2BIG;
  const { flags, mode, resolve } = open_how.decode(bytes);
  const request = strictRequest(flags, mode, resolve);
  return openDescriptor(task, dirfd, name, (flags & O_PATH) === 0 ? withLargeFile(request) : request);
});

const withLargeFile = (request: OpenRequest): OpenRequest => ({
  ...request,
  flags: request.flags | O_LARGEFILE,
});
