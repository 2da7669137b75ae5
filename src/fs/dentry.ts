/**
 * A directory entry: a name in a directory, remembered. The tree of dentries is the cache of what lookups found; what
 * looks up, adds and removes entries is fs/dcache.
 *
 * A dentry is in the tree while it is `hashed`. It keeps its inode while it is hashed or held. Whoever keeps
 * a dentry across an await (an open file, a working directory, a mount) holds it, so that no second one for the same
 * file comes to be beside it.
 */
import type { Name } from '../lib/names.js';
import type { Inode } from './inode.js';
import { notifyGone } from './notify.js';
import type { SuperBlock } from './super-block.js';

export class Dentry {
  private childMap: Map<Name, Dentry> | undefined;
  /** How many mounts of any namespace sit on it: a hint that saves the look-up in the mount table. */
  mountedHere = 0;
  /** Unlinked: /proc/PID/fd shows " (deleted)". */
  deleted = false;
  /** Found since the cache was last swept. */
  referenced = true;
  /** In its parent's children, or a root. */
  hashed: boolean;
  private users = 0;
  /** The directory that it was in, while it is held though no longer in the tree: it must not be gone before its files. */
  private keptParent: Dentry | undefined;

  constructor(
    /** The directory that holds it; undefined for a root. Changes by rename. */
    public parent: Dentry | undefined,
    public name: Name,
    /** Undefined for a negative entry: the name is known not to exist. */
    public inode: Inode | undefined,
    readonly superBlock: SuperBlock,
  ) {
    this.hashed = parent === undefined;
    if (this.hashed) inode?.hold();
  }

  /** An entry that is in no tree: of a file that has no name. It keeps its inode while it is held. */
  static floating(name: Name, inode: Inode): Dentry {
    const dentry = new Dentry(undefined, name, undefined, inode.superBlock);
    dentry.hashed = false;
    dentry.inode = inode;
    return dentry;
  }

  get isRoot(): boolean {
    return this.parent === undefined;
  }

  /** Nobody but the cache has it. */
  get idle(): boolean {
    return (
      this.users === 0 && this.mountedHere === 0 && (this.childMap === undefined || this.childMap.size === 0)
    );
  }

  child(name: Name): Dentry | undefined {
    return this.childMap?.get(name);
  }

  /** Known children, negative ones included. */
  get children(): Iterable<Dentry> {
    return this.childMap?.values() ?? [];
  }

  addChild(child: Dentry): void {
    (this.childMap ??= new Map()).set(child.name, child);
    this.superBlock.dentryCount++;
    if (!child.hashed && child.users === 0) child.inode?.hold();
    child.hashed = true;
    child.dropParent();
  }

  /** Takes it out of the tree. */
  unhash(): void {
    if (!this.hashed || this.parent === undefined) return;
    this.parent.childMap?.delete(this.name);
    this.superBlock.dentryCount--;
    this.hashed = false;
    if (this.users === 0) this.release();
    else this.keptParent = this.parent.hold();
  }

  /** Moves it to another place, in which nothing is. */
  move(parent: Dentry, name: Name): void {
    if (this.hashed && this.parent?.childMap?.delete(this.name)) this.superBlock.dentryCount--;
    this.parent = parent;
    this.name = name;
    parent.addChild(this);
  }

  /** A negative entry becomes a file. */
  instantiate(inode: Inode): void {
    this.inode = inode;
    if (this.hashed || this.users > 0) inode.hold();
  }

  hold(): this {
    if (this.users++ === 0 && !this.hashed) {
      this.inode?.hold();
      this.keptParent = this.parent?.hold();
    }
    return this;
  }

  drop(): void {
    if (--this.users > 0 || this.hashed) return;
    this.release();
    this.dropParent();
  }

  /** Lets go of the inode. When that has no name any more its watches end, though another entry may have it open. */
  private release(): void {
    const { inode } = this;
    if (inode === undefined) return;
    if (inode.nlink === 0) notifyGone(inode);
    inode.drop();
  }

  private dropParent(): void {
    const parent = this.keptParent;
    this.keptParent = undefined;
    parent?.drop();
  }
}
