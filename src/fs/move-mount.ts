/** open_tree(2), move_mount(2), mount_setattr(2). Linux has them in namespace.c. */
import { address, bits, fd, path, size, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { E2BIG, EBUSY, EINVAL } from '../uapi/errno.js';
import { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_PATH } from '../uapi/fcntl.js';
import {
  mount_attr,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_SIZE_VER0,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_F_SYMLINKS,
  MOVE_MOUNT_T_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  moveMountFlags,
  MOVE_MOUNT_BENEATH,
  MOVE_MOUNT_SET_GROUP,
  MS_NOATIME,
  MS_PRIVATE,
  MS_RDONLY,
  MS_RELATIME,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../uapi/mount.js';
import { PathFile } from './dentry-open.js';
import { descriptorLimit } from './file-calls.js';
import { MountFile } from './fsopen.js';
import type { Mount, Path } from './mount.js';
import { atimeFlags, plainFlags } from './mount-attributes.js';
import { cloneTree, isAttached, mayMount, moveTree, setMountFlags, setPropagation } from './mount-calls.js';
import { treeOf } from './mount-tree.js';
import { inodeOf, LOOKUP_EMPTY, LOOKUP_FOLLOW, lookupAt } from './namei.js';
import { lookupFlags } from './stat.js';

export const sys_open_tree = syscall([fd, path, uint], (task, dirfd, name, flags) => {
  const known =
    AT_EMPTY_PATH |
    AT_NO_AUTOMOUNT |
    AT_RECURSIVE |
    AT_SYMLINK_NOFOLLOW |
    OPEN_TREE_CLONE |
    OPEN_TREE_CLOEXEC;
  const clones = (flags & OPEN_TREE_CLONE) !== 0;
  if ((flags & ~known) !== 0 || (!clones && (flags & AT_RECURSIVE) !== 0)) throw EINVAL;
  if (clones) mayMount(task);
  task.files.checkRoom(descriptorLimit(task));
  const place = lookupAt(task, dirfd, name, lookupFlags(flags));
  const file = clones
    ? new MountFile(task, cloneTree(task, place, (flags & AT_RECURSIVE) !== 0))
    : new PathFile(place.mount, place.dentry, inodeOf(place.dentry), O_PATH, task.credentials);
  return task.files.install(file, (flags & OPEN_TREE_CLOEXEC) !== 0, descriptorLimit(task));
});

function placeFor(task: Task, dirfd: number, name: Name, follows: boolean, mayBeEmpty: boolean): Path {
  return lookupAt(task, dirfd, name, (follows ? LOOKUP_FOLLOW : 0) | (mayBeEmpty ? LOOKUP_EMPTY : 0));
}

export const sys_move_mount = syscall(
  [fd, path, fd, path, bits(moveMountFlags)],
  (task, fromFd, from, toFd, to, flags) => {
    mayMount(task);
    const has = (flag: number): boolean => (flags & flag) !== 0;
    if (!moveMountFlags.has(flags) || has(MOVE_MOUNT_BENEATH) || has(MOVE_MOUNT_SET_GROUP)) throw EINVAL;
    const source = placeFor(task, fromFd, from, has(MOVE_MOUNT_F_SYMLINKS), has(MOVE_MOUNT_F_EMPTY_PATH));
    const target = placeFor(task, toFd, to, has(MOVE_MOUNT_T_SYMLINKS), has(MOVE_MOUNT_T_EMPTY_PATH));
    moveTree(task, source, target);
    return 0;
  },
);

interface AttributeChange {
  readonly set: number;
  readonly clear: number;
  /** MS_SHARED and its kin; 0: stays. */
  readonly propagation: number;
}

function readAttributes(task: Task, at: number, length: number): AttributeChange | undefined {
  if (length > 4096) throw E2BIG;
  if (length < MOUNT_ATTR_SIZE_VER0) throw EINVAL;
  const bytes = task.memory.copyIn(at, length);
  if (bytes.subarray(mount_attr.size).some((byte) => byte !== 0)) throw E2BIG;
  const { attr_set, attr_clr, propagation } = mount_attr.decode(bytes);
  if (attr_set === 0 && attr_clr === 0 && propagation === 0) return undefined;
  if (attr_set > 0xffff_ffff || attr_clr > 0xffff_ffff) throw EINVAL;
  if (propagation !== 0 && ![MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE].includes(propagation))
    throw EINVAL;
  // How access times are kept is a field: it is cleared whole, or not set at all.
  const atime = attr_clr & MOUNT_ATTR__ATIME;
  if (atime !== 0 ? atime !== MOUNT_ATTR__ATIME : (attr_set & MOUNT_ATTR__ATIME) !== 0) throw EINVAL;
  let set = plainFlags(attr_set);
  let clear = plainFlags(attr_clr);
  if (atime !== 0) {
    set |= atimeFlags(attr_set);
    clear |= MS_RELATIME | MS_NOATIME;
  }
  return { set, clear, propagation };
}

export const sys_mount_setattr = syscall(
  [fd, path, uint, address, size],
  (task, dirfd, name, flags, attributes, length) => {
    const known = AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    if ((flags & ~known) !== 0) throw EINVAL;
    mayMount(task);
    const change = readAttributes(task, attributes, length);
    if (change === undefined) return 0;
    const { mount, dentry } = lookupAt(task, dirfd, name, lookupFlags(flags));
    if (dentry !== mount.root) throw EINVAL;
    if (isAttached(mount) && mount.namespace !== task.namespaces.mount) throw EINVAL;
    changeAttributes(mount, change, (flags & AT_RECURSIVE) !== 0);
    return 0;
  },
);

/** All mounts, or none: what one of them refuses is known before any is changed. */
function changeAttributes(
  top: Mount,
  { set, clear, propagation }: AttributeChange,
  recursive: boolean,
): void {
  const mounts = recursive ? [...treeOf(top)] : [top];
  if ((set & MS_RDONLY) !== 0)
    for (const { writers, flags } of mounts) if (writers > 0 && (flags & MS_RDONLY) === 0) throw EBUSY;
  for (const mount of mounts) setMountFlags(mount, (mount.flags & ~clear) | set);
  if (propagation !== 0) setPropagation(top, propagation, recursive);
}
