/** Extent trees: ext4's form of a block map. */
import { crc32c } from '../../lib/crc32c.js';
import type { BlockMap, Run } from './block-map.js';
import {
  EXT4_EXT_MAGIC,
  EXTENT_MOST,
  EXTENT_SIZE,
  ext4_extent,
  ext4_extent_header,
  ext4_extent_idx,
} from './layout.js';
import { replaceBytes, type MapOwner, type MapStore } from './tree.js';

const TWO32 = 2 ** 32;
const MOST_DEPTH = 5;
/** Entries in the inode itself. */
const ROOT_ENTRIES = 4;

export class ExtentTree implements MapStore {
  private readonly nodes: number[] = [];

  constructor(
    private readonly owner: MapOwner,
    private readonly map: BlockMap,
    area: Uint8Array,
  ) {
    const view = new DataView(area.buffer, area.byteOffset, area.length);
    this.load(view, ROOT_ENTRIES, -1);
  }

  get nodeCount(): number {
    return this.nodes.length;
  }

  /** Entries of a node in a block. */
  private get capacity(): number {
    return Math.floor((this.owner.volume.blockSize - EXTENT_SIZE) / EXTENT_SIZE);
  }

  private load(view: DataView, capacity: number, expectedDepth: number): void {
    const { owner, map } = this;
    const { eh_magic, eh_entries, eh_max, eh_depth } = ext4_extent_header.read(view, 0);
    const wrongDepth = expectedDepth < 0 ? eh_depth > MOST_DEPTH : eh_depth !== expectedDepth;
    if (eh_magic !== EXT4_EXT_MAGIC || eh_entries > eh_max || eh_max > capacity || wrongDepth)
      owner.damaged('bad extent header');
    for (let index = 0; index < eh_entries; index++) {
      const at = EXTENT_SIZE * (index + 1);
      if (eh_depth > 0) {
        const { ei_leaf_lo, ei_leaf_hi } = ext4_extent_idx.read(view, at);
        this.loadNode(ei_leaf_lo + ei_leaf_hi * TWO32, eh_depth - 1);
        continue;
      }
      const { ee_block, ee_len, ee_start_hi, ee_start_lo } = ext4_extent.read(view, at);
      const unwritten = ee_len > EXTENT_MOST;
      const count = unwritten ? ee_len - EXTENT_MOST : ee_len;
      const physical = ee_start_lo + ee_start_hi * TWO32;
      if (count === 0 || !owner.volume.isBlock(physical, count) || ee_block + count > TWO32)
        owner.damaged('invalid extent entries');
      if (!map.insert({ logical: ee_block, count, physical, unwritten }))
        owner.damaged('overlapping extents');
    }
  }

  private loadNode(number: number, depth: number): void {
    const { owner } = this;
    // No node comes twice, so that damaged trees end.
    if (!owner.volume.isBlock(number) || this.nodes.includes(number)) owner.damaged('invalid extent index');
    this.nodes.push(number);
    const { view } = owner.meta.get(number, ({ bytes, view: found }) => {
      if (!owner.volume.metadataChecksums) return;
      const tail = EXTENT_SIZE * (ext4_extent_header.field.eh_max.get(found, 0) + 1);
      if (tail + 4 > bytes.length || crc32c(owner.seed, bytes, 0, tail) !== found.getUint32(tail, true))
        owner.damaged('extent tree corrupted: bad checksum');
    });
    this.load(view, this.capacity, depth);
  }

  /** Runs cut to what an entry can hold. */
  private entries(): Run[] {
    const entries: Run[] = [];
    for (const run of this.map.runs) {
      const most = run.unwritten ? EXTENT_MOST - 1 : EXTENT_MOST;
      for (let done = 0; done < run.count; done += most)
        entries.push({
          ...run,
          logical: run.logical + done,
          physical: run.physical + done,
          count: Math.min(most, run.count - done),
        });
    }
    return entries;
  }

  fit(): void {
    let entries = 0;
    for (const { count, unwritten } of this.map.runs)
      entries += Math.ceil(count / (unwritten ? EXTENT_MOST - 1 : EXTENT_MOST));
    let wanted = 0;
    while (entries > ROOT_ENTRIES) {
      entries = Math.ceil(entries / this.capacity);
      wanted += entries;
    }
    while (this.nodes.length < wanted) this.nodes.push(this.owner.allocateNode());
    while (this.nodes.length > wanted) this.owner.freeNode(this.nodes.pop() as number);
  }

  store(area: Uint8Array): void {
    let nextNode = 0;
    let depth = 0;
    let level: { logical: number; physical: number; length: number }[] = this.entries().map(
      ({ logical, physical, count, unwritten }) => ({
        logical,
        physical,
        length: unwritten ? count + EXTENT_MOST : count,
      }),
    );
    while (level.length > ROOT_ENTRIES) {
      const above: typeof level = [];
      for (let start = 0; start < level.length; start += this.capacity) {
        const number = this.nodes[nextNode++];
        const bytes = new Uint8Array(this.owner.volume.blockSize);
        const part = level.slice(start, start + this.capacity);
        this.encode(bytes, part, this.capacity, depth);
        if (this.owner.volume.metadataChecksums) {
          const tail = EXTENT_SIZE * (this.capacity + 1);
          new DataView(bytes.buffer).setUint32(tail, crc32c(this.owner.seed, bytes, 0, tail), true);
        }
        replaceBytes(this.owner.meta, number, bytes);
        above.push({ logical: part[0].logical, physical: number, length: 0 });
      }
      level = above;
      depth++;
    }
    area.fill(0);
    this.encode(area, level, ROOT_ENTRIES, depth);
  }

  private encode(
    bytes: Uint8Array,
    entries: readonly { logical: number; physical: number; length: number }[],
    most: number,
    depth: number,
  ): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    ext4_extent_header.write(view, 0, {
      eh_magic: EXT4_EXT_MAGIC,
      eh_entries: entries.length,
      eh_max: most,
      eh_depth: depth,
      eh_generation: 0,
    });
    for (const [index, { logical, physical, length }] of entries.entries()) {
      const at = EXTENT_SIZE * (index + 1);
      const low = physical % TWO32;
      const high = Math.floor(physical / TWO32);
      if (depth === 0)
        ext4_extent.write(view, at, {
          ee_block: logical,
          ee_len: length,
          ee_start_hi: high,
          ee_start_lo: low,
        });
      else
        ext4_extent_idx.write(view, at, {
          ei_block: logical,
          ei_leaf_lo: low,
          ei_leaf_hi: high,
          ei_unused: 0,
        });
    }
  }
}
