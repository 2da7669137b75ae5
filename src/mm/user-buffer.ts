/** An IoBuffer over user memory: one range, or several as readv(2) and writev(2) have them. */
import { IoBuffer } from '../lib/io-buffer.js';
import type { UserMemory } from './uaccess.js';

export interface UserRange {
  readonly address: number;
  readonly length: number;
}

const noRanges: readonly UserRange[] = [];

export class UserBuffer extends IoBuffer {
  /** What is left of the current range. */
  private left: number;
  private range = 0;
  private readonly ranges: readonly UserRange[];

  constructor(
    private readonly memory: UserMemory,
    private address: number,
    length: number,
    ranges: readonly UserRange[] | undefined,
  ) {
    super(length);
    this.ranges = ranges ?? noRanges;
    this.left = ranges === undefined ? length : 0;
  }

  override put(from: Uint8Array): number {
    return this.transfer(from.length, from, undefined);
  }

  override get(into: Uint8Array): number {
    return this.transfer(into.length, undefined, into);
  }

  override putZeros(count: number): number {
    return this.transfer(count, undefined, undefined);
  }

  /** Moves up to `wanted` bytes: from `from` out, or into `into`, or zeros out. */
  private transfer(wanted: number, from: Uint8Array | undefined, into: Uint8Array | undefined): number {
    const { memory } = this;
    const limit = wanted < this.remaining ? wanted : this.remaining;
    let done = 0;
    while (done < limit) {
      if (this.left === 0) this.nextRange();
      const ask = Math.min(this.left, limit - done);
      const count = memory.locate(this.address, ask, into === undefined);
      if (count === 0) {
        this.fault = true;
        break;
      }
      const { chunk, at } = memory;
      if (into !== undefined) into.set(chunk.subarray(at, at + count), done);
      else if (from === undefined) chunk.fill(0, at, at + count);
      else chunk.set(done === 0 && count === from.length ? from : from.subarray(done, done + count), at);
      this.address += count;
      this.left -= count;
      done += count;
    }
    this.moved += done;
    this.remaining -= done;
    return done;
  }

  private nextRange(): void {
    while (this.left === 0) {
      const { address, length } = this.ranges[this.range++];
      this.address = address;
      this.left = length;
    }
  }
}
