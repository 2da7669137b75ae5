/** The super block of a volume, checked: what its sizes and features are. Linux's ext4_fill_super. */
import type { Disk } from '../../block/device.js';
import type { Kernel } from '../../kernel/kernel.js';
import { crc32c } from '../../lib/crc32c.js';
import type { Name } from '../../lib/names.js';
import { EBADMSG, EINVAL } from '../../uapi/errno.js';
import {
  COMPAT_SPARSE_SUPER2,
  EXT4_SUPER_MAGIC,
  INCOMPAT_64BIT,
  INCOMPAT_CSUM_SEED,
  INCOMPAT_SUPPORTED,
  RO_COMPAT_GDT_CSUM,
  RO_COMPAT_METADATA_CSUM,
  RO_COMPAT_SPARSE_SUPER,
  RO_COMPAT_SUPPORTED,
  SMALL_DESC_SIZE,
  SMALL_INODE_SIZE,
  SUPER_OFFSET,
  SUPER_SIZE,
  ext4_super_block,
} from './layout.js';

const { field, offset } = ext4_super_block;
const TWO32 = 2 ** 32;

export class Volume {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly blockSize: number;
  readonly blocks: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  readonly groups: number;
  readonly inodes: number;
  readonly inodeSize: number;
  readonly descriptorSize: number;
  readonly firstInode: number;
  readonly uuid: Uint8Array;
  readonly metadataChecksums: boolean;
  /** Groups' descriptors have checksums, and bitmaps and tables may be uninitialised. */
  readonly groupChecksums: boolean;
  readonly seed: number;

  constructor(
    private readonly kernel: Kernel,
    readonly disk: Disk,
  ) {
    if (disk.size < SUPER_OFFSET + SUPER_SIZE) this.refuse('unable to read superblock');
    this.bytes = new Uint8Array(SUPER_SIZE);
    disk.read(SUPER_OFFSET, this.bytes);
    this.view = new DataView(this.bytes.buffer);
    const get = ext4_super_block.read(this.view, 0);
    if (get.s_magic !== EXT4_SUPER_MAGIC) this.refuse("VFS: Can't find ext4 filesystem");
    this.checkIncompatible(get.s_feature_incompat);
    this.metadataChecksums = this.hasReadOnly(RO_COMPAT_METADATA_CSUM);
    this.groupChecksums = this.metadataChecksums || this.hasReadOnly(RO_COMPAT_GDT_CSUM);
    if (this.metadataChecksums) this.verify();
    const old = get.s_rev_level === 0;
    if (get.s_log_block_size > 6) this.refuse('bad block size');
    this.blockSize = 1024 * 2 ** get.s_log_block_size;
    this.inodeSize = old ? SMALL_INODE_SIZE : get.s_inode_size;
    this.firstInode = old ? 11 : get.s_first_ino;
    this.descriptorSize = this.has(INCOMPAT_64BIT) ? get.s_desc_size : SMALL_DESC_SIZE;
    this.blocks = get.s_blocks_count_lo + (this.has(INCOMPAT_64BIT) ? get.s_blocks_count_hi * TWO32 : 0);
    this.firstDataBlock = get.s_first_data_block;
    this.blocksPerGroup = get.s_blocks_per_group;
    this.inodesPerGroup = get.s_inodes_per_group;
    this.inodes = get.s_inodes_count;
    this.uuid = get.s_uuid;
    this.checkSizes();
    this.groups = Math.ceil((this.blocks - this.firstDataBlock) / this.blocksPerGroup);
    if (this.groups * this.inodesPerGroup !== this.inodes)
      this.refuse(`inodes count not valid: ${this.inodes} vs ${this.groups * this.inodesPerGroup}`);
    this.seed = this.has(INCOMPAT_CSUM_SEED) ? get.s_checksum_seed : crc32c(0xffff_ffff, this.uuid);
  }

  /** The super block may have been changed by programs while nothing was written here: e2fsck(8), tune2fs(8). */
  reread(): void {
    this.disk.read(SUPER_OFFSET, this.bytes);
    if (field.s_magic.get(this.view, 0) !== EXT4_SUPER_MAGIC) this.refuse("VFS: Can't find ext4 filesystem");
    this.checkIncompatible(field.s_feature_incompat.get(this.view, 0));
    if (this.metadataChecksums) this.verify();
  }

  private refuse(why: string): never {
    this.kernel.log.write(3, `EXT4-fs (${this.disk.name}): ${why}`);
    throw EINVAL;
  }

  private checkIncompatible(features: number): void {
    const unknown = (features & ~INCOMPAT_SUPPORTED) >>> 0;
    if (unknown !== 0)
      this.refuse(`Couldn't mount because of unsupported optional features (${unknown.toString(16)})`);
  }

