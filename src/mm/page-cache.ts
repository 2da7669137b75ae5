/**
 * The pages of one file in memory: Linux's address_space. Frames of guest physical memory, so that they can be mapped into
 * guests directly. File systems give it a store to fill pages from and write them back to; tmpfs gives one that has none.
 *
 * Finding a frame may take pages out of any cache, this one included: a page is looked up again afterwards, and pages
 * whose bytes are being moved are held.
 */
import { CHUNK_FRAME_MASK, CHUNK_FRAME_SHIFT, PAGE_SIZE } from '../host/memory.js';
import type { Result } from '../kernel/syscall.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { ENOMEM, Errno } from '../uapi/errno.js';
import { CachedPages, type PageStore, pageOf, pagesIn } from './cached-pages.js';
import type { Mappable, Mapping } from './mappable.js';
import type { MemoryManager } from './memory-manager.js';
import { PAGE_DIRTY, PAGE_WRITEBACK, pageFrame } from './page-tree.js';
import { writeRange } from './writeback.js';

/** Most new pages that one step of a write adds. */
const MOST_WRITE = 256;

export type { PageStore };

export class PageCache extends CachedPages implements Mappable {
  readonly id: number;
  /** Shared mappings cannot write: F_SEAL_WRITE. */
  writeSealed = false;

  constructor(memory: MemoryManager, store: PageStore) {
    super(memory, store);
    this.id = memory.nextId();
  }

  get describe(): { readonly dev: number; readonly ino: number } | undefined {
    return this.store.describe;
  }
  /** Pages in memory: tmpfs's st_blocks, mincore. */
  get residentPages(): number {
    return this.tree.size;
  }
  /** Some shared mapping writes, or may be made to: F_SEAL_WRITE is EBUSY. */
  get writablyMapped(): boolean {
    for (const mapping of this.mappings) if (mapping.writesThrough) return true;
    return false;
  }
  isResident(index: number): boolean {
    return this.tree.get(index) !== 0;
  }

  // Reading and writing.

  /** Moves bytes of [position, size) out; short at the end of the file. Throws the store's Errno if nothing was moved. */
  read(position: number, to: IoBuffer): number {
    const { size } = this.store;
    let at = position;
    let loaded = -1;
    while (to.remaining > 0 && at < size) {
      const page = pageOf(at);
      const wanted = Math.min(to.remaining, size - at);
      if (this.tree.get(page) === 0) {
        if (this.memoryOnly) {
          const zeros = Math.min(wanted, PAGE_SIZE - (at % PAGE_SIZE));
          const moved = to.putZeros(zeros);
          at += moved;
          if (moved < zeros) break;
          continue;
        }
        try {
          this.load(page, pagesIn((at % PAGE_SIZE) + wanted));
        } catch (error) {
          if (at > position && error instanceof Errno) break;
          throw error;
        }
        loaded = page;
        continue;
      }
      // A page that was just read in has not been used again.
      const moved = this.move(at, wanted, to, true, page !== loaded);
      at += moved;
      if (moved < wanted && (to.fault || moved === 0)) break;
    }
    return at - position;
  }

  /** Moves bytes in, marks pages dirty. Does not change the size: the file system does, before or after. */
  write(position: number, from: IoBuffer): number {
    let at = position;
    if (position > this.store.size) this.extend(this.store.size);
    while (from.remaining > 0) {
      const page = pageOf(at);
      const wanted = from.remaining;
      let moved: number;
      try {
        if (this.tree.get(page) !== 0) {
          moved = this.move(at, wanted, from, false, true);
          this.markDirty(page, pageOf(at + moved - 1) - page + 1);
        } else if (at % PAGE_SIZE === 0 && wanted >= PAGE_SIZE) moved = this.writeNew(page, from);
        else {
          this.loadOne(page);
          continue;
        }
      } catch (error) {
        if (at > position && error instanceof Errno) break;
        throw error;
      }
      at += moved;
      if (from.fault || moved === 0) break;
    }
    this.memory.writeback.throttle();
    return at - position;
  }

