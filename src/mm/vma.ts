/**
 * The areas of an address space: Linux's vm_area_struct, and the sorted list of them. An area is a range of pages with one
 * protection and one source: nothing (private anonymous memory), or an object (mappable.ts) from a page of it on.
 */
import type { HostRange } from '../host/cpu.js';
import { PAGE_SIZE } from '../host/memory.js';
import type { File } from '../fs/file.js';
import { assert } from '../lib/assert.js';
import type { Name } from '../lib/names.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../uapi/mman.js';
import type { AddressSpace } from './address-space.js';
import type { Mappable, Mapping } from './mappable.js';

/** Flags of an area, with Linux's values (include/linux/mm.h): VM_READ, VM_WRITE and VM_EXEC are those of PROT_*. */
export const VM_READ = PROT_READ;
export const VM_WRITE = PROT_WRITE;
export const VM_EXEC = PROT_EXEC;
export const VM_ACCESS = VM_READ | VM_WRITE | VM_EXEC;
export const VM_SHARED = 0x8;
/** What mprotect(2) may turn on: VM_MAYREAD is VM_READ << 4, and so on. */
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100;
/** Mapped by the host in every space: the vDSO and its data. Nothing of ours is behind it, and it can't be changed. */
export const VM_SPECIAL = 0x400;
export const VM_LOCKED = 0x2000;
export const VM_SEQ_READ = 0x8000;
export const VM_RAND_READ = 0x1_0000;
/** madvise(2) MADV_DONTFORK. */
export const VM_DONTCOPY = 0x2_0000;
export const VM_DONTEXPAND = 0x4_0000;
export const VM_LOCKONFAULT = 0x8_0000;
/** Counted in Committed_AS. */
export const VM_ACCOUNT = 0x10_0000;
export const VM_NORESERVE = 0x20_0000;
export const VM_WIPEONFORK = 0x200_0000;
export const VM_DONTDUMP = 0x400_0000;
export const VM_HUGEPAGE = 0x2000_0000;
export const VM_NOHUGEPAGE = 0x4000_0000;

/** stack_guard_gap: what must stay free below an area that grows down. */
export const STACK_GUARD = 256 * PAGE_SIZE;

/**
 * How many pages the faults of an area map: faults that run on, upwards or downwards, map twice as many each time; one that
 * jumps begins again.
 */
export class FaultWindow {
  private start = 0;
  private end = 0;
  private pages = 0;

  /** The pages that a fault is to map, a power of two: `first`, or as many as faults have run on to, at most `most`. */
  next(address: number, first: number, most: number): number {
    const reach = this.pages * PAGE_SIZE;
    const runsOn =
      (address >= this.end && address < this.end + reach) ||
      (address < this.start && address >= this.start - reach);
    this.pages = runsOn ? Math.min(Math.max(this.pages * 2, first), most) : Math.min(first, most);
    const length = this.pages * PAGE_SIZE;
    this.mapped(address - (address % length), length);
    return this.pages;
  }

  /** What the fault has mapped in fact. */
  mapped(start: number, length: number): void {
    this.start = start;
    this.end = start + length;
  }
}

export class Vma implements Mapping {
  /** First touches, and writes to what was there for reading. */
  readonly touches = new FaultWindow();
  readonly writes = new FaultWindow();
  /** Frame minus page number of the first anonymous run: the place at which further runs continue it on the host. */
  anchor = 0;

  constructor(
    readonly space: AddressSpace,
    public start: number,
    public end: number,
    public flags: number,
    /** What is behind it; undefined: zeros. */
    readonly object: Mappable | undefined,
    /** Byte offset into the object, page-aligned. */
    public offset: number,
    readonly file: File | undefined,
    public name: Name | undefined,
  ) {}