  /** EINVAL if there are features that must be known to write. */
  checkWritable(): void {
    const unknown = (field.s_feature_ro_compat.get(this.view, 0) & ~RO_COMPAT_SUPPORTED) >>> 0;
    if (unknown !== 0)
      this.refuse(`couldn't mount RDWR because of unsupported optional features (${unknown.toString(16)})`);
  }

  private verify(): void {
    const { s_checksum_type, s_checksum } = ext4_super_block.read(this.view, 0);
    if (s_checksum_type !== 1) this.refuse('VFS: Found ext4 filesystem with unknown checksum algorithm.');
    if (s_checksum !== crc32c(0xffff_ffff, this.bytes, 0, offset.s_checksum)) {
      this.kernel.log.write(
        3,
        `EXT4-fs (${this.disk.name}): VFS: Found ext4 filesystem with invalid superblock checksum.  Run e2fsck?`,
      );
      throw EBADMSG;
    }
  }

  private checkSizes(): void {
    const { blockSize, inodeSize, descriptorSize, blocksPerGroup, inodesPerGroup } = this;
    const powerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;
    if (inodeSize < SMALL_INODE_SIZE || inodeSize > blockSize || !powerOfTwo(inodeSize))
      this.refuse(`unsupported inode size: ${inodeSize}`);
    if (descriptorSize < SMALL_DESC_SIZE || descriptorSize > 1024 || !powerOfTwo(descriptorSize))
      this.refuse(`unsupported descriptor size ${descriptorSize}`);
    if (this.has(INCOMPAT_64BIT) && descriptorSize < 64)
      this.refuse(`unsupported descriptor size ${descriptorSize}`);
    if (blocksPerGroup === 0 || blocksPerGroup > blockSize * 8 || blocksPerGroup % 8 !== 0)
      this.refuse(`#blocks per group too big: ${blocksPerGroup}`);
    if (inodesPerGroup === 0 || inodesPerGroup > blockSize * 8)
      this.refuse(`invalid inodes per group: ${inodesPerGroup}`);
    if (this.firstDataBlock !== (blockSize === 1024 ? 1 : 0))
      this.refuse(`bad geometry: first data block is ${this.firstDataBlock}`);
    if (this.blocks <= this.firstDataBlock || this.blocks * blockSize > this.disk.size)
      this.refuse(
        `bad geometry: block count ${this.blocks} exceeds size of device (${Math.floor(this.disk.size / blockSize)} blocks)`,
      );
    if (this.firstInode < 11 || this.firstInode > this.inodes)
      this.refuse(`invalid first ino: ${this.firstInode}`);
  }

  get label(): Name {
    return field.s_volume_name.get(this.view, 0);
  }
  has(incompatible: number): boolean {
    return (field.s_feature_incompat.get(this.view, 0) & incompatible) !== 0;
  }
  hasCompatible(feature: number): boolean {
    return (field.s_feature_compat.get(this.view, 0) & feature) !== 0;
  }
  hasReadOnly(feature: number): boolean {
    return (field.s_feature_ro_compat.get(this.view, 0) & feature) !== 0;
  }
  setFeature(incompatible: number, on: boolean): void {
    const old = field.s_feature_incompat.get(this.view, 0);
    field.s_feature_incompat.set(this.view, 0, (on ? old | incompatible : old & ~incompatible) >>> 0);
  }

  /** Whether a copy of the super block and the descriptors is in a group. */
  hasBackup(group: number): boolean {
    if (group === 0) return true;
    if (this.hasCompatible(COMPAT_SPARSE_SUPER2)) return field.s_backup_bgs.get(this.view, 0).includes(group);
    if (group <= 1 || !this.hasReadOnly(RO_COMPAT_SPARSE_SUPER)) return true;
    return [3, 5, 7].some((base) => {
      let power = base;
      while (power < group) power *= base;
      return power === group;
    });
  }

  firstBlockOf(group: number): number {
    return this.firstDataBlock + group * this.blocksPerGroup;
  }
  blocksIn(group: number): number {
    return Math.min(this.blocksPerGroup, this.blocks - this.firstBlockOf(group));
  }
  groupOf(block: number): number {
    return Math.floor((block - this.firstDataBlock) / this.blocksPerGroup);
  }
  isBlock(block: number, count = 1): boolean {
    return block > this.firstDataBlock && block + count <= this.blocks;
  }

  /** Sets the checksum; the bytes can be written. */
  seal(): void {
    if (this.metadataChecksums)
      field.s_checksum.set(this.view, 0, crc32c(0xffff_ffff, this.bytes, 0, offset.s_checksum));
  }
}
