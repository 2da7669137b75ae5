/** Directories of overlayfs: looking names up through the layers, and changing them in the upper one. Linux's dir.c. */
import type { Credentials } from '../../kernel/credentials.js';
import type { Name } from '../../lib/names.js';
import { assert } from '../../lib/assert.js';
import { ENOTEMPTY, EPERM, EXDEV } from '../../uapi/errno.js';
import { RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../uapi/fs.js';
import { S_IFCHR, S_IFMT, S_ISDIR, S_ISGID, S_ISLNK } from '../../uapi/stat.js';
import { lookupChild } from '../dcache.js';
import type { Dentry } from '../dentry.js';
import type { File } from '../file.js';
import type { Inode, OpenContext } from '../inode.js';
import { inheritAcl } from '../posix-acl.js';
import { type Lower, OverlayInode, type OverlayParent } from './inode.js';
import { type ListedEntry, listLayer, listOverlay, OverlayDirectoryFile } from './readdir.js';
import type { OverlaySuperBlock } from './super.js';
import { add, addWhiteout, find, inodeIn, isWhiteout, link, move, remove } from './upper.js';

export class OverlayDirectory extends OverlayInode implements OverlayParent {
  /** Kept until something changes. */
  private list: readonly ListedEntry[] | undefined;

  constructor(
    superBlock: OverlaySuperBlock,
    ino: number,
    /** In the upper layer. */
    private upperDentry: Dentry | undefined,
    lowers: readonly Lower[],
    /** Path of `lowers` below the roots of their layers. */
    readonly lowerPath: Name,
  ) {
    super(superBlock, ino, upperDentry?.inode, lowers);
    upperDentry?.hold();
  }

  upperDirectory(): Dentry {
    if (this.upperDentry === undefined) this.copyUp();
    assert(this.upperDentry !== undefined, 'a directory that was copied up has a place');
    return this.upperDentry;
  }

  protected override adopt(entry: Dentry): void {
    this.upperDentry = entry.hold();
  }

  override evict(): void {
    this.upperDentry?.drop();
    super.evict();
  }

  override open(context: OpenContext): File {
    return new OverlayDirectoryFile(context, this);
  }

  entries(): readonly ListedEntry[] {
    return (this.list ??= listOverlay(this));
  }

  /** An entry has come or gone. */
  private changed(): void {
    this.list = undefined;
    this.refresh();
  }

  // Looking up.

  override lookup(name: Name): Inode | undefined {
    const upper = this.upperDentry === undefined ? undefined : find(this.upperDentry, name);
    if (upper !== undefined && isWhiteout(upper)) return undefined;
    const lowers = upper === undefined ? this.findLower(name) : this.mergedWith(name, upper).lowers;
    if (upper === undefined && lowers.length === 0) return undefined;
    return this.superBlock.inodeFor(this, name, upper, lowers);
  }

  /** The dentry of a name in the upper layer, which has it. */
  upperEntry(name: Name): Dentry {
    return lookupChild(this.upperDirectory(), name);
  }

  /** What the layers below have under a name: one file, or the directories to merge. */
  findLower(name: Name): Lower[] {
    return findIn(this.superBlock, this.lowers, name);
  }

  /** What an upper directory is merged with, and where that is. Files, and opaque directories, are with nothing. */
  mergedWith(name: Name, upper: Inode): { readonly lowers: Lower[]; readonly path: Name } {
    const path = `${this.lowerPath}/${name}`;
    const { superBlock } = this;
    if (!S_ISDIR(upper.mode) || superBlock.isOpaque(upper)) return { lowers: [], path };
    const redirect = superBlock.redirectOf(upper);
    if (redirect === undefined) return { lowers: onlyDirectories(this.findLower(name)), path };
    if (!redirect.startsWith('/'))
      return { lowers: onlyDirectories(this.findLower(redirect)), path: `${this.lowerPath}/${redirect}` };
    let lowers: readonly Lower[] = superBlock.lowerRoots;
    for (const part of redirect.split('/'))
      if (part !== '') lowers = onlyDirectories(findIn(superBlock, lowers, part));
    return { lowers: [...lowers], path: redirect };
  }

  /** The inode number that an entry of the upper layer shows. */
  numberOf(name: Name, upper: Inode): number {
    const [top] = this.mergedWith(name, upper).lowers;
    return this.superBlock.numberFor(upper, top);
  }

  /** Whether a name that goes away up here would come to light below. */
  private hides(name: Name): boolean {
    return this.lowers.length > 0 && this.findLower(name).length > 0;
  }

  // Making.

  override create(name: Name, mode: number, owner: Credentials): Inode {
    return this.make(name, mode, owner, (parent, at, by) => parent.create(at, mode, by));
  }
  override mknod(name: Name, mode: number, rdev: number, owner: Credentials): Inode {
    if ((mode & S_IFMT) === S_IFCHR && rdev === 0) throw EPERM;
    return this.make(name, mode, owner, (parent, at, by) => parent.mknod(at, mode, rdev, by));
  }
  override symlink(name: Name, target: Name, owner: Credentials): Inode {
    return this.make(name, 0, owner, (parent, at, by) => parent.symlink(at, target, by));
  }
  override mkdir(name: Name, mode: number, owner: Credentials): Inode {
    const full = (this.mode & S_ISGID) === 0 ? mode : mode | S_ISGID;
    return this.make(name, full, owner, (parent, at, by) => parent.mkdir(at, full, by));
  }

  /** Makes something under a name that the overlay does not show; over a whiteout, out of sight and in one step. */
  private make(
    name: Name,
    mode: number,
    owner: Credentials,
    act: (parent: Inode, at: Name, by: Credentials) => Inode,
  ): Inode {
    const { superBlock } = this;
    const { work } = superBlock.writable;
    const parent = this.upperDirectory();
    const by = (this.mode & S_ISGID) === 0 ? owner : { ...owner, fsgid: this.gid };
    const opaque = S_ISDIR(mode) && this.lowers.length > 0;
    if (find(parent, name) === undefined && !opaque) add(parent, name, (inode) => act(inode, name, by));
    else {
      const temporary = superBlock.temporaryName();
      const made = add(work, temporary, (inode) => act(inode, temporary, by));
      if (opaque) superBlock.setOpaque(inodeIn(made));
      this.giveDefaultAcl(inodeIn(made));
      this.putOver(work, temporary, name);
    }
    this.changed();
    return superBlock.newInode(this, name, this.upperEntry(name));
  }

  /** What is made in the work directory gets what it would have got in its own. */
  private giveDefaultAcl(made: Inode): void {
    const inherited = this.acl?.default;
    if (inherited === undefined || S_ISLNK(made.mode)) return;
    const { mode, control } = inheritAcl(inherited, made.mode, S_ISDIR(made.mode));
    made.setAcl(control);
    made.setAttributes({ mode });
  }

  /** Moves something from the work directory to a name that may hold a whiteout. */
  private putOver(work: Dentry, temporary: Name, name: Name): void {
    const parent = this.upperDirectory();
    const inode = find(work, temporary) as Inode;
    const there = find(parent, name);
    if (there !== undefined && S_ISDIR(inode.mode) !== S_ISDIR(there.mode)) {
      move(work, temporary, parent, name, RENAME_EXCHANGE);
      remove(work, temporary);
    } else move(work, temporary, parent, name);
  }

  override tmpfile(mode: number, owner: Credentials): Inode {
    const { superBlock } = this;
    const by = (this.mode & S_ISGID) === 0 ? owner : { ...owner, fsgid: this.gid };
    const upper = inodeIn(superBlock.writable.work).tmpfile(mode, by);
    upper.linkable = true;
    this.giveDefaultAcl(upper);
    return new OverlayInode(superBlock, superBlock.numberFor(upper, undefined), upper, []);
  }

  override link(name: Name, target: Inode): void {
    const inode = target as OverlayInode;
    const upper = inode.copyUp();
    const parent = this.upperDirectory();
    const { superBlock } = this;
    if (find(parent, name) === undefined) link(parent, name, upper);
    else {
      const temporary = superBlock.temporaryName();
      link(superBlock.writable.work, temporary, upper);
      this.putOver(superBlock.writable.work, temporary, name);
    }
    inode.unlinked = false;
    inode.placeAt(this, name);
    inode.take();
    this.changed();
  }

  // Removing.

  override unlink(name: Name, inode: Inode): void {
    const file = inode as OverlayInode;
    const inUpper = this.removeName(name);
    if (!inUpper) {
      file.extraLinks--;
      this.superBlock.keepLinked(file.lowers[0].inode, file);
    }
    this.lost(file);
  }

  override rmdir(name: Name, inode: Inode): void {
    const directory = inode as OverlayDirectory;
    directory.clear();
    this.removeName(name);
    directory.unlinked = true;
    directory.take();
  }

  /** Removes a name from the upper layer, and hides it in those below. False if the upper layer did not have it. */
  private removeName(name: Name): boolean {
    const parent = this.upperDirectory();
    const inUpper = find(parent, name) !== undefined;
    if (this.hides(name)) this.whiteOut(name);
    else remove(parent, name);
    this.changed();
    return inUpper;
  }

  private whiteOut(name: Name): void {
    const { superBlock } = this;
    const { work } = superBlock.writable;
    const parent = this.upperDirectory();
    if (find(parent, name) === undefined) {
      addWhiteout(parent, name);
      return;
    }
    const temporary = superBlock.temporaryName();
    addWhiteout(work, temporary);
    this.putOver(work, temporary, name);
  }

  /** A name of the file is gone; perhaps it was the last. */
  private lost(file: OverlayInode): void {
    file.take();
    if (file.nlink > 0) return;
    file.unlinked = true;
    this.superBlock.releaseLinked(file);
  }

  /** ENOTEMPTY unless nothing is shown in it; whiteouts in it go. */
  clear(): void {
    if (this.entries().length > 0) throw ENOTEMPTY;
    if (this.upperDentry === undefined || this.lowers.length === 0) return;
    for (const { name } of listLayer(this.superBlock, inodeIn(this.upperDentry)))
      remove(this.upperDentry, name);
  }

  // Renaming.

  override rename(
    name: Name,
    inode: Inode,
    to: Inode,
    toName: Name,
    replaced: Inode | undefined,
    flags: number,
  ): void {
    const moved = inode as OverlayInode;
    const target = to as OverlayDirectory;
    const other = replaced as OverlayInode | undefined;
    const exchange = (flags & RENAME_EXCHANGE) !== 0;
    if ((flags & RENAME_WHITEOUT) !== 0) throw EPERM;
    for (const one of exchange ? [moved, other] : [moved]) this.checkMovable(one);
    // What can fail without a trace comes first.
    const from = this.upperDirectory();
    const onto = target.upperDirectory();
    this.bringUp(moved, name);
    if (exchange && other !== undefined) target.bringUp(other, toName);
    else if (other instanceof OverlayDirectory) other.clear();
    const leavesHole = !exchange && this.hides(name);
    const landsOn = target.hides(toName);
    this.prepareMove(moved, landsOn);
    if (exchange && other !== undefined) this.prepareMove(other, this.hides(name));
    const otherInUpper = find(onto, toName);
    if (!exchange && otherInUpper !== undefined && S_ISDIR(moved.mode) && isWhiteout(otherInUpper))
      remove(onto, toName);
    move(from, name, onto, toName, flags & RENAME_EXCHANGE);
    if (leavesHole) this.whiteOut(name);
    moved.placeAt(target, toName);
    if (exchange) other?.placeAt(this, name);
    else if (other !== undefined) target.replaced(other, otherInUpper !== undefined);
    this.changed();
    target.changed();
    moved.take();
  }

  /** Makes the upper layer have a file under this very name: of one with several names, another may have been copied. */
  private bringUp(inode: OverlayInode, name: Name): void {
    const upper = inode.copyUp();
    const parent = this.upperDirectory();
    if (find(parent, name) !== undefined) return;
    link(parent, name, upper);
    inode.extraLinks--;
  }

  /** A directory of a lower layer can move only if it may remember where it came from. */
  private checkMovable(inode: OverlayInode | undefined): void {
    if (inode instanceof OverlayDirectory && inode.lowers.length > 0 && !this.superBlock.options.redirect)
      throw EXDEV;
  }

  /** At its new place a directory shows what it did before: its own layers, and not those of its namesakes. */
  private prepareMove(inode: OverlayInode, landsOn: boolean): void {
    if (!(inode instanceof OverlayDirectory) || inode.upper === undefined) return;
    if (inode.lowers.length > 0) this.superBlock.setRedirect(inode.upper, inode.lowerPath);
    else if (landsOn) this.superBlock.setOpaque(inode.upper);
  }

  /** The target of a rename is gone. */
  private replaced(other: OverlayInode, wasInUpper: boolean): void {
    if (other instanceof OverlayDirectory) {
      other.unlinked = true;
      other.take();
      return;
    }
    if (!wasInUpper) other.extraLinks--;
    this.lost(other);
  }
}

/** What a stack of directories has under a name: one file, or the directories to merge. */
function findIn(superBlock: OverlaySuperBlock, stack: readonly Lower[], name: Name): Lower[] {
  const found: Lower[] = [];
  for (const { layer, inode } of stack) {
    const child = inode.lookup(name);
    if (child === undefined) continue;
    if (isWhiteout(child)) break;
    if (!S_ISDIR(child.mode)) {
      if (found.length === 0) found.push({ layer, inode: child });
      break;
    }
    found.push({ layer, inode: child });
    if (layer + 1 < superBlock.lowerRoots.length && superBlock.isOpaque(child)) break;
  }
  return found;
}

const onlyDirectories = (lowers: readonly Lower[]): Lower[] =>
  lowers.filter(({ inode }) => S_ISDIR(inode.mode));
