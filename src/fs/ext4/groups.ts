/** The block groups: their descriptors, and the bitmaps of blocks and inodes that the descriptors point to. */
import { crc16, crc32c, crc32cWord } from '../../lib/crc32c.js';
import { EUCLEAN } from '../../uapi/errno.js';
import {
  BG_BLOCK_UNINIT,
  BG_INODE_UNINIT,
  INCOMPAT_META_BG,
  SMALL_DESC_SIZE,
  ext4_group_desc,
  ext4_super_block,
} from './layout.js';
import type { MetaBlock, MetaBlocks } from './meta-blocks.js';
import type { Volume } from './volume.js';

const { field, offset } = ext4_group_desc;
const TWO32 = 2 ** 32;

export interface Group {
  readonly number: number;
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  freeBlocks: number;
  freeInodes: number;
  directories: number;
  unusedInodes: number;
  flags: number;
  /** The descriptor differs from what the disk has. */
  changed: boolean;
  blockBitmapChanged: boolean;
  inodeBitmapChanged: boolean;
  /** Blocks that were freed since the last commit: not to be used before it. */
  freed: Set<number> | undefined;
}

export class Groups {
  readonly list: Group[] = [];
  freeBlocks = 0;
  freeInodes = 0;

  constructor(
    private readonly volume: Volume,
    private readonly meta: MetaBlocks,
    private readonly damaged: (what: string) => void,
  ) {
    for (let number = 0; number < volume.groups; number++) this.list.push(this.load(number));
  }

  /** Where a group's descriptor is. */
  private place(group: number): { block: MetaBlock; at: number } {
    const { volume } = this;
    const perBlock = volume.blockSize / volume.descriptorSize;
    const index = Math.floor(group / perBlock);
    const at = (group % perBlock) * volume.descriptorSize;
    const firstMeta = ext4_super_block.field.s_first_meta_bg.get(volume.view, 0);
    let number = volume.firstDataBlock + 1 + index;
    if (volume.has(INCOMPAT_META_BG) && index >= firstMeta) {
      const home = index * perBlock;
      number = volume.firstBlockOf(home) + (volume.hasBackup(home) ? 1 : 0);
    }
    return { block: this.meta.get(number), at };
  }

  private load(number: number): Group {
    const { volume } = this;
    const { block, at } = this.place(number);
    const { view } = block;
    const wide = volume.descriptorSize > SMALL_DESC_SIZE;
    const high = (handle: { get(view: DataView, base: number): number }): number =>
      wide ? handle.get(view, at) : 0;
    if (volume.groupChecksums && this.checksum(number, block.bytes, at) !== field.bg_checksum.get(view, at))
      this.damaged(`Checksum for group ${number} failed`);
    const group: Group = {
      number,
      blockBitmap: field.bg_block_bitmap_lo.get(view, at) + high(field.bg_block_bitmap_hi) * TWO32,
      inodeBitmap: field.bg_inode_bitmap_lo.get(view, at) + high(field.bg_inode_bitmap_hi) * TWO32,
      inodeTable: field.bg_inode_table_lo.get(view, at) + high(field.bg_inode_table_hi) * TWO32,
      freeBlocks: field.bg_free_blocks_count_lo.get(view, at) + high(field.bg_free_blocks_count_hi) * 65536,
      freeInodes: field.bg_free_inodes_count_lo.get(view, at) + high(field.bg_free_inodes_count_hi) * 65536,
      directories: field.bg_used_dirs_count_lo.get(view, at) + high(field.bg_used_dirs_count_hi) * 65536,
      unusedInodes: field.bg_itable_unused_lo.get(view, at) + high(field.bg_itable_unused_hi) * 65536,
      flags: volume.groupChecksums ? field.bg_flags.get(view, at) : 0,
      changed: false,
      blockBitmapChanged: false,
      inodeBitmapChanged: false,
      freed: undefined,
    };
    const tableBlocks = Math.ceil((volume.inodesPerGroup * volume.inodeSize) / volume.blockSize);
    if (
      !volume.isBlock(group.blockBitmap) ||
      !volume.isBlock(group.inodeBitmap) ||
      !volume.isBlock(group.inodeTable, tableBlocks)
    ) {
      this.damaged(`group descriptors corrupted! (group ${number})`);
      throw EUCLEAN;
    }
    this.freeBlocks += group.freeBlocks;
    this.freeInodes += group.freeInodes;
    return group;
  }

  private checksum(number: number, bytes: Uint8Array, at: number): number {
    const { volume } = this;
    if (volume.metadataChecksums) {
      let crc = crc32cWord(volume.seed, number);
      crc = crc32c(crc, bytes, at, at + offset.bg_checksum);
      crc = crc32c(crc, Uint8Array.of(0, 0));
      return crc32c(crc, bytes, at + offset.bg_checksum + 2, at + volume.descriptorSize) & 0xffff;
    }
    let crc = crc16(0xffff, volume.uuid);
    crc = crc16(crc, Uint8Array.of(number, number >>> 8, number >>> 16, number >>> 24));
    crc = crc16(crc, bytes, at, at + offset.bg_checksum);
    return crc16(crc, bytes, at + SMALL_DESC_SIZE, at + volume.descriptorSize);
  }

  /** The bitmap of a group's blocks, made if the disk has none yet. */
  blockBitmap(group: Group): MetaBlock {
    if ((group.flags & BG_BLOCK_UNINIT) !== 0) return this.makeBlockBitmap(group);
    return this.meta.get(group.blockBitmap, ({ bytes }) => {
      if (!this.volume.metadataChecksums) return;
      const crc = crc32c(this.volume.seed, bytes, 0, this.volume.blocksPerGroup / 8);
      this.verify(group, crc, field.bg_block_bitmap_csum_lo, field.bg_block_bitmap_csum_hi, 'block');
    });
  }

