/**
 * User memory as the kernel touches it: copy_from_user and its family. Page tables lead to the frame, whose bytes are
 * reached through the host's mapping of guest memory: no host call, no trap. What is not there is faulted in as the
 * guest's own access would be, copy-on-write included; what may not be is EFAULT.
 *
 * Guest threads run meanwhile: bytes are read once.
 */
import { CHUNK_FRAME_MASK, CHUNK_FRAME_SHIFT, PAGE_SIZE } from '../host/memory.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { nameFromBytes, type Name } from '../lib/names.js';
import { EFAULT } from '../uapi/errno.js';
import {
  PTE_FLAG_BITS,
  PTE_READ,
  PTE_WRITE,
  TABLE_BYTES,
  TABLE_PAGES,
  type PageTables,
} from './page-table.js';
import type { PhysicalAllocator } from './physmem.js';
import { type UserRange, UserBuffer } from './user-buffer.js';

const PAGE_MASK = PAGE_SIZE - 1;
const TWO32 = 0x1_0000_0000;

export abstract class UserMemory {
  /** Where `locate` has found bytes: the chunk and the index of the first in it. */
  chunk: Uint8Array<ArrayBuffer>;
  at = 0;
  private readonly chunks: readonly Uint8Array<ArrayBuffer>[];

  constructor(
    readonly frames: PhysicalAllocator,
    readonly tables: PageTables,
    /** User addresses are below it. */
    readonly top: number,
  ) {
    this.chunks = frames.memory.chunks;
    this.chunk = this.chunks[0];
  }

  /** Makes a page accessible. False when it may not be accessed so. */
  protected abstract faultIn(address: number, write: boolean): boolean;

  /**
   * Finds the bytes of [address, address + length): sets `chunk` and `at`, and returns how many of them lie there one
   * after the other. 0: not accessible. What it finds is valid until anything else is faulted in.
   */
  locate(address: number, length: number, write: boolean): number {
    const wanted = write ? PTE_WRITE : PTE_READ;
    if (!(address >= 0 && address < this.top)) return 0;
    let entry = this.tables.entry(address);
    if ((entry & wanted) === 0) {
      if (!this.faultIn(address, write)) return 0;
      entry = this.tables.entry(address);
      if ((entry & wanted) === 0) return 0;
    }
    const frame = entry >>> PTE_FLAG_BITS;
    const offset = address & PAGE_MASK;
    this.chunk = this.chunks[frame >>> CHUNK_FRAME_SHIFT];
    this.at = (frame & CHUNK_FRAME_MASK) * PAGE_SIZE + offset;
    const size = PAGE_SIZE - offset;
    return length <= size ? length : this.extend(address, length, size, frame, wanted);
  }

  /** How far the run goes on over pages that are there already. */
  private extend(address: number, length: number, known: number, frame: number, wanted: number): number {
    let size = known;
    let next = frame + 1;
    while (size < length) {
      const page = address + size;
      const table = this.tables.at((page / TABLE_BYTES) | 0);
      if (table === undefined || page >= this.top) return size;
      const { entries } = table;
      for (
        let index = (page / PAGE_SIZE) & (TABLE_PAGES - 1);
        index < TABLE_PAGES && size < length;
        index++
      ) {
        const entry = entries[index];
        if ((entry & wanted) === 0 || entry >>> PTE_FLAG_BITS !== next) return size;
        size += PAGE_SIZE;
        next++;
      }
    }
    return length;
  }

  /** A copy of user bytes. EFAULT. */
  copyIn(address: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    if (this.copyInto(address, bytes) < length) throw EFAULT;
    return bytes;
  }

  /** Fills `into`; returns how many bytes before a fault (no throw). */
  copyInto(address: number, into: Uint8Array): number {
    const { length } = into;
    let done = 0;
    while (done < length) {
      const count = this.locate(address + done, length - done, false);
      if (count === 0) break;
      const { chunk, at } = this;
      if (count <= 64) for (let index = 0; index < count; index++) into[done + index] = chunk[at + index];
      else into.set(chunk.subarray(at, at + count), done);
      done += count;
    }
    return done;
  }

  /** EFAULT. */
  copyOut(address: number, from: Uint8Array): void {
    if (this.copyOutPartial(address, from) < from.length) throw EFAULT;
  }

