/** An inode of ext4: its record in the table, its block map, its attributes. What kinds of files do is in the subclasses. */
import type { TimeSpec } from '../../host/host.js';
import type { Result } from '../../kernel/syscall.js';
import { crc32c, crc32cWord } from '../../lib/crc32c.js';
import type { Name } from '../../lib/names.js';
import { EEXIST, ENODATA, EOPNOTSUPP, Errno } from '../../uapi/errno.js';
import { FS_EXTENT_FL, FS_FL_USER_MODIFIABLE, FS_HUGE_FILE_FL, FS_INLINE_DATA_FL } from '../../uapi/fs.js';
import { S_ISBLK, S_ISCHR, S_ISDIR, S_ISLNK, S_ISREG } from '../../uapi/stat.js';
import { XATTR_CREATE, XATTR_NAME_CAPS, XATTR_REPLACE } from '../../uapi/xattr.js';
import { currentTime } from '../inode-times.js';
import { Inode, type AttributeChange } from '../inode.js';
import type { AccessControl } from '../posix-acl.js';
import { BlockMap, type Run } from './block-map.js';
import { ExtentTree } from './extents.js';
import { IndirectBlocks } from './indirect.js';
import {
  BLOCK_AREA,
  EXT4_EXT_MAGIC,
  INCOMPAT_EXTENTS,
  RO_COMPAT_HUGE_FILE,
  SMALL_INODE_SIZE,
  ext4_extent_header,
  ext4_inode,
} from './layout.js';
import type { MetaBlocks } from './meta-blocks.js';
import type { Ext4SuperBlock } from './super.js';
import type { MapOwner, MapStore } from './tree.js';
import type { Volume } from './volume.js';
import { Attributes, decodeAcl, encodeAcl } from './xattr.js';

const { field, offset } = ext4_inode;
const TWO32 = 2 ** 32;
const ACL_ACCESS = 'system.posix_acl_access';
const ACL_DEFAULT = 'system.posix_acl_default';

export class Ext4Inode extends Inode implements MapOwner {
  /** Its record as on disk, up to date after `encode`. */
  readonly image: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly seed: number;
  /** The block of extended attributes; 0 for none. */
  attributeBlock: number;
  /** Blocks of the volume that it takes, of every kind. */
  blockCount: number;
  /** When it was deleted, or the next orphan. */
  dtime: number;
  private loadedMap: BlockMap | undefined;
  private mapStore: MapStore | undefined;
  private mapChanged = false;
  private loadedAttributes: Attributes | undefined;

  constructor(
    override readonly superBlock: Ext4SuperBlock,
    ino: number,
    image: Uint8Array<ArrayBuffer>,
  ) {
    super(superBlock, ino);
    this.image = image;
    this.view = new DataView(image.buffer, image.byteOffset, image.length);
    const get = (handle: { get(view: DataView, base: number): number }): number => handle.get(this.view, 0);
    const generation = get(field.i_generation);
    this.seed = crc32cWord(crc32cWord(superBlock.volume.seed, ino), generation);
    this.mode = get(field.i_mode);
    this.nlink = get(field.i_links_count);
    this.uid = get(field.i_uid) + get(field.i_uid_high) * 65536;
    this.gid = get(field.i_gid) + get(field.i_gid_high) * 65536;
    this.flags = get(field.i_flags);
    const sizeHigh = S_ISREG(this.mode) ? get(field.i_size_high) : 0;
    this.size = get(field.i_size_lo) + sizeHigh * TWO32;
    this.dtime = get(field.i_dtime);
    this.attributeBlock = get(field.i_file_acl_lo) + get(field.i_file_acl_high) * TWO32;
    this.atime = this.time(field.i_atime, offset.i_atime_extra);
    this.mtime = this.time(field.i_mtime, offset.i_mtime_extra);
    this.ctime = this.time(field.i_ctime, offset.i_ctime_extra);
    if (this.hasExtra(offset.i_crtime_extra)) this.btime = this.time(field.i_crtime, offset.i_crtime_extra);
    this.blockCount = this.decodeBlocks();
    if (S_ISCHR(this.mode) || S_ISBLK(this.mode)) {
      const area = offset.i_block;
      this.rdev = this.view.getUint32(area, true) || this.view.getUint32(area + 4, true);
    }
    this.loadAcl();
  }

  get volume(): Volume {
    return this.superBlock.volume;
  }
  get meta(): MetaBlocks {
    return this.superBlock.meta;
  }
  /** i_block. */
  get area(): Uint8Array {
    return this.image.subarray(offset.i_block, offset.i_block + BLOCK_AREA);
  }
  damaged(what: string): never {
    return this.superBlock.damaged(`inode #${this.ino}: ${what}`);
  }

