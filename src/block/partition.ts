/** A part of a disk as a disk of its own: ubda1. */
import type { Result } from '../kernel/syscall.js';
import { Disk, type Geometry, SECTOR_SIZE } from './device.js';
import type { PartitionEntry } from './partition-tables.js';

export class Partition extends Disk {
  override readonly size: number;
  override readonly start: number;
  readonly number: number;

  constructor(
    private readonly disk: Disk,
    readonly entry: PartitionEntry,
  ) {
    // A digit at the end of the disk's name would run into the number.
    const infix = /[0-9]$/.test(disk.name) ? 'p' : '';
    super(disk.kernel, `${disk.name}${infix}${entry.number}`, disk.partitionDevice(entry.number));
    this.number = entry.number;
    this.start = entry.start * SECTOR_SIZE;
    this.size = entry.sectors * SECTOR_SIZE;
    this.readOnly = disk.readOnly;
  }

  override get whole(): Disk {
    return this.disk;
  }
  override get geometry(): Geometry | undefined {
    return this.disk.geometry;
  }
  override get maxDiscard(): number {
    return this.disk.maxDiscard;
  }

  override open(): void {
    this.disk.acquire();
    this.readOnly ||= this.disk.readOnly;
  }
  override close(): void {
    this.disk.release();
  }

  override read(offset: number, into: Uint8Array): void {
    this.statistics.reads++;
    this.statistics.sectorsRead += into.length / SECTOR_SIZE;
    this.disk.read(this.start + offset, into);
  }
  override write(offset: number, from: Uint8Array): void {
    this.statistics.writes++;
    this.statistics.sectorsWritten += from.length / SECTOR_SIZE;
    this.disk.write(this.start + offset, from);
  }
  override flush(): Result {
    this.statistics.flushes++;
    return this.disk.flush();
  }
  override discard(offset: number, length: number): void {
    this.statistics.discards++;
    this.statistics.sectorsDiscarded += length / SECTOR_SIZE;
    this.disk.discard(this.start + offset, length);
  }
  override zero(offset: number, length: number): void {
    this.disk.zero(this.start + offset, length);
  }
}
