/** A copy-on-write file and its backing file, opened by a tool, and which stretches of the disk the former has. */
import { CowBitmap } from '../drivers/block/cow-bitmap.js';
import { COW_HEADER_BYTES, type CowHeader, cowLayout, readCowHeader } from '../drivers/block/cow-format.js';
import type { HostFile } from '../drivers/block/ubd/host-file.js';
import type { Name } from '../lib/names.js';
import { O_RDONLY } from '../uapi/fcntl.js';
import { complain, Failure, openOrFail, print } from './tool.js';

export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export class CowFile {
  readonly file: HostFile;
  readonly header: CowHeader;
  private readonly bitmap: CowBitmap;
  private readonly dataOffset: number;

  constructor(path: Name) {
    this.file = openOrFail('COW file open', path, O_RDONLY);
    this.header = this.readHeader();
    const { bitmapOffset, dataOffset } = cowLayout(this.header);
    this.dataOffset = dataOffset;
    const { size, sectorSize } = this.header;
    // In old formats the last bits may be missing.
    const length = Math.min(Math.ceil(Math.ceil(size / sectorSize) / 8), dataOffset - bitmapOffset);
    const bytes = new Uint8Array(length);
    this.file.read(bitmapOffset, bytes);
    this.bitmap = new CowBitmap(bytes);
  }

  private readHeader(): CowHeader {
    const bytes = new Uint8Array(COW_HEADER_BYTES);
    this.file.read(0, bytes);
    const reading = readCowHeader(bytes);
    if (reading.kind !== 'header') {
      complain('Reading COW header failed');
      throw new Failure();
    }
    const { header } = reading;
    if (header.broken) print('read_cow_header - broken V3 file with 64-bit layout - recovering content.');
    return header;
  }

  /** The stretches of [from, to) that this file has. */
  *stretches(from: number, to: number): Generator<Stretch> {
    const unit = this.header.sectorSize;
    for (let at = from; at < to;) {
      const first = Math.floor(at / unit);
      const count = this.bitmap.run(first, Math.ceil(to / unit) - first);
      const end = Math.min(to, (first + count) * unit);
      if (this.bitmap.has(first)) yield { start: at, end };
      at = end;
    }
  }

  /** The file's own bytes of a stretch. */
  read({ start }: Stretch, into: Uint8Array): void {
    this.file.read(this.dataOffset + start, into);
  }

  /** Bytes of the disk that are in this file. */
  get changed(): number {
    let sum = 0;
    for (const { start, end } of this.stretches(0, this.header.size)) sum += end - start;
    return sum;
  }
}
