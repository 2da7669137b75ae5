/**
 * The bytes of a pipe: a ring of slots of one page each, as Linux has it, since that shows: a write that fits the last slot
 * is added to it, every other write begins a new one, and a pipe is full when its slots are, not its bytes. pipe(7).
 *
 * Slot n is at n pages in one block of memory, so that neighbouring slots are moved by a single copy. The block grows with
 * use; a ring that is emptied starts again at slot 0, so that a pipe with little in it stays in one page.
 */
import type { IoBuffer } from '../lib/io-buffer.js';

export const PAGE = 4096;

/** More may be added to the slot; it is one packet (O_DIRECT); neither. */
const OPEN = 0;
const PACKET = 1;
const CLOSED = 2;

export class PipeRing {
  private memory = new Uint8Array(PAGE);
  /** For each slot: where its bytes begin in its page, how many there are, and its kind. */
  private begins: Int32Array;
  private lengths: Int32Array;
  private kinds: Uint8Array;
  private tail = 0;
  private used = 0;
  /** Bytes in it: FIONREAD. */
  bytes = 0;

  /** `slots` is a power of two. */
  constructor(private slots: number) {
    this.begins = new Int32Array(slots);
    this.lengths = new Int32Array(slots);
    this.kinds = new Uint8Array(slots);
  }

  get capacity(): number {
    return this.slots;
  }
  get usedSlots(): number {
    return this.used;
  }
  get empty(): boolean {
    return this.used === 0;
  }
  get full(): boolean {
    return this.used === this.slots;
  }

  /**
   * Moves bytes out, at most one packet. A slot of which not all that is due could be moved stays as it was, and what was
   * moved of it does not count. Returns how many do.
   */
  take(to: IoBuffer): number {
    let count = 0;
    while (this.used > 0 && to.remaining > 0) {
      const slot = this.tail;
      const packet = this.kinds[slot] === PACKET;
      const due = Math.min(packet ? this.lengths[slot] : this.run(to.remaining), to.remaining);
      const start = slot * PAGE + this.begins[slot];
      const moved = to.put(this.memory.subarray(start, start + due));
      if (moved < due) return count + this.drop(this.wholeSlots(moved));
      count += moved;
      this.drop(packet ? this.lengths[slot] : moved);
      if (packet) break;
    }
    return count;
  }

  /** Bytes from the first slot on that lie side by side in memory: up to `enough`, or somewhat more. */
  private run(enough: number): number {
    let slot = this.tail;
    let length = this.lengths[slot];
    let left = this.used;
    while (
      length < enough &&
      --left > 0 &&
      this.begins[slot] + this.lengths[slot] === PAGE &&
      slot + 1 < this.slots &&
      this.begins[slot + 1] === 0 &&
      this.kinds[slot + 1] !== PACKET
    )
      length += this.lengths[++slot];
    return length;
  }

  /** How many of the first `limit` bytes are in slots that lie within it entirely. */
  private wholeSlots(limit: number): number {
    let sum = 0;
    for (let index = 0; index < this.used; index++) {
      const length = this.lengths[(this.tail + index) & (this.slots - 1)];
      if (sum + length > limit) break;
      sum += length;
    }
    return sum;
  }

  /** Forgets the first `count` bytes, and returns that. */
  drop(count: number): number {
    this.bytes -= count;
    let rest = count;
    while (rest > 0) {
      const slot = this.tail;
      if (this.lengths[slot] > rest) {
        this.begins[slot] += rest;
        this.lengths[slot] -= rest;
        return count;
      }
      rest -= this.lengths[slot];
      this.tail = (slot + 1) & (this.slots - 1);
      this.used--;
    }
    if (this.used === 0) this.tail = 0;
    return count;
  }

