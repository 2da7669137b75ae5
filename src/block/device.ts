/**
 * Block devices: storage of a fixed size, read and written in multiples of a sector. A driver (ubd, loop) subclasses Disk;
 * partitions.ts makes Disks of parts of one. File systems and /dev files reach the bytes through `pages`, the device's cache.
 */
import type { Kernel } from '../kernel/kernel.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { makedev, major, minor } from '../uapi/major.js';
import { PageCache, type PageStore } from '../mm/page-cache.js';
import { EBUSY, ENOTTY, EOPNOTSUPP, Errno } from '../uapi/errno.js';

export const SECTOR_SIZE = 512;
/** Zeros that are written in one request. */
const ZEROS = 65536;

/** /proc/diskstats: requests done, and the sectors that they moved. */
export class DiskStatistics {
  reads = 0;
  sectorsRead = 0;
  writes = 0;
  sectorsWritten = 0;
  discards = 0;
  sectorsDiscarded = 0;
  flushes = 0;
}

/** Heads, sectors of a track, cylinders: what partitioning programs once wanted to know. */
export interface Geometry {
  readonly heads: number;
  readonly sectors: number;
  readonly cylinders: number;
}

/** A directory of its own in sysfs: /sys/block/loop0/loop. */
export interface DiskGroup {
  readonly name: Name;
  /** What the files say, without the newline. */
  readonly files: Readonly<Record<Name, Name>>;
}

export abstract class Disk implements PageStore {
  /** Bytes, a multiple of SECTOR_SIZE. */
  abstract readonly size: number;
  readOnly = false;
  /** Open files and mounts: a busy device is not removed. */
  users = 0;
  /** Who has it for themselves: a mounted file system, an open with O_EXCL. */
  private holder: object | undefined;
  readonly statistics = new DiskStatistics();
  /** Parts of it that have names of their own. */
  partitions: readonly Disk[] = [];
  /** Where sysfs has it, below /sys/devices. */
  readonly parent: Name = 'virtual/block';
  /** /sys/block/NAME/serial. */
  readonly serial: Name | undefined;
  get group(): DiskGroup | undefined {
    return undefined;
  }
  /** Its most bytes in a discard request; 0: it has none. */
  get maxDiscard(): number {
    return 0;
  }
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
  /** Makes the range read as zeros: BLKZEROOUT. */
  zero(offset: number, length: number): void {
    const zeros = new Uint8Array(Math.min(length, ZEROS));
    for (let done = 0; done < length; done += zeros.length)
      this.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
  }
  /** BLKROSET. A device may refuse (EACCES) to become writable. */
  setReadOnly(readOnly: boolean): void {
    this.readOnly = readOnly;
  }
  /** The first user comes: opens what is behind it. Throws an Errno. */
  open(): void {}
  /** The last user has gone. */
  close(): void {}
  /** ioctls of its own. */
  ioctl(_task: Task, _request: number, _argument: number): Result {
    throw ENOTTY;
  }
  get geometry(): Geometry | undefined {
    return undefined;
  }
  /** The whole device, if it is a part of one; and where it begins there. */
  get whole(): Disk {
    return this;
  }
  readonly start: number = 0;

  /** A user comes. Throws an Errno when the device cannot be opened. */
  acquire(): void {
    if (this.users === 0) this.open();
    this.users++;
  }

  /** A user goes. With the last one the cache goes too: the parts of a device and the whole do not know of each other's. */
  release(): void {
    if (this.users > 1 || this.cache === undefined) {
      this.leave();
      return;
    }
    const { cache } = this;
    const drop = (): void => {
      if (this.users === 1) cache.invalidate(0, Infinity);
      this.leave();
    };
    const failed = (error: unknown): void => {
      this.kernel.log.error(`Buffer I/O error on dev ${this.name}, lost async page write`);
      drop();
      if (!(error instanceof Errno)) throw error;
    };
    let written: Result;
    try {
      written = cache.sync();
    } catch (error) {
      failed(error);
      return;
    }
    if (typeof written === 'number') drop();
    else void written.then(drop, failed);
  }

  private leave(): void {
    if (--this.users === 0) this.close();
  }

  /** Takes it for oneself. EBUSY when somebody else has it, or a part of it, or the whole. */
  claim(holder: object): void {
    const others = [this.whole, ...this.partitions];
    if (this.isClaimed(holder) || others.some((other) => other.isClaimed(holder))) throw EBUSY;
    this.holder = holder;
  }
  unclaim(holder: object): void {
    if (this.holder === holder) this.holder = undefined;
  }
  private isClaimed(by: object): boolean {
    return this.holder !== undefined && this.holder !== by;
  }

  /** Everything that has been written, to stable storage. */
  sync(): Result {
    const written = this.cache?.sync() ?? 0;
    if (typeof written === 'number') return this.flush();
    return written.then(() => this.flush());
  }

  get major(): number {
    return major(this.rdev);
  }
  get minor(): number {
    return minor(this.rdev);
  }
  /** The number of a part of it. */
  partitionDevice(number: number): number {
    return makedev(this.major, this.minor + number);
  }

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
