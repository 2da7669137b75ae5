/**
 * Changing the upper layer. It is a file system that others may look at, too, so that each change goes through its dentry
 * cache. Permissions are not asked here: those of the overlay have been.
 */
import { rootCredentials } from '../../kernel/credentials.js';
import type { Name } from '../../lib/names.js';
import { ENOENT } from '../../uapi/errno.js';
import { RENAME_EXCHANGE } from '../../uapi/fs.js';
import { S_IFCHR, S_ISCHR, S_ISDIR } from '../../uapi/stat.js';
import { exchangeDentries, forget, instantiate, lookupChild, moveDentry } from '../dcache.js';
import type { Dentry } from '../dentry.js';
import type { Inode } from '../inode.js';

/** A whiteout hides the same name in the layers below: a character device 0:0. */
export const isWhiteout = (inode: Inode): boolean => S_ISCHR(inode.mode) && inode.rdev === 0;

export function inodeIn(directory: Dentry): Inode {
  if (directory.inode === undefined) throw ENOENT;
  return directory.inode;
}

/** What a directory of the layer has under a name, whiteouts included. */
export const find = (directory: Dentry, name: Name): Inode | undefined => lookupChild(directory, name).inode;

/** Makes something under a name that is free. */
export function add(directory: Dentry, name: Name, make: (parent: Inode) => Inode): Dentry {
  const entry = lookupChild(directory, name);
  instantiate(entry, make(inodeIn(directory)));
  return entry;
}

/** One more name for an inode. */
export function link(directory: Dentry, name: Name, inode: Inode): void {
  const entry = lookupChild(directory, name);
  inodeIn(directory).link(name, inode);
  instantiate(entry, inode);
}

/** Removes a file or an empty directory. */
export function remove(directory: Dentry, name: Name): void {
  const entry = lookupChild(directory, name);
  const { inode } = entry;
  if (inode === undefined) return;
  if (S_ISDIR(inode.mode)) {
    inodeIn(directory).rmdir(name, inode);
    inode.dead = true;
  } else inodeIn(directory).unlink(name, inode);
  forget(entry);
}

/** Moves a name, over what is there; or lets two change places. */
export function move(from: Dentry, name: Name, to: Dentry, toName: Name, flags = 0): void {
  const entry = lookupChild(from, name);
  const target = lookupChild(to, toName);
  const { inode } = entry;
  const replaced = target.inode;
  if (inode === undefined) throw ENOENT;
  inodeIn(from).rename(name, inode, inodeIn(to), toName, replaced, flags);
  if ((flags & RENAME_EXCHANGE) !== 0) exchangeDentries(entry, target);
  else {
    if (replaced !== undefined && S_ISDIR(replaced.mode)) replaced.dead = true;
    moveDentry(entry, target, replaced !== undefined);
  }
}

/** Hides a name that is free in this layer. */
export function addWhiteout(directory: Dentry, name: Name): void {
  add(directory, name, (parent) => parent.mknod(name, S_IFCHR, 0, rootCredentials));
}
