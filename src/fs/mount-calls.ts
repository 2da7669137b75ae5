/** mount(2), umount2(2), pivot_root(2). Linux has them in namespace.c. */
import { capable } from '../kernel/credentials.js';
import type { Argument, Result } from '../kernel/syscall.js';
import { address, int, optionalPath, path, syscall, ulong } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { nameFromBytes, type Name } from '../lib/names.js';
import { CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EAGAIN, EBUSY, EINVAL, ELOOP, ENODEV, ENOENT, ENOTDIR, EPERM } from '../uapi/errno.js';
import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_BIND,
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_MGC_MSK,
  MS_MGC_VAL,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
  UMOUNT_NOFOLLOW,
  umountFlags,
} from '../uapi/mount.js';
import { S_ISDIR, S_ISLNK } from '../uapi/stat.js';
import { isBelow } from './dcache.js';
import type { Mount, Path } from './mount.js';
import {
  attachTree,
  connect,
  copyMount,
  copyTree,
  disconnect,
  dissolve,
  isBusy,
  lift,
  newMount,
  treeOf,
  unmountTree,
} from './mount-tree.js';
import { inodeOf, LOOKUP_DIRECTORY, LOOKUP_FOLLOW, lookupPath } from './namei.js';
import { makePrivate, makeShared, makeSlave } from './propagation.js';
import { findFileSystem, type FileSystemType } from './super-block.js';

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
const ATIME = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;
/** Flags that a mount has for itself. */
const PER_MOUNT = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | ATIME;
/** Flags that the file system has. */
const PER_SUPER_BLOCK = MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME;

const isTopOf = ({ mount, dentry }: Path): boolean => dentry === mount.root;
const isOurs = (task: Task, mount: Mount): boolean => mount.namespace === task.namespaces.mount;

/** Whether a mount lies in a namespace; else it is a tree of its own, to be put up: fsmount(2), open_tree(2). */
export const isAttached = (mount: Mount): boolean =>
  mount.parent !== undefined || mount.namespace !== undefined;

export function mayMount(task: Task): void {
  if (!capable(task.credentials, CAP_SYS_ADMIN)) throw EPERM;
}

/** The flags of the new or changed mount. Without any wish, relatime; a remount keeps how access times are kept. */
function mountFlagsOf(flags: number, old: number | undefined): number {
  let result = flags & PER_MOUNT;
  if ((flags & MS_NOATIME) === 0) result |= MS_RELATIME;
  if ((flags & MS_STRICTATIME) !== 0) result &= ~(MS_RELATIME | MS_NOATIME);
  const wishes = flags & (ATIME | MS_STRICTATIME);
  if (old !== undefined && (flags & MS_REMOUNT) !== 0 && wishes === 0)
    result = (result & ~ATIME) | (old & ATIME);
  return result;
}

export interface MountArguments {
  readonly source: Name;
  readonly type: Name | undefined;
  /** MS_* */
  readonly flags: number;
  readonly data: Name;
}

/** mount(2) at a place that has been looked up. */
export function mountAt(task: Task, place: Path, request: MountArguments): Result {
  let { flags } = request;
  if ((flags & MS_MGC_MSK) === (MS_MGC_VAL | 0)) flags &= ~MS_MGC_MSK;
  mayMount(task);
  const old = (flags & MS_REMOUNT) === 0 ? undefined : place.mount.flags;
  const mountFlags = mountFlagsOf(flags, old);
  if ((flags & (MS_REMOUNT | MS_BIND)) === (MS_REMOUNT | MS_BIND))
    return remountBind(task, place, mountFlags);
  if ((flags & MS_REMOUNT) !== 0) return remount(task, place, flags, mountFlags, request.data);
  if ((flags & MS_BIND) !== 0) return bind(task, place, request.source, (flags & MS_REC) !== 0);
  if ((flags & PROPAGATION) !== 0) return changePropagation(task, place, flags);
  if ((flags & MS_MOVE) !== 0) return move(task, place, request.source);
  return mountNew(task, place, request, flags, mountFlags);
}

