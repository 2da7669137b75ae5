/**
 * Frames of guest physical memory: a buddy allocator with a reference count for each frame. Frame 0 is never handed out,
 * so that 0 can mean "none"; nor is the first frame of any chunk, so that no run of frames crosses a chunk's border.
 *
 * Memory that was never used is a hole in the host's file and reads as zeros. A freed frame keeps its bytes and is marked
 * stale: it is cleared when it is handed out again (100 ns for 4 KiB, and the host need not find memory for it), or
 * `trim` gives it back to the host.
 */
import { CHUNK_FRAME_MASK, CHUNK_FRAME_SHIFT, PAGE_SIZE, type PhysicalMemory } from '../host/memory.js';
import { assert } from '../lib/assert.js';

/** The largest block is 2^MAX_ORDER frames: 4 MiB, as on Linux. */
export const MAX_ORDER = 10;

/** In `state`: the head of a free block; the order is in the low bits. */
const FREE = 0x80;
const ORDER = 0xf;

/** Gets told when more stale memory is free than should stay with us: see `trim`. */
export interface SurplusListener {
  surplus(): void;
}

export class PhysicalAllocator {
  /** Frames in all. */
  readonly total: number;
  /** The memory as 32-bit words, by chunk, as `memory.chunks` is in bytes. */
  readonly words: readonly Int32Array<ArrayBuffer>[];
  /** Told once when `staleFree` has risen above `surplusMark`. */
  surplusListener: SurplusListener | undefined;
  surplusMark = Infinity;

  private freeFrames = 0;
  private staleFrames = 0;
  private readonly counts: Int32Array;
  private readonly state: Uint8Array;
  /** 1: the bytes are not zeros, or may not be. */
  private readonly stale: Uint8Array;
  /** Free blocks of each order: doubly linked through their heads; 0 ends a list. */
  private readonly heads = new Int32Array(MAX_ORDER + 1);
  private readonly next: Int32Array;
  private readonly previous: Int32Array;

  constructor(readonly memory: PhysicalMemory) {
    const frames = memory.size / PAGE_SIZE;
    assert(Number.isInteger(frames) && frames >= 2 && frames < 1 << 26, 'guest memory is 8 KiB to 256 GiB');
    this.words = memory.chunks.map(
      (bytes) => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    );
    this.counts = new Int32Array(frames);
    this.state = new Uint8Array(frames);
    this.stale = new Uint8Array(frames);
    this.next = new Int32Array(frames);
    this.previous = new Int32Array(frames);
    // From the top down, so that low frames are handed out first and neighbours come in rising order.
    for (let chunk = (frames - 1) >>> CHUNK_FRAME_SHIFT; chunk >= 0; chunk--) {
      const first = (chunk << CHUNK_FRAME_SHIFT) + 1;
      const end = Math.min(frames, (chunk + 1) << CHUNK_FRAME_SHIFT);
      this.addBlocksDown(first, end);
    }
    this.total = this.freeFrames;
  }

  /** Frames that are free. */
  get free(): number {
    return this.freeFrames;
  }

  /** Free frames whose old bytes still take memory of the host. */
  get staleFree(): number {
    return this.staleFrames;
  }

  /** Free blocks of an order: /proc/buddyinfo. */
  freeBlocks(order: number): number {
    let count = 0;
    for (let frame = this.heads[order]; frame !== 0; frame = this.next[frame]) count++;
    return count;
  }

  /** 2^order consecutive frames, aligned, each with one reference and zeroed: the first, or 0 when there are none. */
  allocate(order: number): number {
    return this.allocateRun(1 << order, true);
  }

  /**
   * `count` consecutive frames (at most 2^MAX_ORDER), each with one reference: the first, or 0. Unless `zeroed`, they may
   * hold anything: for callers that overwrite all of them.
   */
  allocateRun(count: number, zeroed: boolean): number {
    const order = count === 1 ? 0 : 32 - Math.clz32(count - 1);
    let found = order;
    while (found <= MAX_ORDER && this.heads[found] === 0) found++;
    if (found > MAX_ORDER) return 0;
    const first = this.heads[found];
    this.unlink(first, found);
    this.carve(first, found, first, count);
    this.take(first, count, zeroed);
    return first;
  }

