/** A set of signals 1 to 64, as two words: sigset_t. Bit n - 1 is signal n. */
export class SignalSet {
  constructor(
    public lo = 0,
    public hi = 0,
  ) {}

  /** The set of these signals. */
  static of(...signals: readonly number[]): SignalSet {
    const set = new SignalSet();
    for (const signal of signals) set.add(signal);
    return set;
  }

  has(signal: number): boolean {
    return ((signal <= 32 ? this.lo >>> (signal - 1) : this.hi >>> (signal - 33)) & 1) === 1;
  }

  add(signal: number): void {
    if (signal <= 32) this.lo |= 1 << (signal - 1);
    else this.hi |= 1 << (signal - 33);
  }

  delete(signal: number): void {
    if (signal <= 32) this.lo &= ~(1 << (signal - 1));
    else this.hi &= ~(1 << (signal - 33));
  }

  get empty(): boolean {
    return this.lo === 0 && this.hi === 0;
  }

  /** Whether it holds a signal that `blocked` does not. */
  anyOutside(blocked: SignalSet): boolean {
    return (this.lo & ~blocked.lo) !== 0 || (this.hi & ~blocked.hi) !== 0;
  }

  intersects(other: SignalSet): boolean {
    return (this.lo & other.lo) !== 0 || (this.hi & other.hi) !== 0;
  }

  equals(other: SignalSet): boolean {
    return this.lo === other.lo && this.hi === other.hi;
  }

  /** The lowest signal that `blocked` does not hold, or 0. */
  firstOutside(blocked: SignalSet): number {
    const lo = this.lo & ~blocked.lo;
    if (lo !== 0) return 32 - Math.clz32(lo & -lo);
    const hi = this.hi & ~blocked.hi;
    return hi === 0 ? 0 : 64 - Math.clz32(hi & -hi);
  }

  union(other: SignalSet): SignalSet {
    return new SignalSet(this.lo | other.lo, this.hi | other.hi);
  }

  intersection(other: SignalSet): SignalSet {
    return new SignalSet(this.lo & other.lo, this.hi & other.hi);
  }

  /** What is in this set but not in the other. */
  without(other: SignalSet): SignalSet {
    return new SignalSet(this.lo & ~other.lo, this.hi & ~other.hi);
  }

  complement(): SignalSet {
    return new SignalSet(~this.lo, ~this.hi);
  }

  clone(): SignalSet {
    return new SignalSet(this.lo, this.hi);
  }
}
