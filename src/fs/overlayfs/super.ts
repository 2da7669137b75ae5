/** A mounted overlay: its layers, its own extended attributes, and the inodes that are alive. */
import type { Kernel } from '../../kernel/kernel.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { nameFromBytes, nameToBytes, type Name } from '../../lib/names.js';
import { EOPNOTSUPP, EROFS, Errno } from '../../uapi/errno.js';
import { MS_RDONLY } from '../../uapi/mount.js';
import { OVERLAYFS_SUPER_MAGIC } from '../../uapi/statfs.js';
import { S_ISDIR } from '../../uapi/stat.js';
import { Dentry } from '../dentry.js';
import type { Inode, OpenContext } from '../inode.js';
import type { Mount } from '../mount.js';
import { type FileSystemStatistics, type FileSystemType, SuperBlock } from '../super-block.js';
import { OverlayDirectory } from './directory.js';
import { type Lower, OverlayInode } from './inode.js';
import { type OverlayOptions, showOverlayOptions } from './options.js';
import { inodeIn } from './upper.js';

/** The part of a file system that is a layer: a mount that nobody sees keeps it. */
export interface Layer {
  readonly mount: Mount;
}

export interface UpperLayer extends Layer {
  /** Where things are made before they are moved to their place. In the same file system. */
  readonly work: Dentry;
}

/** Each layer has inode numbers of its own: they are told apart by bits that hardly any file system uses. */
const LAYER_STEP = 2 ** 50;
const LAYER_STEPS = 8;

export class OverlaySuperBlock extends SuperBlock {
  readonly lowerRoots: readonly Lower[];
  private readonly prefix: Name;
  /** Inodes by what they show, so that the names of one file have one inode. */
  private readonly live = new Map<Inode, OverlayInode>();
  /** Files with several names in a lower layer, some of which were changed: all the names mean this inode. */
  private readonly linked = new Map<Inode, OverlayInode>();
  private lastTemporary = 0;

  constructor(
    type: FileSystemType,
    kernel: Kernel,
    readonly options: OverlayOptions,
    readonly upper: UpperLayer | undefined,
    private readonly lowers: readonly Layer[],
    /** Files of layers are opened in its name. */
    readonly mounter: Task,
  ) {
    super(type, kernel, kernel.devices.anonymous());
    this.prefix = options.userAttributes ? 'user.overlay.' : 'trusted.overlay.';
    this.lowerRoots = lowers.map(({ mount }, layer) => ({ layer, inode: inodeIn(mount.root) }));
    this.readOnly = upper === undefined;
    this.posixAcl = (upper ?? lowers[0]).mount.superBlock.posixAcl;
    const root = new OverlayDirectory(this, 1, upper?.mount.root, this.lowerRoots, '');
    this.remember(root);
    this.root = new Dentry(undefined, '', root, this);
  }

  /** The upper layer. EROFS if there is none. */
  get writable(): UpperLayer {
    if (this.upper === undefined) throw EROFS;
    return this.upper;
  }

  temporaryName(): Name {
    return `#${(++this.lastTemporary).toString(16)}`;
  }

  // Inode numbers.

  number(layer: number, ino: number): number {
    // The lowest layer, which mostly has most files, keeps its own numbers.
    const step = (this.lowers.length - 1 - layer) % LAYER_STEPS;
    return (ino % LAYER_STEP) + step * LAYER_STEP;
  }

  /** The number of what is in the upper layer: that of what it was copied from, or is merged with. */
  numberFor(upper: Inode, lower: Lower | undefined): number {
    if (lower !== undefined) return this.number(lower.layer, lower.inode.ino);
    return this.originOf(upper) ?? this.number(-1, upper.ino);
  }

  // Inodes.

  /** The inode of a name in a directory. */
  inodeFor(
    parent: OverlayDirectory,
    name: Name,
    upper: Inode | undefined,
    lowers: readonly Lower[],
  ): OverlayInode {
    const shown = upper ?? lowers[0].inode;
    const known = this.linked.get(shown) ?? this.live.get(shown);
    const inode = known ?? this.makeInode(parent, name, upper, lowers);
    this.remember(inode);
    inode.placeAt(parent, name);
    return inode;
  }