  /** Bytes behind the old record that are in use. */
  private get extraSize(): number {
    if (this.image.length === SMALL_INODE_SIZE) return 0;
    const size = field.i_extra_isize.get(this.view, 0);
    return size > this.image.length - SMALL_INODE_SIZE || size % 4 !== 0 ? 0 : size;
  }
  private hasExtra(at: number): boolean {
    return at + 4 <= SMALL_INODE_SIZE + this.extraSize;
  }
  /** Where attributes begin in the record; its end if there is no room. */
  get attributeStart(): number {
    const extra = this.extraSize;
    return extra === 0 ? this.image.length : SMALL_INODE_SIZE + extra;
  }

  private time(low: { get(view: DataView, base: number): number }, extraAt: number): TimeSpec {
    const sec = low.get(this.view, 0) | 0;
    if (!this.hasExtra(extraAt)) return { sec, nsec: 0 };
    const extra = this.view.getUint32(extraAt, true);
    return { sec: sec + (extra & 3) * TWO32, nsec: Math.min(extra >>> 2, 999_999_999) };
  }
  private setTime(
    low: { set(view: DataView, base: number, value: number): void },
    extraAt: number,
    { sec, nsec }: TimeSpec,
  ): void {
    const word = sec | 0;
    low.set(this.view, 0, word >>> 0);
    if (!this.hasExtra(extraAt)) return;
    const epoch = Math.floor((sec - word) / TWO32) & 3;
    this.view.setUint32(extraAt, (epoch | (nsec << 2)) >>> 0, true);
  }

  private decodeBlocks(): number {
    const { volume } = this;
    let count = field.i_blocks_lo.get(this.view, 0);
    if (volume.hasReadOnly(RO_COMPAT_HUGE_FILE)) count += field.i_blocks_high.get(this.view, 0) * TWO32;
    if ((this.flags & FS_HUGE_FILE_FL) !== 0) return count;
    return Math.ceil(count / (volume.blockSize / 512));
  }

  /** Brings the record up to date. */
  encode(): void {
    const { view } = this;
    if (this.mapChanged) {
      this.mapStore?.store(this.area);
      this.mapChanged = false;
    }
    const sectors = this.blockCount * (this.volume.blockSize / 512);
    const huge = sectors >= 2 ** 48;
    this.flags = (huge ? this.flags | FS_HUGE_FILE_FL : this.flags & ~FS_HUGE_FILE_FL) >>> 0;
    const units = huge ? this.blockCount : sectors;
    field.i_mode.set(view, 0, this.mode);
    field.i_links_count.set(view, 0, this.nlink);
    field.i_uid.set(view, 0, this.uid & 0xffff);
    field.i_uid_high.set(view, 0, this.uid >>> 16);
    field.i_gid.set(view, 0, this.gid & 0xffff);
    field.i_gid_high.set(view, 0, this.gid >>> 16);
    field.i_flags.set(view, 0, this.flags);
    field.i_size_lo.set(view, 0, this.size % TWO32);
    field.i_size_high.set(view, 0, Math.floor(this.size / TWO32));
    field.i_blocks_lo.set(view, 0, units % TWO32);
    field.i_blocks_high.set(view, 0, Math.floor(units / TWO32));
    field.i_dtime.set(view, 0, this.dtime);
    field.i_file_acl_lo.set(view, 0, this.attributeBlock % TWO32);
    field.i_file_acl_high.set(view, 0, Math.floor(this.attributeBlock / TWO32));
    this.setTime(field.i_atime, offset.i_atime_extra, this.atime);
    this.setTime(field.i_mtime, offset.i_mtime_extra, this.mtime);
    this.setTime(field.i_ctime, offset.i_ctime_extra, this.ctime);
    if (this.btime !== undefined && this.hasExtra(offset.i_crtime_extra))
      this.setTime(field.i_crtime, offset.i_crtime_extra, this.btime);
    if (this.volume.metadataChecksums) {
      const crc = inodeChecksum(this.image, this.seed);
      field.i_checksum_lo.set(view, 0, crc & 0xffff);
      if (this.hasExtra(offset.i_checksum_hi - 2)) field.i_checksum_hi.set(view, 0, crc >>> 16);
    }
  }

  /** Its record is to be written with the next commit. */
  changed(): void {
    this.superBlock.inodeChanged(this);
  }

  // The block map.

  get isInline(): boolean {
    return (this.flags & FS_INLINE_DATA_FL) !== 0;
  }

