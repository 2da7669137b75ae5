/**
 * Copying a file of a lower layer to the upper one, before it changes. Linux's copy_up.c. It is made in the work directory
 * and moved to its place when it is complete, so that a crash leaves no half of it.
 */
import { rootCredentials, type Credentials } from '../../kernel/credentials.js';
import { KernelBuffer } from '../../lib/io-buffer.js';
import type { Name } from '../../lib/names.js';
import { EIO, EOPNOTSUPP } from '../../uapi/errno.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISDIR } from '../../uapi/stat.js';
import { Errno, ENXIO } from '../../uapi/errno.js';
import type { Dentry } from '../dentry.js';
import type { Inode } from '../inode.js';
import type { OverlayInode } from './inode.js';
import { add, inodeIn, move, remove } from './upper.js';

const CHUNK = 256 * 1024;

/**
 * Copies what an inode shows to where it belongs in the upper layer; the result is held. `size`: how many bytes of its
 * contents are wanted.
 */
export function copyUp(inode: OverlayInode, size: number): Dentry {
  const { superBlock, parent, name, unlinked } = inode;
  const lower = inode.lowers[0];
  const { work } = superBlock.writable;
  const directory = unlinked ? undefined : parent?.upperDirectory();
  const temporary = superBlock.temporaryName();
  try {
    const entry = copyTo(work, temporary, lower.inode, size, superBlock);
    if (!S_ISDIR(lower.inode.mode)) superBlock.noteOrigin(inodeIn(entry), inode.ino);
    if (directory === undefined) {
      entry.hold();
      remove(work, temporary);
      return entry;
    }
    // The directory looks as if nothing had happened in it.
    const { atime, mtime } = inodeIn(directory);
    move(work, temporary, directory, name);
    inodeIn(directory).setAttributes({ atime, mtime });
    return entry.hold();
  } catch (error) {
    remove(work, temporary);
    throw error;
  }
}

/** Makes a copy of `lower` under a name in the work directory. `size`: how many bytes of its contents are wanted. */
function copyTo(work: Dentry, name: Name, lower: Inode, size: number, attributes: Attributes): Dentry {
  const owner: Credentials = { ...rootCredentials, fsuid: lower.uid, fsgid: lower.gid };
  const entry = add(work, name, (parent) => makeLike(parent, name, lower, owner));
  const upper = entry.inode as Inode;
  if ((lower.mode & S_IFMT) === S_IFREG) copyData(lower, upper, size);
  copyAttributes(lower, upper, attributes);
  return entry;
}

/** An inode of the same type, without contents. */
function makeLike(parent: Inode, name: Name, lower: Inode, owner: Credentials): Inode {
  const { mode } = lower;
  switch (mode & S_IFMT) {
    case S_IFREG:
      return parent.create(name, mode, owner);
    case S_IFDIR:
      return parent.mkdir(name, mode, owner);
    case S_IFLNK:
      return parent.symlink(name, lower.readlink(), owner);
    default:
      return parent.mknod(name, mode, lower.rdev, owner);
  }
}

/** Copies the parts that hold data; holes stay holes. */
function copyData(lower: Inode, upper: Inode, size: number): void {
  const from = lower.pages;
  const to = upper.pages;
  if (size === 0) return;
  if (from === undefined || to === undefined) throw EIO;
  upper.setAttributes({ size });
  const chunk = new Uint8Array(Math.min(CHUNK, size));
  let at = 0;
  while (at < size) {
    const start = nextData(lower, at);
    if (start >= size) break;
    const end = Math.min(lower.seekHole(start), size);
    for (at = start; at < end;) {
      const bytes = chunk.subarray(0, Math.min(chunk.length, end - at));
      const count = from.read(at, new KernelBuffer(bytes));
      // The file has become shorter below us.
      if (count === 0) return;
      to.write(at, new KernelBuffer(bytes.subarray(0, count)));
      at += count;
    }
  }
}

function nextData(lower: Inode, at: number): number {
  try {
    return lower.seekData(at);
  } catch (error) {
    if (error === ENXIO) return Infinity;
    throw error;
  }
}

/** Which extended attributes are overlayfs's own. */
export interface Attributes {
  isPrivate(name: Name): boolean;
}

function copyAttributes(lower: Inode, upper: Inode, attributes: Attributes): void {
  for (const name of lower.listxattr()) {
    if (attributes.isPrivate(name)) continue;
    try {
      upper.setxattr(name, lower.getxattr(name), 0);
    } catch (error) {
      // What the upper layer cannot keep is lost, as on Linux; anything else would be a different file.
      if (!(error instanceof Errno) || error !== EOPNOTSUPP) throw error;
    }
  }
  if (lower.acl !== undefined && upper.superBlock.posixAcl) upper.setAcl(lower.acl);
  const { mode, uid, gid, atime, mtime } = lower;
  const isLink = (mode & S_IFMT) === S_IFLNK;
  upper.setAttributes(isLink ? { uid, gid, atime, mtime } : { mode, uid, gid, atime, mtime });
}
