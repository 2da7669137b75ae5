/**
 * Block devices: storage of a fixed size, read and written in multiples of a sector. A driver (ubd, loop) subclasses Disk;
 * partitions.ts makes Disks of parts of one. File systems and /dev files reach the bytes through `pages`, the device's cache.
 */
import type { Kernel } from '../kernel/kernel.js';
import type { Result } from '../kernel/syscall.js';
import type { Name } from '../lib/names.js';
import { PageCache, type PageStore } from '../mm/page-cache.js';
import { EOPNOTSUPP } from '../uapi/errno.js';

export const SECTOR_SIZE = 512;

export abstract class Disk implements PageStore {
  /** Bytes, a multiple of SECTOR_SIZE. */
  abstract readonly size: number;
  readOnly = false;
  /** Open files and mounts: a busy device is not removed. */
  users = 0;
  readonly reclaimable = true;
  private cache: PageCache | undefined;

  constructor(
    readonly kernel: Kernel,
    /** As in /dev and /proc/partitions: 'ubda', 'ubda1'. */
    readonly name: Name,
    /** Device number: makeDevice(major, minor). */
    readonly rdev: number,
  ) {}

  /**
   * Reads from byte `offset` on, past the cache. Both are multiples of SECTOR_SIZE and within the size. Synchronous: what the
   * host has cached takes microseconds. Throws an Errno (EIO).
   */
  abstract read(offset: number, into: Uint8Array): void;
  /** Writes past the cache. Throws an Errno (EIO, ENOSPC, EROFS). */
  abstract write(offset: number, from: Uint8Array): void;
  /** What has been written goes to stable storage: a flush request. May wait. */
  abstract flush(): Result;
  /** The range's contents are no longer needed: BLKDISCARD. */
  discard(_offset: number, _length: number): void {
    throw EOPNOTSUPP;
  }
  /** The first user comes: opens what is behind it. Throws an Errno. */
  open(): void {}
  /** The last user has gone. */
  close(): void {}

  /** The buffer cache. */
  get pages(): PageCache {
    return (this.cache ??= new PageCache(this.kernel.memory, this));
  }

  // PageStore.

  fill(offset: number, into: Uint8Array): void {
    const count = Math.max(0, Math.min(into.length, this.size - offset));
    this.read(offset, into.subarray(0, count));
    into.fill(0, count);
  }
  writeBack(offset: number, from: Uint8Array): Result {
    this.write(offset, from.subarray(0, Math.max(0, Math.min(from.length, this.size - offset))));
    return 0;
  }
  makeWritable(): void {}
  get describe(): { readonly dev: number; readonly ino: number } {
    return { dev: 0, ino: this.rdev };
  }
}
