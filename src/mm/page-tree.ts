/**
 * Which frame holds which page of a file, with its state: nodes of 64 pages, so that runs are found quickly and an empty
 * tree costs nothing. Nodes are kept in the order in which reclaim looks at them.
 */

export const PAGE_DIRTY = 1;
/** Being written back; the store has not finished. */
export const PAGE_WRITEBACK = 2;
/** Used again since it was read in, or since reclaim last passed. */
export const PAGE_REFERENCED = 4;

const FLAG_BITS = 4;
export const NODE_PAGES = 64;
const NODE_SHIFT = 6;
const NODE_MASK = NODE_PAGES - 1;

/** An entry is a frame and flags in a small integer; 0 is none. */
export const makePage = (frame: number, flags: number): number => (frame << FLAG_BITS) | flags;
export const pageFrame = (entry: number): number => entry >>> FLAG_BITS;

export class PageNode {
  // One is made for every small file, and this is the quick way.
  // oxlint-disable-next-line unicorn/no-new-array
  readonly entries: number[] = new Array<number>(NODE_PAGES).fill(0);
  used = 0;
  dirty = 0;
}

/** Files are below 2^53 bytes, pages below 2^41: beyond what shifts can do. */
const nodeOf = (page: number): number => Math.floor(page / NODE_PAGES);

export class PageTree {
  /** Pages in the tree, and dirty ones. */
  size = 0;
  dirty = 0;
  private readonly nodes = new Map<number, PageNode>();
  private lastKey = -1;
  private last: PageNode | undefined;

  private node(key: number): PageNode | undefined {
    if (key === this.lastKey) return this.last;
    const node = this.nodes.get(key);
    if (node !== undefined) {
      this.lastKey = key;
      this.last = node;
    }
    return node;
  }

  get(page: number): number {
    const node = this.node(page < 0x8000_0000 ? page >> NODE_SHIFT : nodeOf(page));
    return node === undefined ? 0 : node.entries[page & NODE_MASK];
  }

  /** Puts a page where there is none. */
  insert(page: number, entry: number): void {
    const key = nodeOf(page);
    let node = this.node(key);
    if (node === undefined) {
      node = new PageNode();
      this.nodes.set(key, node);
      this.lastKey = key;
      this.last = node;
    }
    node.entries[page & NODE_MASK] = entry;
    node.used++;
    this.size++;
    if ((entry & PAGE_DIRTY) !== 0) {
      node.dirty++;
      this.dirty++;
    }
  }

  /** Takes a page out; returns what it was. */
  remove(page: number): number {
    const key = nodeOf(page);
    const node = this.node(key);
    if (node === undefined) return 0;
    const entry = node.entries[page & NODE_MASK];
    if (entry === 0) return 0;
    node.entries[page & NODE_MASK] = 0;
    this.size--;
    if ((entry & PAGE_DIRTY) !== 0) {
      node.dirty--;
      this.dirty--;
    }
    if (--node.used === 0) {
      this.nodes.delete(key);
      this.lastKey = -1;
      this.last = undefined;
    }
    return entry;
  }

  /** Sets and clears flags of a page that is there. */
  change(page: number, set: number, clear: number): void {
    const node = this.node(nodeOf(page));
    if (node === undefined) return;
    const index = page & NODE_MASK;
    const before = node.entries[index];
    if (before === 0) return;
    const after = (before | set) & ~clear;
    node.entries[index] = after;
    const delta = (after & PAGE_DIRTY) - (before & PAGE_DIRTY);
    node.dirty += delta;
    this.dirty += delta;
  }

  /**
   * From `page` on, how many pages lie in consecutive frames: at least 1 if it is there, at most `most`. `used`: they are
   * marked as referenced.
   */
  run(page: number, most: number, used = false): number {
    const first = this.get(page) >>> FLAG_BITS;
    if (first === 0) return 0;
    let count = 0;
    while (count < most) {
      const node = this.node(nodeOf(page + count));
      if (node === undefined) return count;
      const { entries } = node;
      for (let index = (page + count) & NODE_MASK; index < NODE_PAGES && count < most; index++) {
        if (entries[index] >>> FLAG_BITS !== first + count) return count;
        if (used) entries[index] |= PAGE_REFERENCED;
        count++;
      }
    }
    return count;
  }

  /** From `page` on, how many pages are not there, at most `most`. */
  gap(page: number, most: number): number {
    let count = 0;
    while (count < most && this.get(page + count) === 0) count++;
    return count;
  }

  /** The first page at or after `page`; Infinity when there is none. */
  next(page: number): number {
    for (const key of this.keysWithin(page, Infinity)) {
      const entries = this.nodes.get(key)?.entries ?? [];
      const base = key * NODE_PAGES;
      for (let index = Math.max(0, page - base); index < NODE_PAGES; index++)
        if (entries[index] !== 0) return base + index;
    }
    return Infinity;
  }

  /** Pages in [first, end), ascending: a list of its own. */
  pages(first: number, end: number): number[] {
    return this.collect(first, end, false);
  }

  /** Dirty pages in [first, end), ascending. */
  dirtyPages(first: number, end: number): number[] {
    return this.dirty === 0 ? [] : this.collect(first, end, true);
  }

  private collect(first: number, end: number, dirtyOnly: boolean): number[] {
    const found: number[] = [];
    for (const key of this.keysWithin(first, end)) {
      const node = this.nodes.get(key);
      if (node === undefined || (dirtyOnly && node.dirty === 0)) continue;
      const base = key * NODE_PAGES;
      const to = Math.min(NODE_PAGES, end - base);
      for (let index = Math.max(0, first - base); index < to; index++) {
        const entry = node.entries[index];
        if (entry !== 0 && (!dirtyOnly || (entry & PAGE_DIRTY) !== 0)) found.push(base + index);
      }
    }
    return found;
  }

  private keysWithin(first: number, end: number): number[] {
    const from = nodeOf(first);
    const to = Math.ceil(end / NODE_PAGES);
    const found: number[] = [];
    if (to - from <= this.nodes.size) {
      for (let key = from; key < to; key++) if (this.nodes.has(key)) found.push(key);
      return found;
    }
    for (const key of this.nodes.keys()) if (key >= from && key < to) found.push(key);
    return found.sort((a, b) => a - b);
  }

  /** First pages of all nodes, those that reclaim should look at first in front. */
  nodeStarts(): number[] {
    return Array.from(this.nodes.keys(), (key) => key * NODE_PAGES);
  }

  /** Reclaim has looked at a node: it comes last next time. */
  passed(start: number): void {
    const key = nodeOf(start);
    const node = this.nodes.get(key);
    if (node === undefined) return;
    this.nodes.delete(key);
    this.nodes.set(key, node);
  }
}
