/**
 * 64-bit words without BigInt. Addresses, sizes and offsets are numbers, exact below 2^53 in magnitude; masks and opaque
 * words that may use all 64 bits are `Word64`, two 32-bit halves. JavaScript's bit operators cut their operands to the
 * low 32 bits (two's complement, also for numbers beyond 2^32), which is what makes the arithmetic here cheap.
 */

export const TWO32 = 0x1_0000_0000;

/** The unsigned number with these halves; exact below 2^53, the nearest double above. */
export const u64 = (lo: number, hi: number): number => (lo >>> 0) + (hi >>> 0) * TWO32;

/** The signed number with these halves; exact below 2^53 in magnitude. */
export const s64 = (lo: number, hi: number): number => (lo >>> 0) + (hi | 0) * TWO32;

/** The low half, as a signed 32-bit number. */
export const lo = (value: number): number => value | 0;

/** The high half, as a signed 32-bit number; of a negative value, that of its two's complement. */
export const hi = (value: number): number => Math.floor(value / TWO32) | 0;

/** Bitwise operations on whole numbers from 0 to 2^53 - 1. */
export const and = (a: number, b: number): number => u64(a & b, hi(a) & hi(b));
export const or = (a: number, b: number): number => u64(a | b, hi(a) | hi(b));
export const andNot = (a: number, b: number): number => u64(a & ~b, hi(a) & ~hi(b));

/** The multiple of `align` (a power of two up to 2^31) at or below `value`, which may be beyond 2^32 or negative. */
export const alignDown = (value: number, align: number): number => value - (value & (align - 1));

/** The multiple of `align` (a power of two up to 2^31) at or above `value`. */
export const alignUp = (value: number, align: number): number => value + (-value & (align - 1));

export const isAligned = (value: number, align: number): boolean => (value & (align - 1)) === 0;

/** 64 bits as two signed halves: signal sets, capability sets, opaque user data. Immutable. */
export class Word64 {
  static readonly ZERO = new Word64(0, 0);
  static readonly ONES = new Word64(-1, -1);

  readonly lo: number;
  readonly hi: number;

  constructor(low: number, high: number) {
    this.lo = low | 0;
    this.hi = high | 0;
  }

  /** From a whole number below 2^53 in magnitude. */
  static from(value: number): Word64 {
    return new Word64(lo(value), hi(value));
  }

  /** The word with only this bit, counted from 0 to 63. */
  static bit(bit: number): Word64 {
    return bit < 32 ? new Word64(1 << bit, 0) : new Word64(0, 1 << (bit - 32));
  }

  /** As an unsigned number, rounded when above 2^53. */
  get unsigned(): number {
    return u64(this.lo, this.hi);
  }

  /** As a signed number, rounded when above 2^53 in magnitude. */
  get signed(): number {
    return s64(this.lo, this.hi);
  }

  get isZero(): boolean {
    return (this.lo | this.hi) === 0;
  }

  has(bit: number): boolean {
    return bit < 32 ? (this.lo & (1 << bit)) !== 0 : (this.hi & (1 << (bit - 32))) !== 0;
  }

  with(bit: number): Word64 {
    return this.or(Word64.bit(bit));
  }

  without(bit: number): Word64 {
    return this.andNot(Word64.bit(bit));
  }

  and(other: Word64): Word64 {
    return new Word64(this.lo & other.lo, this.hi & other.hi);
  }

  or(other: Word64): Word64 {
    return new Word64(this.lo | other.lo, this.hi | other.hi);
  }

  andNot(other: Word64): Word64 {
    return new Word64(this.lo & ~other.lo, this.hi & ~other.hi);
  }

  not(): Word64 {
    return new Word64(~this.lo, ~this.hi);
  }

  equals(other: Word64): boolean {
    return this.lo === other.lo && this.hi === other.hi;
  }

  intersects(other: Word64): boolean {
    return ((this.lo & other.lo) | (this.hi & other.hi)) !== 0;
  }

  /** The lowest bit that is set, or -1. */
  get lowestBit(): number {
    if (this.lo !== 0) return 31 - Math.clz32(this.lo & -this.lo);
    if (this.hi !== 0) return 63 - Math.clz32(this.hi & -this.hi);
    return -1;
  }

  /** 16 hexadecimal digits, as in /proc/<pid>/status. */
  toHex(): string {
    return (this.hi >>> 0).toString(16).padStart(8, '0') + (this.lo >>> 0).toString(16).padStart(8, '0');
  }
}
