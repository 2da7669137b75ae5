/**
 * What is done to ranges of page table entries, with the host's mappings and the counts of pages following: installing,
 * removing, changing protection, moving. None of these flushes: the caller ends with AddressSpace.commit.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { AddressSpace } from './address-space.js';
import {
  PTE_ANON,
  PTE_FLAG_BITS,
  PTE_HOSTED,
  PTE_PRESENT,
  PTE_READ,
  PTE_SHMEM,
  PTE_WRITE,
  type PageTable,
  TABLE_BYTES,
  TABLE_PAGES,
  frameOf,
  makeEntry,
  tableIndex,
} from './page-table.js';
import { VM_WRITE, type Vma } from './vma.js';

const FLAGS = (1 << PTE_FLAG_BITS) - 1;

/** The entries of a table that belong to [start, end): first and one past the last. */
const firstEntry = (base: number, start: number): number => (start <= base ? 0 : (start - base) / PAGE_SIZE);
const endEntry = (base: number, end: number): number =>
  end >= base + TABLE_BYTES ? TABLE_PAGES : (end - base) / PAGE_SIZE;

/**
 * Shows consecutive frames at empty entries; the references to the frames become the tables'. The run lies in one table.
 * `kind`: PTE_ANON, PTE_SHMEM or 0. `later`: the host need not know before it is told something else. `ready`: as
 * in AddressSpace.hostMap.
 */
export function installRun(
  space: AddressSpace,
  vma: Vma,
  address: number,
  frame: number,
  count: number,
  kind: number,
  writable: boolean,
  later = false,
  ready = false,
): void {
  const index = tableIndex(address);
  const table = space.tables.ensure(index);
  const first = (address - index * TABLE_BYTES) / PAGE_SIZE;
  let flags = PTE_PRESENT | kind | (later ? 0 : PTE_HOSTED);
  if (vma.accessible) flags |= PTE_READ;
  if (writable) flags |= PTE_WRITE;
  for (let at = 0; at < count; at++) table.entries[first + at] = makeEntry(frame + at, flags);
  table.used += count;
  space.countPages(kind, count);
  if (later) space.hostLater(address, count);
  else space.hostMap(address, frame, count, space.hostProtection(vma, flags), ready);
}

/** Has the host map the pages of [start, end) that it has not got. */
export function hostRange(space: AddressSpace, start: number, end: number): void {
  let runStart = 0;
  let runFrame = 0;
  let runCount = 0;
  let runProtection = 0;
  for (const index of space.tables.within(start, end)) {
    const { entries } = space.tables.at(index) as PageTable;
    const base = index * TABLE_BYTES;
    const to = endEntry(base, end);
    let vma: Vma | undefined;
    for (let at = firstEntry(base, start); at < to; at++) {
      const entry = entries[at];
      if (entry === 0 || (entry & PTE_HOSTED) !== 0) continue;
      entries[at] = entry | PTE_HOSTED;
      const page = base + at * PAGE_SIZE;
      if (vma === undefined || page >= vma.end) vma = space.vmas.find(page) as Vma;
      const frame = frameOf(entry);
      const protection = space.hostProtection(vma, entry);
      const goesOn =
        frame === runFrame + runCount &&
        page === runStart + runCount * PAGE_SIZE &&
        protection === runProtection;
      if (goesOn) {
        runCount++;
        continue;
      }
      if (runCount > 0) space.hostMap(runStart, runFrame, runCount, runProtection);
      runStart = page;
      runFrame = frame;
      runCount = 1;
      runProtection = protection;
    }
  }
  if (runCount > 0) space.hostMap(runStart, runFrame, runCount, runProtection);
}

/** Runs of frames that leave the tables: let go of at once if the host never had them, else after the next flush. */
class Leaving {
  private frame = 0;
  private count = 0;
  private hosted = 0;

  constructor(private readonly space: AddressSpace) {}

  add(entry: number): void {
    const frame = entry >>> PTE_FLAG_BITS;
    if (frame === this.frame + this.count && (entry & PTE_HOSTED) === this.hosted) {
      this.count++;
      return;
    }
    this.end();
    this.frame = frame;
    this.count = 1;
    this.hosted = entry & PTE_HOSTED;
  }

  end(): void {
    const { space, frame, count } = this;
    if (count > 0 && this.hosted !== 0) space.doom(frame, count);
    else if (count > 0) space.frames.dropRun(frame, count);
    this.count = 0;
  }
}

