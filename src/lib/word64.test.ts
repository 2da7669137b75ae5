import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alignDown, alignUp, and, andNot, hi, isAligned, lo, or, s64, u64, Word64 } from './word64.js';

const options = { seed: 1, numRuns: 500 };
const word = fc.tuple(fc.integer(), fc.integer()).map(([low, high]) => new Word64(low, high));
const big = (value: Word64): bigint => BigInt(`0x${value.toHex()}`);

test('the halves of a number make it again', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(s64(lo(value), hi(value))).toBe(value);
      if (value >= 0) expect(u64(lo(value), hi(value))).toBe(value);
      expect(BigInt.asIntN(32, BigInt(value))).toBe(BigInt(lo(value)));
      expect(BigInt.asIntN(32, BigInt(value) >> 32n)).toBe(BigInt(hi(value)));
    }),
    options,
  );
});

test('and, or and andNot agree with BigInt', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      expect(BigInt(and(a, b))).toBe(BigInt(a) & BigInt(b));
      expect(BigInt(or(a, b))).toBe(BigInt(a) | BigInt(b));
      expect(BigInt(andNot(a, b))).toBe(BigInt(a) & ~BigInt(b));
    }),
    options,
  );
});

test('aligns numbers of any size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
      fc.integer({ min: 0, max: 31 }),
      (value, shift) => {
        const align = 2 ** shift;
        const down = BigInt(alignDown(value, align));
        const up = BigInt(alignUp(value, align));
        expect(down % BigInt(align)).toBe(0n);
        expect(up % BigInt(align)).toBe(0n);
        expect(down <= BigInt(value) && BigInt(value) - down < BigInt(align)).toBe(true);
        expect(up >= BigInt(value) && up - BigInt(value) < BigInt(align)).toBe(true);
        expect(isAligned(value, align)).toBe(down === BigInt(value));
      },
    ),
    options,
  );
});

test('words agree with BigInt', () => {
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 63 }), (a, b, bit) => {
      const mask = 1n << BigInt(bit);
      expect(big(a.and(b))).toBe(big(a) & big(b));
      expect(big(a.or(b))).toBe(big(a) | big(b));
      expect(big(a.andNot(b))).toBe(big(a) & ~big(b));
      expect(big(a.not())).toBe(BigInt.asUintN(64, ~big(a)));
      expect(a.has(bit)).toBe((big(a) & mask) !== 0n);
      expect(big(a.with(bit))).toBe(big(a) | mask);
      expect(big(a.without(bit))).toBe(big(a) & ~mask);
      expect(a.intersects(b)).toBe((big(a) & big(b)) !== 0n);
      expect(a.equals(b)).toBe(big(a) === big(b));
      expect(a.unsigned).toBe(Number(big(a)));
      expect(a.signed).toBe(Number(BigInt.asIntN(64, big(a))));
    }),
    options,
  );
});

test('finds the lowest bit', () => {
  expect(Word64.ZERO.lowestBit).toBe(-1);
  for (let bit = 0; bit < 64; bit++) {
    expect(Word64.bit(bit).lowestBit).toBe(bit);
    expect(Word64.bit(bit).with(63).lowestBit).toBe(bit);
  }
});

test('converts whole numbers', () => {
  expect(Word64.from(-1)).toEqual(Word64.ONES);
  expect(Word64.from(2 ** 40 + 3).unsigned).toBe(2 ** 40 + 3);
});
