/**
 * Page faults. A fault maps more than the page that was touched, because a trap costs as much as many pages: fresh memory
 * comes in runs of consecutive frames that double as faults run on (up to 2 MiB); copying on write takes the pages around
 * along in the same way; of a file, what is in memory around the fault is mapped as well. Consecutive frames also keep
 * the number of the host's mappings low.
 *
 * Finding memory may take pages from any space, this one included, and may even end with the OOM killer taking all of
 * them. So frames are obtained first, and page table entries are looked at after that.
 */
import { HOST_EXEC, HOST_WRITE } from '../host/cpu.js';
import { PAGE_SIZE } from '../host/memory.js';
import type { Task } from '../kernel/task.js';
import { Errno, ENOMEM } from '../uapi/errno.js';
import { RLIMIT_STACK } from '../uapi/resource.js';
import { BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGKILL, SIGSEGV } from '../uapi/signal.js';
import type { AddressSpace, FaultOutcome } from './address-space.js';
import { copyOnWrite, copyFromObject } from './copy-on-write.js';
import { checkExpansion, limitOf } from './limits.js';
import type { Mappable } from './mappable.js';
import {
  PTE_ANON,
  PTE_HOSTED,
  PTE_READ,
  PTE_SHMEM,
  PTE_WRITE,
  TABLE_BYTES,
  TABLE_PAGES,
  entryIndex,
  frameOf,
  tableIndex,
} from './page-table.js';
import { hostRange, installRun } from './pages.js';
import {
  STACK_GUARD,
  VM_ACCESS,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
  type Vma,
} from './vma.js';

/** Pages that a first fault in fresh memory maps, and in an object: those that run on map more. */
const FRESH = 16;
const AROUND = 64;
/** Most pages that a write makes writable in a shared mapping: each will be written back. */
const MOST_SHARED = 16;
/** mmap(2) of a file maps what is in memory of its first so many pages. */
const PREMAP = 512;
/** Data segments of so many pages are filled at once. */
const SMALL = 16;

/** How making a page accessible ended. */
export type Resolution = 'done' | 'bus-error' | 'out-of-memory';

const mapError: FaultOutcome = { signal: SIGSEGV, code: SEGV_MAPERR };
const accessError: FaultOutcome = { signal: SIGSEGV, code: SEGV_ACCERR };
const busError: FaultOutcome = { signal: SIGBUS, code: BUS_ADRERR };
/** SI_KERNEL. */
const killed: FaultOutcome = { signal: SIGKILL, code: 0x80 };

/** A fault of the guest. */
export function handleFault(space: AddressSpace, task: Task, address: number, access: number): FaultOutcome {
  space.process = task.process;
  space.limitHostMappings();
  const { manager } = space;
  manager.counters.pgfault++;
  const { fills } = manager;
  const vma = areaFor(space, address);
  if (vma === undefined) return mapError;
  if (!permits(vma, access)) return accessError;
  const resolution = resolve(space, vma, address - (address % PAGE_SIZE), access === HOST_WRITE);
  space.commitFault();
  if (manager.fills === fills) task.minorFaults++;
  else {
    task.majorFaults++;
    manager.counters.pgmajfault++;
  }
  switch (resolution) {
    case 'done':
      return 'resolved';
    case 'bus-error':
      return busError;
    case 'out-of-memory':
      // While a victim of the OOM killer is on its way out, there will be memory: the guest tries again.
      return manager.victimsLeft() ? 'resolved' : killed;
    default:
      return resolution satisfies never;
  }
}

/** A fault of the kernel in user memory: false where the guest would get a signal. */
export function faultIn(space: AddressSpace, address: number, write: boolean): boolean {
  const vma = areaFor(space, address);
  if (vma === undefined) return false;
  if ((vma.flags & (write ? VM_WRITE : VM_ACCESS)) === 0) return false;
  space.manager.counters.pgfault++;
  const done = resolve(space, vma, address - (address % PAGE_SIZE), write) === 'done';
  space.commit();
  return done;
}

