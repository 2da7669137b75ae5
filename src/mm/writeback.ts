/**
 * Writing dirty pages back to their stores: for fsync and sync, when they have been dirty for long, and when there are too
 * many of them. The pages stay in memory, clean. /proc/sys/vm/dirty_*, proc(5).
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { Result } from '../kernel/syscall.js';
import type { TimerTarget } from '../kernel/timers.js';
import { Errno } from '../uapi/errno.js';
import type { MemoryManager } from './memory-manager.js';
import type { CachedPages } from './cached-pages.js';
import { PAGE_DIRTY, PAGE_WRITEBACK, pageFrame } from './page-tree.js';

/** Most pages in one request to the store. */
const MOST_PAGES = 1024;
const CENTISECOND = 10_000_000;

/**
 * Writes the dirty pages of [first, end) back. When all is written, throws the error of a write-back that has failed since
 * somebody was last told.
 */
export function writeRange(cache: CachedPages, first: number, end: number): Result {
  const waits = startWriting(cache, first, end);
  if (waits.length === 0) return told(cache);
  return Promise.all(waits).then(() => told(cache));
}

function told(cache: CachedPages): number {
  const error = cache.writeError;
  if (error === undefined) return 0;
  cache.writeError = undefined;
  throw error;
}

/** Begins to write dirty pages; the result is what is still to be waited for. Errors are noted in the cache. */
export function startWriting(
  cache: CachedPages,
  first: number,
  end: number,
  most = Infinity,
): Promise<void>[] {
  const { tree } = cache;
  const waits: Promise<void>[] = [];
  const dirty = tree.dirtyPages(first, end);
  const count = Math.min(dirty.length, most);
  for (let index = 0; index < count;) {
    const start = index++;
    const frame = pageFrame(tree.get(dirty[start]));
    // Pages that follow each other in the file and in memory go together.
    while (
      index < count &&
      index - start < MOST_PAGES &&
      dirty[index] === dirty[index - 1] + 1 &&
      pageFrame(tree.get(dirty[index])) === frame + index - start
    )
      index++;
    const wait = writeRun(cache, dirty[start], index - start, frame);
    if (wait !== undefined) waits.push(wait);
  }
  return waits;
}

function writeRun(cache: CachedPages, page: number, count: number, frame: number): Promise<void> | undefined {
  const { memory, tree, store } = cache;
  // From here on a write through a mapping faults and makes the page dirty again.
  for (const mapping of cache.mappings) if (mapping.writesThrough) mapping.clean(page, count);
  for (let index = 0; index < count; index++) tree.change(page + index, 0, PAGE_DIRTY);
  memory.dirtyPages -= count;
  memory.counters.pgpgout += count * 4;
  const length = Math.min(count * PAGE_SIZE, store.size - page * PAGE_SIZE);
  if (length <= 0) return undefined;
  let result: Result;
  memory.frames.holdRun(frame, count);
  try {
    result = store.writeBack(page * PAGE_SIZE, memory.frames.runBytes(frame, count).subarray(0, length));
  } catch (error) {
    memory.frames.dropRun(frame, count);
    failed(cache, error);
    return undefined;
  }
  if (typeof result === 'number') {
    memory.frames.dropRun(frame, count);
    return undefined;
  }
  for (let index = 0; index < count; index++) tree.change(page + index, PAGE_WRITEBACK, 0);
  memory.writebackPages += count;
  return result.then(
    () => finished(cache, page, count, frame),
    (error: unknown) => {
      finished(cache, page, count, frame);
      failed(cache, error);
    },
  );
}

function finished(cache: CachedPages, page: number, count: number, frame: number): void {
  const { memory, tree } = cache;
  for (let index = page; index < page + count; index++) {
    if ((tree.get(index) & PAGE_WRITEBACK) === 0) continue;
    tree.change(index, 0, PAGE_WRITEBACK);
    memory.writebackPages--;
  }
  memory.frames.dropRun(frame, count);
}

function failed(cache: CachedPages, error: unknown): void {
  if (!(error instanceof Errno)) throw error;
  cache.writeError = error;
}

/** Which caches have dirty pages, and when they are written. */
export class Writeback implements TimerTarget {
  /** Longest dirty first. */
  private readonly caches = new Set<CachedPages>();
  private timer = 0;

  constructor(private readonly memory: MemoryManager) {}

  /** A cache that was clean has dirty pages now. */
  dirtied(cache: CachedPages): void {
    cache.dirtiedAt = this.now();
    this.caches.delete(cache);
    this.caches.add(cache);
    this.arm();
  }

  private now(): number {
    return this.memory.kernel.scheduler.clock.now();
  }

  private arm(): void {
    const interval = this.memory.dirtyWritebackCentisecs * CENTISECOND;
    if (this.timer === 0 && interval > 0 && this.caches.size > 0)
      this.timer = this.memory.kernel.scheduler.timers.add(this.now() + interval, this);
  }

  /** Time to look: what has been dirty for long is written, and more when there is too much. */
  expired(now: number): void {
    this.timer = 0;
    const oldest = now - this.memory.dirtyExpireCentisecs * CENTISECOND;
    const mark = this.limit(this.memory.dirtyBackgroundRatio);
    for (const cache of Array.from(this.caches))
      if (cache.dirtiedAt <= oldest || this.memory.dirtyPages > mark) void this.write(cache);
    this.arm();
  }

  private limit(percent: number): number {
    return Math.floor((this.memory.availablePages * percent) / 100);
  }

  /** A writer has made pages dirty: when there are too many, it writes some back itself. */
  throttle(): void {
    if (this.memory.dirtyPages <= this.limit(this.memory.dirtyRatio)) return;
    const mark = this.limit(this.memory.dirtyBackgroundRatio);
    for (const cache of Array.from(this.caches)) {
      void this.write(cache);
      if (this.memory.dirtyPages <= mark) return;
    }
  }

  /** Writes everything: sync(2), which tells of no errors. */
  all(): Result {
    const waits = Array.from(this.caches).flatMap((cache) => this.write(cache));
    return waits.length === 0 ? 0 : Promise.all(waits).then(() => 0);
  }

  private write(cache: CachedPages): Promise<void>[] {
    this.caches.delete(cache);
    const waits = startWriting(cache, 0, Infinity);
    if (cache.tree.dirty > 0) this.dirtied(cache);
    return waits;
  }
}