/** Empties the entries of [start, end); without `copies`, only those that show an object's pages. */
export function zapRange(space: AddressSpace, start: number, end: number, copies: boolean): void {
  if (start >= end) return;
  const { tables } = space;
  const leaving = new Leaving(space);
  // What the host has mapped is removed in one piece, except around entries that stay.
  let hostStart = -1;
  let hostEnd = -1;
  for (const index of tables.within(start, end)) {
    const table = tables.at(index) as PageTable;
    const base = index * TABLE_BYTES;
    const { entries } = table;
    const to = endEntry(base, end);
    let anon = 0;
    let shmem = 0;
    let all = 0;
    for (let at = firstEntry(base, start); at < to; at++) {
      const entry = entries[at];
      if (entry === 0) continue;
      if (!copies && (entry & PTE_ANON) !== 0) {
        if (hostStart >= 0) space.hostUnmap(hostStart, hostEnd);
        hostStart = -1;
        continue;
      }
      entries[at] = 0;
      all++;
      if ((entry & PTE_ANON) !== 0) anon++;
      else if ((entry & PTE_SHMEM) !== 0) shmem++;
      if ((entry & PTE_HOSTED) !== 0) {
        const page = base + at * PAGE_SIZE;
        if (hostStart < 0) hostStart = page;
        hostEnd = page + PAGE_SIZE;
      }
      leaving.add(entry);
    }
    if (all === 0) continue;
    space.countPages(PTE_ANON, -anon);
    space.countPages(PTE_SHMEM, -shmem);
    space.countPages(0, anon + shmem - all);
    table.used -= all;
    tables.releaseIfEmpty(index, table);
  }
  leaving.end();
  if (hostStart >= 0) space.hostUnmap(hostStart, hostEnd);
}

/** The access flags that an entry has under its area's protection. */
function accessFlags(space: AddressSpace, vma: Vma, entry: number): number {
  if (!vma.accessible) return 0;
  if ((vma.flags & VM_WRITE) === 0) return PTE_READ;
  // A write must be noticed where it copies, and where it makes an object's page dirty.
  if ((entry & (PTE_WRITE | PTE_SHMEM)) !== 0 && vma.shared) return PTE_READ | PTE_WRITE;
  const mine = (entry & PTE_ANON) !== 0 && space.frames.references(frameOf(entry)) === 1;
  return mine ? PTE_READ | PTE_WRITE : PTE_READ;
}

/** Brings the entries of [start, end), inside one area, in line with the area's protection, which has changed. */
export function protectRange(space: AddressSpace, vma: Vma, start: number, end: number): void {
  // Runs of pages that get one and the same protection on the host; only those are told whose protection changes.
  let runStart = 0;
  let runEnd = -1;
  let runProtection = -1;
  for (const index of space.tables.within(start, end)) {
    const { entries } = space.tables.at(index) as PageTable;
    const base = index * TABLE_BYTES;
    const to = endEntry(base, end);
    for (let at = firstEntry(base, start); at < to; at++) {
      const entry = entries[at];
      if (entry === 0) continue;
      const changed = (entry & ~(PTE_READ | PTE_WRITE)) | accessFlags(space, vma, entry);
      entries[at] = changed;
      if ((entry & PTE_HOSTED) === 0) continue;
      const protection = space.hostProtection(vma, changed);
      const page = base + at * PAGE_SIZE;
      if (page !== runEnd || protection !== runProtection) {
        if (runProtection >= 0) space.hostProtect(runStart, runEnd, runProtection);
        runStart = page;
        runProtection = protection;
      }
      runEnd = page + PAGE_SIZE;
    }
  }
  if (runProtection >= 0) space.hostProtect(runStart, runEnd, runProtection);
}

/** Takes write access from the entries of [start, end), so that the next write faults. */
export function cleanRange(space: AddressSpace, vma: Vma, start: number, end: number): void {
  let runStart = -1;
  let runEnd = -1;
  const protection = space.hostProtection(vma, PTE_READ);
  for (const index of space.tables.within(start, end)) {
    const { entries } = space.tables.at(index) as PageTable;
    const base = index * TABLE_BYTES;
    const to = endEntry(base, end);
    for (let at = firstEntry(base, start); at < to; at++) {
      if ((entries[at] & PTE_WRITE) === 0) continue;
      entries[at] &= ~PTE_WRITE;
      if ((entries[at] & PTE_HOSTED) === 0) continue;
      const page = base + at * PAGE_SIZE;
      if (page !== runEnd) {
        if (runStart >= 0) space.hostProtect(runStart, runEnd, protection);
        runStart = page;
      }
      runEnd = page + PAGE_SIZE;
    }
  }
  if (runStart >= 0) space.hostProtect(runStart, runEnd, protection);
}

