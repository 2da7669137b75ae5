/** Trees of mounts: putting them up, copying them, taking them down. Linux's namespace.c. */
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EINVAL } from '../uapi/errno.js';
import { isBelow } from './dcache.js';
import type { Dentry } from './dentry.js';
import { Mount, type Path } from './mount.js';
import {
  joinGroup,
  leaveGroups,
  makeShared,
  newGroup,
  receivers,
  type Receivers,
  setMaster,
} from './propagation.js';
import type { SuperBlock } from './super-block.js';

/** A mount of a file system, or of the part of it below `root`, that is nowhere yet. */
export function newMount(superBlock: SuperBlock, root: Dentry, source: Name, flags: number): Mount {
  const { kernel } = superBlock;
  const mount = new Mount(++kernel.lastMountId, superBlock, root, source);
  mount.flags = flags;
  return mount;
}

/** A mount and all below it, parents before children. */
export function* treeOf(mount: Mount): IterableIterator<Mount> {
  yield mount;
  for (const child of mount.children.values()) yield* treeOf(child);
}

/** Whether something of the task's own namespace is mounted right on an entry. */
export function isLocalMountpoint(task: Task, entry: Dentry): boolean {
  if (entry.mountedHere === 0) return false;
  for (const mount of entry.superBlock.mounts)
    if (mount.namespace === task.namespaces.mount && mount.children.has(entry)) return true;
  return false;
}

/** An entry has been removed: what other namespaces had mounted on it goes, too. */
export function detachMounts(entry: Dentry): void {
  if (entry.mountedHere === 0) return;
  for (const mount of entry.superBlock.mounts) {
    const covering = mount.children.get(entry);
    if (covering !== undefined) unmountTree(covering);
  }
}

/** Puts one mount at a place, without anybody else's hearing of it. What is there already comes to lie on top of it. */
export function connect(mount: Mount, at: Path): void {
  const above = at.mount.children.get(at.dentry);
  if (above !== undefined) disconnect(above);
  mount.parent = at.mount;
  mount.mountpoint = at.dentry.hold();
  at.dentry.mountedHere++;
  at.mount.children.set(at.dentry, mount);
  if (above !== undefined) connect(above, { mount, dentry: mount.root });
}

/** Takes one mount from its place. */
export function disconnect(mount: Mount): void {
  const { parent, mountpoint } = mount;
  if (parent === undefined || mountpoint === undefined) return;
  parent.children.delete(mountpoint);
  mountpoint.mountedHere--;
  mountpoint.drop();
  mount.parent = undefined;
  mount.mountpoint = undefined;
}

/** Puts up a tree at a place, and copies of it wherever that place's mount propagates to. Linux's attach_recursive_mnt. */
export function attachTree(tree: Mount, at: Path): void {
  const spreads = at.mount.peers !== undefined;
  if (spreads) for (const mount of treeOf(tree)) makeShared(mount);
  const copies = spreads ? propagate(tree, at) : [];
  for (const [copy, place] of [[tree, at] as const, ...copies]) {
    connect(copy, place);
    const { namespace } = place.mount;
    for (const mount of treeOf(copy)) namespace?.add(mount);
    namespace?.touch();
  }
}

/** Copies of a tree for all that get mounts from the one at `at`. */
function propagate(tree: Mount, { mount, dentry }: Path): (readonly [Mount, Path])[] {
  const made: (readonly [Mount, Path])[] = [];
  // For each set of receivers, a tree whose groups its copies join, or are slaves of.
  const sources = new Map<Receivers, Mount>();
  for (const set of receivers(mount)) {
    const master = set.of === undefined ? undefined : (sources.get(set.of) ?? tree);
    let source = set.of === undefined ? tree : undefined;
    for (const target of set.mounts) {
      if (!isBelow(dentry, target.root)) continue;
      let copy: Mount;
      if (source !== undefined) copy = copyTree(source, source.root, 'same');
      else {
        copy = copyTree(
          master as Mount,
          (master as Mount).root,
          set.group === undefined ? 'slave' : 'shared-slave',
        );
        if (set.group !== undefined) source = copy;
      }
      made.push([copy, { mount: target, dentry }]);
    }
    sources.set(set, source ?? (master as Mount));
  }
  return made;
}

