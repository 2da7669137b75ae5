/**
 * Two files that are one disk: sectors that were written are in the copy-on-write file, the others in the backing file,
 * which nobody changes. A sector's data are written before the bit that says so.
 */
import { CowBitmap } from '../cow-bitmap.js';
import { type CowHeader, cowLayout } from '../cow-format.js';
import { EIO } from '../../../uapi/errno.js';
import type { HostFile } from './host-file.js';
import { Storage } from './storage.js';

/** So many bytes of the bitmap are read at a time: most of it is a hole. */
const CHUNK = 1 << 20;

export class CowStorage extends Storage {
  private readonly bitmap: CowBitmap;
  private readonly bitmapOffset: number;
  private readonly dataOffset: number;
  /** A unit of copying: a sector of 512 bytes, in files that anybody has made so far. */
  private readonly unit: number;

  constructor(
    private readonly cow: HostFile,
    private readonly backing: HostFile,
    header: CowHeader,
    override readonly writable: boolean,
  ) {
    super();
    const { bitmapOffset, dataOffset } = cowLayout(header);
    this.bitmapOffset = bitmapOffset;
    this.dataOffset = dataOffset;
    this.unit = header.sectorSize;
    this.bitmap = this.readBitmap(Math.ceil(header.size / header.sectorSize));
  }

  /** In old formats the bits of the last sectors may be where the data begin: those sectors cannot be in the file. */
  private readBitmap(units: number): CowBitmap {
    const length = Math.min(Math.ceil(units / 8), this.dataOffset - this.bitmapOffset);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; done += CHUNK)
      this.cow.read(this.bitmapOffset + done, bytes.subarray(done, done + CHUNK));
    return new CowBitmap(bytes);
  }

  override read(offset: number, into: Uint8Array): void {
    this.eachRun(offset, into.length, (start, end, inCow) => {
      const part = into.subarray(start - offset, end - offset);
      if (inCow) this.cow.read(this.dataOffset + start, part);
      else this.backing.read(start, part);
    });
  }

  /** Calls for each stretch of [offset, offset + length) that one of the files has. */
  private eachRun(
    offset: number,
    length: number,
    visit: (start: number, end: number, inCow: boolean) => void,
  ): void {
    const { unit, bitmap } = this;
    const end = offset + length;
    for (let at = offset; at < end;) {
      const first = Math.floor(at / unit);
      const count = bitmap.run(first, Math.ceil(end / unit) - first);
      const stop = Math.min(end, (first + count) * unit);
      visit(at, stop, bitmap.has(first));
      at = stop;
    }
  }

  override write(offset: number, from: Uint8Array): void {
    this.completeEdges(offset, offset + from.length);
    this.cow.write(this.dataOffset + offset, from);
    this.mark(offset, offset + from.length);
  }

  /** The rest of units that are written in part comes along. */
  private completeEdges(start: number, end: number): void {
    const { unit } = this;
    const first = Math.floor(start / unit) * unit;
    const last = Math.ceil(end / unit) * unit;
    if (first < start) this.copyUp(first, start);
    if (end < last) this.copyUp(end, last);
  }

  private copyUp(start: number, end: number): void {
    if (this.bitmap.has(Math.floor(start / this.unit))) return;
    const bytes = new Uint8Array(end - start);
    this.backing.read(start, bytes);
    this.cow.write(this.dataOffset + start, bytes);
  }

  private mark(start: number, end: number): void {
    const { unit, bitmap } = this;
    const first = Math.floor(start / unit);
    const count = Math.ceil(end / unit) - first;
    if (first + count > bitmap.bytes.length * 8) throw EIO;
    const byte = first >>> 3;
    const before = bitmap.bytes.slice(byte, Math.ceil((first + count) / 8));
    const changed = bitmap.add(first, count);
    if (changed === undefined) return;
    const { start: from, end: to } = changed;
    try {
      this.cow.write(this.bitmapOffset + from, bitmap.bytes.subarray(from, to));
    } catch (error) {
      // The file does not say that it has them: the next write must try again.
      bitmap.bytes.set(before, byte);
      throw error;
    }
  }

  override sync(): void {
    this.cow.sync();
  }

  /** Sectors that are in the backing file stay: there is nothing of them to give back. */
  override discard(offset: number, length: number): void {
    this.eachRun(offset, length, (start, end, inCow) => {
      if (inCow) this.cow.punch(this.dataOffset + start, end - start);
    });
  }

  override zero(offset: number, length: number): void {
    this.completeEdges(offset, offset + length);
    this.cow.zero(this.dataOffset + offset, length);
    this.mark(offset, offset + length);
  }

  override close(): void {
    this.cow.close();
    this.backing.close();
  }

  override lockAgain(): void {
    this.cow.lockAgain();
    this.backing.lockAgain();
  }
}