  /** Moves bytes between the run of frames at a position and a buffer. The page at the position is there. */
  private move(position: number, wanted: number, buffer: IoBuffer, out: boolean, again: boolean): number {
    const { frames } = this.memory;
    const page = pageOf(position);
    const offset = position % PAGE_SIZE;
    const count = this.tree.run(page, pagesIn(offset + wanted), again);
    const frame = pageFrame(this.tree.get(page));
    const start = (frame & CHUNK_FRAME_MASK) * PAGE_SIZE + offset;
    const length = Math.min(wanted, count * PAGE_SIZE - offset);
    const bytes = frames.memory.chunks[frame >>> CHUNK_FRAME_SHIFT].subarray(start, start + length);
    frames.holdRun(frame, count);
    try {
      return out ? buffer.put(bytes) : buffer.get(bytes);
    } finally {
      frames.dropRun(frame, count);
    }
  }

  /** Writes whole pages that are not there yet, as many as lie in one run. */
  private writeNew(page: number, from: IoBuffer): number {
    const { memory } = this;
    const wanted = this.tree.gap(page, Math.min(MOST_WRITE, Math.floor(from.remaining / PAGE_SIZE)));
    const frame = this.obtain(page, wanted, false);
    const count = memory.granted;
    const bytes = memory.frames.runBytes(frame, count);
    let moved = 0;
    try {
      moved = from.get(bytes);
      const rest = moved % PAGE_SIZE;
      if (rest !== 0)
        this.completePage(page + pageOf(moved), bytes.subarray(moved - rest, moved - rest + PAGE_SIZE), rest);
    } catch (error) {
      this.uncharge(count);
      memory.frames.dropRun(frame, count);
      throw error;
    }
    const kept = pagesIn(moved);
    if (kept < count) {
      this.uncharge(count - kept);
      memory.frames.dropRun(frame + kept, count - kept);
    }
    for (let index = 0; index < kept; index++) this.adopt(page + index, frame + index);
    this.markDirty(page, kept);
    return moved;
  }

  /** The source of a write failed in the middle of a new page: what follows is what the file has there. */
  private completePage(page: number, bytes: Uint8Array, written: number): void {
    if (this.memoryOnly || page * PAGE_SIZE >= this.store.size) {
      bytes.fill(0, written);
      return;
    }
    const before = bytes.slice(0, written);
    this.store.fill(page * PAGE_SIZE, bytes);
    bytes.set(before);
  }

  /** Puts a page in whose bytes are complete. If the page has come meanwhile (the source of a write was a mapping of this
   *  very file), its frame takes the bytes. */
  private adopt(page: number, frame: number): void {
    const entry = this.tree.get(page);
    if (entry === 0) {
      this.insert(page, frame);
      return;
    }
    const { frames } = this.memory;
    frames.copyRun(frame, pageFrame(entry), 1);
    this.uncharge(1);
    frames.drop(frame);
  }

  // Taking pages away.

  /** Pages from byte `size` on go; the rest of the last page is zeroed. Mappings lose them. */
  truncate(size: number): void {
    const first = pagesIn(size);
    this.zap(first, Infinity, true);
    this.removePages(this.tree.pages(first, Infinity));
    this.zeroTail(size, pagesIn(size) * PAGE_SIZE);
  }

  /** The file grows from `size` bytes: what a mapping has written beyond its end, into the rest of its last page, goes. */
  extend(size: number): void {
    this.zeroTail(size, pagesIn(size) * PAGE_SIZE);
  }

  /** Drops [start, end) bytes (page-aligned inside), zeroing partial pages: FALLOC_FL_PUNCH_HOLE. */
  punch(start: number, end: number): void {
    const first = pagesIn(start);
    const last = pageOf(end);
    if (first < last) {
      this.zap(first, last - first, false);
      this.removePages(this.tree.pages(first, last));
    }
    if (start % PAGE_SIZE !== 0) this.zeroPart(start, Math.min(end, first * PAGE_SIZE));
    if (end % PAGE_SIZE !== 0 && last >= first) this.zeroPart(last * PAGE_SIZE, end);
  }