/** The area of an address; a stack grows to reach it. */
export function areaFor(space: AddressSpace, address: number): Vma | undefined {
  const vma = space.vmas.findAfter(address);
  if (vma === undefined || (vma.flags & VM_SPECIAL) !== 0) return undefined;
  if (vma.start <= address) return vma;
  return (vma.flags & VM_GROWSDOWN) !== 0 && growStack(space, vma, address) ? vma : undefined;
}

/** expand_downwards: within RLIMIT_STACK, and not into the guard gap above another area. */
function growStack(space: AddressSpace, vma: Vma, address: number): boolean {
  const start = address - (address % PAGE_SIZE);
  if (start < space.manager.mmapMinAddress) return false;
  const below = space.vmas.findBelow(vma.start);
  if (below !== undefined) {
    // Another stack may come as near as it likes, and so may what cannot be accessed.
    const gap = below.accessible && (below.flags & VM_GROWSDOWN) === 0 ? STACK_GUARD : 0;
    if (start - below.end < gap) return false;
  }
  if (vma.end - start > limitOf(space, RLIMIT_STACK)) return false;
  const pages = (vma.start - start) / PAGE_SIZE;
  try {
    checkExpansion(space, vma.flags, pages);
  } catch (error) {
    if (error === ENOMEM) return false;
    throw error;
  }
  if (vma.object !== undefined) {
    if (vma.offset < vma.start - start) return false;
    vma.offset -= vma.start - start;
  }
  vma.start = start;
  space.account(vma, pages);
  return true;
}

function permits(vma: Vma, access: number): boolean {
  if (access === HOST_WRITE) return (vma.flags & VM_WRITE) !== 0;
  if (access === HOST_EXEC) return (vma.flags & VM_EXEC) !== 0;
  return (vma.flags & VM_ACCESS) !== 0;
}

/** Makes a page accessible in an area that permits it. `address` is the page's. Does not flush. */
export function resolve(space: AddressSpace, vma: Vma, address: number, write: boolean): Resolution {
  if (space.reaped) return 'out-of-memory';
  try {
    const resolution = resolvePage(space, vma, address, write);
    space.noteResident();
    return space.reaped ? 'out-of-memory' : resolution;
  } catch (error) {
    if (error === ENOMEM) return 'out-of-memory';
    // The object could not be read, or has no room for what is about to be written: SIGBUS, as on Linux.
    if (error instanceof Errno) return 'bus-error';
    throw error;
  }
}

function resolvePage(space: AddressSpace, vma: Vma, address: number, write: boolean): Resolution {
  const entry = space.tables.entry(address);
  if (entry === 0) {
    if (vma.object === undefined) return mapFresh(space, vma, address);
    if (write && !vma.shared) return copyFromObject(space, vma, vma.object, address);
    return mapObject(space, vma, vma.object, address, write);
  }
  if (write && (entry & PTE_WRITE) === 0)
    return vma.shared && vma.object !== undefined
      ? makeShared(space, vma, vma.object, address)
      : copyOnWrite(space, vma, address);
  // Another thread has resolved it, or the host has not been told yet, or was made to forget it.
  if ((entry & PTE_HOSTED) !== 0) showAgain(space, vma, address, entry);
  else {
    const start = address - (address % (AROUND * PAGE_SIZE));
    hostRange(space, start, start + AROUND * PAGE_SIZE);
  }
  return 'done';
}

/** Has the host map a page as its entry says. */
function showAgain(space: AddressSpace, vma: Vma, address: number, entry: number): void {
  space.hostMap(address, frameOf(entry), 1, space.hostProtection(vma, entry));
}

/** Narrows the entries [low, high) of the table of `address` to its area, and to the empty ones around it. */
function emptyAround(
  space: AddressSpace,
  vma: Vma,
  address: number,
  low: number,
  high: number,
): [low: number, high: number] {
  const index = entryIndex(address);
  const base = address - index * PAGE_SIZE;
  const lowest = Math.max(low, (vma.start - base) / PAGE_SIZE);
  const highest = Math.min(high, (vma.end - base) / PAGE_SIZE, TABLE_PAGES);
  const entries = space.tables.at(tableIndex(address))?.entries;
  if (entries === undefined) return [lowest, highest];
  let from = index;
  while (from > lowest && entries[from - 1] === 0) from--;
  let to = index + 1;
  while (to < highest && entries[to] === 0) to++;
  return [from, to];
}

