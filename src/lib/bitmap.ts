/**
 * A row of bits in 32-bit words, lowest bit first: descriptors, identifiers, frames, and (words given) the bitmaps of a
 * disk, whose layout this is on a little-endian machine.
 */
import { assert } from './assert.js';

export class Bitmap {
  private bits: number;
  private words: Int32Array;

  constructor(length: number, words: Int32Array = new Int32Array(Math.ceil(length / 32))) {
    assert(words.length * 32 >= length, 'the words hold the bits');
    this.bits = length;
    this.words = words;
  }

  /** How many bits it has. */
  get length(): number {
    return this.bits;
  }

  /** Makes it longer, by zeros. */
  grow(length: number): void {
    assert(length >= this.bits, 'a bitmap grows');
    if (length > this.words.length * 32) {
      const words = new Int32Array(Math.ceil(length / 32));
      words.set(this.words);
      this.words = words;
    }
    this.bits = length;
  }

  has(bit: number): boolean {
    return bit < this.bits && (this.words[bit >>> 5] & (1 << (bit & 31))) !== 0;
  }

  set(bit: number): void {
    assert(bit >= 0 && bit < this.bits, 'the bit is in the map');
    this.words[bit >>> 5] |= 1 << (bit & 31);
  }

  clear(bit: number): void {
    assert(bit >= 0 && bit < this.bits, 'the bit is in the map');
    this.words[bit >>> 5] &= ~(1 << (bit & 31));
  }

  /** Sets the bits [start, end). */
  setRange(start: number, end: number): void {
    this.forWords(start, end, (index, mask) => (this.words[index] |= mask));
  }

  /** Clears the bits [start, end). */
  clearRange(start: number, end: number): void {
    this.forWords(start, end, (index, mask) => (this.words[index] &= ~mask));
  }

  /** The first zero at `from` or behind it and before `end`, or -1. */
  findZero(from = 0, end = this.bits): number {
    return this.find(from, end, -1);
  }

  /** The first one at `from` or behind it and before `end`, or -1. */
  findOne(from = 0, end = this.bits): number {
    return this.find(from, end, 0);
  }

  /** Where the first `count` zeros in a row begin, at `from` or behind it, or -1. */
  findZeros(count: number, from = 0): number {
    let start = this.findZero(from);
    while (start >= 0 && start + count <= this.bits) {
      const one = this.findOne(start, start + count);
      if (one < 0) return start;
      start = this.findZero(one);
    }
    return -1;
  }

  /** How many bits of [start, end) are set. */
  count(start = 0, end = this.bits): number {
    let total = 0;
    this.forWords(start, end, (index, mask) => (total += countBits(this.words[index] & mask)));
    return total;
  }

  /** A copy, with words of its own. */
  clone(): Bitmap {
    return new Bitmap(this.bits, this.words.slice());
  }

  private find(from: number, end: number, invert: number): number {
    const limit = Math.min(end, this.bits);
    if (from >= limit) return -1;
    let index = from >>> 5;
    let word = (this.words[index] ^ invert) & (-1 << (from & 31));
    while (word === 0) {
      if (++index * 32 >= limit) return -1;
      word = this.words[index] ^ invert;
    }
    const bit = index * 32 + 31 - Math.clz32(word & -word);
    return bit < limit ? bit : -1;
  }

  private forWords(start: number, end: number, visit: (index: number, mask: number) => void): void {
    assert(start >= 0 && end <= this.bits, 'the bits are in the map');
    for (let bit = start; bit < end; bit = (bit | 31) + 1) {
      const index = bit >>> 5;
      const last = end - index * 32;
      visit(index, (-1 << (bit & 31)) & (last >= 32 ? -1 : (1 << last) - 1));
    }
  }
}

function countBits(word: number): number {
  let rest = word - ((word >>> 1) & 0x5555_5555);
  rest = (rest & 0x3333_3333) + ((rest >>> 2) & 0x3333_3333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