/** Moves the pages of [start, end) to `target`, where nothing is: mremap(2). `vma` is the area there. */
export function moveRange(space: AddressSpace, vma: Vma, start: number, end: number, target: number): void {
  const { tables } = space;
  const found = tables.within(start, end);
  if (found.length === 0) return;
  let moved = false;
  for (const index of found) {
    const table = tables.at(index) as PageTable;
    const base = index * TABLE_BYTES;
    const to = endEntry(base, end);
    let runStart = 0;
    let runFrame = 0;
    let runCount = 0;
    let runProtection = 0;
    let taken = 0;
    for (let at = firstEntry(base, start); at < to; at++) {
      const entry = table.entries[at];
      if (entry === 0) continue;
      table.entries[at] = 0;
      taken++;
      const page = base + at * PAGE_SIZE - start + target;
      const into = tables.ensure(tableIndex(page));
      into.entries[(page - tableIndex(page) * TABLE_BYTES) / PAGE_SIZE] = entry | PTE_HOSTED;
      into.used++;
      const frame = frameOf(entry);
      const protection = space.hostProtection(vma, entry);
      const goesOn =
        runCount > 0 &&
        frame === runFrame + runCount &&
        page === runStart + runCount * PAGE_SIZE &&
        protection === runProtection;
      if (goesOn) runCount++;
      else {
        if (runCount > 0) space.hostMap(runStart, runFrame, runCount, runProtection);
        runStart = page;
        runFrame = frame;
        runCount = 1;
        runProtection = protection;
      }
    }
    if (runCount > 0) space.hostMap(runStart, runFrame, runCount, runProtection);
    if (taken === 0) continue;
    moved = true;
    table.used -= taken;
    tables.releaseIfEmpty(index, table);
  }
  if (moved) space.hostUnmap(start, end);
}

/** Lets go of every page; the host's mappings are gone already. */
export function releaseAll(space: AddressSpace): void {
  const { tables, frames } = space;
  for (const index of tables.within(0, space.top)) {
    const table = tables.at(index) as PageTable;
    const { entries } = table;
    let runFrame = 0;
    let runCount = 0;
    for (let at = 0; at < TABLE_PAGES && table.used > 0; at++) {
      const entry = entries[at];
      if (entry === 0) continue;
      entries[at] = 0;
      table.used--;
      const frame = entry >>> PTE_FLAG_BITS;
      if (frame === runFrame + runCount) runCount++;
      else {
        if (runCount > 0) frames.dropRun(runFrame, runCount);
        runFrame = frame;
        runCount = 1;
      }
    }
    if (runCount > 0) frames.dropRun(runFrame, runCount);
    tables.releaseIfEmpty(index, table);
  }
  space.anonPages = space.filePages = space.shmemPages = 0;
}

/** How many mappings the host needs for the space: maximal runs of frames and protection. */
export function countHostRuns(space: AddressSpace): number {
  let runs = 0;
  let lastPage = -1;
  let last = 0;
  for (const index of space.tables.within(0, space.top)) {
    const { entries } = space.tables.at(index) as PageTable;
    for (let at = 0; at < TABLE_PAGES; at++) {
      const entry = entries[at];
      if ((entry & PTE_HOSTED) === 0) continue;
      const page = index * TABLE_PAGES + at;
      const continues =
        page === lastPage + 1 &&
        frameOf(entry) === frameOf(last) + 1 &&
        ((entry ^ last) & (PTE_READ | PTE_WRITE)) === 0;
      if (!continues) runs++;
      lastPage = page;
      last = entry;
    }
  }
  return runs;
}

/** The host forgets all pages of the space; faults show them again one by one. */
export function unhostAll(space: AddressSpace): void {
  space.host.clear();
  for (const index of space.tables.within(0, space.top)) {
    const { entries } = space.tables.at(index) as PageTable;
    for (let at = 0; at < TABLE_PAGES; at++) entries[at] &= ~PTE_HOSTED;
  }
}

/** The flags of an entry, for those that copy it. */
export const flagsOf = (entry: number): number => entry & FLAGS;