  /** Adds the missing pages of [start, end) bytes, as zeros that count as written: fallocate(2). ENOSPC, ENOMEM. */
  allocate(start: number, end: number): void {
    const { memory } = this;
    const added: number[] = [];
    const last = pagesIn(end);
    try {
      for (let page = pageOf(start); page < last;) {
        const missing = this.tree.gap(page, Math.min(MOST_WRITE, last - page));
        if (missing === 0) {
          page++;
          continue;
        }
        const frame = this.obtain(page, missing, true);
        const { granted } = memory;
        for (let index = 0; index < granted; index++) {
          this.insert(page + index, frame + index);
          added.push(page + index);
        }
        this.markDirty(page, granted);
        page += granted;
      }
    } catch (error) {
      this.removePages(added);
      throw error;
    }
  }

  /** The first byte at or after `position` that lies in a page in memory; Infinity when there is none: SEEK_DATA of tmpfs. */
  nextResident(position: number): number {
    const page = this.tree.next(pageOf(position));
    return Math.max(position, page * PAGE_SIZE);
  }

  /** The first byte at or after `position` that lies in no page in memory: SEEK_HOLE of tmpfs. */
  nextAbsent(position: number): number {
    let page = pageOf(position);
    while (this.tree.get(page) !== 0) page++;
    return Math.max(position, page * PAGE_SIZE);
  }

  /** Zeroes bytes of one page, in memory and, as it becomes dirty, in the store. */
  private zeroPart(start: number, end: number): void {
    const page = pageOf(start);
    if (this.tree.get(page) === 0) {
      if (this.memoryOnly || start >= this.store.size) return;
      this.loadOne(page);
    }
    this.zeroTail(start, end);
    this.markDirty(page, 1);
  }

  /** Zeroes bytes of one page if it is in memory. */
  private zeroTail(start: number, end: number): void {
    const entry = this.tree.get(pageOf(start));
    if (start === end || entry === 0) return;
    const offset = start % PAGE_SIZE;
    this.memory.frames.bytes(pageFrame(entry)).fill(0, offset, offset + end - start);
  }

  /** Forgets clean pages in the range: the store has changed behind them. */
  invalidate(start: number, end: number): void {
    const first = pageOf(start);
    const last = end === Infinity ? Infinity : pagesIn(end);
    if (this.memoryOnly || this.tree.size === 0) return;
    const clean = this.tree
      .pages(first, last)
      .filter((page) => (this.tree.get(page) & (PAGE_DIRTY | PAGE_WRITEBACK)) === 0);
    if (clean.length === 0) return;
    this.zap(first, last - first, false);
    this.removePages(clean);
  }

  /** Frees every page: the inode is evicted. */
  dispose(): void {
    this.removePages(this.tree.pages(0, Infinity));
  }

  private zap(first: number, count: number, copies: boolean): void {
    for (const mapping of this.mappings) mapping.zap(first, count, copies);
  }

  /** Writes all dirty pages back. Throws the error of a write-back that has failed since the last call. */
  sync(): Result {
    return writeRange(this, 0, Infinity);
  }

  // Mappable.

  frameFor(index: number, write: boolean): number {
    const { store, memory } = this;
    if (index * PAGE_SIZE >= store.size) return 0;
    if (this.tree.get(index) === 0) this.loadForFault(index);
    if (write && !this.memoryOnly) {
      store.makeWritable(index);
      if (this.tree.get(index) === 0) this.loadForFault(index);
      this.markDirty(index, 1);
    }
    const entry = this.tree.get(index);
    if (entry === 0) throw ENOMEM;
    const frame = pageFrame(entry);
    memory.frames.hold(frame);
    return frame;
  }

  residentFrame(index: number): number {
    const entry = this.tree.get(index);
    if (entry === 0 || index * PAGE_SIZE >= this.store.size) return 0;
    const frame = pageFrame(entry);
    this.memory.frames.hold(frame);
    return frame;
  }

  mapped(mapping: Mapping): void {
    this.mappings.add(mapping);
  }
  unmapped(mapping: Mapping): void {
    this.mappings.delete(mapping);
  }
  syncRange(first: number, count: number): Result {
    return writeRange(this, first, first + count);
  }
}
