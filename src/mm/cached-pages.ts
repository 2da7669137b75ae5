/**
 * Which pages of a file are in memory, and how they come and go: the frames for them, reading them from the store and ahead
 * of what is asked for. What reads, writes and maps them is in page-cache.ts.
 *
 * Finding a frame may take pages out of any cache, this one included: a page is looked up again afterwards.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { Result } from '../kernel/syscall.js';
import { ENOSPC, Errno } from '../uapi/errno.js';
import type { Mapping } from './mappable.js';
import type { MemoryManager } from './memory-manager.js';
import { PAGE_DIRTY, PAGE_WRITEBACK, PageTree, makePage, pageFrame } from './page-tree.js';

export interface PageStore {
  /** The file's size in bytes: pages beyond it do not exist. */
  readonly size: number;
  /** Reads from byte `offset` (page-aligned) on. What lies beyond the end or in a hole is zero-filled. Throws an Errno. */
  fill(offset: number, into: Uint8Array): void;
  /** Writes dirty bytes back; at most up to the size. Throws an Errno, or waits. */
  writeBack(offset: number, from: Uint8Array): Result;
  /** A shared mapping is about to write page `index`: allocate its place (ENOSPC), note the time. */
  makeWritable(index: number): void;
  /** Clean pages may be dropped and read again: false for tmpfs. Pages that such a store lacks are zeros. */
  readonly reclaimable: boolean;
  /**
   * Pages are about to be added (count > 0; throws ENOSPC, and then they are not), or have gone (count < 0). For file
   * systems whose pages are their storage; absent for others.
   */
  charge?(count: number): void;
  /** How many pages a first touch of memory without storage adds; absent: 1. For memory whose extent nobody is shown. */
  readonly faultPages?: number;
  readonly describe: { readonly dev: number; readonly ino: number };
}

/** The least and the most that one read takes from the store, in pages. */
const LEAST_READ = 16;
const MOST_READ = 256;
/** What a fault reads: programs touch their pages here and there, but few files are large and little used. */
const AROUND_FAULT = 64;
/** Read-ahead does not go further than this. */
const MOST_AHEAD = 64;
/** Most pages that a touch of memory without storage adds. */
const MOST_ZEROED = 512;

export const pageOf = (position: number): number => Math.floor(position / PAGE_SIZE);
export const pagesIn = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);

/** The pages of one file that are in memory. */
export class CachedPages {
  readonly tree = new PageTree();
  /** Parts of address spaces that show them. */
  readonly mappings = new Set<Mapping>();
  /** A write-back has failed, and nobody has been told yet: fsync(2). */
  writeError: Errno | undefined;
  /** Kernel time at which the oldest dirty page became so. */
  dirtiedAt = 0;
  /** Where the next miss comes if the file is read from front to back, and how many pages were read ahead last. */
  private expected = 0;
  private ahead = LEAST_READ;
  /** Frame minus page of the latest run: pages far apart in the file go as far apart in memory, where that is free. */
  private anchor = 0;

  constructor(
    readonly memory: MemoryManager,
    readonly store: PageStore,
  ) {}

  /** The pages have no storage but memory: tmpfs. */
  get memoryOnly(): boolean {
    return !this.store.reclaimable;
  }

  /** Frames for up to `count` new pages from `page` on, charged for; memory.granted tells how many. ENOSPC, ENOMEM. */
  protected obtain(page: number, count: number, zeroed: boolean): number {
    const { memory } = this;
    const before = page === 0 ? 0 : pageFrame(this.tree.get(page - 1));
    const near = before !== 0 ? before + 1 : this.anchor === 0 ? 0 : this.anchor + page;
    const frame = memory.obtainRun(count, near, zeroed);
    this.anchor = frame - page;
    if (this.store.charge === undefined) return frame;
    const { granted } = memory;
    for (let charged = granted; ; charged = 1) {
      try {
        this.store.charge(charged);
      } catch (error) {
        if (charged > 1 && error === ENOSPC) continue;
        memory.frames.dropRun(frame, granted);
        throw error;
      }
      if (charged < granted) memory.frames.dropRun(frame + charged, granted - charged);
      memory.granted = charged;
      return frame;
    }
  }

  protected uncharge(count: number): void {
    if (count > 0) this.store.charge?.(-count);
  }

  protected insert(page: number, frame: number): void {
    const { memory } = this;
    if (this.tree.size === 0 && !this.memoryOnly) memory.caches.add(this);
    this.tree.insert(page, makePage(frame, 0));
    memory.cachedPages++;
    if (this.memoryOnly) memory.shmemPages++;
  }

