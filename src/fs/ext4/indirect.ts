/**
 * Direct and indirect blocks: ext2's form of a block map. Indirect blocks are numbered by the part of the file that they
 * tell of: number 0 hangs from the inode, the next ones from the double indirect block 0, then from those of the triple
 * one, whose children are the double indirect blocks 1, 2, ...
 */
import type { BlockMap } from './block-map.js';
import { replaceBytes, type MapOwner, type MapStore } from './tree.js';

const DIRECT = 12;

export class IndirectBlocks implements MapStore {
  /** Blocks of each level (single, double, triple), by number. */
  private readonly levels: [Map<number, number>, Map<number, number>, Map<number, number>] = [
    new Map(),
    new Map(),
    new Map(),
  ];
  private readonly seen = new Set<number>();
  private readonly perBlock: number;

  constructor(
    private readonly owner: MapOwner,
    private readonly map: BlockMap,
    area: Uint8Array,
  ) {
    this.perBlock = owner.volume.blockSize / 4;
    const view = new DataView(area.buffer, area.byteOffset, area.length);
    for (let index = 0; index < DIRECT; index++) this.loadData(index, view.getUint32(index * 4, true));
    for (let level = 0; level < 3; level++)
      this.loadNode(level, 0, view.getUint32((DIRECT + level) * 4, true));
    this.seen.clear();
  }

  get nodeCount(): number {
    return this.levels.reduce((sum, { size }) => sum + size, 0);
  }

  private loadData(logical: number, physical: number): void {
    if (physical === 0) return;
    if (!this.owner.volume.isBlock(physical)) this.owner.damaged(`invalid block ${physical}`);
    this.map.insert({ logical, physical, count: 1, unwritten: false });
  }

  /** The number of the first child of a node. */
  private firstChild(level: number, number: number): number {
    if (level === 2) return 1;
    return 1 + number * this.perBlock;
  }

  private loadNode(level: number, number: number, physical: number): void {
    if (physical === 0) return;
    const { owner, perBlock } = this;
    // No node comes twice, so that damaged trees end.
    if (!owner.volume.isBlock(physical) || this.seen.has(physical))
      owner.damaged(`invalid block ${physical}`);
    this.seen.add(physical);
    this.levels[level].set(number, physical);
    const { view } = owner.meta.get(physical);
    for (let slot = 0; slot < perBlock; slot++) {
      const child = view.getUint32(slot * 4, true);
      if (child === 0) continue;
      if (level === 0) this.loadData(DIRECT + number * perBlock + slot, child);
      else this.loadNode(level - 1, this.firstChild(level, number) + slot, child);
    }
  }

  /** Which nodes the map as it is now needs. */
  private wanted(): [Set<number>, Set<number>, Set<number>] {
    const { perBlock } = this;
    const wanted: [Set<number>, Set<number>, Set<number>] = [new Set(), new Set(), new Set()];
    for (const { logical, count } of this.map.runs) {
      const end = logical + count - DIRECT;
      if (end <= 0) continue;
      const last = Math.floor((end - 1) / perBlock);
      for (let single = Math.floor(Math.max(0, logical - DIRECT) / perBlock); single <= last; single++)
        wanted[0].add(single);
    }
    for (const single of wanted[0]) if (single > 0) wanted[1].add(Math.floor((single - 1) / perBlock));
    for (const double of wanted[1]) if (double > 0) wanted[2].add(0);
    return wanted;
  }

  fit(): void {
    const wanted = this.wanted();
    for (const [level, nodes] of this.levels.entries()) {
      for (const [number, physical] of nodes)
        if (!wanted[level].has(number)) {
          nodes.delete(number);
          this.owner.freeNode(physical);
        }
      for (const number of wanted[level])
        if (!nodes.has(number)) nodes.set(number, this.owner.allocateNode());
    }
  }

  store(area: Uint8Array): void {
    const [single, double, triple] = this.levels;
    const root = new DataView(area.buffer, area.byteOffset, area.length);
    area.fill(0);
    const { blockSize } = this.owner.volume;
    const pages = new Map<number, DataView>();
    const node = (physical: number | undefined): DataView => {
      const number = physical as number;
      let view = pages.get(number);
      if (view === undefined) pages.set(number, (view = new DataView(new ArrayBuffer(blockSize))));
      return view;
    };
    const { perBlock } = this;
    for (const { logical, physical, count } of this.map.runs)
      for (let index = 0; index < count; index++) {
        const at = logical + index - DIRECT;
        if (at < 0) root.setUint32((at + DIRECT) * 4, physical + index, true);
        else
          node(single.get(Math.floor(at / perBlock))).setUint32((at % perBlock) * 4, physical + index, true);
      }
    for (const [number, physical] of single) {
      if (number === 0) root.setUint32(DIRECT * 4, physical, true);
      else
        node(double.get(Math.floor((number - 1) / perBlock))).setUint32(
          ((number - 1) % perBlock) * 4,
          physical,
          true,
        );
    }
    for (const [number, physical] of double) {
      if (number === 0) root.setUint32((DIRECT + 1) * 4, physical, true);
      else node(triple.get(0)).setUint32((number - 1) * 4, physical, true);
    }
    const top = triple.get(0);
    if (top !== undefined) root.setUint32((DIRECT + 2) * 4, top, true);
    for (const [number, view] of pages) replaceBytes(this.owner.meta, number, new Uint8Array(view.buffer));
  }
}