/** First touch of private anonymous memory: a run of zeroed frames. */
function mapFresh(space: AddressSpace, vma: Vma, address: number): Resolution {
  const { manager } = space;
  const index = entryIndex(address);
  const window = vma.touches.next(address, FRESH, manager.windowLimit());
  const low = index & ~(window - 1);
  const [from, to] = emptyAround(space, vma, address, low, low + window);
  const base = address - index * PAGE_SIZE;
  const near = vma.anchor === 0 ? 0 : vma.anchor + base / PAGE_SIZE + from;
  const frame = manager.obtainRun(to - from, near, true);
  const count = manager.granted;
  if (space.reaped) {
    manager.frames.dropRun(frame, count);
    return 'out-of-memory';
  }
  // Fewer than asked for: those from the touched page on, as far as there is room above it.
  const first = Math.max(from, Math.min(index, to - count));
  const start = base + first * PAGE_SIZE;
  vma.anchor = frame - start / PAGE_SIZE;
  vma.touches.mapped(start, count * PAGE_SIZE);
  // Faults that run on will use all of it.
  const ready = count > FRESH && manager.frames.areRecycled(frame, count);
  installRun(space, vma, start, frame, count, PTE_ANON, (vma.flags & VM_WRITE) !== 0, false, ready);
  return 'done';
}

/** First touch of a page of an object: maps it, and what of the object is in memory around it. */
function mapObject(
  space: AddressSpace,
  vma: Vma,
  object: Mappable,
  address: number,
  write: boolean,
): Resolution {
  const frame = object.frameFor(vma.pageAt(address), write);
  if (frame === 0) return 'bus-error';
  if (space.reaped || space.tables.entry(address) !== 0) {
    space.frames.drop(frame);
    return 'done';
  }
  const free = object.memoryOnly === true;
  const kind = free ? PTE_SHMEM : 0;
  // Memory-only objects need not be told of writes, so their pages are writable from the start.
  const writable = vma.shared && (vma.flags & VM_WRITE) !== 0 && (free || write);
  installRun(space, vma, address, frame, 1, kind, writable);
  // Aligned in the object, whose pages come in such ranges.
  const window = vma.touches.next(address, AROUND, TABLE_PAGES);
  const low = entryIndex(address) - (vma.pageAt(address) % window);
  const ready = writable && free && window > AROUND;
  mapResident(space, vma, object, address, low, low + window, kind, writable && free, false, ready);
  const start = Math.max(vma.start, address + (low - entryIndex(address)) * PAGE_SIZE);
  const end = Math.min(vma.end, start + window * PAGE_SIZE, (tableIndex(address) + 1) * TABLE_BYTES);
  vma.touches.mapped(start, end - start);
  return 'done';
}

/** Maps what is in memory of the object at the empty entries [low, high) of the table of `address`. */
function mapResident(
  space: AddressSpace,
  vma: Vma,
  object: Mappable,
  address: number,
  low: number,
  high: number,
  kind: number,
  writable: boolean,
  later: boolean,
  ready: boolean,
): void {
  const base = tableIndex(address) * TABLE_BYTES;
  const from = Math.max(low, (vma.start - base) / PAGE_SIZE, 0);
  const to = Math.min(high, (vma.end - base) / PAGE_SIZE, TABLE_PAGES);
  const page = (base - vma.start + vma.offset) / PAGE_SIZE;
  const entries = space.tables.at(tableIndex(address))?.entries;
  const install = (start: number, frame: number, count: number): void => {
    const recycled = ready && space.frames.areRecycled(frame, count);
    installRun(space, vma, base + start * PAGE_SIZE, frame, count, kind, writable, later, recycled);
  };
  let runStart = from;
  let runFrame = 0;
  let runCount = 0;
  for (let at = from; at < to; at++) {
    const frame = entries !== undefined && entries[at] !== 0 ? 0 : object.residentFrame(page + at);
    if (runCount > 0 && frame === runFrame + runCount) {
      runCount++;
      continue;
    }
    if (runCount > 0) install(runStart, runFrame, runCount);
    runStart = at;
    runFrame = frame;
    runCount = frame === 0 ? 0 : 1;
  }
  if (runCount > 0) install(runStart, runFrame, runCount);
}