  /** As allocateRun, but exactly these frames: 0 if one of them is in use. For runs that continue others. */
  allocateAt(first: number, count: number, zeroed: boolean): number {
    const end = first + count;
    if (first <= 0 || end > this.counts.length) return 0;
    for (let at = first; at < end;) {
      const head = this.freeBlockOf(at);
      if (head === 0) return 0;
      at = head + (1 << (this.state[head] & ORDER));
    }
    for (let at = first; at < end;) {
      const head = this.freeBlockOf(at);
      const order = this.state[head] & ORDER;
      const next = head + (1 << order);
      this.unlink(head, order);
      this.carve(head, order, at, Math.min(end, next) - at);
      at = next;
    }
    this.take(first, count, zeroed);
    return first;
  }

  /** The head of the free block that contains a frame, or 0. */
  private freeBlockOf(frame: number): number {
    for (let order = 0; order <= MAX_ORDER; order++) {
      const head = frame & ~((1 << order) - 1);
      if (this.state[head] === (FREE | order)) return head;
    }
    return 0;
  }

  hold(frame: number): void {
    this.counts[frame]++;
  }

  holdRun(first: number, count: number): void {
    for (let frame = first; frame < first + count; frame++) this.counts[frame]++;
  }

  /** Lets go; the last one frees. */
  drop(frame: number): void {
    if (--this.counts[frame] === 0) this.release(frame, 1);
  }

  /** Lets go of consecutive frames. */
  dropRun(first: number, count: number): void {
    const { counts } = this;
    const end = first + count;
    let from = first;
    for (let frame = first; frame < end; frame++) {
      if (--counts[frame] === 0) continue;
      if (from < frame) this.release(from, frame - from);
      from = frame + 1;
    }
    if (from < end) this.release(from, end - from);
  }

  references(frame: number): number {
    return this.counts[frame];
  }

  /** Whether all of these frames in use had been used before, so that the host has memory for them. */
  areRecycled(first: number, count: number): boolean {
    for (let frame = first; frame < first + count; frame++) if (this.stale[frame] === 0) return false;
    return true;
  }

  /** The bytes of a frame. */
  bytes(frame: number): Uint8Array<ArrayBuffer> {
    return this.runBytes(frame, 1);
  }

  /** The bytes of consecutive frames that were allocated as runs. */
  runBytes(first: number, count: number): Uint8Array<ArrayBuffer> {
    const start = (first & CHUNK_FRAME_MASK) * PAGE_SIZE;
    return this.memory.chunks[first >>> CHUNK_FRAME_SHIFT].subarray(start, start + count * PAGE_SIZE);
  }

  /** Copies the contents of `count` frames. */
  copyRun(from: number, to: number, count: number): void {
    const source = this.memory.chunks[from >>> CHUNK_FRAME_SHIFT];
    const target = this.memory.chunks[to >>> CHUNK_FRAME_SHIFT];
    const start = (from & CHUNK_FRAME_MASK) * PAGE_SIZE;
    const at = (to & CHUNK_FRAME_MASK) * PAGE_SIZE;
    if (source === target) source.copyWithin(at, start, start + count * PAGE_SIZE);
    else target.set(source.subarray(start, start + count * PAGE_SIZE), at);
  }

  /**
   * Gives free memory back to the host, largest blocks first, until at most `keep` stale frames are left or `most` have
   * gone. Returns how many went.
   */
  trim(keep: number, most: number): number {
    let gone = 0;
    for (let order = MAX_ORDER; order >= 0; order--) {
      for (let frame = this.heads[order]; frame !== 0; frame = this.next[frame]) {
        if (this.staleFrames <= keep || gone >= most) return gone;
        gone += this.discard(frame, 1 << order);
      }
    }
    return gone;
  }