  inodeBitmap(group: Group): MetaBlock {
    if ((group.flags & BG_INODE_UNINIT) !== 0) {
      const block = this.meta.fresh(group.inodeBitmap);
      setRange(block.bytes, this.volume.inodesPerGroup, this.volume.blockSize * 8);
      group.flags &= ~BG_INODE_UNINIT;
      group.changed = group.inodeBitmapChanged = true;
      return block;
    }
    return this.meta.get(group.inodeBitmap, ({ bytes }) => {
      if (!this.volume.metadataChecksums) return;
      const crc = crc32c(this.volume.seed, bytes, 0, this.volume.inodesPerGroup / 8);
      this.verify(group, crc, field.bg_inode_bitmap_csum_lo, field.bg_inode_bitmap_csum_hi, 'inode');
    });
  }

  /** Its bitmap has changed. */
  touchBlockBitmap(group: Group): void {
    this.meta.changed(this.blockBitmap(group));
  }
  touchInodeBitmap(group: Group): void {
    this.meta.changed(this.inodeBitmap(group));
  }

  private verify(
    group: Group,
    crc: number,
    low: { get(view: DataView, base: number): number },
    high: { get(view: DataView, base: number): number },
    kind: string,
  ): void {
    const { block, at } = this.place(group.number);
    const wide = this.volume.descriptorSize > SMALL_DESC_SIZE;
    if (low.get(block.view, at) === (crc & 0xffff) && (!wide || high.get(block.view, at) === crc >>> 16))
      return;
    this.damaged(`Corrupt ${kind} bitmap - block_group = ${group.number}`);
    throw EUCLEAN;
  }

  private makeBlockBitmap(group: Group): MetaBlock {
    const { volume } = this;
    const block = this.meta.fresh(group.blockBitmap);
    const first = volume.firstBlockOf(group.number);
    const count = volume.blocksIn(group.number);
    const mark = (number: number): void => {
      if (number >= first && number < first + count) setBit(block.bytes, number - first);
    };
    if (volume.hasBackup(group.number)) {
      const reserved = ext4_super_block.field.s_reserved_gdt_blocks.get(volume.view, 0);
      const descriptors = Math.ceil((volume.groups * volume.descriptorSize) / volume.blockSize);
      setRange(block.bytes, 0, Math.min(count, 1 + descriptors + reserved));
    }
    mark(group.blockBitmap);
    mark(group.inodeBitmap);
    const tableBlocks = Math.ceil((volume.inodesPerGroup * volume.inodeSize) / volume.blockSize);
    for (let index = 0; index < tableBlocks; index++) mark(group.inodeTable + index);
    setRange(block.bytes, count, volume.blockSize * 8);
    group.flags &= ~BG_BLOCK_UNINIT;
    group.changed = group.blockBitmapChanged = true;
    return block;
  }

  /** Brings descriptors and their checksums up to date in the blocks that hold them. */
  store(): void {
    for (const group of this.list) if (group.changed) this.storeOne(group);
  }

  private storeOne(group: Group): void {
    const { volume } = this;
    const { block, at } = this.place(group.number);
    const { view, bytes } = block;
    this.meta.changed(block);
    const wide = volume.descriptorSize > SMALL_DESC_SIZE;
    field.bg_free_blocks_count_lo.set(view, at, group.freeBlocks & 0xffff);
    field.bg_free_inodes_count_lo.set(view, at, group.freeInodes & 0xffff);
    field.bg_used_dirs_count_lo.set(view, at, group.directories & 0xffff);
    if (volume.groupChecksums) {
      field.bg_flags.set(view, at, group.flags);
      field.bg_itable_unused_lo.set(view, at, group.unusedInodes & 0xffff);
    }
    if (wide) {
      field.bg_free_blocks_count_hi.set(view, at, group.freeBlocks >>> 16);
      field.bg_free_inodes_count_hi.set(view, at, group.freeInodes >>> 16);
      field.bg_used_dirs_count_hi.set(view, at, group.directories >>> 16);
      if (volume.groupChecksums) field.bg_itable_unused_hi.set(view, at, group.unusedInodes >>> 16);
    }
    if (volume.metadataChecksums) {
      if (group.blockBitmapChanged) {
        const crc = crc32c(volume.seed, this.blockBitmap(group).bytes, 0, volume.blocksPerGroup / 8);
        field.bg_block_bitmap_csum_lo.set(view, at, crc & 0xffff);
        if (wide) field.bg_block_bitmap_csum_hi.set(view, at, crc >>> 16);
      }
      if (group.inodeBitmapChanged) {
        const crc = crc32c(volume.seed, this.inodeBitmap(group).bytes, 0, volume.inodesPerGroup / 8);
        field.bg_inode_bitmap_csum_lo.set(view, at, crc & 0xffff);
        if (wide) field.bg_inode_bitmap_csum_hi.set(view, at, crc >>> 16);
      }
    }
    if (volume.groupChecksums) field.bg_checksum.set(view, at, this.checksum(group.number, bytes, at));
    group.changed = group.blockBitmapChanged = group.inodeBitmapChanged = false;
  }
}

export const testBit = (bytes: Uint8Array, bit: number): boolean =>
  (bytes[bit >>> 3] & (1 << (bit & 7))) !== 0;
export function setBit(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] |= 1 << (bit & 7);
}
export function clearBit(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] &= ~(1 << (bit & 7));
}
function setRange(bytes: Uint8Array, start: number, end: number): void {
  for (let bit = start; bit < end; bit++) setBit(bytes, bit);
}