  /** Makes a page be there, zeroed where the file has nothing. */
  protected loadOne(page: number): void {
    if (!this.memoryOnly && page * PAGE_SIZE < this.store.size) {
      this.fill(page, 1);
      return;
    }
    const frame = this.obtain(page, 1, true);
    this.insert(page, frame);
  }

  /** Reads a page that is missing, and ahead of it while the file is read from front to back. */
  protected load(page: number, wanted: number): void {
    this.ahead = page === this.expected && page !== 0 ? Math.min(this.ahead * 2, MOST_AHEAD) : LEAST_READ;
    this.readFrom(page, Math.min(Math.max(wanted, this.ahead), MOST_READ));
  }

  private readFrom(page: number, most: number): void {
    const end = pagesIn(this.store.size);
    const count = this.tree.gap(page, Math.min(most, end - page));
    if (count === 0) return;
    this.expected = page + this.fill(page, count);
  }

  /** Reads up to `count` missing pages from the store; returns how many. */
  private fill(page: number, count: number): number {
    const { memory } = this;
    const frame = this.obtain(page, count, false);
    let { granted } = memory;
    try {
      this.store.fill(page * PAGE_SIZE, memory.frames.runBytes(frame, granted));
    } catch (error) {
      memory.frames.dropRun(frame + 1, granted - 1);
      this.uncharge(granted - 1);
      if (granted === 1 || !(error instanceof Errno)) this.abandon(frame, error);
      // Perhaps only a page further on is unreadable.
      granted = 1;
      try {
        this.store.fill(page * PAGE_SIZE, memory.frames.bytes(frame));
      } catch (again) {
        this.abandon(frame, again);
      }
    }
    memory.counters.pgpgin += granted * 4;
    memory.fills++;
    for (let index = 0; index < granted; index++) this.adoptClean(page + index, frame + index);
    return granted;
  }

  private abandon(frame: number, error: unknown): never {
    this.memory.frames.drop(frame);
    this.uncharge(1);
    throw error;
  }

  /** A page that was read; if it has come meanwhile, that one is newer. */
  private adoptClean(page: number, frame: number): void {
    if (this.tree.get(page) === 0) this.insert(page, frame);
    else this.memory.frames.drop(frame);
  }

  markDirty(page: number, count: number): void {
    if (this.memoryOnly) return;
    const before = this.tree.dirty;
    for (let index = 0; index < count; index++) this.tree.change(page + index, PAGE_DIRTY, 0);
    this.memory.dirtyPages += this.tree.dirty - before;
    if (before === 0 && this.tree.dirty > 0) this.memory.writeback.dirtied(this);
  }

  /** A mapping misses a page: those around it are read as well. */
  protected loadForFault(index: number): void {
    if (this.memoryOnly) {
      this.addZeroed(index);
      return;
    }
    if (index === this.expected) {
      this.load(index, 1);
      return;
    }
    const around = Math.min(AROUND_FAULT, this.memory.windowLimit());
    const start = index - (index % around);
    let first = index;
    while (first > start && this.tree.get(first - 1) === 0) first--;
    this.readFrom(first, start + around - first);
    if (this.tree.get(index) === 0) this.fill(index, 1);
  }

  /** Memory without storage: zeroed pages around the one that is touched. */
  private addZeroed(index: number): void {
    const { memory, store } = this;
    const least = store.faultPages ?? 1;
    this.ahead = index === this.expected && least > 1 ? Math.min(this.ahead * 2, MOST_ZEROED) : least;
    const around = Math.min(this.ahead, memory.windowLimit());
    const start = index - (index % around);
    let first = index;
    while (first > start && this.tree.get(first - 1) === 0) first--;
    const end = Math.min(start + around, pagesIn(store.size));
    const frame = this.obtain(first, this.tree.gap(first, end - first), true);
    const { granted } = memory;
    // Fewer than asked for need not reach the page that was touched: they go where it is.
    const at = Math.max(first, Math.min(index, end - granted));
    for (let page = 0; page < granted; page++) this.insert(at + page, frame + page);
    this.expected = at + granted;
  }

  /** Takes pages out of the cache and lets go of their frames. No mapping shows them. */
  removePages(pages: readonly number[]): void {
    const { memory, tree } = this;
    const dirty = tree.dirty;
    let removed = 0;
    for (const page of pages) {
      const entry = tree.remove(page);
      if (entry === 0) continue;
      removed++;
      if ((entry & PAGE_WRITEBACK) !== 0) memory.writebackPages--;
      memory.frames.drop(pageFrame(entry));
    }
    memory.cachedPages -= removed;
    memory.dirtyPages += tree.dirty - dirty;
    if (this.memoryOnly) memory.shmemPages -= removed;
    this.uncharge(removed);
    if (tree.size === 0) memory.caches.delete(this);
  }
}
