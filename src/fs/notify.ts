/**
 * Telling watches what happens to files: inotify(7). Whoever changes a name, an inode or an open file's bytes calls one of
 * these after the change has succeeded; they cost two loads when nobody watches.
 *
 * As on Linux, an event at a file goes first to the watches of the directory that it was reached through, with its name,
 * then to those of the file itself, without one.
 *
 * Who calls what:
 * - open, openat2: `notifyFile(file, IN_OPEN)`; read, write and close tell of themselves (fs/read-write, fs/file)
 * - create, mknod, mkdir, symlink: `notifyCreate`; link: `notifyLink`
 * - unlink, rmdir: `notifyLinkCount(inode)` (unlink only), then the dentry lets go of its inode, then `notifyDelete`
 * - rename: `notifyMove`; chmod, chown, utimes, setxattr: `notifyDentry(dentry, IN_ATTRIB)`
 * - truncate(2), fallocate(2): `notifyDentry(dentry, IN_MODIFY)`
 */
import type { Name } from '../lib/names.js';
import {
  IN_ACCESS,
  IN_ALL_EVENTS,
  IN_ATTRIB,
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from '../uapi/inotify.js';
import { S_ISDIR, S_ISREG } from '../uapi/stat.js';
import { O_PATH } from '../uapi/fcntl.js';
import type { Dentry } from './dentry.js';
import type { File } from './file.js';
import type { Inode } from './inode.js';

/** One watch on an inode. */
export interface InodeWatch {
  /** IN_* events that it wants. */
  readonly mask: number;
  /** An event that it wants has happened. `name` is '' when it is about the inode itself. `unlinked`: the name is gone. */
  event(mask: number, cookie: number, name: Name, unlinked: boolean): void;
  /** The inode goes: the watch is to end, with IN_IGNORED. */
  inodeGone(): void;
}

/** The watches on one inode. They keep it, together, once. */
export class InodeWatches {
  private readonly watches = new Set<InodeWatch>();

  constructor(private readonly inode: Inode) {}

  /** Adds a watch; the first one makes the inode stay. */
  static add(inode: Inode, watch: InodeWatch): void {
    if (inode.watches === undefined) {
      inode.watches = new InodeWatches(inode);
      inode.hold();
    }
    inode.watches.watches.add(watch);
  }

  remove(watch: InodeWatch): void {
    if (!this.watches.delete(watch) || this.watches.size > 0) return;
    this.inode.watches = undefined;
    this.inode.drop();
  }

  [Symbol.iterator](): Iterator<InodeWatch> {
    return this.watches.values();
  }

  send(mask: number, cookie: number, name: Name, unlinked: boolean): void {
    // One-shot watches leave the set while it is walked, which a Set allows.
    for (const watch of this.watches)
      if ((watch.mask & mask & IN_ALL_EVENTS) !== 0) watch.event(mask, cookie, name, unlinked);
  }
}

const isSpecial = (mode: number): boolean => !S_ISREG(mode) && !S_ISDIR(mode);
const directoryBit = (inode: Inode): number => (S_ISDIR(inode.mode) ? IN_ISDIR : 0);

/** An event of an inode itself. */
export function notifyInode(inode: Inode, mask: number): void {
  inode.watches?.send(mask | directoryBit(inode), 0, '', false);
}

/** An event of an inode reached by a dentry: its directory hears of it, too. Changes of attributes and of the size. */
export function notifyDentry(dentry: Dentry, mask: number): void {
  sendBoth(dentry, mask, false);
}

function sendBoth(dentry: Dentry, mask: number, unlinked: boolean): void {
  const { inode } = dentry;
  if (inode === undefined) return;
  const parent = dentry.parent?.inode?.watches;
  if (parent === undefined && inode.watches === undefined) return;
  const full = mask | directoryBit(inode);
  parent?.send(full, 0, dentry.name, unlinked);
  inode.watches?.send(full, 0, '', unlinked);
}

/**
 * An event of an open file: IN_OPEN, IN_ACCESS, IN_MODIFY by a write. Only these know IN_EXCL_UNLINK, as on Linux. When
 * somebody types at a terminal is not for everybody who can list /dev: the directory does not hear of reads and writes of
 * what is not a regular file or a directory.
 */
export function notifyFile(file: File, mask: number): void {
  const { dentry, inode } = file;
  if (dentry === undefined || ((mask & (IN_ACCESS | IN_MODIFY)) !== 0 && isSpecial(inode.mode)))
    inode.watches?.send(mask | directoryBit(inode), 0, '', dentry?.deleted === true);
  else sendBoth(dentry, mask, dentry.deleted);
}

/** The last reference to an open file goes. */
export function notifyClose(file: File): void {
  if ((file.flags & O_PATH) === 0) notifyFile(file, file.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

/** An event of a name in a directory. */
function notifyName(directory: Inode, mask: number, name: Name, inode: Inode, cookie = 0): void {
  directory.watches?.send(mask | directoryBit(inode), cookie, name, false);
}

/** `inode` has got the name `name` in `directory`: create, mkdir, mknod, symlink. */
export function notifyCreate(directory: Inode, name: Name, inode: Inode): void {
  notifyName(directory, IN_CREATE, name, inode);
}

/** link(2). */
export function notifyLink(directory: Inode, name: Name, inode: Inode): void {
  notifyInode(inode, IN_ATTRIB);
  notifyName(directory, IN_CREATE, name, inode);
}

/** A link of `inode` is gone: unlink, or a rename over it. */
export function notifyLinkCount(inode: Inode): void {
  notifyInode(inode, IN_ATTRIB);
}

/** The name is gone: unlink, rmdir. */
export function notifyDelete(directory: Inode, name: Name, inode: Inode): void {
  notifyName(directory, IN_DELETE, name, inode);
}

/** rename(2), after it; `replaced` is what the new name stood for. */
export function notifyMove(
  from: Inode,
  fromName: Name,
  to: Inode,
  toName: Name,
  inode: Inode,
  replaced: Inode | undefined,
): void {
  if (from.watches !== undefined || to.watches !== undefined) {
    const cookie = inode.superBlock.kernel.nextNotifyCookie();
    notifyName(from, IN_MOVED_FROM, fromName, inode, cookie);
    notifyName(to, IN_MOVED_TO, toName, inode, cookie);
  }
  if (replaced !== undefined) notifyLinkCount(replaced);
  notifyInode(inode, IN_MOVE_SELF);
}

/** An entry of an inode that has no links any more lets go of it: its watches end. Called by Dentry. */
export function notifyGone(inode: Inode): void {
  const { watches } = inode;
  if (watches === undefined) return;
  watches.send(IN_DELETE_SELF | directoryBit(inode), 0, '', false);
  for (const watch of watches) watch.inodeGone();
}
