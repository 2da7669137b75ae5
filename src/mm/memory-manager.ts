/**
 * The memory of the machine as a whole: all address spaces and page caches, finding frames when they run short, and the
 * numbers of /proc/meminfo and /proc/vmstat.
 */
import type { Kernel } from '../kernel/kernel.js';
import type { TimerTarget } from '../kernel/timers.js';
import { ENOMEM } from '../uapi/errno.js';
import { OVERCOMMIT_ALWAYS, OVERCOMMIT_GUESS } from '../uapi/mman.js';
import type { AddressSpace } from './address-space.js';
import { OomKiller } from './oom.js';
import type { CachedPages } from './cached-pages.js';
import { TABLE_PAGES, TablePool } from './page-table.js';
import { MAX_ORDER, type PhysicalAllocator, type SurplusListener } from './physmem.js';
import { reclaim } from './reclaim.js';
import { Writeback } from './writeback.js';

const MILLISECOND = 1_000_000;
/**
 * Free memory that stays with us for reuse; how long more of it may, since it may soon be used again; and how much then goes
 * back to the host at once (a millisecond's work or four), and how often.
 */
const KEEP_STALE = 4096;
const TRIM_DELAY = 200 * MILLISECOND;
const TRIM_STEP = 8192;
const TRIM_INTERVAL = 20 * MILLISECOND;

/** Reclaim takes so many pages at once, so that it need not run for every fault. */
const LEAST_RECLAIM = 512;
/** How long to wait for memory of spaces that have ended. */
const LONGEST_WAIT = 20 * MILLISECOND;
const MOST_TRIES = 100_000;

/** /proc/vmstat. */
export class VmCounters {
  pgfault = 0;
  pgmajfault = 0;
  pgpgin = 0;
  pgpgout = 0;
  pgscan = 0;
  pgsteal = 0;
  oomKill = 0;
}

export class MemoryManager implements SurplusListener, TimerTarget {
  readonly spaces = new Set<AddressSpace>();
  /** Page caches that have pages, least recently used first as of the last reclaim. */
  readonly caches = new Set<CachedPages>();
  readonly tables = new TablePool();
  readonly counters = new VmCounters();
  readonly writeback: Writeback;
  readonly oom: OomKiller;
  /** Reads from stores: what makes a fault a major one. */
  fills = 0;
  /** Reclaim runs. */
  reclaiming = false;
  /** Spaces that have ended, but may still reach their frames. */
  leaving = 0;
  /** How many frames the last `obtainRun` has given. */
  granted = 0;
  /** Pages in caches; of them dirty, being written, and in memory-only caches. */
  cachedPages = 0;
  dirtyPages = 0;
  writebackPages = 0;
  shmemPages = 0;
  /** Committed_AS, in pages. */
  committedPages = 0;

  // /proc/sys/vm.
  overcommitMemory = OVERCOMMIT_GUESS;
  overcommitRatio = 50;
  /** 0: by overcommitRatio. */
  overcommitKbytes = 0;
  maxMapCount = 65530;
  mmapMinAddress = 65536;
  /** Percent of memory that may be dirty before writers write back themselves, and at which flushing begins. */
  dirtyRatio = 20;
  dirtyBackgroundRatio = 10;
  dirtyExpireCentisecs = 3000;
  dirtyWritebackCentisecs = 500;
  panicOnOom = 0;
  oomKillAllocatingTask = 0;
  /** Kept free where possible, in frames: min_free_kbytes. */
  minFree: number;

  /** Mappings that the host allows each process are 65530; some are the stub's own. */
  hostMappingLimit = 60_000;

  private lastId = 0;
  private trimTimer = 0;

  constructor(
    readonly kernel: Kernel,
    readonly frames: PhysicalAllocator,
  ) {
    // init_per_zone_wmark_min: the root of 16 times the memory, in KiB.
    const kib = Math.min(Math.max(Math.floor(Math.sqrt(frames.total * 4 * 16)), 128), 262_144);
    this.minFree = Math.min(kib >>> 2, frames.total >>> 5);
    this.writeback = new Writeback(this);
    this.oom = new OomKiller(this);
    frames.surplusListener = this;
    frames.surplusMark = KEEP_STALE * 2;
  }

  /** A number that no other address space or object has. */
  nextId(): number {
    return ++this.lastId;
  }