  get pages(): number {
    return (this.end - this.start) / PAGE_SIZE;
  }
  get shared(): boolean {
    return (this.flags & VM_SHARED) !== 0;
  }
  /** Writes go to copies. */
  get copiesOnWrite(): boolean {
    return (this.flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
  }
  get writesThrough(): boolean {
    return (this.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE);
  }
  get locked(): boolean {
    return (this.flags & VM_LOCKED) !== 0;
  }
  get accessible(): boolean {
    return (this.flags & VM_ACCESS) !== 0;
  }
  /** The lowest address that no other area may touch. */
  get guardStart(): number {
    return (this.flags & VM_GROWSDOWN) === 0 ? this.start : Math.max(0, this.start - STACK_GUARD);
  }
  /** The object's page shown at an address of the area. */
  pageAt(address: number): number {
    return Math.floor((address - this.start + this.offset) / PAGE_SIZE);
  }

  /** The part from `at` on becomes an area of its own; this one keeps the lower part. The caller puts it in the list. */
  split(at: number): Vma {
    assert(at > this.start && at < this.end, 'an area is divided inside');
    const { space, end, flags, object, file, name } = this;
    const upper = new Vma(space, at, end, flags, object, this.offset + (at - this.start), file, name);
    upper.anchor = this.anchor;
    this.end = at;
    upper.attach();
    return upper;
  }

  /** Whether `upper`, which begins where this one ends, could be the same area. */
  continuesIn(upper: Vma): boolean {
    return (
      this.end === upper.start &&
      this.flags === upper.flags &&
      this.object === upper.object &&
      this.file === upper.file &&
      this.name === upper.name &&
      (this.flags & VM_SPECIAL) === 0 &&
      (this.object === undefined || this.offset + (this.end - this.start) === upper.offset)
    );
  }

  /** Tells the object and the file that it exists. */
  attach(): void {
    this.file?.hold();
    this.object?.mapped(this);
  }
  detach(): void {
    this.object?.unmapped(this);
    this.file?.drop();
  }

  // Mapping: what the object asks.

  zap(first: number, count: number, copies: boolean): void {
    const [start, end] = this.addresses(first, count);
    if (start < end) this.space.zapObject(this, start, end, copies);
  }
  clean(first: number, count: number): void {
    const [start, end] = this.addresses(first, count);
    if (start < end) this.space.cleanShared(this, start, end);
  }

  /** The part of the area that shows pages [first, first + count) of the object. */
  private addresses(first: number, count: number): [start: number, end: number] {
    const base = this.start - this.offset;
    return [
      Math.max(this.start, base + first * PAGE_SIZE),
      Math.min(this.end, base + (first + count) * PAGE_SIZE),
    ];
  }
}

/** The area of a range that the host maps in every space. */
export function hostArea(space: AddressSpace, { start, end, name }: HostRange): Vma {
  const execute = name === '[vdso]' ? VM_EXEC : 0;
  return new Vma(space, start, end, VM_READ | execute | VM_SPECIAL, undefined, 0, undefined, name);
}

/** The areas of a space, ascending, none overlapping. */
export class VmaList {
  readonly areas: Vma[] = [];
  private hit: Vma | undefined;
  /** Between `searched` and the bound of the last search there is no gap longer than `largestSkipped`: `highestGap`. */
  private searched = Infinity;
  private searchHigh = Infinity;
  private searchLow = 0;
  private largestSkipped = 0;

  get size(): number {
    return this.areas.length;
  }

  /** The area that contains an address. */
  find(address: number): Vma | undefined {
    const { hit } = this;
    if (hit !== undefined && hit.start <= address && address < hit.end) return hit;
    const area = this.areas[this.indexAfter(address)];
    if (area === undefined || area.start > address) return undefined;
    this.hit = area;
    return area;
  }

  /** The area that contains an address, or else the next above it. */
  findAfter(address: number): Vma | undefined {
    return this.areas[this.indexAfter(address)];
  }

  /** The last area that ends at or below an address. */
  findBelow(address: number): Vma | undefined {
    return this.areas[this.indexFrom(address) - 1];
  }

