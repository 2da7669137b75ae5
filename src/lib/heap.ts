/**
 * A binary heap of things with a time (or any number): the least comes first, and of equals the one that came first.
 * Each entry knows its place, so that removing one, wherever it is, takes O(log n): timers.
 */
import { assert } from './assert.js';

/** What a heap can hold, in one heap at a time. */
export class HeapEntry {
  /** @internal */
  heapKey = 0;
  /** @internal */
  heapOrder = 0;
  /** @internal Its place, or -1. */
  heapIndex = -1;

  /** Whether it is in a heap. */
  get queued(): boolean {
    return this.heapIndex >= 0;
  }
}

export class Heap<T extends HeapEntry> {
  private readonly entries: T[] = [];
  private order = 0;

  get size(): number {
    return this.entries.length;
  }

  /** The least, which stays. */
  get first(): T | undefined {
    return this.entries[0];
  }

  /** The least key, or Infinity. */
  get firstKey(): number {
    return this.entries.length === 0 ? Infinity : this.entries[0].heapKey;
  }

  insert(entry: T, key: number): void {
    assert(entry.heapIndex < 0, 'an entry is in one heap at a time');
    entry.heapKey = key;
    entry.heapOrder = this.order++;
    this.entries.push(entry);
    this.up(entry, this.entries.length - 1);
  }

  /** Removes the entry if it is in a heap, which must be this one. */
  remove(entry: T): boolean {
    const index = entry.heapIndex;
    if (index < 0) return false;
    assert(this.entries[index] === entry, 'the entry is in this heap');
    entry.heapIndex = -1;
    const last = this.entries.pop();
    if (last !== undefined && last !== entry) {
      this.up(last, index);
      if (last.heapIndex === index) this.down(last, index);
    }
    return true;
  }

  /** Removes the least. */
  pop(): T | undefined {
    const entry = this.entries[0];
    if (entry !== undefined) this.remove(entry);
    return entry;
  }

  /** In no particular order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.entries[Symbol.iterator]();
  }

  private up(entry: T, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!before(entry, this.entries[parent])) break;
      this.place(this.entries[parent], index);
      index = parent;
    }
    this.place(entry, index);
  }

  private down(entry: T, from: number): void {
    let index = from;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= this.entries.length) break;
      if (child + 1 < this.entries.length && before(this.entries[child + 1], this.entries[child])) child++;
      if (!before(this.entries[child], entry)) break;
      this.place(this.entries[child], index);
      index = child;
    }
    this.place(entry, index);
  }

  private place(entry: T, index: number): void {
    this.entries[index] = entry;
    entry.heapIndex = index;
  }
}

const before = (a: HeapEntry, b: HeapEntry): boolean =>
  a.heapKey < b.heapKey || (a.heapKey === b.heapKey && a.heapOrder < b.heapOrder);