  /** Like copyOut, but returns how many bytes before a fault (no throw). */
  copyOutPartial(address: number, from: Uint8Array): number {
    const { length } = from;
    let done = 0;
    while (done < length) {
      const count = this.locate(address + done, length - done, true);
      if (count === 0) break;
      const { chunk, at } = this;
      if (count <= 64) for (let index = 0; index < count; index++) chunk[at + index] = from[done + index];
      else chunk.set(count === length ? from : from.subarray(done, done + count), at);
      done += count;
    }
    return done;
  }

  /** A NUL-terminated byte string of fewer than `max` bytes; undefined when there is no NUL among them. EFAULT. */
  readString(address: number, max: number): Name | undefined {
    let name = '';
    let done = 0;
    while (done < max) {
      const left = PAGE_SIZE - ((address + done) & PAGE_MASK);
      const count = this.locate(address + done, Math.min(left, max - done), false);
      if (count === 0) throw EFAULT;
      const { chunk, at } = this;
      const end = at + count;
      let index = at;
      while (index < end && chunk[index] !== 0) index++;
      const part = nameFromBytes(chunk, at, index);
      name = done === 0 ? part : name + part;
      if (index < end) return name;
      done += count;
    }
    return undefined;
  }

  getU8(address: number): number {
    if (this.locate(address, 1, false) === 0) throw EFAULT;
    return this.chunk[this.at];
  }

  putU8(address: number, value: number): void {
    if (this.locate(address, 1, true) === 0) throw EFAULT;
    this.chunk[this.at] = value;
  }

  getU32(address: number): number {
    if (this.locate(address, 4, false) < 4) return word(this.copyIn(address, 4), 0);
    return word(this.chunk, this.at);
  }

  putU32(address: number, value: number): void {
    if (this.locate(address, 4, true) === 4) putWord(this.chunk, this.at, value);
    else this.copyOut(address, bytesOf(value, 0).subarray(0, 4));
  }

  /** Exact below 2^53. */
  getU64(address: number): number {
    if (this.locate(address, 8, false) === 8)
      return word(this.chunk, this.at) + word(this.chunk, this.at + 4) * TWO32;
    const bytes = this.copyIn(address, 8);
    return word(bytes, 0) + word(bytes, 4) * TWO32;
  }

  /** Negative numbers are written in two's complement. */
  putU64(address: number, value: number): void {
    const high = Math.floor(value / TWO32);
    if (this.locate(address, 8, true) === 8) {
      putWord(this.chunk, this.at, value);
      putWord(this.chunk, this.at + 4, high);
    } else this.copyOut(address, bytesOf(value, high));
  }

  /** Writes zeros. EFAULT. */
  clear(address: number, length: number): void {
    let done = 0;
    while (done < length) {
      const count = this.locate(address + done, length - done, true);
      if (count === 0) throw EFAULT;
      this.chunk.fill(0, this.at, this.at + count);
      done += count;
    }
  }

  /** A buffer over one user range, for File.read and File.write. EFAULT when the range leaves user space. */
  buffer(address: number, length: number): IoBuffer {
    if (!(address + length <= this.top)) throw EFAULT;
    return new UserBuffer(this, address, length, undefined);
  }

  /** A buffer over several ranges: readv(2). EFAULT when one leaves user space. */
  vector(ranges: readonly UserRange[]): IoBuffer {
    let total = 0;
    for (const { address, length } of ranges) {
      if (!(address + length <= this.top)) throw EFAULT;
      total += length;
    }
    return new UserBuffer(this, 0, total, ranges);
  }

  /**
   * The 32-bit word at an aligned user address, for Atomics (futexes): an array over guest memory and the index in it. Faults
   * the page in, for writing if asked. The word stays valid until the next await. EFAULT.
   */
  word(address: number, write: boolean): { readonly words: Int32Array<ArrayBuffer>; readonly index: number } {
    if (this.locate(address, 4, write) < 4) throw EFAULT;
    const chunk = this.chunks.indexOf(this.chunk);
    // Above 2 GiB a chunk's byte index does not fit the operand of a shift.
    return { words: this.frames.words[chunk], index: Math.floor(this.at / 4) };
  }
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;

function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function bytesOf(low: number, high: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putWord(bytes, 0, low);
  putWord(bytes, 4, high);
  return bytes;
}
