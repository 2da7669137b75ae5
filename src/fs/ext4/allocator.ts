/** Finding free blocks and inodes. */
import { ENOSPC } from '../../uapi/errno.js';
import { clearBit, type Group, type Groups, setBit, testBit } from './groups.js';
import type { Volume } from './volume.js';

/** A run this long is good enough to stop looking for a better one. */
const GOOD_RUN = 256;

export class Allocator {
  /** Free blocks that cached pages will need when they are written back. */
  reserved = 0;
  /** Blocks that were freed since the last commit. */
  pending = 0;

  constructor(
    private readonly volume: Volume,
    private readonly groups: Groups,
    private readonly damaged: (what: string) => never,
  ) {}

  /** Blocks that can be promised to somebody now. */
  get available(): number {
    return this.groups.freeBlocks - this.pending - this.reserved;
  }

  /** Up to `wanted` blocks in a row, at `goal` if that is free, else as near as there are enough. ENOSPC. */
  allocate(goal: number, wanted: number): { start: number; count: number } {
    const { volume, groups } = this;
    const near = volume.isBlock(goal) ? goal : volume.firstDataBlock + 1;
    const home = volume.groupOf(near);
    const enough = Math.min(wanted, GOOD_RUN);
    for (const least of enough > 1 ? [enough, 1] : [1])
      for (let step = 0; step < volume.groups; step++) {
        const group = groups.list[(home + step) % volume.groups];
        if (group.freeBlocks - (group.freed?.size ?? 0) < least) continue;
        const from = step === 0 ? near - volume.firstBlockOf(group.number) : 0;
        const found = this.searchGroup(group, from, least, wanted);
        if (found !== undefined) return found;
      }
    throw ENOSPC;
  }

  private searchGroup(
    group: Group,
    from: number,
    least: number,
    wanted: number,
  ): { start: number; count: number } | undefined {
    const { bytes } = this.groups.blockBitmap(group);
    const end = this.volume.blocksIn(group.number);
    const { freed } = group;
    const isFree = (bit: number): boolean => !testBit(bytes, bit) && (freed === undefined || !freed.has(bit));
    const runAt = (bit: number): number => {
      let count = 0;
      while (count < wanted && bit + count < end && isFree(bit + count)) count++;
      return count;
    };
    const take = (bit: number, count: number): { start: number; count: number } => {
      for (let index = 0; index < count; index++) setBit(bytes, bit + index);
      this.counted(group, -count);
      return { start: this.volume.firstBlockOf(group.number) + bit, count };
    };
    // To go on where the file ends is best, however little that is.
    const here = runAt(from);
    if (here > 0) return take(from, here);
    for (const [start, stop] of [
      [from, end],
      [0, from],
    ])
      for (let bit = start; bit < stop;) {
        if ((bit & 7) === 0 && bytes[bit >>> 3] === 0xff) {
          bit += 8;
          continue;
        }
        const count = runAt(bit);
        if (count >= least) return take(bit, count);
        bit += count + 1;
      }
    return undefined;
  }

  private counted(group: Group, change: number): void {
    group.freeBlocks += change;
    this.groups.freeBlocks += change;
    group.changed = group.blockBitmapChanged = true;
    this.groups.touchBlockBitmap(group);
  }

  /** Blocks are free, but not used again before the commit: until then the old contents may come back. */
  free(start: number, count: number): void {
    const { volume, groups } = this;
    for (let block = start; block < start + count; block++) {
      const group = groups.list[volume.groupOf(block)];
      const bit = block - volume.firstBlockOf(group.number);
      const { bytes } = groups.blockBitmap(group);
      if (!testBit(bytes, bit)) this.damaged(`bit already cleared for block ${block}`);
      clearBit(bytes, bit);
      (group.freed ??= new Set()).add(bit);
      this.pending++;
      this.counted(group, 1);
    }
  }

  /** The commit is done: what was freed before it may be used. */
  committed(): void {
    if (this.pending === 0) return;
    for (const group of this.groups.list) group.freed = undefined;
    this.pending = 0;
  }

  /** A free inode near the directory that it goes to. ENOSPC. */
  allocateInode(parent: number, isDirectory: boolean): number {
    const { volume, groups } = this;
    const home = Math.floor((parent - 1) / volume.inodesPerGroup);
    const first = isDirectory ? this.groupForDirectory(home, parent) : home;
    for (let step = 0; step < volume.groups; step++) {
      const group = groups.list[(first + step) % volume.groups];
      if (group.freeInodes === 0) continue;
      const { bytes } = groups.inodeBitmap(group);
      let index = group.number === 0 ? volume.firstInode - 1 : 0;
      while (index < volume.inodesPerGroup && testBit(bytes, index))
        index += (index & 7) === 0 && bytes[index >>> 3] === 0xff ? 8 : 1;
      if (index >= volume.inodesPerGroup) continue;
      setBit(bytes, index);
      group.freeInodes--;
      groups.freeInodes--;
      if (isDirectory) group.directories++;
      group.unusedInodes = Math.min(group.unusedInodes, volume.inodesPerGroup - index - 1);
      this.inodeBitmapChanged(group);
      return group.number * volume.inodesPerGroup + index + 1;
    }
    throw ENOSPC;
  }

  /** Directories of the root are spread over the groups; others stay near their parent while there is room. */
  private groupForDirectory(home: number, parent: number): number {
    const { list } = this.groups;
    const average = this.groups.freeInodes / list.length;
    if (parent !== 2 && list[home].freeInodes >= average / 2 && list[home].freeBlocks > 0) return home;
    let best = home;
    for (const group of list)
      if (group.freeInodes >= average && group.freeBlocks > list[best].freeBlocks) best = group.number;
    return best;
  }

  freeInode(ino: number, isDirectory: boolean): void {
    const { volume, groups } = this;
    const group = groups.list[Math.floor((ino - 1) / volume.inodesPerGroup)];
    const index = (ino - 1) % volume.inodesPerGroup;
    const { bytes } = groups.inodeBitmap(group);
    if (!testBit(bytes, index)) this.damaged(`bit already cleared for inode ${ino}`);
    clearBit(bytes, index);
    group.freeInodes++;
    groups.freeInodes++;
    if (isDirectory) group.directories--;
    this.inodeBitmapChanged(group);
  }

  private inodeBitmapChanged(group: Group): void {
    group.changed = group.inodeBitmapChanged = true;
    this.groups.touchInodeBitmap(group);
  }
}