  /** The inode of what was just made: nothing is known of it, nor noted in its attributes. */
  newInode(parent: OverlayDirectory, name: Name, entry: Dentry): OverlayInode {
    const upper = inodeIn(entry);
    const ino = this.number(-1, upper.ino);
    const inode = S_ISDIR(upper.mode)
      ? new OverlayDirectory(this, ino, entry, [], `${parent.lowerPath}/${name}`)
      : new OverlayInode(this, ino, upper, []);
    this.remember(inode);
    inode.placeAt(parent, name);
    return inode;
  }

  private makeInode(
    parent: OverlayDirectory,
    name: Name,
    upper: Inode | undefined,
    lowers: readonly Lower[],
  ): OverlayInode {
    const [top] = lowers;
    const ino = upper === undefined ? this.number(top.layer, top.inode.ino) : this.numberFor(upper, top);
    if (!S_ISDIR((upper ?? top.inode).mode)) return new OverlayInode(this, ino, upper, lowers);
    const path = upper === undefined ? `${parent.lowerPath}/${name}` : parent.mergedWith(name, upper).path;
    return new OverlayDirectory(this, ino, upper && parent.upperEntry(name), lowers, path);
  }

  remember(inode: OverlayInode): void {
    this.live.set(inode.real, inode);
  }
  forget(inode: OverlayInode): void {
    if (this.live.get(inode.real) === inode) this.live.delete(inode.real);
  }

  /** Names of `lower` that are not looked up now mean this inode, whatever happens to it. */
  keepLinked(lower: Inode, inode: OverlayInode): void {
    if (this.linked.has(lower)) return;
    this.linked.set(lower, inode);
    inode.hold();
  }
  /** The last name is gone. */
  releaseLinked(inode: OverlayInode): void {
    for (const [lower, kept] of this.linked) {
      if (kept !== inode) continue;
      this.linked.delete(lower);
      inode.drop();
    }
  }

  // Our own attributes of files in layers.

  isPrivate(name: Name): boolean {
    return name.startsWith(this.prefix);
  }

  private attribute(inode: Inode, name: Name): Name | undefined {
    try {
      return nameFromBytes(inode.getxattr(this.prefix + name));
    } catch (error) {
      if (error instanceof Errno) return undefined;
      throw error;
    }
  }

  private setAttribute(inode: Inode, name: Name, value: Name): void {
    inode.setxattr(this.prefix + name, nameToBytes(value), 0);
  }

  /** An opaque directory hides what is below it. */
  isOpaque(directory: Inode): boolean {
    return this.attribute(directory, 'opaque') === 'y';
  }
  setOpaque(directory: Inode): void {
    this.setAttribute(directory, 'opaque', 'y');
  }

  /** Where the rest of a renamed directory is found in the layers below. */
  redirectOf(directory: Inode): Name | undefined {
    return this.attribute(directory, 'redirect');
  }
  setRedirect(directory: Inode, path: Name): void {
    this.setAttribute(directory, 'redirect', path);
  }

  /** The inode number that a copied file had, and shows for ever. */
  originOf(upper: Inode): number | undefined {
    const text = S_ISDIR(upper.mode) ? undefined : this.attribute(upper, 'number');
    return text === undefined ? undefined : Number(text);
  }
  noteOrigin(upper: Inode, ino: number): void {
    try {
      this.setAttribute(upper, 'number', String(ino));
    } catch (error) {
      if (error !== EOPNOTSUPP) throw error;
    }
  }

  // Layers.

  /** For opening a file of a layer on the overlay's own account. */
  layerContext(inode: Inode, flags: number): OpenContext {
    const { mount } = this.upper ?? this.lowers[0];
    return { task: this.mounter, mount, dentry: Dentry.floating('', inode), flags };
  }

  // The file system.

  override statfs(): FileSystemStatistics {
    const { superBlock } = (this.upper ?? this.lowers[0]).mount;
    return { ...superBlock.statfs(), type: OVERLAYFS_SUPER_MAGIC };
  }

  override showOptions(): Name {
    return showOverlayOptions(this.options);
  }

  override remount(flags: number): void {
    if ((flags & MS_RDONLY) === 0 && this.upper === undefined) throw EROFS;
  }

  override sync(): Result {
    if (this.upper === undefined || this.options.volatile) return 0;
    return this.upper.mount.superBlock.sync();
  }

  override unmount(): void {
    for (const inode of this.linked.values()) inode.drop();
    this.linked.clear();
    this.root.inode?.drop();
    this.upper?.work.drop();
    for (const { mount } of [...this.lowers, ...(this.upper === undefined ? [] : [this.upper])])
      mount.letGo();
  }
}