  get map(): BlockMap {
    if (this.loadedMap !== undefined) return this.loadedMap;
    const map = new BlockMap();
    const hasMap = !this.isInline && (S_ISREG(this.mode) || S_ISDIR(this.mode) || this.isSlowLink);
    if (hasMap)
      this.mapStore =
        (this.flags & FS_EXTENT_FL) !== 0
          ? new ExtentTree(this, map, this.area)
          : new IndirectBlocks(this, map, this.area);
    return (this.loadedMap = map);
  }
  /** A symbolic link whose text is in a block. */
  get isSlowLink(): boolean {
    return S_ISLNK(this.mode) && this.blockCount > (this.attributeBlock === 0 ? 0 : 1);
  }

  /** The block of the volume for a block of the file; 0 for a hole. */
  physical(logical: number): number {
    const run = this.map.at(logical);
    return run === undefined || run.unwritten ? 0 : run.physical + logical - run.logical;
  }

  /** Where its next block should be. */
  goal(logical: number): number {
    const { map, volume } = this;
    const before = map.before(logical);
    if (before !== undefined && logical - before.logical - before.count < 1024)
      return before.physical + (logical - before.logical);
    const group = Math.floor((this.ino - 1) / volume.inodesPerGroup);
    return volume.firstBlockOf(group);
  }

  /** Allocates up to `count` blocks for the file from `logical` on, where there are none; returns how many. ENOSPC. */
  grow(logical: number, count: number, unwritten: boolean): Run {
    const { superBlock, map } = this;
    const got = superBlock.allocator.allocate(this.goal(logical), count);
    const run: Run = { logical, count: got.count, physical: got.start, unwritten };
    this.blockCount += got.count;
    map.insert({ ...run });
    try {
      this.mapFits();
    } catch (error) {
      map.remove(logical, logical + got.count);
      this.blockCount -= got.count;
      superBlock.allocator.free(got.start, got.count);
      this.mapFits();
      throw error;
    }
    return run;
  }

  /** Blocks that were allocated have been written. */
  written(logical: number, count: number): void {
    const { map } = this;
    for (const run of map.remove(logical, logical + count)) map.insert({ ...run, unwritten: false });
    this.mapFits();
  }

  /** Frees the blocks of [start, end). */
  shrink(start: number, end: number): void {
    const removed = this.map.remove(start, end);
    for (const { physical, count } of removed) {
      this.blockCount -= count;
      this.superBlock.freeBlocks(physical, count, !S_ISREG(this.mode));
    }
    if (removed.length > 0) this.mapFits();
  }

  private mapFits(): void {
    this.mapChanged = true;
    this.changed();
    this.mapStore?.fit();
  }

  allocateNode(): number {
    const { start } = this.superBlock.allocator.allocate(this.goal(0), 1);
    this.meta.fresh(start);
    this.blockCount++;
    return start;
  }
  freeNode(block: number): void {
    this.blockCount--;
    this.superBlock.freeBlocks(block, 1, true);
  }

  override get blocks(): number {
    return this.blockCount * (this.volume.blockSize / 512);
  }

  // Attributes.

  get attributes(): Attributes {
    return (this.loadedAttributes ??= new Attributes(this));
  }

  private loadAcl(): void {
    if (!S_ISDIR(this.mode) && !S_ISREG(this.mode)) return;
    if (this.attributeBlock === 0 && this.attributeStart >= this.image.length) return;
    const { attributes } = this;
    const access = attributes.get(ACL_ACCESS);
    const inherited = attributes.get(ACL_DEFAULT);
    if (access === undefined && inherited === undefined) return;
    this.acl = {
      access: access === undefined ? undefined : decodeAcl(access),
      default: inherited === undefined ? undefined : decodeAcl(inherited),
    };
  }

  override setAcl(acl: AccessControl | undefined): void {
    this.superBlock.begin();
    this.storeAcl(acl);
  }
  storeAcl(acl: AccessControl | undefined): void {
    this.attributes.set(ACL_ACCESS, acl?.access === undefined ? undefined : encodeAcl(acl.access));
    this.attributes.set(ACL_DEFAULT, acl?.default === undefined ? undefined : encodeAcl(acl.default));
    this.acl = acl;
    this.changed();
  }

  override getxattr(name: Name): Uint8Array {
    const value = this.attributes.get(name);
    if (value === undefined) throw ENODATA;
    return value;
  }
  override setxattr(name: Name, value: Uint8Array, how: number): void {
    if (name.startsWith('system.')) throw EOPNOTSUPP;
    this.superBlock.begin();
    const exists = this.attributes.get(name) !== undefined;
    if (exists && (how & XATTR_CREATE) !== 0) throw EEXIST;
    if (!exists && (how & XATTR_REPLACE) !== 0) throw ENODATA;
    this.attributes.set(name, value);
    this.ctime = currentTime(this.superBlock.kernel);
    this.changed();
  }
  override listxattr(): Name[] {
    return this.attributes.names().filter((name) => !name.startsWith('system.'));
  }
  override removexattr(name: Name): void {
    this.superBlock.begin();
    if (this.attributes.get(name) === undefined) throw ENODATA;
    this.attributes.set(name, undefined);
    this.ctime = currentTime(this.superBlock.kernel);
    this.changed();
  }
  override get hasFileCapabilities(): boolean {
    if (this.attributeBlock === 0 && this.attributeStart >= this.image.length) return false;
    return this.attributes.get(XATTR_NAME_CAPS) !== undefined;
  }