/** A fresh mount of a file system. */
function mountNew(
  task: Task,
  place: Path,
  request: MountArguments,
  flags: number,
  mountFlags: number,
): number {
  if (request.type === undefined) throw EINVAL;
  const { kernel } = task;
  const type = findFileSystem(kernel, request.type);
  if (type === undefined) throw ENODEV;
  if (!type.userMountable) throw EINVAL;
  const mount = makeMount(task, type, request, flags, mountFlags);
  return orLetGo(mount, () => addMount(task, mount, place));
}

/** Has the file system make its instance; the mount is nowhere yet. */
export function makeMount(
  task: Task,
  type: FileSystemType,
  { source, data }: Pick<MountArguments, 'source' | 'data'>,
  flags: number,
  mountFlags: number,
): Mount {
  const superBlock = type.mount({ kernel: task.kernel, task, source, flags, data });
  if (superBlock.mounts.size === 0) {
    superBlock.readOnly = superBlock.readOnly || (flags & MS_RDONLY) !== 0;
    superBlock.flags = flags & PER_SUPER_BLOCK;
  }
  return newMount(superBlock, superBlock.root, source === '' ? 'none' : source, mountFlags);
}

/** Runs what places a new mount; if that fails, the mount must not stay. */
function orLetGo(mount: Mount, act: () => void): number {
  try {
    act();
  } catch (error) {
    dissolve(mount);
    throw error;
  }
  return 0;
}

/** Where something may be mounted. Linux's lock_mount and the checks of graft_tree. */
function checkMountpoint({ dentry }: Path, tree: Mount): void {
  if (dentry.deleted || inodeOf(dentry).dead) throw ENOENT;
  if (S_ISDIR(inodeOf(dentry).mode) !== S_ISDIR(inodeOf(tree.root).mode)) throw ENOTDIR;
}

export function addMount(task: Task, mount: Mount, place: Path): void {
  if (!isOurs(task, place.mount)) throw EINVAL;
  // The same twice at one place is taken for a mistake.
  if (place.mount.superBlock === mount.superBlock && isTopOf(place)) throw EBUSY;
  if (S_ISLNK(inodeOf(mount.root).mode)) throw EINVAL;
  checkMountpoint(place, mount);
  attachTree(mount, place);
}

/** MS_REMOUNT with MS_BIND: only this mount's own flags. */
function remountBind(task: Task, place: Path, mountFlags: number): number {
  const { mount } = place;
  if (!isTopOf(place) || !isOurs(task, mount)) throw EINVAL;
  setMountFlags(mount, mountFlags);
  return 0;
}

export function setMountFlags(mount: Mount, flags: number): void {
  if ((flags & MS_RDONLY) !== 0 && (mount.flags & MS_RDONLY) === 0 && mount.writers > 0) throw EBUSY;
  mount.flags = flags;
  mount.namespace?.touch();
}

/** MS_REMOUNT: the file system's options, and this mount's flags. */
function remount(task: Task, place: Path, flags: number, mountFlags: number, data: Name): Result {
  const { mount } = place;
  if (!isOurs(task, mount) || !isTopOf(place)) throw EINVAL;
  const finish = (): number => {
    mount.flags = mountFlags;
    mount.namespace?.touch();
    return 0;
  };
  const done = reconfigure(mount, flags, data);
  return typeof done === 'number' ? finish() : done.then(finish);
}

/** New options and flags for the file system of a mount. */
export function reconfigure({ superBlock, namespace }: Mount, flags: number, data: Name): Result {
  const readOnly = (flags & MS_RDONLY) !== 0;
  if (readOnly && !superBlock.readOnly)
    for (const other of superBlock.mounts) if (other.writers > 0) throw EBUSY;
  const apply = (): number => {
    superBlock.remount(flags, data);
    superBlock.readOnly = readOnly;
    superBlock.flags = flags & PER_SUPER_BLOCK;
    namespace?.touch();
    return 0;
  };
  if (!readOnly || superBlock.readOnly) return apply();
  const synced = superBlock.sync();
  return typeof synced === 'number' ? apply() : synced.then(apply);
}

