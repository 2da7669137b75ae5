import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameToBytes } from '../../lib/names.js';
import { CowBitmap } from './cow-bitmap.js';
import {
  COW_HEADER_BYTES,
  cowLayout,
  encodeCowHeader,
  newCowHeader,
  readCowHeader,
  type CowHeader,
} from './cow-format.js';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16));

/** A header with a name at a place, as long as readers want it. */
function headerBytes(front: string, nameAt: number, back = '', backAt = 0): Uint8Array {
  const bytes = new Uint8Array(COW_HEADER_BYTES);
  bytes.set(hex(front));
  bytes.set(nameToBytes('/tmp/gold/back'), nameAt);
  bytes.set(hex(back), backAt);
  return bytes;
}

function headerOf(bytes: Uint8Array): CowHeader {
  const reading = readCowHeader(bytes);
  if (reading.kind !== 'header') throw new Error(reading.kind);
  return reading.header;
}

const gold = { backing: '/tmp/gold/back', mtime: 1_000_000_000, size: 65_536, sectorSize: 512 };
const V3_GOLD = '4f4f4f4d000000033b9aca0000000000000100000000020000001000 00000000';

test('the third version is written as the C program writes it', () => {
  const bytes = encodeCowHeader(newCowHeader(gold.backing, gold.mtime, gold.size));
  expect([...bytes.subarray(0, 32)]).toEqual([...hex(V3_GOLD)]);
  expect([...bytes.subarray(32, 47)]).toEqual([...nameToBytes('/tmp/gold/back'), 0]);
});

describe('reads', () => {
  test('the third version', () => {
    const header = headerOf(headerBytes(V3_GOLD, 32));
    expect(header).toEqual({ ...gold, version: 3, broken: false, alignment: 4096 });
    expect(cowLayout(header)).toEqual({ bitmapOffset: 8192, bitmapLength: 16, dataOffset: 12_288 });
  });

  test('the third version as 64-bit programs once wrote it', () => {
    const front = '4f4f4f4d000000033b9aca00000000000000000000010000000002000000100000000000';
    const header = headerOf(headerBytes(front, 36));
    expect(header).toEqual({ ...gold, version: 3, broken: true, alignment: 4096 });
    expect(cowLayout(header).bitmapOffset).toBe(8192);
  });

  test('the second version', () => {
    const header = headerOf(headerBytes('4f4f4f4d00000002', 8, '3b9aca00000000000001000000000200', 4104));
    expect(header).toEqual({ ...gold, version: 2, broken: false, alignment: 512 });
    expect(cowLayout(header)).toEqual({ bitmapOffset: 4120, bitmapLength: 16, dataOffset: 4608 });
  });

  test('the first version, in the byte order of PCs', () => {
    const header = headerOf(headerBytes('4d4f4f4f01000000', 8, '00ca9a3b000001000000000000020000', 264));
    expect(header).toEqual({ ...gold, version: 1, broken: false, alignment: 512 });
    expect(cowLayout(header)).toEqual({ bitmapOffset: 280, bitmapLength: 16, dataOffset: 512 });
  });
});

test('the places in a file of 2 GiB', () => {
  expect(cowLayout(newCowHeader('/x', 0, 2 ** 31))).toEqual({
    bitmapOffset: 8192,
    bitmapLength: 524_288,
    dataOffset: 532_480,
  });
});

test('other files are plain data; other versions are no good', () => {
  expect(readCowHeader(new Uint8Array(COW_HEADER_BYTES)).kind).toBe('plain');
  expect(readCowHeader(nameToBytes('OOO')).kind).toBe('plain');
  expect(readCowHeader(headerBytes('4f4f4f4d00000004', 32)).kind).toBe('invalid');
  expect(readCowHeader(hex('4f4f4f4d00000003')).kind).toBe('invalid');
});

test('any header that is written is read again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 1, max: 2 ** 47 }),
      fc.integer({ min: 1, max: 4094 }),
      (mtime, size, length) => {
        const header = newCowHeader('/'.padEnd(length, 'x'), mtime, size);
        const bytes = new Uint8Array(COW_HEADER_BYTES);
        bytes.set(encodeCowHeader(header));
        expect(headerOf(bytes)).toEqual(header);
      },
    ),
  );
});

test('no bytes at all make the reader fall over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4200, size: 'max' }), fc.boolean(), (bytes, magic) => {
      if (magic && bytes.length >= 8) bytes.set(hex('4f4f4f4d000000'));
      const reading = readCowHeader(bytes);
      if (reading.kind === 'header') expect(cowLayout(reading.header).dataOffset).toBeGreaterThan(0);
    }),
  );
});

test('a bitmap is a set of sectors', () => {
  const range = fc.record({ first: fc.nat(199), count: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), fc.nat(199), (ranges, from) => {
      const bitmap = new CowBitmap(new Uint8Array(33));
      const model = new Set<number>();
      for (const { first, count } of ranges) {
        const before = bitmap.bytes.slice();
        const changed = bitmap.add(first, count);
        for (let unit = first; unit < first + count; unit++) model.add(unit);
        for (const [at, byte] of bitmap.bytes.entries())
          if (byte !== before[at])
            expect(changed !== undefined && at >= changed.start && at < changed.end).toBe(true);
      }
      for (let unit = 0; unit < 264; unit++) expect(bitmap.has(unit)).toBe(model.has(unit));
      let run = 1;
      while (run < 60 && model.has(from + run) === model.has(from)) run++;
      expect(bitmap.run(from, 60)).toBe(run);
    }),
  );
});
