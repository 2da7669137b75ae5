/**
 * The pages of one file in memory: Linux's address_space. Frames of guest physical memory, so that they can be mapped into
 * guests directly. File systems give it a store to fill pages from and write them back to; tmpfs gives one that has none.
 */
import type { Result } from '../kernel/syscall.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Mappable, Mapping } from './mappable.js';
import type { MemoryManager } from './memory-manager.js';

export interface PageStore {
  /** The file's size in bytes: pages beyond it do not exist. */
  readonly size: number;
  /** Reads from byte `offset` (page-aligned) on. What lies beyond the end or in a hole is zero-filled. Throws an Errno. */
  fill(offset: number, into: Uint8Array): void;
  /** Writes dirty bytes back; at most up to the size. Throws an Errno, or waits. */
  writeBack(offset: number, from: Uint8Array): Result;
  /** A shared mapping is about to write page `index`: allocate its place (ENOSPC), note the time. */
  makeWritable(index: number): void;
  /** Clean pages may be dropped and read again: false for tmpfs. */
  readonly reclaimable: boolean;
  /**
   * Pages are about to be added (count > 0; throws ENOSPC, and then they are not), or have gone (count < 0). For file
   * systems whose pages are their storage; absent for others.
   */
  charge?(count: number): void;
  readonly describe: { readonly dev: number; readonly ino: number };
}

/** The contract; the implementation follows. */
export class PageCache implements Mappable {
  constructor(
    readonly memory: MemoryManager,
    readonly store: PageStore,
  ) {}
  /** Moves bytes of [position, size) out; short at the end of the file. */
  read(_position: number, _to: IoBuffer): number {
    throw new Error('page cache');
  }
  /** Moves bytes in, marks pages dirty. Does not change the size: the file system does, before or after. */
  write(_position: number, _from: IoBuffer): number {
    throw new Error('page cache');
  }
  /** Pages from byte `size` on go; the rest of the last page is zeroed. Mappings lose them. */
  truncate(_size: number): void {
    throw new Error('page cache');
  }
  /** Drops [start, end) bytes (page-aligned inside), zeroing partial pages: FALLOC_FL_PUNCH_HOLE. */
  punch(_start: number, _end: number): void {
    throw new Error('page cache');
  }
  /** Adds the missing pages of [start, end) bytes, as zeros that count as written: fallocate(2). ENOSPC, ENOMEM. */
  allocate(_start: number, _end: number): void {
    throw new Error('page cache');
  }
  /** The first byte at or after `position` that lies in a page in memory; Infinity when there is none: SEEK_DATA of tmpfs. */
  nextResident(_position: number): number {
    throw new Error('page cache');
  }
  /** The first byte at or after `position` that lies in no page in memory: SEEK_HOLE of tmpfs. */
  nextAbsent(_position: number): number {
    throw new Error('page cache');
  }
  /** Forgets clean pages in the range: the store has changed behind them. */
  invalidate(_start: number, _end: number): void {
    throw new Error('page cache');
  }
  /** Writes all dirty pages back. */
  sync(): Result {
    throw new Error('page cache');
  }
  /** Frees every page: the inode is evicted. */
  dispose(): void {
    throw new Error('page cache');
  }
  /** Pages in memory: tmpfs's st_blocks, mincore. */
  get residentPages(): number {
    throw new Error('page cache');
  }
  frameFor(_index: number, _write: boolean): number {
    throw new Error('page cache');
  }
  residentFrame(_index: number): number {
    throw new Error('page cache');
  }
  mapped(_mapping: Mapping): void {
    throw new Error('page cache');
  }
  unmapped(_mapping: Mapping): void {
    throw new Error('page cache');
  }
  syncRange(_first: number, _count: number): Result {
    throw new Error('page cache');
  }
  get describe(): { readonly dev: number; readonly ino: number } {
    return this.store.describe;
  }
}