/** MS_BIND */
function bind(task: Task, place: Path, source: Name, recursive: boolean): number {
  if (source === '') throw EINVAL;
  const from = lookupPath(task, source);
  const tree = cloneTree(task, from, recursive);
  return orLetGo(tree, () => {
    if (!isOurs(task, place.mount)) throw EINVAL;
    checkMountpoint(place, tree);
    attachTree(tree, place);
  });
}

/** A detached copy of what is mounted at a place: MS_BIND, open_tree(2). */
export function cloneTree(task: Task, from: Path, recursive: boolean): Mount {
  const { mount, dentry } = from;
  // Pseudo files of the kernel, which lie in no namespace, may be bound as such: namespaces, for one.
  if (mount.unbindable || (mount.id !== 0 && isAttached(mount) && !isOurs(task, mount))) throw EINVAL;
  const tree = recursive ? copyTree(mount, dentry, 'same') : copyMount(mount, dentry, 'same');
  return tree;
}

/** MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE */
function changePropagation(task: Task, place: Path, flags: number): number {
  const type = flags & ~(MS_REC | MS_SILENT);
  if (![MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE].includes(type)) throw EINVAL;
  if (!isTopOf(place) || !isOurs(task, place.mount)) throw EINVAL;
  setPropagation(place.mount, type, (flags & MS_REC) !== 0);
  return 0;
}

export function setPropagation(top: Mount, type: number, recursive: boolean): void {
  for (const mount of recursive ? [...treeOf(top)] : [top]) {
    if (type === MS_SHARED) makeShared(mount);
    else if (type === MS_SLAVE) makeSlave(mount);
    else makePrivate(mount, type === MS_UNBINDABLE);
  }
  top.namespace?.touch();
}

/** MS_MOVE */
function move(task: Task, place: Path, source: Name): number {
  if (source === '') throw EINVAL;
  moveTree(task, lookupPath(task, source), place);
  return 0;
}

/** Moves a mount that lies in our namespace, or puts up one that lies in none. Linux's do_move_mount. */
export function moveTree(task: Task, from: Path, to: Path): void {
  const tree = from.mount;
  const attached = tree.parent !== undefined;
  if (!isOurs(task, to.mount) || (attached && !isOurs(task, tree))) throw EINVAL;
  if (!attached && tree.namespace !== undefined) throw EINVAL;
  if (!isTopOf(from)) throw EINVAL;
  checkMountpoint(to, tree);
  if (attached && tree.parent?.peers !== undefined) throw EINVAL;
  // An unbindable mount would have to be copied for the receivers.
  if (to.mount.peers !== undefined && [...treeOf(tree)].some(({ unbindable }) => unbindable)) throw EINVAL;
  for (let at: Mount | undefined = to.mount; at !== undefined; at = at.parent) if (at === tree) throw ELOOP;
  if (attached) lift(tree);
  attachTree(tree, to);
}

/** The data argument: up to a page of options, ended by a NUL. */
const optionData: Argument<Name> = {
  decode(task, lo, hi) {
    const at = address.decode(task, lo, hi);
    if (at === 0) return '';
    const page = new Uint8Array(4096);
    const count = task.memory.copyInto(at, page);
    const end = page.indexOf(0);
    return nameFromBytes(page, 0, end < 0 || end > count ? count : end);
  },
  format: (value) => JSON.stringify(value),
};

export const sys_mount = syscall(
  [optionalPath, path, optionalPath, ulong, optionData],
  (task, source, target, type, flags, data) =>
    mountAt(task, lookupPath(task, target), { source: source ?? '', type, flags: flags | 0, data }),
);

