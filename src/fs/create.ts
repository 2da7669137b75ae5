/** mkdir(2), mknod(2), symlink(2), link(2). Linux has them in namei.c. */
import { capable } from '../kernel/credentials.js';
import { fd, int, mode as modeArgument, path, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { CAP_DAC_READ_SEARCH, CAP_MKNOD } from '../uapi/capability.js';
import { EEXIST, EINVAL, ENOENT, EPERM, EXDEV } from '../uapi/errno.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, linkatFlags } from '../uapi/fcntl.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../uapi/fs.js';
import {
  S_IALLUGO,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_IRWXUGO,
  S_ISDIR,
  S_ISGID,
  S_ISREG,
  S_ISUID,
  S_ISVTX,
  S_IXGRP,
} from '../uapi/stat.js';
import { instantiate, lookupChild } from './dcache.js';
import type { Dentry } from './dentry.js';
import type { Inode } from './inode.js';
import { newFileMode } from './inode-owner.js';
import type { Path } from './mount.js';
import { inodeOf, lookupAt, LOOKUP_EMPTY, LOOKUP_FOLLOW, lookupParent } from './namei.js';
import { notifyCreate, notifyLink } from './notify.js';
import {
  checkCreate,
  checkMountWritable,
  genericPermission,
  MAY_READ,
  MAY_WRITE,
  ownerOrCapable,
} from './permission.js';

/** Where a new entry is to go: its directory, and the negative dentry. */
export interface NewEntry extends Path {
  readonly directory: Inode;
  readonly entry: Dentry;
}

/** Finds the place for a new entry. EEXIST, EROFS, ENOENT. Linux's filename_create. */
export function newEntry(task: Task, dirfd: number, name: Name, isDirectory: boolean): NewEntry {
  const { parent, last, type, trailingSlash } = lookupParent(task, dirfd, name);
  if (type !== 'name') throw EEXIST;
  const entry = lookupChild(parent.dentry, last);
  if (entry.inode !== undefined) throw EEXIST;
  if (trailingSlash && !isDirectory) throw ENOENT;
  checkMountWritable(parent.mount);
  const directory = inodeOf(parent.dentry);
  return { ...parent, directory, entry };
}

/** An inode has been made for the entry. */
function entered({ directory, entry }: NewEntry, inode: Inode): void {
  instantiate(entry, inode);
  notifyCreate(directory, entry.name, inode);
}

function mkdir(task: Task, dirfd: number, name: Name, mode: number): number {
  const place = newEntry(task, dirfd, name, true);
  const { directory, entry } = place;
  checkCreate(task.credentials, directory, entry);
  const bits = newFileMode(task, directory, S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX)));
  entered(place, directory.mkdir(entry.name, bits, task.credentials));
  return 0;
}

export const sys_mkdir = syscall([path, modeArgument], (task, name, mode) =>
  mkdir(task, AT_FDCWD, name, mode),
);
export const sys_mkdirat = syscall([fd, path, modeArgument], mkdir);

/** Makes a node of any type but a directory or link; returns where. Also for bind(2) of a unix socket. */
export function makeNode(task: Task, dirfd: number, name: Name, mode: number, rdev: number): Path {
  const type = checkNodeType(mode);
  const place = newEntry(task, dirfd, name, false);
  const { directory, entry } = place;
  const bits = newFileMode(task, directory, type | (mode & S_IALLUGO));
  const { credentials } = task;
  checkCreate(credentials, directory, entry);
  if (type === S_IFREG) entered(place, directory.create(entry.name, bits, credentials));
  else {
    const isDevice = type === S_IFBLK || type === S_IFCHR;
    const isWhiteout = type === S_IFCHR && rdev === 0;
    if (isDevice && !isWhiteout && !capable(credentials, CAP_MKNOD)) throw EPERM;
    entered(place, directory.mknod(entry.name, bits, isDevice ? rdev : 0, credentials));
  }
  return { mount: place.mount, dentry: entry };
}