/** How a copy is related to its original: in the same groups, or a slave of it, perhaps with a group of its own; or not. */
export type Relation = 'same' | 'slave' | 'shared-slave' | 'private';

/** A copy of one mount, showing `root`. */
export function copyMount(original: Mount, root: Dentry, relation: Relation): Mount {
  const copy = newMount(original.superBlock, root, original.source, original.flags);
  switch (relation) {
    case 'same':
      joinGroup(copy, original.peers);
      setMaster(copy, original.master);
      break;
    case 'slave':
      setMaster(copy, original.peers);
      break;
    case 'shared-slave':
      setMaster(copy, original.peers);
      joinGroup(copy, newGroup(original.superBlock.kernel));
      break;
    case 'private':
      break;
  }
  return copy;
}

export interface CopyOptions {
  /** Copies what may not be bound, too: a namespace's copy has everything. */
  readonly unbindable?: boolean;
  /** Told of each original and its copy. */
  readonly each?: (original: Mount, copy: Mount) => void;
}

/** A copy of a mount from `root` down, and of what is mounted below that. EINVAL for an unbindable one. */
export function copyTree(
  original: Mount,
  root: Dentry,
  relation: Relation,
  options: CopyOptions = {},
): Mount {
  if (original.unbindable && options.unbindable !== true) throw EINVAL;
  const copy = copyMount(original, root, relation);
  copy.unbindable = original.unbindable;
  options.each?.(original, copy);
  for (const [mountpoint, child] of original.children) {
    if (child.unbindable && options.unbindable !== true) continue;
    if (root !== original.root && !isBelow(mountpoint, root)) continue;
    connect(copyTree(child, child.root, relation, options), { mount: copy, dentry: mountpoint });
  }
  return copy;
}

/** Whether a mount is used, or one that an unmount of it would take along. Linux's propagate_mount_busy. */
export function isBusy(mount: Mount): boolean {
  if (mount.users > 0 || mount.children.size > 0) return true;
  for (const copy of copiesOf(mount)) if (canGo(copy) && copy.users > 0) return true;
  return false;
}

/** The mounts that went up elsewhere when this one did. */
function* copiesOf({ parent, mountpoint }: Mount): IterableIterator<Mount> {
  if (parent === undefined || mountpoint === undefined) return;
  for (const { mounts } of receivers(parent))
    for (const peer of mounts) {
      const copy = peer.children.get(mountpoint);
      if (copy !== undefined) yield copy;
    }
}

/**
 * Takes a tree down, everywhere that it propagates to. What is below stays connected to it, for those who are still in
 * there: umount2(2), MNT_DETACH.
 */
export function unmountTree(tree: Mount): void {
  const all = [...treeOf(tree)].reverse();
  for (const mount of all) for (const copy of copiesOf(mount)) if (canGo(copy)) takeDown(copy);
  for (const mount of all) {
    mount.namespace?.remove(mount);
    leaveGroups(mount);
  }
  const { parent } = tree;
  disconnect(tree);
  parent?.namespace?.touch();
  tree.letGo();
}

/** What lies right on top of a mount: it was there before the mount came between. */
const above = (mount: Mount): Mount | undefined => mount.children.get(mount.root);

/** Whether nothing is mounted on it, or nothing that would not find its old place again. */
const canGo = (mount: Mount): boolean => mount.children.size === (above(mount) === undefined ? 0 : 1);

/** Takes down one mount. */
function takeDown(mount: Mount): void {
  const { namespace, parent, mountpoint } = mount;
  const stays = above(mount);
  namespace?.remove(mount);
  leaveGroups(mount);
  if (stays !== undefined) disconnect(stays);
  disconnect(mount);
  if (stays !== undefined && parent !== undefined && mountpoint !== undefined)
    connect(stays, { mount: parent, dentry: mountpoint });
  namespace?.touch();
  mount.letGo();
}

/** Ends a tree that has never been put up. */
export function dissolve(tree: Mount): void {
  for (const mount of treeOf(tree)) leaveGroups(mount);
  tree.letGo();
}

/** Takes a tree away from where it is, to be put elsewhere: MS_MOVE. Only it moves, not its propagated copies. */
export function lift(tree: Mount): void {
  const { parent } = tree;
  disconnect(tree);
  parent?.namespace?.touch();
}