/** A shared page that was mapped for reading is written: makes it writable, and as many more as writes have run on to. */
function makeShared(space: AddressSpace, vma: Vma, object: Mappable, address: number): Resolution {
  const end = Math.min(vma.end, address + vma.writes.next(address, 1, MOST_SHARED) * PAGE_SIZE);
  for (let at = address; at < end; at += PAGE_SIZE) {
    const before = space.tables.entry(at);
    if (at > address && (before === 0 || (before & PTE_WRITE) !== 0)) break;
    const frame = object.frameFor(vma.pageAt(at), true);
    if (frame === 0) return at === address ? 'bus-error' : 'done';
    space.frames.drop(frame);
    const table = space.tables.at(tableIndex(at));
    const index = entryIndex(at);
    const entry = table?.entries[index] ?? 0;
    // The object may have replaced the page meanwhile: the guest's next try maps the new one.
    if (table === undefined || frameOf(entry) !== frame) break;
    table.entries[index] = entry | PTE_READ | PTE_WRITE;
    if ((entry & PTE_HOSTED) === 0) hostRange(space, at, at + PAGE_SIZE);
    else space.hostProtect(at, at + PAGE_SIZE, space.hostProtection(vma, table.entries[index]));
  }
  return 'done';
}

/**
 * A new mapping shows what is in memory already, and small data segments get their copies, so that programs and libraries
 * hardly fault. The host is told with the next change that cannot wait: much of it is replaced before that.
 */
export function premap(space: AddressSpace, vma: Vma, fixed: boolean): void {
  const { object } = vma;
  if (!vma.accessible) return;
  if ((vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE) {
    // What is placed exactly and can be written is a program's data: nearly all of it will be.
    if (fixed && vma.pages <= SMALL && space.manager.windowLimit() > SMALL) prefill(space, vma, object);
    return;
  }
  if (object === undefined) return;
  const end = Math.min(vma.end, vma.start + PREMAP * PAGE_SIZE);
  const free = object.memoryOnly === true;
  const kind = free ? PTE_SHMEM : 0;
  const writable = free && (vma.flags & VM_WRITE) !== 0;
  for (let base = tableIndex(vma.start) * TABLE_BYTES; base < end; base += TABLE_BYTES) {
    const from = Math.max(base, vma.start);
    mapResident(space, vma, object, from, 0, (end - base) / PAGE_SIZE, kind, writable, true, false);
  }
}

/** Fills a small private area with zeroed pages, or with copies of the object's, as far as those are in memory. */
function prefill(space: AddressSpace, vma: Vma, object: Mappable | undefined): void {
  const { frames } = space;
  const room = (TABLE_BYTES - (vma.start % TABLE_BYTES)) / PAGE_SIZE;
  const most = Math.min(vma.pages, room);
  const frame = frames.allocateRun(most, object === undefined);
  if (frame === 0) return;
  let count = 0;
  if (object === undefined) count = most;
  else
    for (let source; count < most; count++) {
      source = object.residentFrame(vma.pageAt(vma.start) + count);
      if (source === 0) break;
      frames.copyRun(source, frame + count, 1);
      frames.drop(source);
    }
  if (count < most) frames.dropRun(frame + count, most - count);
  if (count > 0) installRun(space, vma, vma.start, frame, count, PTE_ANON, true, true);
}

/** Makes all pages of [start, end) accessible, as far as their areas permit: MAP_POPULATE, mlock(2), MADV_POPULATE_*. */
export function populate(space: AddressSpace, start: number, end: number, write: boolean): Resolution {
  for (let address = start; address < end; address += PAGE_SIZE) {
    const entry = space.tables.entry(address);
    if ((entry & (write ? PTE_WRITE : PTE_READ)) !== 0) continue;
    const vma = space.vmas.find(address);
    if (vma === undefined || (vma.flags & VM_SPECIAL) !== 0) continue;
    const resolution = resolve(space, vma, address, write);
    if (resolution !== 'done') {
      space.commit();
      return resolution;
    }
  }
  space.commit();
  return 'done';
}
