import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import {
  array,
  be16,
  be32,
  be64,
  bytes,
  cstring,
  limit64,
  s16,
  s32,
  s64,
  s8,
  struct,
  u16,
  u32,
  u64,
  u8,
  word64,
  type RecordOf,
} from './struct.js';
import { Word64 } from './word64.js';

const timespec = struct({ tv_sec: s64, tv_nsec: s64 });

test('aligns fields naturally and pads the end', () => {
  const mixed = struct({ a: u8, b: u32, c: u16, d: u64, e: u8 });
  expect(mixed.offset).toEqual({ a: 0, b: 4, c: 8, d: 16, e: 24 });
  expect([mixed.size, mixed.align]).toEqual([32, 8]);
});

test('packs when told to', () => {
  const event = struct({ events: u32, data: word64 }, { packed: true });
  expect([event.size, event.align, event.offset.data]).toEqual([12, 1, 4]);
});

test('takes a larger size and alignment', () => {
  const padded = struct({ a: u32 }, { size: 128, align: 8 });
  expect([padded.size, padded.align]).toEqual([128, 8]);
  expect(() => struct({ a: u64 }, { size: 4 })).toThrow('fit');
});

test('nests structures and arrays', () => {
  const outer = struct({ flag: u8, times: array(timespec, 2), inner: timespec, words: array(u16, 3) });
  expect(outer.offset).toEqual({ flag: 0, times: 8, inner: 40, words: 56 });
  expect(outer.size).toBe(64);
  const encoded = outer.encode({ inner: { tv_sec: -5 }, times: [{ tv_nsec: 7 }], words: [1, 0xffff] });
  expect(outer.decode(encoded)).toEqual({
    flag: 0,
    times: [
      { tv_sec: 0, tv_nsec: 7 },
      { tv_sec: 0, tv_nsec: 0 },
    ],
    inner: { tv_sec: -5, tv_nsec: 0 },
    words: [1, 0xffff, 0],
  });
});

test('infers the record', () => {
  const sample = struct({ name: cstring(4), data: bytes(2), mask: word64, at: timespec, list: array(u8, 2) });
  expectTypeOf<RecordOf<typeof sample>>().toEqualTypeOf<{
    name: string;
    data: Uint8Array<ArrayBuffer>;
    mask: Word64;
    at: { tv_sec: number; tv_nsec: number };
    list: number[];
  }>();
  expectTypeOf<(typeof sample.field.mask)['getLo']>().toEqualTypeOf<
    (view: DataView, base: number) => number
  >();
  expectTypeOf<(typeof sample)['encode']>()
    .parameter(0)
    .toHaveProperty('at')
    .toEqualTypeOf<{ readonly tv_sec?: number; readonly tv_nsec?: number } | undefined>();
  // @ts-expect-error: no such field
  sample.encode({ nothing: 1 });
});

test('writing clears what is not given, padding included', () => {
  const padded = struct({ a: u8, b: u64 });
  const buffer = new Uint8Array(24).fill(0xff);
  padded.write(new DataView(buffer.buffer), 4, { a: 1 });
  expect([...buffer]).toEqual([255, 255, 255, 255, 1, ...Array(15).fill(0), 255, 255, 255, 255]);
});

test('byte strings end at the NUL, or with the field', () => {
  const named = struct({ name: cstring(4) });
  expect(named.decode(named.encode({ name: 'ab' }))).toEqual({ name: 'ab' });
  expect(named.decode(named.encode({ name: 'abcd\xff' }))).toEqual({ name: 'abcd' });
});

test('copies bytes out and fills up with zeros', () => {
  const held = struct({ data: bytes(4) });
  const encoded = held.encode({ data: Uint8Array.of(1, 2) });
  const { data } = held.decode(encoded);
  encoded[0] = 9;
  expect([...data]).toEqual([1, 2, 0, 0]);
  expect(() => held.encode({ data: new Uint8Array(5) })).toThrow('fit');
});

test('decodes from the middle of a buffer', () => {
  const all = new Uint8Array(64);
  all.set(timespec.encode({ tv_sec: 1, tv_nsec: 2 }), 13);
  expect(timespec.decode(all.subarray(13))).toEqual({ tv_sec: 1, tv_nsec: 2 });
});

test('limits keep "no limit" apart from every number', () => {
  const limits = struct({ soft: limit64, hard: limit64 });
  const encoded = limits.encode({ soft: Infinity, hard: 2 ** 40 + 1 });
  expect([...encoded.subarray(0, 8)]).toEqual(Array(8).fill(255));
  expect(limits.decode(encoded)).toEqual({ soft: Infinity, hard: 2 ** 40 + 1 });
});

test('every scalar agrees with DataView', () => {
  const all = struct({ u8, s8, u16, s16, u32, s32, u64, s64, be16, be32, be64, word64 });
  const { offset } = all;
  fc.assert(
    fc.property(
      fc.record({
        u8: fc.integer({ min: 0, max: 0xff }),
        s8: fc.integer({ min: -0x80, max: 0x7f }),
        u16: fc.integer({ min: 0, max: 0xffff }),
        s16: fc.integer({ min: -0x8000, max: 0x7fff }),
        u32: fc.integer({ min: 0, max: 0xffff_ffff }),
        s32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
        u64: fc.maxSafeNat(),
        s64: fc.maxSafeInteger(),
        be16: fc.integer({ min: 0, max: 0xffff }),
        be32: fc.integer({ min: 0, max: 0xffff_ffff }),
        be64: fc.maxSafeNat(),
        word64: fc.tuple(fc.integer(), fc.integer()).map(([low, high]) => new Word64(low, high)),
      }),
      (record) => {
        const encoded = all.encode(record);
        const view = new DataView(encoded.buffer);
        expect(view.getUint8(offset.u8)).toBe(record.u8);
        expect(view.getInt8(offset.s8)).toBe(record.s8);
        expect(view.getUint16(offset.u16, true)).toBe(record.u16);
        expect(view.getInt16(offset.s16, true)).toBe(record.s16);
        expect(view.getUint32(offset.u32, true)).toBe(record.u32);
        expect(view.getInt32(offset.s32, true)).toBe(record.s32);
        expect(view.getBigUint64(offset.u64, true)).toBe(BigInt(record.u64));
        expect(view.getBigInt64(offset.s64, true)).toBe(BigInt(record.s64));
        expect(view.getUint16(offset.be16)).toBe(record.be16);
        expect(view.getUint32(offset.be32)).toBe(record.be32);
        expect(view.getBigUint64(offset.be64)).toBe(BigInt(record.be64));
        expect(view.getBigUint64(offset.word64, true)).toBe(BigInt(`0x${record.word64.toHex()}`));
        expect(all.decode(encoded)).toEqual(record);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
