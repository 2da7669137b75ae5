/** All block devices of a machine, by number: whole ones and their partitions. Linux: block/genhd.c. */
import type { Kernel } from '../kernel/kernel.js';
import type { Result } from '../kernel/syscall.js';
import type { Name } from '../lib/names.js';
import { EBUSY, Errno } from '../uapi/errno.js';
import { S_IFBLK } from '../uapi/stat.js';
import type { Disk } from './device.js';
import { readPartitions } from './partition-tables.js';
import { Partition } from './partition.js';

const NODE_MODE = S_IFBLK | 0o600;

export class Disks {
  private readonly byNumber = new Map<number, Disk>();

  constructor(private readonly kernel: Kernel) {}

  /** Whole devices, each followed by its partitions. */
  *[Symbol.iterator](): Iterator<Disk> {
    for (const disk of this.byNumber.values()) {
      if (disk.whole !== disk) continue;
      yield disk;
      yield* disk.partitions;
    }
  }

  find(rdev: number): Disk | undefined {
    return this.byNumber.get(rdev);
  }

  findNamed(name: Name): Disk | undefined {
    for (const disk of this.byNumber.values()) if (disk.name === name) return disk;
    return undefined;
  }

  /** A device is there: it gets its node, and its partition table is read. One that cannot be read is there all the same. */
  add(disk: Disk): void {
    this.show(disk);
    try {
      this.scan(disk);
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
    }
  }

  /** A device goes, with its partitions. EBUSY when one of them is in use. */
  remove(disk: Disk): void {
    if (disk.users > 0 || disk.partitions.some(({ users }) => users > 0)) throw EBUSY;
    this.forgetPartitions(disk);
    this.hide(disk);
  }

  /** Reads the partition table: BLKRRPART. EBUSY when a partition is in use; what the device says when it cannot be read. */
  scan(disk: Disk): void {
    if (disk.partitions.some(({ users }) => users > 0)) throw EBUSY;
    disk.acquire();
    try {
      const found = readPartitions(disk);
      this.forgetPartitions(disk);
      disk.partitions = found.map((entry) => new Partition(disk, entry));
      for (const part of disk.partitions) this.show(part);
    } finally {
      disk.release();
    }
    const names = disk.partitions.map(({ name }) => ` ${name}`).join('');
    if (names !== '') this.kernel.log.info(` ${disk.name}:${names}`);
  }

  /** What is on the device is not there any more. */
  forgetPartitions(disk: Disk): void {
    for (const part of disk.partitions) this.hide(part);
    disk.partitions = [];
  }

  private show(disk: Disk): void {
    this.byNumber.set(disk.rdev, disk);
    this.kernel.devices.addNode({ name: disk.name, mode: NODE_MODE, rdev: disk.rdev });
  }

  private hide(disk: Disk): void {
    this.byNumber.delete(disk.rdev);
    this.kernel.devices.removeNode(disk.name);
  }

  /** Writes back what is dirty, everywhere, and has it reach stable storage: sync(2), which tells nobody of errors. */
  sync(): Result {
    const waits: Promise<unknown>[] = [];
    for (const disk of this) {
      if (disk.users === 0) continue;
      const result = quietly(() => disk.sync());
      if (typeof result !== 'number') waits.push(result.catch(ignoreErrno));
    }
    return waits.length === 0 ? 0 : Promise.all(waits).then(() => 0);
  }
}

function quietly(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    return ignoreErrno(error);
  }
}

function ignoreErrno(error: unknown): number {
  if (error instanceof Errno) return 0;
  throw error;
}