  override get hasFlags(): boolean {
    return S_ISREG(this.mode) || S_ISDIR(this.mode);
  }
  override setFlags(flags: number): void {
    this.superBlock.begin();
    this.flags = ((this.flags & ~FS_FL_USER_MODIFIABLE) | (flags & FS_FL_USER_MODIFIABLE)) >>> 0;
    this.ctime = currentTime(this.superBlock.kernel);
    this.changed();
  }

  // Everything.

  override setAttributes(change: AttributeChange): void {
    this.superBlock.begin();
    const { size, ...rest } = change;
    if (size !== undefined) this.resize(size);
    super.setAttributes(rest);
    this.changed();
  }
  protected resize(_size: number): void {
    throw EOPNOTSUPP;
  }
  override updateTimes(times: Pick<AttributeChange, 'atime' | 'mtime' | 'ctime'>): void {
    if (this.superBlock.readOnly) return;
    super.updateTimes(times);
    this.changed();
  }

  override sync(_dataOnly: boolean): Result {
    return this.superBlock.sync();
  }

  // New ones.

  setDevice(rdev: number): void {
    this.rdev = rdev;
    if (!S_ISCHR(this.mode) && !S_ISBLK(this.mode)) return;
    const { byteOffset } = this.area;
    const at = byteOffset - this.image.byteOffset;
    // Numbers of 8 and 8 bits have a word of their own.
    this.view.setUint32(rdev < 65536 ? at : at + 4, rdev, true);
  }

  /** The text of a symbolic link: in the record if it fits there. */
  setTarget(text: Uint8Array): void {
    this.size = text.length;
    if (text.length < BLOCK_AREA) {
      this.area.set(text);
      return;
    }
    if (this.volume.has(INCOMPAT_EXTENTS)) this.flags = (this.flags | FS_EXTENT_FL) >>> 0;
    this.startMap();
    const { physical } = this.grow(0, 1, false);
    this.meta.fresh(physical).bytes.set(text);
  }

  /** An empty block map. */
  startMap(): void {
    this.loadedMap = new BlockMap();
    if ((this.flags & FS_EXTENT_FL) !== 0) {
      ext4_extent_header.write(this.view, offset.i_block, { eh_magic: EXT4_EXT_MAGIC, eh_max: 4 });
      this.mapStore = new ExtentTree(this, this.loadedMap, this.area);
    } else this.mapStore = new IndirectBlocks(this, this.loadedMap, this.area);
  }

  /** Everything that it has on the volume is free again. */
  clear(): void {
    if (S_ISREG(this.mode) || S_ISDIR(this.mode) || this.isSlowLink) this.shrink(0, Infinity);
    if (this.attributeBlock !== 0) this.attributes.release();
  }

  /** Before a commit: blocks of its own get their checksums. */
  prepare(): void {}

  override evict(): void {
    const { superBlock } = this;
    this.leaveMemory();
    try {
      if (this.nlink === 0 && !superBlock.readOnly) superBlock.destroy(this);
      superBlock.forget(this);
    } catch (error) {
      // Nobody is there to be told: close(2) and the like have done their part.
      if (!(error instanceof Errno)) throw error;
      superBlock.log(3, `inode #${this.ino} could not be written: ${error.name}`);
    }
  }
  /** Dirty pages go to the disk. */
  flushPages(): void {}
  /** What is in memory only is written, or forgotten if the inode goes. */
  protected leaveMemory(): void {}
}

/** The checksum of a record. */
export function inodeChecksum(image: Uint8Array, seed: number): number {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const zeros = Uint8Array.of(0, 0);
  let crc = crc32c(seed, image, 0, offset.i_checksum_lo);
  crc = crc32c(crc, zeros);
  crc = crc32c(crc, image, offset.i_checksum_lo + 2, SMALL_INODE_SIZE);
  if (image.length === SMALL_INODE_SIZE) return crc;
  const high = field.i_extra_isize.get(view, 0) >= 4;
  crc = crc32c(crc, image, SMALL_INODE_SIZE, offset.i_checksum_hi);
  crc = high ? crc32c(crc, zeros) : crc32c(crc, image, offset.i_checksum_hi, offset.i_checksum_hi + 2);
  return crc32c(crc, image, offset.i_checksum_hi + 2);
}