export const sys_umount2 = syscall([path, int], (task, name, flags): Result => {
  if (!umountFlags.has(flags)) throw EINVAL;
  const place = lookupPath(task, name, (flags & UMOUNT_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0);
  mayMount(task);
  const { mount } = place;
  if (!isTopOf(place) || !isOurs(task, mount)) throw EINVAL;
  if ((flags & MNT_EXPIRE) !== 0) expire(task, mount, flags);
  if (mount === task.fs.root.mount && (flags & MNT_DETACH) === 0) return remountRootReadOnly(mount);
  if ((flags & MNT_DETACH) !== 0) {
    unmountTree(mount);
    return 0;
  }
  if (mount.parent === undefined) throw EINVAL;
  if (isBusy(mount)) throw EBUSY;
  if (mount.superBlock.mounts.size > 1) return finishUnmount(mount);
  const synced = mount.superBlock.sync();
  return typeof synced === 'number' ? finishUnmount(mount) : synced.then(() => finishUnmount(mount));
});

/** After the data are safe. Somebody may have come meanwhile, or taken it down. */
function finishUnmount(mount: Mount): number {
  if (mount.parent === undefined) throw EINVAL;
  if (isBusy(mount)) throw EBUSY;
  unmountTree(mount);
  return 0;
}

/** MNT_EXPIRE: the first call marks, the second, if nobody has used it in between, unmounts. */
function expire(task: Task, mount: Mount, flags: number): void {
  if (mount === task.fs.root.mount || (flags & (MNT_FORCE | MNT_DETACH)) !== 0) throw EINVAL;
  if (mount.users > 0 || mount.children.size > 0) throw EBUSY;
  if (mount.expiring) return;
  mount.expiring = true;
  throw EAGAIN;
}

/** "Unmounting" the root at shutdown means that it is to be read-only. */
function remountRootReadOnly({ superBlock }: Mount): Result {
  if (superBlock.readOnly) return 0;
  for (const { writers } of superBlock.mounts) if (writers > 0) throw EBUSY;
  const synced = superBlock.sync();
  const apply = (): number => {
    superBlock.remount(MS_REMOUNT | MS_RDONLY, '');
    superBlock.readOnly = true;
    return 0;
  };
  return typeof synced === 'number' ? apply() : synced.then(apply);
}

/** Whether a place lies in what can be reached from another. */
function isReachable(place: Path, from: Path): boolean {
  let { mount, dentry } = place;
  while (mount !== from.mount) {
    if (mount.parent === undefined || mount.mountpoint === undefined) return false;
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  return isBelow(dentry, from.dentry);
}

export const sys_pivot_root = syscall([path, path], (task, newName, oldName) => {
  mayMount(task);
  const to = lookupPath(task, newName, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  const old = lookupPath(task, oldName, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  const { root } = task.fs;
  const { parent: newParent } = to.mount;
  const { parent: rootParent, mountpoint: rootMountpoint } = root.mount;
  if ([old.mount, newParent, rootParent].some((mount) => mount?.peers !== undefined)) throw EINVAL;
  if (!isOurs(task, root.mount) || !isOurs(task, to.mount)) throw EINVAL;
  if (to.dentry.deleted || old.dentry.deleted) throw ENOENT;
  if (to.mount === root.mount || old.mount === root.mount) throw EBUSY;
  if (!isTopOf(root) || rootParent === undefined || rootMountpoint === undefined) throw EINVAL;
  if (!isTopOf(to) || newParent === undefined) throw EINVAL;
  if (!isReachable(old, to) || !isReachable(to, root)) throw EINVAL;
  disconnect(to.mount);
  disconnect(root.mount);
  connect(to.mount, { mount: rootParent, dentry: rootMountpoint });
  connect(root.mount, old);
  to.mount.namespace?.touch();
  moveRoots(task, root, to);
  return 0;
});

/** Every process whose root or working directory is the old root goes to the new one. Linux's chroot_fs_refs. */
function moveRoots(task: Task, from: Path, to: Path): void {
  const same = ({ mount, dentry }: Path): boolean => mount === from.mount && dentry === from.dentry;
  for (const { fs } of task.kernel.pids.tasks.values()) {
    if (same(fs.root)) fs.root = to;
    if (same(fs.cwd)) fs.cwd = to;
  }
}
