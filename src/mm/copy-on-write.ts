/**
 * Copying on write: private pages that others show too (fork) or that belong to an object are replaced by copies when they
 * are written. Pages around the written one are copied along, more of them as faults run on; a page that nobody else shows
 * any more is just made writable again, with all such pages around it.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { AddressSpace } from './address-space.js';
import type { Resolution } from './fault.js';
import type { Mappable } from './mappable.js';
import {
  PTE_ANON,
  PTE_HOSTED,
  PTE_PRESENT,
  PTE_READ,
  PTE_WRITE,
  type PageTable,
  TABLE_PAGES,
  entryIndex,
  frameOf,
  makeEntry,
  tableIndex,
} from './page-table.js';
import { installRun } from './pages.js';
import { VM_WRITE, type Vma } from './vma.js';

/** The least and the most pages that one fault copies. */
const FEWEST = 4;
const MOST = 64;
/** How many pages of a file a first write copies: the data segment of a library is a few pages, nearly all written. */
const FILE_WINDOW = 8;

/** A write to a private page that is there for reading. */
export function copyOnWrite(space: AddressSpace, vma: Vma, address: number): Resolution {
  const { frames, manager } = space;
  const index = entryIndex(address);
  const table = space.tables.at(tableIndex(address)) as PageTable;
  const entry = table.entries[index];
  if ((entry & PTE_ANON) !== 0) space.hot?.note(address);
  if (isMine(space, entry)) {
    reuse(space, vma, address, table);
    return 'done';
  }
  const window = vma.writes.next(address, FEWEST, Math.min(MOST, manager.windowLimit()));
  const [low, high] = copyRange(space, vma, address, table, window);
  // The source must not change hands while memory is looked for.
  const source = frameOf(entry);
  frames.hold(source);
  let copies: number;
  try {
    copies = manager.obtainRun(high - low, 0, false);
  } finally {
    frames.drop(source);
  }
  const granted = manager.granted;
  const first = Math.max(low, Math.min(index, high - granted));
  const count =
    space.tables.at(tableIndex(address)) === table
      ? stillCopyable(space, table, first, granted, index, entry)
      : 0;
  if (count < granted) frames.dropRun(copies + count, granted - count);
  if (count === 0) return 'done';
  replace(space, vma, address + (first - index) * PAGE_SIZE, table, first, count, copies);
  return 'done';
}

const isMine = (space: AddressSpace, entry: number): boolean =>
  (entry & PTE_ANON) !== 0 && space.frames.references(frameOf(entry)) === 1;

/** A page that a write would have to copy. */
const wantsCopy = (space: AddressSpace, entry: number): boolean =>
  entry !== 0 && (entry & PTE_WRITE) === 0 && !isMine(space, entry);

/** The entries [low, high) to copy: those alike around the one of `address`, in an aligned window. */
function copyRange(
  space: AddressSpace,
  vma: Vma,
  address: number,
  table: PageTable,
  window: number,
): [low: number, high: number] {
  const { entries } = table;
  const index = entryIndex(address);
  const base = address - index * PAGE_SIZE;
  const start = index & ~(window - 1);
  const lowest = Math.max(start, (vma.start - base) / PAGE_SIZE);
  const highest = Math.min(start + window, (vma.end - base) / PAGE_SIZE, TABLE_PAGES);
  let low = index;
  while (low > lowest && wantsCopy(space, entries[low - 1])) low--;
  let high = index + 1;
  while (high < highest && wantsCopy(space, entries[high])) high++;
  return [low, high];
}

/** After memory was found: how many entries from `first` on are still to be copied; 0 when the touched one has changed. */
function stillCopyable(
  space: AddressSpace,
  table: PageTable,
  first: number,
  most: number,
  index: number,
  entry: number,
): number {
  if (space.reaped || table.entries[index] !== entry) return 0;
  let count = 0;
  while (count < most && wantsCopy(space, table.entries[first + count])) count++;
  return first + count > index ? count : 0;
}

