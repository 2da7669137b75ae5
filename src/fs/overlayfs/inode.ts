/**
 * An inode of overlayfs: a file of the upper layer, or one of a lower layer that is copied up before its first change; for
 * directories, all directories of that name, merged. It shows the attributes of what it stands for.
 */
import type { Name } from '../../lib/names.js';
import type { Result } from '../../kernel/syscall.js';
import type { PageCache } from '../../mm/page-cache.js';
import { ENODATA, EPERM, EROFS } from '../../uapi/errno.js';
import { O_ACCMODE, O_RDONLY, O_TRUNC } from '../../uapi/fcntl.js';
import { S_ISDIR } from '../../uapi/stat.js';
import { Dentry } from '../dentry.js';
import type { File } from '../file.js';
import { type AttributeChange, Inode, type OpenContext } from '../inode.js';
import { isAclOf } from '../posix-acl-calls.js';
import type { AccessControl } from '../posix-acl.js';
import { copyUp } from './copy-up.js';
import { OverlayFile } from './file.js';
import type { OverlaySuperBlock } from './super.js';
import { inodeIn } from './upper.js';

/** A file of a lower layer. */
export interface Lower {
  /** Counted from the uppermost, 0. */
  readonly layer: number;
  readonly inode: Inode;
}

/** A directory of the overlay, as its files need it. */
export interface OverlayParent extends OverlayInode {
  /** The directory in the upper layer; copied up if need be. */
  upperDirectory(): Dentry;
}

/** Host time that a lower file's attributes are believed without asking its file system again, in ns. */
const TRUSTED_FOR = 1_000_000_000;

export class OverlayInode extends Inode {
  /** Where it was looked up last: what copying up needs. */
  parent: OverlayParent | undefined;
  name: Name = '';
  /** No name is left. */
  unlinked = false;
  /** Names that the upper inode does not count: of a lower file with several, those not copied up. */
  extraLinks = 0;
  private lookedAt = 0;

  constructor(
    override readonly superBlock: OverlaySuperBlock,
    ino: number,
    /** The file in the upper layer. */
    public upper: Inode | undefined,
    /** Those in lower layers, uppermost first; of a file that is no directory, at most one. */
    readonly lowers: readonly Lower[],
  ) {
    super(superBlock, ino);
    upper?.hold();
    for (const { inode } of lowers) inode.hold();
    this.take();
  }

  /** What it shows. */
  get real(): Inode {
    return this.upper ?? this.lowers[0].inode;
  }

  /** Takes over the attributes of what it shows. */
  take(): void {
    const { real } = this;
    this.mode = real.mode;
    this.uid = real.uid;
    this.gid = real.gid;
    this.rdev = real.rdev;
    this.btime = real.btime;
    this.flags = real.flags;
    this.acl = real.acl;
    this.atime = real.atime;
    this.takeContents();
    // A merged directory cannot cheaply know how many others it holds: 1 says so.
    if (S_ISDIR(real.mode)) this.nlink = this.unlinked ? 0 : this.merged ? 1 : real.nlink;
    else this.nlink = this.unlinked ? 0 : real.nlink + this.extraLinks;
  }

  /** As `take`, after a write. */
  takeContents(): void {
    const { real } = this;
    this.size = real.size;
    this.mtime = real.mtime;
    this.ctime = real.ctime;
  }

  /** A directory of several. */
  get merged(): boolean {
    return this.lowers.length + (this.upper === undefined ? 0 : 1) > 1;
  }

  override get device(): number {
    return this.superBlock.dev;
  }
  override get blocks(): number {
    return this.real.blocks;
  }
  override get blockSize(): number {
    return this.real.blockSize;
  }
  override get pages(): PageCache | undefined {
    return this.real.pages;
  }

  /** Lower layers are not to change while they are mounted so; they are believed. */
  override refresh(): void {
    this.upper?.refresh();
    this.take();
  }

  /** Once in a while, an open looks whether a lower file has changed all the same. */
  private lookAgain(): void {
    const now = this.superBlock.kernel.host.clock.now();
    if (now - this.lookedAt < TRUSTED_FOR) return;
    this.lookedAt = now;
    this.real.refresh();
    this.take();
  }

