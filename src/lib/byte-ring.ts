/**
 * A queue of bytes in a circular buffer: pipes, terminals, sockets. Room is made as it is needed, by doubling, up to the
 * capacity, so that an idle pipe costs next to nothing. `front` and `back` give the buffer's own memory, for copying
 * without a step between.
 */
import { assert } from './assert.js';

const FIRST_SIZE = 256;

export class ByteRing {
  private buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  private head = 0;
  private length = 0;
  private limit: number;

  constructor(capacity: number) {
    this.limit = capacity;
  }

  /** How many bytes it can hold. */
  get capacity(): number {
    return this.limit;
  }

  /** How many bytes it holds. */
  get used(): number {
    return this.length;
  }

  get free(): number {
    return this.limit - this.length;
  }

  /** Changes the capacity, which must not be less than what is in it. */
  resize(capacity: number): void {
    assert(capacity >= this.length, 'what is held fits the new capacity');
    this.limit = capacity;
    if (this.buffer.length > capacity) this.move(capacity);
  }

  /** Appends what fits, and returns how much that was. */
  put(from: Uint8Array): number {
    const count = Math.min(from.length, this.free);
    this.reserve(count);
    const tail = this.wrap(this.head + this.length);
    const first = Math.min(count, this.buffer.length - tail);
    this.buffer.set(from.subarray(0, first), tail);
    if (first < count) this.buffer.set(from.subarray(first, count), 0);
    this.length += count;
    return count;
  }

  /** Appends a byte if it fits. */
  putByte(byte: number): boolean {
    if (this.length === this.limit) return false;
    this.reserve(1);
    this.buffer[this.wrap(this.head + this.length)] = byte;
    this.length++;
    return true;
  }

  /** Moves bytes from the front into the array, and returns how many. */
  take(to: Uint8Array): number {
    const count = this.peek(to);
    this.drop(count);
    return count;
  }

  /** The first byte, or -1. */
  takeByte(): number {
    if (this.length === 0) return -1;
    const byte = this.buffer[this.head];
    this.drop(1);
    return byte;
  }

  /** Copies bytes from `skip` on without removing them, and returns how many. */
  peek(to: Uint8Array, skip = 0): number {
    const count = Math.max(0, Math.min(to.length, this.length - skip));
    if (count === 0) return 0;
    const start = this.wrap(this.head + skip);
    const first = Math.min(count, this.buffer.length - start);
    to.set(this.buffer.subarray(start, start + first));
    if (first < count) to.set(this.buffer.subarray(0, count - first), first);
    return count;
  }

  /** `count` bytes from `skip` on: in place if they lie in one piece (until they are dropped), else a copy. */
  slice(skip: number, count: number): Uint8Array<ArrayBuffer> {
    assert(skip + count <= this.length, 'the bytes are there');
    const start = this.wrap(this.head + skip);
    if (start + count <= this.buffer.length) return this.buffer.subarray(start, start + count);
    const copy = new Uint8Array(count);
    this.peek(copy, skip);
    return copy;
  }

  /** The byte at this position from the front. */
  at(index: number): number {
    assert(index >= 0 && index < this.length, 'the position holds a byte');
    return this.buffer[this.wrap(this.head + index)];
  }

  /** Removes bytes from the front. */
  drop(count: number): void {
    assert(count <= this.length, 'no more is dropped than is there');
    this.length -= count;
    this.head = this.length === 0 ? 0 : this.wrap(this.head + count);
  }

  clear(): void {
    this.drop(this.length);
  }

  /** The bytes at the front that lie in one piece, in place: valid until the ring changes. Then `drop`. */
  front(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(this.head, Math.min(this.head + this.length, this.buffer.length));
  }

  /** Room for at most `count` bytes behind the last, in one piece: fill from its beginning. Then `grow`. */
  back(count: number): Uint8Array<ArrayBuffer> {
    this.reserve(Math.min(count, this.free));
    const tail = this.wrap(this.head + this.length);
    const room = Math.min(count, this.free, this.buffer.length - tail);
    return this.buffer.subarray(tail, tail + room);
  }

  /** Makes the first bytes of `back` part of the queue. */
  grow(count: number): void {
    assert(this.length + count <= this.buffer.length, 'no more is added than there was room for');
    this.length += count;
  }

  private wrap(index: number): number {
    return index >= this.buffer.length ? index - this.buffer.length : index;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    let size = Math.max(this.buffer.length * 2, FIRST_SIZE);
    while (size < needed) size *= 2;
    this.move(Math.min(size, this.limit));
  }

  private move(size: number): void {
    const buffer = new Uint8Array(size);
    this.peek(buffer);
    this.buffer = buffer;
    this.head = 0;
  }
}