/** The type of node that a mode asks for; none means a regular file. */
function checkNodeType(mode: number): number {
  const type = mode & S_IFMT;
  if (type === 0) return S_IFREG;
  if ([S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(type)) return type;
  throw type === S_IFDIR ? EPERM : EINVAL;
}

export const sys_mknod = syscall([path, modeArgument, uint], (task, name, mode, rdev) => {
  makeNode(task, AT_FDCWD, name, mode, rdev);
  return 0;
});
export const sys_mknodat = syscall([fd, path, modeArgument, uint], (task, dirfd, name, mode, rdev) => {
  makeNode(task, dirfd, name, mode, rdev);
  return 0;
});

function symlink(task: Task, target: Name, dirfd: number, name: Name): number {
  if (target === '') throw ENOENT;
  const place = newEntry(task, dirfd, name, false);
  const { directory, entry } = place;
  checkCreate(task.credentials, directory, entry);
  entered(place, directory.symlink(entry.name, target, task.credentials));
  return 0;
}

export const sys_symlink = syscall([path, path], (task, target, name) =>
  symlink(task, target, AT_FDCWD, name),
);
export const sys_symlinkat = syscall([path, fd, path], symlink);

function link(task: Task, fromFd: number, from: Name, toFd: number, to: Name, how: number): number {
  if (linkatFlags.unknown(how) !== 0) throw EINVAL;
  const lookup =
    ((how & AT_SYMLINK_FOLLOW) === 0 ? 0 : LOOKUP_FOLLOW) | ((how & AT_EMPTY_PATH) === 0 ? 0 : LOOKUP_EMPTY);
  // Else a descriptor that was passed on would give more than it should.
  if (from === '' && (how & AT_EMPTY_PATH) !== 0 && !mayLinkDescriptor(task, fromFd)) throw ENOENT;
  const source = lookupAt(task, fromFd, from, lookup);
  const place = newEntry(task, toFd, to, false);
  if (place.mount !== source.mount) throw EXDEV;
  const inode = inodeOf(source.dentry);
  checkHardlink(task, inode);
  checkLink(task, place, inode);
  place.directory.link(place.entry.name, inode);
  inode.linkable = false;
  instantiate(place.entry, inode);
  notifyLink(place.directory, place.entry.name, inode);
  return 0;
}

function mayLinkDescriptor(task: Task, at: number): boolean {
  if (capable(task.credentials, CAP_DAC_READ_SEARCH)) return true;
  return at !== AT_FDCWD && task.files.get(at).credentials === task.credentials;
}

/** Linux's vfs_link, but for the act itself. */
function checkLink(task: Task, { directory, entry }: NewEntry, inode: Inode): void {
  checkCreate(task.credentials, directory, entry);
  if (directory.superBlock !== inode.superBlock) throw EXDEV;
  if ((inode.flags & (FS_APPEND_FL | FS_IMMUTABLE_FL)) !== 0) throw EPERM;
  if (S_ISDIR(inode.mode)) throw EPERM;
  inode.refresh();
  if (inode.nlink === 0 && !inode.linkable) throw ENOENT;
}

/** /proc/sys/fs/protected_hardlinks: only one's own files, or harmless ones that one may read and write. */
function checkHardlink(task: Task, inode: Inode): void {
  const { credentials, kernel } = task;
  if (kernel.fsSettings.protectedHardlinks === 0) return;
  if (ownerOrCapable(credentials, inode)) return;
  const { mode } = inode;
  const harmless =
    S_ISREG(mode) && (mode & S_ISUID) === 0 && (mode & (S_ISGID | S_IXGRP)) !== (S_ISGID | S_IXGRP);
  if (!harmless || !genericPermission(credentials, inode, MAY_READ | MAY_WRITE)) throw EPERM;
}

export const sys_link = syscall([path, path], (task, from, to) =>
  link(task, AT_FDCWD, from, AT_FDCWD, to, 0),
);
export const sys_linkat = syscall([fd, path, fd, path, int], link);
