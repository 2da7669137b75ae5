/** A set of addresses, kept as sorted, disjoint, non-adjacent ranges: which parts of a space have host mappings. */
export class RangeSet {
  #starts: number[] = [];
  #ends: number[] = [];

  /** How many ranges it takes. */
  get count(): number {
    return this.#starts.length;
  }

  /** Index of the first range that ends at or behind `address`. */
  #find(address: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle] < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(start: number, end: number): void {
    const first = this.#find(start);
    let last = first;
    while (last < this.#starts.length && this.#starts[last] <= end) last++;
    if (last > first) {
      start = Math.min(start, this.#starts[first]);
      end = Math.max(end, this.#ends[last - 1]);
      if (last === first + 1) {
        this.#starts[first] = start;
        this.#ends[first] = end;
        return;
      }
    }
    this.#starts.splice(first, last - first, start);
    this.#ends.splice(first, last - first, end);
  }

  remove(start: number, end: number): void {
    let index = this.#find(start);
    while (index < this.#starts.length && this.#starts[index] < end) {
      const from = this.#starts[index];
      const to = this.#ends[index];
      if (to <= start) index++;
      else if (from < start && to > end) {
        this.#ends[index] = start;
        this.#starts.splice(index + 1, 0, end);
        this.#ends.splice(index + 1, 0, to);
        return;
      } else if (from < start) {
        this.#ends[index++] = start;
      } else if (to > end) {
        this.#starts[index] = end;
        return;
      } else {
        this.#starts.splice(index, 1);
        this.#ends.splice(index, 1);
      }
    }
  }

  /** Calls `visit` with each part of [start, end) that is in the set, in order. */
  each(start: number, end: number, visit: (start: number, end: number) => void): void {
    for (
      let index = this.#find(start + 1);
      index < this.#starts.length && this.#starts[index] < end;
      index++
    ) {
      visit(Math.max(start, this.#starts[index]), Math.min(end, this.#ends[index]));
    }
  }

  clear(): void {
    this.#starts = [];
    this.#ends = [];
  }

  copy(): RangeSet {
    const other = new RangeSet();
    other.#starts = this.#starts.slice();
    other.#ends = this.#ends.slice();
    return other;
  }
}
