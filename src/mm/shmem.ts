/**
 * Memory shared between processes without a file behind it: MAP_SHARED | MAP_ANONYMOUS, memfd_create(2), System V shared
 * memory. A page cache whose store has nothing: pages that were never touched are zeros.
 */
import type { Result } from '../kernel/syscall.js';
import type { Mapping } from './mappable.js';
import type { MemoryManager } from './memory-manager.js';
import { PageCache, type PageStore } from './page-cache.js';

/** st_dev of the kernel's own mount of shared memory: device 0:1. */
export const SHMEM_DEV = 1;

export class ShmemStore implements PageStore {
  readonly reclaimable = false;
  readonly faultPages = 64;

  constructor(
    public size: number,
    readonly describe: { readonly dev: number; readonly ino: number },
  ) {}

  fill(_offset: number, into: Uint8Array): void {
    into.fill(0);
  }
  writeBack(): Result {
    return 0;
  }
  makeWritable(): void {}
}

/** Shared memory that lives as long as it is mapped, or kept. */
export class SharedMemory extends PageCache {
  private keepers = 0;
  private readonly accounted: number;

  /** ENOMEM when so much may not be promised. `reserve`: count it against the commit limit. */
  constructor(memory: MemoryManager, size: number, reserve: boolean) {
    super(memory, new ShmemStore(size, { dev: SHMEM_DEV, ino: memory.nextId() }));
    this.accounted = reserve ? Math.ceil(size / 4096) : 0;
    memory.checkCommit(this.accounted);
    memory.committedPages += this.accounted;
  }

  /** Keeps it though nobody maps it. */
  keep(): void {
    this.keepers++;
  }
  release(): void {
    this.keepers--;
    this.disposeIfUnused();
  }

  override unmapped(mapping: Mapping): void {
    super.unmapped(mapping);
    this.disposeIfUnused();
  }

  private disposeIfUnused(): void {
    if (this.keepers > 0 || this.mappings.size > 0) return;
    this.dispose();
    this.memory.committedPages -= this.accounted;
  }
}
