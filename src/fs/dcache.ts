/** The dentry cache: looking names up through it, keeping it small, and the path name of a dentry. Linux's dcache.c. */
import type { Name } from '../lib/names.js';
import { assert } from '../lib/assert.js';
import { EAGAIN, ENAMETOOLONG, ENOENT } from '../uapi/errno.js';
import { Dentry } from './dentry.js';
import type { Path } from './mount.js';

/** The entry of a name in a directory, negative if there is none. `cachedOnly`: EAGAIN rather than ask the file system. */
export function lookupChild(directory: Dentry, name: Name, cachedOnly = false): Dentry {
  const child = directory.child(name);
  if (child !== undefined && child.superBlock.revalidate(child)) {
    child.referenced = true;
    return child;
  }
  if (cachedOnly) throw EAGAIN;
  return askFileSystem(directory, name, child);
}

function askFileSystem(directory: Dentry, name: Name, stale: Dentry | undefined): Dentry {
  const { superBlock, inode } = directory;
  assert(inode !== undefined, 'names are looked up in directories that exist');
  if (name.length > superBlock.nameMax) throw ENAMETOOLONG;
  if (inode.dead) throw ENOENT;
  const found = inode.lookup(name);
  if (stale !== undefined) {
    // The same file, looked at again: keeps its place, its children and its mounts.
    if (stale.inode === found) return stale;
    invalidate(stale);
  }
  const dentry = new Dentry(directory, name, found, superBlock);
  if (found !== undefined || superBlock.cachesNegative) insert(directory, dentry);
  return dentry;
}

/** Puts an entry that was just made, or was negative and not kept, into its directory. */
export function insert(directory: Dentry, dentry: Dentry): void {
  const { superBlock } = directory;
  if (superBlock.dentryCount >= superBlock.dentryLimit) sweep(superBlock.root);
  directory.addChild(dentry);
}

/** A negative entry becomes a file. */
export function instantiate(dentry: Dentry, inode: NonNullable<Dentry['inode']>): void {
  dentry.instantiate(inode);
  if (!dentry.hashed && dentry.parent !== undefined) insert(dentry.parent, dentry);
}

/** The file of this entry has been removed from its directory. */
export function forget(dentry: Dentry): void {
  dentry.deleted = true;
  for (const child of dentry.children) invalidate(child);
  dentry.unhash();
}

/** Takes an entry and all below it out of the cache: it no longer tells the truth. */
export function invalidate(dentry: Dentry): void {
  for (const child of dentry.children) invalidate(child);
  dentry.unhash();
}

/**
 * Drops the leaves that nobody has used since the last sweep. Directories whose children all went go the next time. A
 * sweep of the whole tree is cheaper than keeping it in order of use: look-ups are far more frequent.
 */
export function sweep(root: Dentry): void {
  for (const child of root.children) {
    sweep(child);
    if (child.referenced) child.referenced = false;
    else if (child.idle) child.unhash();
  }
}

/** Drops every entry that nobody holds: before an unmount, and /proc/sys/vm/drop_caches. */
export function shrink(root: Dentry): void {
  for (const child of root.children) {
    shrink(child);
    if (child.idle) child.unhash();
  }
}

/** Moves an entry to another place; an entry that is there goes. */
export function moveDentry(dentry: Dentry, target: Dentry, replaced: boolean): void {
  const { parent, name } = target;
  assert(parent !== undefined, 'the target of a rename has a name');
  if (replaced) forget(target);
  else target.unhash();
  dentry.move(parent, name);
}

/** Two entries change places. */
export function exchangeDentries(a: Dentry, b: Dentry): void {
  const { parent, name } = a;
  assert(parent !== undefined && b.parent !== undefined, 'entries that change places have names');
  const [toParent, toName] = [b.parent, b.name];
  // The first step leaves two entries of one name for a moment, of which the tree knows the later: `a` is put in again.
  b.move(parent, name);
  a.parent = toParent;
  a.name = toName;
  toParent.addChild(a);
  if (parent === toParent) parent.addChild(b);
}

/** Whether `dentry` is `ancestor` or lies below it. */
export function isBelow(dentry: Dentry, ancestor: Dentry): boolean {
  for (let at: Dentry | undefined = dentry; at !== undefined; at = at.parent)
    if (at === ancestor) return true;
  return false;
}

/** How a path name came out: `unreachable` when the place does not lie below the root that was asked about. */
export interface PathName {
  readonly name: Name;
  readonly reach: 'reached' | 'namespace-root' | 'unreachable';
}

/** The path name of a place as seen from `root`. */
export function pathName(path: Path, root: Path): PathName {
  let { mount, dentry } = path;
  let name = '';
  let reach: PathName['reach'] = 'reached';
  while (dentry !== root.dentry || mount !== root.mount) {
    if (dentry === mount.root) {
      if (mount.parent === undefined || mount.mountpoint === undefined) {
        reach = mount.namespace === undefined ? 'unreachable' : 'namespace-root';
        break;
      }
      dentry = mount.mountpoint;
      mount = mount.parent;
      continue;
    }
    if (dentry.parent === undefined) {
      reach = 'unreachable';
      break;
    }
    name = `/${dentry.name}${name}`;
    dentry = dentry.parent;
  }
  return { name: name === '' ? '/' : name, reach };
}

/** The path as /proc/PID/fd, /proc/PID/maps and the like show it. Linux's d_path. */
export function dPath(path: Path, root: Path): Name {
  const { name } = pathName(path, root);
  return path.dentry.deleted ? `${name} (deleted)` : name;
}

/** The path of a dentry within its file system: mountinfo's root field. Linux's dentry_path. */
export function dentryPath(dentry: Dentry): Name {
  let name = '';
  for (let at: Dentry = dentry; at.parent !== undefined; at = at.parent) name = `/${at.name}${name}`;
  if (name === '') name = '/';
  return dentry.deleted ? `${name}//deleted` : name;
}
