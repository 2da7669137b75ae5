/** Sets of named bits, beside the constants they are made of: for refusing unknown bits and for printing. */
import { and, andNot, or } from './word64.js';

/** A field inside the word that holds a value instead of bits, such as O_ACCMODE in the flags of open(2). */
export interface FlagField {
  readonly mask: number;
  readonly values: Readonly<Record<string, number>>;
}

export class FlagSet {
  /** Every bit that has a meaning. */
  readonly mask: number;
  /** Flags of several bits (O_SYNC, O_TMPFILE) come before those that they contain. */
  private readonly flags: readonly (readonly [name: string, bits: number])[];
  private readonly fields: readonly FlagField[];
  private readonly isWord: boolean;

  constructor(flags: Readonly<Record<string, number>>, ...fields: readonly FlagField[]) {
    this.flags = Object.entries(flags)
      .filter(([, bits]) => bits !== 0)
      .map(([name, bits]) => [name, unsigned(bits)] as const)
      .toSorted(([, a], [, b]) => countBits(b) - countBits(a));
    this.fields = fields;
    let mask = 0;
    for (const [, bits] of this.flags) mask = or(mask, bits);
    for (const field of fields) mask = or(mask, field.mask);
    this.mask = mask;
    this.isWord = mask <= 0xffff_ffff;
  }

  /** The bits of `value` that have no meaning here, as an unsigned number. */
  unknown(value: number): number {
    // Nearly every set and value fits 32 bits: no arithmetic beyond them then.
    if ((value | 0) === value && this.isWord) return (value & ~this.mask) >>> 0;
    return andNot(unsigned(value), this.mask);
  }

  /** Whether every bit of `value` has a meaning here. */
  has(value: number): boolean {
    return this.unknown(value) === 0;
  }

  /** `value` as strace prints it: `O_RDWR|O_CLOEXEC`, unknown bits in hexadecimal, `0` when there is nothing to say. */
  format(value: number): string {
    let rest = unsigned(value);
    const parts: string[] = [];
    for (const { mask, values } of this.fields) {
      const part = and(rest, mask);
      const found = Object.entries(values).find(([, named]) => named === part);
      if (found === undefined) continue;
      parts.push(found[0]);
      rest = andNot(rest, mask);
    }
    const tail: (readonly [name: string, bits: number])[] = [];
    for (const flag of this.flags) {
      if (and(rest, flag[1]) !== flag[1]) continue;
      tail.push(flag);
      rest = andNot(rest, flag[1]);
    }
    tail.sort(([, a], [, b]) => a - b);
    parts.push(...tail.map(([name]) => name));
    if (rest !== 0) parts.push(`0x${rest.toString(16)}`);
    return parts.length === 0 ? '0' : parts.join('|');
  }
}

/** A word of 32 bits may arrive as a signed number. */
const unsigned = (value: number): number => (value < 0 ? value >>> 0 : value);

function countBits(value: number): number {
  let count = 0;
  for (const digit of value.toString(2)) if (digit === '1') count++;
  return count;
}