/** Puts copies in place of `count` entries from `first` on. */
function replace(
  space: AddressSpace,
  vma: Vma,
  address: number,
  table: PageTable,
  first: number,
  count: number,
  copies: number,
): void {
  const { entries } = table;
  const flags = PTE_PRESENT | PTE_HOSTED | PTE_ANON | ownAccess(vma);
  for (let at = 0; at < count;) {
    const frame = frameOf(entries[first + at]);
    let run = 0;
    do {
      space.countPages(entries[first + at], -1);
      entries[first + at] = makeEntry(copies + at, flags);
      at++;
      run++;
    } while (at < count && frameOf(entries[first + at]) === frame + run);
    space.frames.copyRun(frame, copies + at - run, run);
    space.doom(frame, run);
  }
  space.countPages(PTE_ANON, count);
  space.hostMap(address, copies, count, space.hostProtection(vma, flags), true);
}

/** A debugger's write leaves its copy with the area's own access. */
const ownAccess = (vma: Vma): number =>
  (vma.accessible ? PTE_READ : 0) | ((vma.flags & VM_WRITE) === 0 ? 0 : PTE_WRITE);

/** Makes a page writable that nobody else shows, and those like it around. */
function reuse(space: AddressSpace, vma: Vma, address: number, table: PageTable): void {
  const { entries } = table;
  const index = entryIndex(address);
  const base = address - index * PAGE_SIZE;
  const lowest = Math.max(0, (vma.start - base) / PAGE_SIZE);
  const highest = Math.min(TABLE_PAGES, (vma.end - base) / PAGE_SIZE);
  const alike = (entry: number): boolean =>
    (entry & (PTE_WRITE | PTE_HOSTED)) === PTE_HOSTED && isMine(space, entry);
  if (!alike(entries[index])) {
    // The host does not have it mapped.
    entries[index] |= PTE_READ | PTE_WRITE | PTE_HOSTED;
    space.hostMap(address, frameOf(entries[index]), 1, space.hostProtection(vma, entries[index]));
    return;
  }
  let low = index;
  while (low > lowest && alike(entries[low - 1])) low--;
  let high = index + 1;
  while (high < highest && alike(entries[high])) high++;
  for (let at = low; at < high; at++) entries[at] |= PTE_READ | PTE_WRITE;
  space.hostProtect(
    base + low * PAGE_SIZE,
    base + high * PAGE_SIZE,
    space.hostProtection(vma, entries[index]),
  );
}

/** The first access to a private page of an object is a write: copies, of the pages around it as well. */
export function copyFromObject(space: AddressSpace, vma: Vma, object: Mappable, address: number): Resolution {
  const { frames, manager } = space;
  const source = object.frameFor(vma.pageAt(address), false);
  if (source === 0) return 'bus-error';
  // References that `sources` holds keep the pages while memory is looked for.
  const sources = [source];
  const index = entryIndex(address);
  const base = address - index * PAGE_SIZE;
  const window = Math.min(FILE_WINDOW, manager.windowLimit());
  const start = index & ~(window - 1);
  const lowest = Math.max(start, (vma.start - base) / PAGE_SIZE);
  const highest = Math.min(start + window, (vma.end - base) / PAGE_SIZE);
  const entries = space.tables.at(tableIndex(address))?.entries;
  const take = (at: number): number =>
    entries !== undefined && entries[at] !== 0 ? 0 : object.residentFrame(vma.pageAt(base + at * PAGE_SIZE));
  let low = index;
  for (let frame; low > lowest && (frame = take(low - 1)) !== 0; low--) sources.unshift(frame);
  let high = index + 1;
  for (let frame; high < highest && (frame = take(high)) !== 0; high++) sources.push(frame);
  try {
    const copies = manager.obtainRun(sources.length, 0, false);
    const { granted } = manager;
    if (space.reaped) {
      frames.dropRun(copies, granted);
      return 'out-of-memory';
    }
    const first = Math.max(low, Math.min(index, high - granted));
    for (let at = 0; at < granted; at++) frames.copyRun(sources[first - low + at], copies + at, 1);
    installRun(space, vma, base + first * PAGE_SIZE, copies, granted, PTE_ANON, (vma.flags & VM_WRITE) !== 0);
    return 'done';
  } finally {
    for (const frame of sources) frames.drop(frame);
  }
}