  /**
   * Adds the odd bytes of a write, those beyond whole pages, to the last slot if they fit. 0 when there is no room, or when
   * user memory could not be read.
   */
  merge(from: IoBuffer): number {
    const odd = from.remaining & (PAGE - 1);
    if (odd === 0 || this.used === 0) return 0;
    const slot = (this.tail + this.used - 1) & (this.slots - 1);
    const end = this.begins[slot] + this.lengths[slot];
    if (this.kinds[slot] !== OPEN || end + odd > PAGE) return 0;
    const at = slot * PAGE + end;
    if (from.get(this.memory.subarray(at, at + odd)) < odd) return 0;
    this.lengths[slot] += odd;
    this.bytes += odd;
    return odd;
  }

  /** Moves bytes into free slots, as many as there are. A page that could not be filled as it should does not count. */
  fill(from: IoBuffer, packets: boolean): number {
    let count = 0;
    while (this.used < this.slots && from.remaining > 0) {
      const slot = (this.tail + this.used) & (this.slots - 1);
      const pages = Math.min(this.slots - Math.max(slot, this.used), Math.ceil(from.remaining / PAGE));
      this.reserve(slot + pages);
      const due = Math.min(from.remaining, pages * PAGE);
      const moved = from.get(this.memory.subarray(slot * PAGE, slot * PAGE + due));
      const whole = moved === due ? due : moved - (moved % PAGE);
      for (let done = 0; done < whole; done += PAGE)
        this.append(Math.min(whole - done, PAGE), packets ? PACKET : OPEN);
      count += whole;
      if (moved < due) break;
    }
    return count;
  }

  /** Adds a slot whose bytes are in memory already. */
  private append(length: number, kind: number): void {
    const slot = (this.tail + this.used) & (this.slots - 1);
    this.begins[slot] = 0;
    this.lengths[slot] = length;
    this.kinds[slot] = kind;
    this.used++;
    this.bytes += length;
  }

  /** Makes memory for the first `slots` slots. */
  private reserve(slots: number): void {
    if (slots * PAGE <= this.memory.length) return;
    let size = this.memory.length;
    while (size < slots * PAGE) size *= 2;
    const memory = new Uint8Array(size);
    memory.set(this.memory);
    this.memory = memory;
  }

  /** Another number of slots, no fewer than are used. */
  resize(slots: number): void {
    const order = Array.from({ length: this.used }, (_, index) => (this.tail + index) & (this.slots - 1));
    const { memory } = this;
    const begins = order.map((slot) => this.begins[slot]);
    const lengths = order.map((slot) => this.lengths[slot]);
    const kinds = order.map((slot) => this.kinds[slot]);
    this.slots = slots;
    this.tail = 0;
    this.begins = new Int32Array(slots);
    this.lengths = new Int32Array(slots);
    this.kinds = new Uint8Array(slots);
    this.begins.set(begins);
    this.lengths.set(lengths);
    this.kinds.set(kinds);
    this.memory = new Uint8Array(PAGE);
    this.reserve(this.used);
    for (const [index, slot] of order.entries())
      this.memory.set(memory.subarray(slot * PAGE, (slot + 1) * PAGE), index * PAGE);
  }

  // For splice(2) and tee(2), which move whole slots.

  /** The bytes of slot `index`, counted from the oldest: a view, good until the ring changes. */
  peek(index: number): Uint8Array {
    const slot = (this.tail + index) & (this.slots - 1);
    const start = slot * PAGE + this.begins[slot];
    return this.memory.subarray(start, start + this.lengths[slot]);
  }

  /** A copy of the first `count` bytes. */
  copy(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    let done = 0;
    for (let index = 0; done < count && index < this.used; index++) {
      const slot = this.peek(index).subarray(0, count - done);
      bytes.set(slot, done);
      done += slot.length;
    }
    return bytes;
  }

  isPacket(index: number): boolean {
    return this.kinds[(this.tail + index) & (this.slots - 1)] === PACKET;
  }

  /** Adds a slot of these bytes, at most a page; nothing will be added to it. There must be a free one. */
  put(bytes: Uint8Array, packet = false): void {
    const slot = (this.tail + this.used) & (this.slots - 1);
    this.reserve(slot + 1);
    this.memory.set(bytes, slot * PAGE);
    this.append(bytes.length, packet ? PACKET : CLOSED);
  }
}