  private discard(first: number, count: number): number {
    const { stale } = this;
    let gone = 0;
    for (let at = first; at < first + count; at++) gone += stale[at];
    if (gone === 0) return 0;
    this.memory.discard(first * PAGE_SIZE, count * PAGE_SIZE);
    stale.fill(0, first, first + count);
    this.staleFrames -= gone;
    return gone;
  }

  /** Of a free block already unlinked, keeps [first, first + count) out and frees the rest. */
  private carve(head: number, order: number, first: number, count: number): void {
    // Upper rest first: the lower one is then at the front of its lists, and is used up first.
    this.link(first + count, head + (1 << order));
    this.link(head, first);
    this.freeFrames -= count;
  }

  private take(first: number, count: number, zeroed: boolean): void {
    const { counts, stale } = this;
    const end = first + count;
    let dirty = 0;
    for (let frame = first; frame < end; frame++) {
      counts[frame] = 1;
      dirty += stale[frame];
    }
    if (dirty === 0) return;
    this.staleFrames -= dirty;
    if (zeroed) this.clearStale(first, end);
  }

  private clearStale(first: number, end: number): void {
    const { stale } = this;
    const bytes = this.memory.chunks[first >>> CHUNK_FRAME_SHIFT];
    for (let frame = first; frame < end; frame++) {
      if (stale[frame] === 0) continue;
      const from = frame;
      while (frame < end && stale[frame] !== 0) frame++;
      const at = (from & CHUNK_FRAME_MASK) * PAGE_SIZE;
      bytes.fill(0, at, at + (frame - from) * PAGE_SIZE);
    }
  }

  /** Frames whose last reference is gone. */
  private release(first: number, count: number): void {
    this.stale.fill(1, first, first + count);
    this.freeFrames += count;
    this.staleFrames += count;
    for (let at = first, end = first + count; at < end;) {
      const order = blockOrder(at, end);
      this.merge(at, order);
      at += 1 << order;
    }
    if (this.staleFrames > this.surplusMark) this.surplusListener?.surplus();
  }

  /** Puts a block among the free ones, joined with its buddies. */
  private merge(first: number, blockOf: number): void {
    let head = first;
    let order = blockOf;
    while (order < MAX_ORDER) {
      const buddy = head ^ (1 << order);
      if (this.state[buddy] !== (FREE | order)) break;
      this.unlink(buddy, order);
      head &= ~(1 << order);
      order++;
    }
    this.push(head, order);
  }

  /** Puts [first, end) among the free blocks without joining: the rest of a block that is being divided. */
  private link(first: number, end: number): void {
    for (let at = first; at < end;) {
      const order = blockOrder(at, end);
      this.push(at, order);
      at += 1 << order;
    }
  }

  private addBlocksDown(first: number, end: number): void {
    for (let at = end; at > first;) {
      let order = Math.min(MAX_ORDER, lowestBit(at), 31 - Math.clz32(at - first));
      while (at - (1 << order) < first) order--;
      at -= 1 << order;
      this.push(at, order);
    }
    this.freeFrames += end - first;
  }

  private push(head: number, order: number): void {
    const old = this.heads[order];
    this.state[head] = FREE | order;
    this.next[head] = old;
    this.previous[head] = 0;
    if (old !== 0) this.previous[old] = head;
    this.heads[order] = head;
  }

  private unlink(head: number, order: number): void {
    const next = this.next[head];
    const previous = this.previous[head];
    if (previous === 0) this.heads[order] = next;
    else this.next[previous] = next;
    if (next !== 0) this.previous[next] = previous;
    this.state[head] = 0;
  }
}

const lowestBit = (value: number): number => 31 - Math.clz32(value & -value);

/** The order of the largest aligned block that begins at `first` and does not reach beyond `end`. */
const blockOrder = (first: number, end: number): number =>
  Math.min(MAX_ORDER, lowestBit(first), 31 - Math.clz32(end - first));
