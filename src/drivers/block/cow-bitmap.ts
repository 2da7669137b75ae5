/** Which sectors a copy-on-write file has: a bit for each. */

export class CowBitmap {
  constructor(readonly bytes: Uint8Array) {}

  has(unit: number): boolean {
    return (this.bytes[unit >>> 3] & (1 << (unit & 7))) !== 0;
  }

  /** How many units from `unit` on, at most `most`, are like it: all there, or all not. */
  run(unit: number, most: number): number {
    const { bytes } = this;
    const there = this.has(unit);
    const full = there ? 0xff : 0;
    let count = 1;
    while (count < most) {
      const at = unit + count;
      if ((at & 7) === 0 && most - count >= 8 && bytes[at >>> 3] === full) count += 8;
      else if (this.has(at) === there) count++;
      else break;
    }
    return count;
  }

  /** Marks units as there. The range of bytes that have changed, or undefined. */
  add(first: number, count: number): { readonly start: number; readonly end: number } | undefined {
    let start = -1;
    let end = 0;
    for (let unit = first; unit < first + count; unit++) {
      const at = unit >>> 3;
      if (this.has(unit)) continue;
      this.bytes[at] |= 1 << (unit & 7);
      if (start < 0) start = at;
      end = at + 1;
    }
    return start < 0 ? undefined : { start, end };
  }
}