  /** Areas that have a byte in [start, end): a list of its own. */
  overlapping(start: number, end: number): Vma[] {
    const { areas } = this;
    const from = this.indexAfter(start);
    if (from === areas.length || areas[from].start >= end) return [];
    let to = from + 1;
    while (to < areas.length && areas[to].start < end) to++;
    return areas.slice(from, to);
  }

  isFree(start: number, end: number): boolean {
    const area = this.findAfter(start);
    return area === undefined || area.start >= end;
  }

  insert(area: Vma): void {
    const index = this.indexAfter(area.start);
    assert(index === this.areas.length || this.areas[index].start >= area.end, 'areas do not overlap');
    this.areas.splice(index, 0, area);
  }

  remove(area: Vma): void {
    const index = this.indexAfter(area.start);
    assert(this.areas[index] === area, 'the area is in the list');
    this.areas.splice(index, 1);
    this.freed(area.start, area.end);
    if (this.hit === area) this.hit = undefined;
  }

  /** Divides the area that has `at` inside. */
  split(at: number): void {
    const index = this.indexAfter(at);
    const area = this.areas[index];
    if (area === undefined || area.start >= at) return;
    this.areas.splice(index + 1, 0, area.split(at));
  }

  /** A gap has come to be: the next search has to look at it. */
  freed(_start: number, end: number): void {
    if (end > this.searched) this.searched = Infinity;
  }

  /** Joins areas at the borders within [start, end] that are alike. */
  mergeAround(start: number, end: number): void {
    const { areas } = this;
    let index = Math.max(1, this.indexAfter(start));
    while (index < areas.length && areas[index].start <= end) {
      const lower = areas[index - 1];
      const upper = areas[index];
      if (!lower.continuesIn(upper)) {
        index++;
        continue;
      }
      lower.end = upper.end;
      areas.splice(index, 1);
      if (this.hit === upper) this.hit = undefined;
      upper.detach();
    }
  }

  /** Where the highest gap of this length in [low, high) begins; stacks' guard gaps stay free. */
  highestGap(length: number, low: number, high: number): number | undefined {
    const sameBounds = high === this.searchHigh && low === this.searchLow;
    if (length <= this.largestSkipped || this.searched > high || !sameBounds) {
      this.searched = this.searchHigh = high;
      this.searchLow = low;
      this.largestSkipped = 0;
    }
    let top = this.searched;
    for (let index = this.indexFrom(top) - 1; ; index--) {
      // An area that begins in the gap's guard range narrows the gap from above.
      const above = this.areas[index + 1];
      if (above !== undefined) top = Math.min(top, above.guardStart);
      const bottom = index >= 0 ? Math.max(low, this.areas[index].end) : low;
      if (top - bottom >= length) {
        this.searched = top;
        return top - length;
      }
      if (top > bottom && top - bottom > this.largestSkipped) this.largestSkipped = top - bottom;
      if (index < 0 || bottom === low) return undefined;
      top = this.areas[index].guardStart;
    }
  }

  /** Where the lowest gap of this length in [low, high) begins. */
  lowestGap(length: number, low: number, high: number): number | undefined {
    let bottom = low;
    for (let index = this.indexAfter(low); index < this.areas.length; index++) {
      const area = this.areas[index];
      if (bottom + length <= area.guardStart) break;
      bottom = area.end;
    }
    return bottom + length <= high ? bottom : undefined;
  }

  clear(): void {
    this.areas.length = 0;
    this.hit = undefined;
    this.searched = Infinity;
    this.largestSkipped = 0;
  }

  /** Index of the first area that ends above an address. */
  private indexAfter(address: number): number {
    const { areas } = this;
    let low = 0;
    let high = areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (areas[middle].end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first area that begins at an address or above. */
  private indexFrom(address: number): number {
    const { areas } = this;
    let low = 0;
    let high = areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (areas[middle].start >= address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