  /** The most pages that one fault should map, so that scarce memory is not spent on what is never touched. */
  windowLimit(): number {
    const { free, total } = this.frames;
    // Pages of caches can be had, but not all of them without harm.
    const near = free + ((this.cachedPages - this.shmemPages) >>> 1);
    if (near > total >>> 3) return TABLE_PAGES;
    return near > total >>> 5 ? 16 : 1;
  }

  /**
   * Up to `count` consecutive frames, each with one reference; `granted` tells how many. Prefers those from `near` on (0:
   * any). Takes pages from caches when memory is short, and has the OOM killer run when there is none. ENOMEM.
   */
  obtainRun(count: number, near: number, zeroed: boolean): number {
    const { frames } = this;
    if (frames.free < count + this.minFree * 2) this.makeRoom(count);
    if (near !== 0 && frames.free > count + this.minFree) {
      const first = frames.allocateAt(near, count, zeroed);
      if (first !== 0) {
        this.granted = count;
        return first;
      }
    }
    let wanted = Math.min(count, 1 << MAX_ORDER);
    for (;;) {
      while (wanted > 1 && frames.free < wanted + this.minFree) wanted >>>= 1;
      const first = frames.free > this.minFree >>> 1 ? frames.allocateRun(wanted, zeroed) : 0;
      if (first !== 0) {
        this.granted = wanted;
        return first;
      }
      if (wanted > 1) wanted >>>= 1;
      else if (!this.awaitLeaving() && !this.oom.run()) throw ENOMEM;
    }
  }

  /** Waits a little for spaces that have ended to be gone. False when none went. */
  private awaitLeaving(): boolean {
    const { cpu, clock } = this.kernel.host;
    const before = this.leaving;
    const deadline = clock.now() + LONGEST_WAIT;
    for (let tries = 0; tries < MOST_TRIES && this.leaving > 0 && this.leaving === before; tries++) {
      cpu.prepareSleep();
      cpu.endSleep();
      if (clock.now() >= deadline) break;
    }
    return this.leaving < before;
  }

  /** One frame. ENOMEM. */
  obtain(zeroed: boolean): number {
    return this.obtainRun(1, 0, zeroed);
  }

  /** Reclaims until there is room for `count` frames and some more, or nothing is left to reclaim. */
  private makeRoom(count: number): void {
    const { free, total } = this.frames;
    reclaim(this, Math.max(count + this.minFree * 3 - free, Math.min(LEAST_RECLAIM, total >>> 5)));
  }

  /** Takes clean pages that nobody has mapped out of the caches: /proc/sys/vm/drop_caches. */
  dropCaches(): void {
    reclaim(this, Infinity, 'unmapped');
  }

  /** A victim of the OOM killer has not exited yet. */
  victimsLeft(): boolean {
    return this.oom.victimsLeft();
  }

  /** Whether `pages` more pages may be promised: /proc/sys/vm/overcommit_memory. ENOMEM. */
  checkCommit(pages: number): void {
    if (this.overcommitMemory === OVERCOMMIT_ALWAYS) return;
    if (this.overcommitMemory === OVERCOMMIT_GUESS) {
      // What could not be had even on an idle machine is refused.
      if (pages > this.frames.total) throw ENOMEM;
      return;
    }
    if (this.committedPages + pages > this.commitLimit) throw ENOMEM;
  }

  /** CommitLimit, in pages. */
  get commitLimit(): number {
    if (this.overcommitKbytes !== 0) return this.overcommitKbytes >>> 2;
    return Math.floor((this.frames.total * this.overcommitRatio) / 100);
  }

  /** MemAvailable, in pages: free, and what could be reclaimed without hurting much. */
  get availablePages(): number {
    const cache = this.cachedPages - this.shmemPages;
    const low = this.minFree * 2;
    return Math.max(0, this.frames.free - low + cache - Math.min(cache >>> 1, low));
  }

  /** Gives the host back memory that has been freed, while there is much of it: SurplusListener, TimerTarget. */
  surplus(): void {
    this.trimIn(TRIM_DELAY);
  }
  expired(): void {
    this.trimTimer = 0;
    const { frames } = this;
    frames.trim(KEEP_STALE, TRIM_STEP);
    if (frames.staleFree > KEEP_STALE) this.trimIn(TRIM_INTERVAL);
  }

  private trimIn(delay: number): void {
    if (this.trimTimer !== 0) return;
    const { timers, clock } = this.kernel.scheduler;
    this.trimTimer = timers.add(clock.now() + delay, this);
  }
}
