/** A directory entry: a name in a directory, remembered. The tree of dentries is the cache of what lookups found. */
import type { Name } from '../lib/names.js';
import type { Inode } from './inode.js';
import type { SuperBlock } from './super-block.js';

export class Dentry {
  /** Known children, by name. A child whose inode is undefined is negative: known not to exist. */
  readonly children = new Map<Name, Dentry>();
  /** How many mounts of any namespace sit on it: a hint that saves the look-up in the mount table. */
  mountedHere = 0;

  constructor(
    /** The directory that holds it; itself for a root. Changes by rename. */
    public parent: Dentry | undefined,
    public name: Name,
    public inode: Inode | undefined,
    readonly superBlock: SuperBlock,
  ) {
    inode?.hold();
  }

  get isRoot(): boolean {
    return this.parent === undefined;
  }

  /** Unlinked: /proc/PID/fd shows " (deleted)". */
  deleted = false;
}