  /** Makes sure that it is in the upper layer. `size`: how much of the contents is wanted. */
  copyUp(size = Infinity): Inode {
    if (this.upper !== undefined) return this.upper;
    if (this.superBlock.upper === undefined) throw EROFS;
    const lower = this.lowers[0].inode;
    lower.refresh();
    const links = this.nlink;
    const entry = copyUp(this, Math.min(size, lower.size));
    this.superBlock.forget(this);
    this.upper = inodeIn(entry).hold();
    this.superBlock.remember(this);
    this.adopt(entry);
    entry.drop();
    // The other names of the lower file show the copy from now on.
    if (!S_ISDIR(this.mode)) this.extraLinks = links - this.upper.nlink;
    if (this.extraLinks > 0) this.superBlock.keepLinked(lower, this);
    this.take();
    return this.upper;
  }

  /** It has been copied up, to this place. */
  protected adopt(_entry: Dentry): void {}

  override readlink(): Name {
    return this.real.readlink();
  }

  override setAttributes(change: AttributeChange): void {
    this.copyUp(change.size).setAttributes(change);
    this.take();
  }

  /** Reading leaves no trace in a lower layer. */
  override updateTimes(times: Pick<AttributeChange, 'atime' | 'mtime' | 'ctime'>): void {
    if (this.upper === undefined) return;
    this.upper.updateTimes(times);
    this.take();
  }

  override open(context: OpenContext): File | Promise<File> {
    const { flags } = context;
    if ((flags & O_ACCMODE) !== O_RDONLY) this.copyUp((flags & O_TRUNC) === 0 ? Infinity : 0);
    else if (this.upper === undefined) this.lookAgain();
    const opened = this.openReal(context);
    if (opened instanceof Promise) return opened.then((file) => new OverlayFile(context, this, file));
    return new OverlayFile(context, this, opened);
  }

  /** An open file of what it shows. It has no place of its own: watches and paths are the overlay's. */
  openReal(context: OpenContext): File | Promise<File> {
    return this.real.open({
      ...context,
      flags: context.flags & ~O_TRUNC,
      dentry: Dentry.floating('', this.real),
    });
  }

  override fallocate(mode: number, offset: number, length: number): Result {
    const result = this.copyUp().fallocate(mode, offset, length);
    this.take();
    return result;
  }
  override seekData(offset: number): number {
    return this.real.seekData(offset);
  }
  override seekHole(offset: number): number {
    return this.real.seekHole(offset);
  }
  override sync(dataOnly: boolean): Result {
    return this.upper === undefined || this.superBlock.options.volatile ? 0 : this.upper.sync(dataOnly);
  }

  override getxattr(name: Name): Uint8Array {
    if (this.superBlock.isPrivate(name)) throw ENODATA;
    return this.real.getxattr(name);
  }
  override setxattr(name: Name, value: Uint8Array, flags: number): void {
    if (this.superBlock.isPrivate(name)) throw EPERM;
    this.copyUp().setxattr(name, value, flags);
    this.take();
  }
  override listxattr(): Name[] {
    const { superBlock } = this;
    return this.real.listxattr().filter((name) => !superBlock.isPrivate(name) && !isAclOf(this, name));
  }
  override removexattr(name: Name): void {
    if (this.superBlock.isPrivate(name)) throw ENODATA;
    // Nothing to remove is no reason to copy.
    if (this.upper === undefined) this.real.getxattr(name);
    this.copyUp().removexattr(name);
    this.take();
  }
  override get hasFileCapabilities(): boolean {
    return this.real.hasFileCapabilities;
  }
  override setAcl(acl: AccessControl | undefined): void {
    this.copyUp().setAcl(acl);
    this.take();
  }
  override get hasFlags(): boolean {
    return this.real.hasFlags;
  }
  override setFlags(flags: number): void {
    this.copyUp().setFlags(flags);
    this.take();
  }

  override evict(): void {
    this.superBlock.forget(this);
    this.upper?.drop();
    for (const { inode } of this.lowers) inode.drop();
    this.parent?.drop();
    this.parent = undefined;
  }

  /** Found under a name, or moved there. */
  placeAt(parent: OverlayParent, name: Name): void {
    parent.hold();
    this.parent?.drop();
    this.parent = parent;
    this.name = name;
  }
}
