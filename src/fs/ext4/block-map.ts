/** Which blocks of the volume a file has: runs, in order. Extent trees and indirect blocks are two forms of this on disk. */

export interface Run {
  /** The first block within the file. */
  logical: number;
  count: number;
  /** The first block on the volume. */
  physical: number;
  /** Allocated, but reads as zeros: fallocate(2). */
  unwritten: boolean;
}

export class BlockMap {
  readonly runs: Run[] = [];

  /** The index of the run that has a block, or of the first one behind it. */
  private search(logical: number): number {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { logical: start, count } = this.runs[middle];
      if (start + count <= logical) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The run that has a block. */
  at(logical: number): Run | undefined {
    const run = this.runs[this.search(logical)];
    return run !== undefined && run.logical <= logical ? run : undefined;
  }
  /** The run that has a block, or else the first behind it. */
  from(logical: number): Run | undefined {
    return this.runs[this.search(logical)];
  }
  /** The last run before a block: a hint where to allocate. */
  before(logical: number): Run | undefined {
    const index = this.search(logical);
    return index === 0 ? undefined : this.runs[index - 1];
  }

  /** Adds a run where there is none. False if there is one. */
  insert(run: Run): boolean {
    const index = this.search(run.logical);
    const after = this.runs[index];
    if (after !== undefined && after.logical < run.logical + run.count) return false;
    const before = this.runs[index - 1];
    const joinsBefore = before !== undefined && follows(before, run);
    const joinsAfter = after !== undefined && follows(run, after);
    if (joinsBefore && joinsAfter) {
      before.count += run.count + after.count;
      this.runs.splice(index, 1);
    } else if (joinsBefore) before.count += run.count;
    else if (joinsAfter) {
      after.logical = run.logical;
      after.physical = run.physical;
      after.count += run.count;
    } else this.runs.splice(index, 0, run);
    return true;
  }

  /** Takes [start, end) out; returns what was there. */
  remove(start: number, end: number): Run[] {
    const removed: Run[] = [];
    // What is punched out may lie within a block.
    if (start >= end) return removed;
    let index = this.search(start);
    while (index < this.runs.length && this.runs[index].logical < end) {
      const run = this.runs[index];
      const from = Math.max(start, run.logical);
      const to = Math.min(end, run.logical + run.count);
      const shift = from - run.logical;
      removed.push({ ...run, logical: from, count: to - from, physical: run.physical + shift });
      const rest = run.logical + run.count - to;
      const behind: Run = { ...run, logical: to, count: rest, physical: run.physical + run.count - rest };
      const pieces = [...(shift > 0 ? [{ ...run, count: shift }] : []), ...(rest > 0 ? [behind] : [])];
      this.runs.splice(index, 1, ...pieces);
      index += pieces.length;
    }
    return removed;
  }
}

const follows = (a: Run, b: Run): boolean =>
  a.logical + a.count === b.logical && a.physical + a.count === b.physical && a.unwritten === b.unwritten;
