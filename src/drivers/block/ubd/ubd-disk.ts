/** A disk whose contents are in files of the host. The files are open while somebody uses the device. */
import { Disk, type Geometry, SECTOR_SIZE } from '../../../block/device.js';
import type { Kernel } from '../../../kernel/kernel.js';
import type { Result } from '../../../kernel/syscall.js';
import type { Task } from '../../../kernel/task.js';
import { text, type Name } from '../../../lib/names.js';
import { CDROMVOLREAD, cdrom_volctrl } from '../../../uapi/cdrom.js';
import { EACCES, EIO, ENOTTY, EOPNOTSUPP, EROFS, Errno } from '../../../uapi/errno.js';
import { HDIO_GET_IDENTITY } from '../../../uapi/hdreg.js';
import { UBD_MAJOR, makedev } from '../../../uapi/major.js';
import { openStorage } from './open-cow.js';
import type { UbdRequest } from './request.js';
import type { Storage } from './storage.js';

/** Whole disk and 15 partitions. */
const MINORS = 16;
const HEADS = 128;
const SECTORS = 32;
const MAX_DISCARD = 32768;
const IDENTITY_BYTES = 512;
/** Words of ATA's IDENTIFY DEVICE: linux/ata.h. */
const ATA_ID_CYLS = 1;
const ATA_ID_HEADS = 3;
const ATA_ID_SECTORS = 6;

export const ubdName = (unit: number): Name => `ubd${String.fromCharCode(0x61 + unit)}`;

export class UbdDisk extends Disk {
  override readonly size: number;
  override readonly parent: Name;
  override readonly serial: Name;
  private storage: Storage | undefined;
  private discards: boolean;

  constructor(
    kernel: Kernel,
    readonly request: UbdRequest,
    /** Of the host's file: rounded up to whole sectors. */
    bytes: number,
  ) {
    const { unit } = request;
    super(kernel, ubdName(unit), makedev(UBD_MAJOR, unit * MINORS));
    this.size = Math.ceil(bytes / SECTOR_SIZE) * SECTOR_SIZE;
    this.parent = `platform/uml-blkdev.${unit}/block`;
    this.serial = request.serial ?? '(null)';
    this.readOnly = request.readOnly;
    this.discards = !request.noTrim;
  }

  override get maxDiscard(): number {
    return this.discards ? MAX_DISCARD : 0;
  }
  override get geometry(): Geometry {
    const cylinders = Math.floor(this.size / (HEADS * SECTORS * SECTOR_SIZE));
    return { heads: HEADS, sectors: SECTORS, cylinders };
  }

  override open(): void {
    try {
      this.storage = openStorage(this.kernel, this.request);
    } catch (error) {
      if (error instanceof Errno)
        this.kernel.log.error(
          `${this.name}: Can't open "${text(this.request.file)}": errno = ${error.number}`,
        );
      throw error;
    }
    if (!this.storage.writable) this.readOnly = true;
  }
  override close(): void {
    this.storage?.close();
    this.storage = undefined;
    for (const other of this.kernel.disks) if (other instanceof UbdDisk) other.storage?.lockAgain();
  }

  override setReadOnly(readOnly: boolean): void {
    if (!readOnly && this.storage?.writable !== true) throw EACCES;
    super.setReadOnly(readOnly);
  }

  private get opened(): Storage {
    if (this.storage === undefined) throw EIO;
    return this.storage;
  }
  private get writable(): Storage {
    if (!this.opened.writable) throw EROFS;
    return this.opened;
  }

  override read(offset: number, into: Uint8Array): void {
    const { statistics } = this;
    statistics.reads++;
    statistics.sectorsRead += into.length / SECTOR_SIZE;
    this.opened.read(offset, into);
  }

  override write(offset: number, from: Uint8Array): void {
    const { statistics } = this;
    statistics.writes++;
    statistics.sectorsWritten += from.length / SECTOR_SIZE;
    this.writable.write(offset, from);
  }

  override flush(): Result {
    this.statistics.flushes++;
    if (this.storage?.writable === true) this.storage.sync();
    return 0;
  }

  override discard(offset: number, length: number): void {
    if (!this.discards) throw EOPNOTSUPP;
    const { statistics } = this;
    statistics.discards++;
    statistics.sectorsDiscarded += length / SECTOR_SIZE;
    try {
      this.writable.discard(offset, length);
    } catch (error) {
      if (error === EOPNOTSUPP) this.discards = false;
      throw error;
    }
  }

  override zero(offset: number, length: number): void {
    if (!this.discards) {
      super.zero(offset, length);
      return;
    }
    try {
      this.writable.zero(offset, length);
    } catch (error) {
      if (error !== EOPNOTSUPP) throw error;
      super.zero(offset, length);
    }
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    switch (request) {
      case HDIO_GET_IDENTITY:
        task.memory.copyOut(argument, this.identity());
        return 0;
      case CDROMVOLREAD:
        task.memory.copyOut(argument, new Uint8Array(cdrom_volctrl.size).fill(255));
        return 0;
      default:
        throw ENOTTY;
    }
  }

  private identity(): Uint8Array {
    const bytes = new Uint8Array(IDENTITY_BYTES);
    const words = new DataView(bytes.buffer);
    const { heads, sectors, cylinders } = this.geometry;
    words.setUint16(ATA_ID_CYLS * 2, cylinders, true);
    words.setUint16(ATA_ID_HEADS * 2, heads, true);
    words.setUint16(ATA_ID_SECTORS * 2, sectors, true);
    return bytes;
  }
}
