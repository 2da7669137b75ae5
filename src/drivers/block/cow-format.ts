/**
 * The format of copy-on-write files, as User Mode Linux has always had it: a header that names the backing file, a bitmap
 * with a bit for each sector that the file itself has, and those sectors. Three versions are read, and the form of the
 * third that 64-bit programs wrote before December 2005; the third is written. Shared by the driver and the tools.
 */
import { type Name, nameFromBytes, putName } from '../../lib/names.js';
import { TWO32 } from '../../lib/word64.js';

/** 'OOOM' */
const COW_MAGIC = 0x4f4f_4f4d;
const V1_NAME = 256;
const NAME = 4096;
/** What a reader must have of the file's beginning: the longest header, the broken third one. */
export const COW_HEADER_BYTES = 4136;
const V3_SIZE = 4128;
export const COW_SECTOR_SIZE = 512;
export const COW_ALIGNMENT = 4096;
/** Longest name of a backing file. */
export const COW_NAME_MAX = NAME - 1;

export interface CowHeader {
  readonly version: 1 | 2 | 3;
  /** V3 in the layout with 64-bit alignment. */
  readonly broken: boolean;
  readonly backing: Name;
  /** Of the backing file: modification time in seconds, as 32 bits; size in bytes. */
  readonly mtime: number;
  readonly size: number;
  readonly sectorSize: number;
  readonly alignment: number;
}

/** Where things lie in a file. */
export interface CowLayout {
  readonly bitmapOffset: number;
  /** Bytes of the bitmap, as the format counts them. */
  readonly bitmapLength: number;
  readonly dataOffset: number;
}

export type CowReading =
  | { readonly kind: 'header'; readonly header: CowHeader }
  /** It has not the magic number: it is plain data. */
  | { readonly kind: 'plain' }
  /** It has the magic number, but makes no sense. */
  | { readonly kind: 'invalid' };

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** Reads the header from the first COW_HEADER_BYTES of a file, or as many as there are. */
export function readCowHeader(bytes: Uint8Array): CowReading {
  if (bytes.length < 8) return { kind: 'plain' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const big = view.getUint32(0) === COW_MAGIC;
  if (!big && view.getUint32(0, true) !== COW_MAGIC) return { kind: 'plain' };
  const header = readVersion(view, bytes, big);
  return header !== undefined && makesSense(header) ? { kind: 'header', header } : { kind: 'invalid' };
}

function readVersion(view: DataView, bytes: Uint8Array, big: boolean): CowHeader | undefined {
  // The first version has the byte order of the machine that wrote it.
  const version = view.getUint32(4, !big);
  if (version === 1) return readV1(view, bytes, !big);
  if (!big) return undefined;
  if (version === 2) return readV2(view, bytes);
  return version === 3 ? readV3(view, bytes) : undefined;
}

function readV1(view: DataView, bytes: Uint8Array, little: boolean): CowHeader | undefined {
  if (bytes.length < 280) return undefined;
  const low = view.getUint32(little ? 268 : 272, little);
  const high = view.getUint32(little ? 272 : 268, little);
  const sectorSize = view.getUint32(276, little);
  return {
    version: 1,
    broken: false,
    backing: nameAt(bytes, 8, V1_NAME),
    mtime: view.getUint32(264, little),
    size: low + high * TWO32,
    sectorSize,
    alignment: sectorSize,
  };
}

function readV2(view: DataView, bytes: Uint8Array): CowHeader | undefined {
  if (bytes.length < 4120) return undefined;
  const sectorSize = view.getUint32(4116);
  return {
    version: 2,
    broken: false,
    backing: nameAt(bytes, 8, NAME),
    mtime: view.getUint32(4104),
    size: u64(view, 4108),
    sectorSize,
    alignment: sectorSize,
  };
}

/** The broken form has four bytes of padding after the time, so its name begins later: zeros where there should be a '/'. */
function readV3(view: DataView, bytes: Uint8Array): CowHeader | undefined {
  if (bytes.length < V3_SIZE) return undefined;
  const broken = view.getUint32(32) === 0;
  if (broken && bytes.length < COW_HEADER_BYTES) return undefined;
  const shift = broken ? 4 : 0;
  return {
    version: 3,
    broken,
    backing: nameAt(bytes, 32 + shift, NAME),
    mtime: view.getUint32(8),
    size: u64(view, 12 + shift),
    sectorSize: view.getUint32(20 + shift),
    alignment: view.getUint32(24 + shift),
  };
}

const u64 = (view: DataView, at: number): number => view.getUint32(at) * TWO32 + view.getUint32(at + 4);

function nameAt(bytes: Uint8Array, start: number, length: number): Name {
  const end = bytes.indexOf(0, start);
  return nameFromBytes(bytes, start, end < 0 ? start + length : Math.min(end, start + length));
}

const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

/** Numbers that arithmetic can be done with: anyone may have written the file. */
function makesSense({ size, sectorSize, alignment, backing }: CowHeader): boolean {
  return (
    size < 2 ** 48 &&
    isPowerOfTwo(sectorSize) &&
    sectorSize >= COW_SECTOR_SIZE &&
    sectorSize <= 2 ** 20 &&
    alignment > 0 &&
    alignment <= 2 ** 30 &&
    backing !== ''
  );
}

export function cowLayout({ version, broken, size, sectorSize, alignment }: CowHeader): CowLayout {
  if (version === 3) {
    const bitmapOffset = roundUp(broken ? COW_HEADER_BYTES : V3_SIZE, alignment);
    const bitmapLength = Math.ceil(Math.ceil(size / sectorSize) / 8);
    return { bitmapOffset, bitmapLength, dataOffset: roundUp(bitmapOffset + bitmapLength, alignment) };
  }
  const bitmapOffset = version === 1 ? 280 : 4120;
  // One byte short when the number of sectors is no multiple of 8; the rest of the bits lie in the gap before the data.
  const bitmapLength = Math.floor((size + sectorSize - 1) / (8 * sectorSize));
  return { bitmapOffset, bitmapLength, dataOffset: roundUp(bitmapOffset + bitmapLength, alignment) };
}

/** A header of the third version. The caller has checked that the name is not longer than COW_NAME_MAX. */
export function encodeCowHeader(
  header: Pick<CowHeader, 'backing' | 'mtime' | 'size' | 'sectorSize' | 'alignment'>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(V3_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, COW_MAGIC);
  view.setUint32(4, 3);
  view.setUint32(8, header.mtime);
  view.setUint32(12, Math.floor(header.size / TWO32));
  view.setUint32(16, header.size % TWO32);
  view.setUint32(20, header.sectorSize);
  view.setUint32(24, header.alignment);
  putName(header.backing, bytes, 32);
  return bytes;
}

/** The header of a new file for a backing file. */
export const newCowHeader = (backing: Name, mtime: number, size: number): CowHeader => ({
  version: 3,
  broken: false,
  backing,
  mtime: mtime >>> 0,
  size,
  sectorSize: COW_SECTOR_SIZE,
  alignment: COW_ALIGNMENT,
});
