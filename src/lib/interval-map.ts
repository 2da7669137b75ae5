/**
 * Ranges of numbers [start, end) that don't overlap, each with a value: memory areas, file locks. Numbers may be anything
 * exact below 2^53. Kept as one sorted array: finding is a binary search, with the last hit tried first; inserting and
 * removing move the references behind, which for the tens of thousands of ranges that Linux allows is a short memmove.
 */
import { assert } from './assert.js';

/** A range in a map. Only the map changes it; removed ones keep what they had. */
export class Interval<V> {
  /** @internal Use `IntervalMap.insert`. */
  constructor(
    readonly start: number,
    readonly end: number,
    readonly value: V,
  ) {}
}

/** Makes the value of the upper part when a range is divided at `at`; the lower part keeps the old value. */
export type Divide<V> = (value: V, at: number, interval: Interval<V>) => V;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const same = <V>(value: V): V => value;

export class IntervalMap<V> {
  private readonly intervals: Interval<V>[] = [];
  private lastHit: Interval<V> | undefined = undefined;

  get size(): number {
    return this.intervals.length;
  }

  get first(): Interval<V> | undefined {
    return this.intervals[0];
  }

  get last(): Interval<V> | undefined {
    return this.intervals[this.intervals.length - 1];
  }

  /** In ascending order. The map must not change meanwhile; `overlapping` gives a list that stays. */
  [Symbol.iterator](): IterableIterator<Interval<V>> {
    return this.intervals[Symbol.iterator]();
  }

  /** The range that contains `at`. */
  find(at: number): Interval<V> | undefined {
    const hit = this.lastHit;
    if (hit !== undefined && hit.start <= at && at < hit.end) return hit;
    const interval = this.intervals[this.indexAfter(at)];
    if (interval === undefined || interval.start > at) return undefined;
    this.lastHit = interval;
    return interval;
  }

  /** The range that contains `at`, or else the next one above. */
  findAfter(at: number): Interval<V> | undefined {
    return this.intervals[this.indexAfter(at)];
  }

  /** The last range that begins below `at`. */
  findBefore(at: number): Interval<V> | undefined {
    return this.intervals[this.indexFrom(at) - 1];
  }

  next(interval: Interval<V>): Interval<V> | undefined {
    return this.intervals[this.indexOf(interval) + 1];
  }

  previous(interval: Interval<V>): Interval<V> | undefined {
    return this.intervals[this.indexOf(interval) - 1];
  }

  /** The ranges that have a number in common with [start, end), ascending: a list of its own. */
  overlapping(start: number, end: number): Interval<V>[] {
    if (start >= end) return [];
    return this.intervals.slice(this.indexAfter(start), this.indexFrom(end));
  }

  /** Whether no range has a number in common with [start, end). */
  isFree(start: number, end: number): boolean {
    const interval = this.findAfter(start);
    return interval === undefined || interval.start >= end;
  }

  /** Adds a range where there is none. */
  insert(start: number, end: number, value: V): Interval<V> {
    assert(start < end, 'a range is not empty');
    const index = this.indexAfter(start);
    assert(index === this.intervals.length || this.intervals[index].start >= end, 'ranges do not overlap');
    const interval = new Interval(start, end, value);
    this.intervals.splice(index, 0, interval);
    return interval;
  }

  /** Divides the range that has `at` inside, so that one begins there. Nothing happens if none has. */
  split(at: number, divide: Divide<V> = same): void {
    const interval = this.find(at);
    if (interval === undefined || interval.start === at) return;
    const upper = new Interval(at, interval.end, divide(interval.value, at, interval));
    (interval as Mutable<Interval<V>>).end = at;
    this.intervals.splice(this.indexOf(interval) + 1, 0, upper);
  }

  /** Removes [start, end), dividing ranges that cross the borders. Returns what was there, ascending. */
  remove(start: number, end: number, divide: Divide<V> = same): Interval<V>[] {
    if (start >= end) return [];
    this.split(start, divide);
    this.split(end, divide);
    const from = this.indexAfter(start);
    this.lastHit = undefined;
    return this.intervals.splice(from, this.indexFrom(end) - from);
  }

  /** Removes exactly this range. */
  delete(interval: Interval<V>): void {
    this.intervals.splice(this.indexOf(interval), 1);
    this.lastHit = undefined;
  }

  /** Moves a range's borders, to where no other range is. */
  resize(interval: Interval<V>, start: number, end: number): void {
    assert(start < end, 'a range is not empty');
    const index = this.indexOf(interval);
    assert(index === 0 || this.intervals[index - 1].end <= start, 'a range does not grow into the one below');
    assert(
      index + 1 === this.intervals.length || end <= this.intervals[index + 1].start,
      'a range does not grow into the one above',
    );
    const mutable = interval as Mutable<Interval<V>>;
    mutable.start = start;
    mutable.end = end;
  }

  /** Gives a range another value. */
  replace(interval: Interval<V>, value: V): void {
    (interval as Mutable<Interval<V>>).value = value;
  }

  /** Makes one range of two that touch, with the lower one's value. */
  join(lower: Interval<V>, upper: Interval<V>): void {
    assert(lower.end === upper.start, 'the ranges touch');
    const { end } = upper;
    this.delete(upper);
    this.resize(lower, lower.start, end);
  }

  /** Where the highest free range of this length within [low, high) begins. */
  highestGap(length: number, low: number, high: number): number | undefined {
    let top = high;
    for (let index = this.indexFrom(high) - 1; index >= 0 && top - length >= low; index--) {
      const interval = this.intervals[index];
      if (top - length >= interval.end) return top - length;
      top = Math.min(top, interval.start);
    }
    return top - length >= low ? top - length : undefined;
  }

  /** Where the lowest free range of this length within [low, high) begins. */
  lowestGap(length: number, low: number, high: number): number | undefined {
    let bottom = low;
    for (let index = this.indexAfter(low); index < this.intervals.length; index++) {
      const interval = this.intervals[index];
      if (bottom + length <= interval.start || bottom + length > high) break;
      bottom = interval.end;
    }
    return bottom + length <= high ? bottom : undefined;
  }

  clear(): void {
    this.intervals.length = 0;
    this.lastHit = undefined;
  }

  /** Index of the first range that ends above `at`. */
  private indexAfter(at: number): number {
    const { intervals } = this;
    let low = 0;
    let high = intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (intervals[middle].end > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first range that begins at `at` or above. */
  private indexFrom(at: number): number {
    const { intervals } = this;
    let low = 0;
    let high = intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (intervals[middle].start >= at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private indexOf(interval: Interval<V>): number {
    const index = this.indexFrom(interval.start);
    assert(this.intervals[index] === interval, 'the range is in the map');
    return index;
  }
}
