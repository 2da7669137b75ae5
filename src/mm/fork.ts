/**
 * fork(2) of an address space: both sides show the same frames, and private ones can be written by neither, so that the
 * first write copies them.
 *
 * Some pages are written right after every fork: the top of the stack, the C library's data. Each would cost both sides a
 * fault, which costs as much as copying dozens of pages. So pages that were copied on write after earlier forks are copied
 * at the fork, and the parent keeps its own.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { AddressSpace } from './address-space.js';
import {
  PTE_ANON,
  PTE_HOSTED,
  PTE_READ,
  PTE_WRITE,
  type PageTable,
  TABLE_BYTES,
  TABLE_PAGES,
  entryIndex,
  frameOf,
  makeEntry,
  tableIndex,
} from './page-table.js';
import { cleanRange, flagsOf } from './pages.js';
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
  Vma,
} from './vma.js';

/** Most pages that a fork copies. */
const MOST_HOT = 16;

/** Addresses of pages that were written soon after a fork, latest last. */
export class HotPages {
  readonly addresses: number[] = [];

  note(address: number): void {
    if (this.addresses.includes(address)) return;
    if (this.addresses.length === MOST_HOT) this.addresses.shift();
    this.addresses.push(address);
  }
}

/** A page that the child gets a copy of at once: its address, and a frame for the copy. */
interface Copy {
  readonly address: number;
  readonly frame: number;
}

/**
 * Before the host forks: private pages lose their write access, but for those that are copied. ENOMEM when the child could
 * not be paid for.
 */
export function prepareFork(parent: AddressSpace): Copy[] {
  let pages = 0;
  for (const vma of parent.vmas.areas)
    if ((vma.flags & (VM_ACCOUNT | VM_DONTCOPY)) === VM_ACCOUNT) pages += vma.pages;
  parent.manager.checkCommit(pages);
  const copies = chooseCopies(parent);
  for (const vma of parent.vmas.areas) {
    if (vma.shared || (vma.flags & (VM_DONTCOPY | VM_WIPEONFORK)) !== 0) continue;
    let at = vma.start;
    for (const { address } of copies) {
      if (address < at || address >= vma.end) continue;
      if (address > at) cleanRange(parent, vma, at, address);
      at = address + PAGE_SIZE;
    }
    if (at < vma.end) cleanRange(parent, vma, at, vma.end);
  }
  return copies;
}

/** Pages to copy at once, ascending, with frames: while memory is plentiful. */
function chooseCopies(parent: AddressSpace): Copy[] {
  parent.hot ??= new HotPages();
  if (parent.manager.windowLimit() < TABLE_PAGES) return [];
  const copies: Copy[] = [];
  for (const address of parent.hot.addresses) {
    const vma = parent.vmas.find(address);
    if (vma === undefined || vma.shared || (vma.flags & (VM_DONTCOPY | VM_WIPEONFORK)) !== 0) continue;
    const entry = parent.tables.entry(address);
    const wanted = PTE_ANON | PTE_READ | PTE_HOSTED;
    if ((entry & wanted) !== wanted || (vma.flags & VM_WRITE) === 0) continue;
    const frame = parent.frames.allocateRun(1, false);
    if (frame !== 0) copies.push({ address, frame });
  }
  return copies.sort((a, b) => a.address - b.address);
}

/** Afterwards: the child, whose host space is a copy, gets areas and page tables like the parent's. */
export function copySpace(parent: AddressSpace, child: AddressSpace, copies: readonly Copy[]): void {
  child.startCode = parent.startCode;
  child.endCode = parent.endCode;
  child.startData = parent.startData;
  child.endData = parent.endData;
  child.startBrk = parent.startBrk;
  child.brk = parent.brk;
  child.startStack = parent.startStack;
  child.argStart = parent.argStart;
  child.argEnd = parent.argEnd;
  child.envStart = parent.envStart;
  child.envEnd = parent.envEnd;
  child.auxv = parent.auxv;
  child.exe = parent.exe;
  child.layout = parent.layout;
  child.process = parent.process;
  child.hot = parent.hot;
  for (const vma of parent.vmas.areas) copyArea(parent, child, vma);
  for (const copy of copies) replaceByCopy(child, copy);
  child.noteResident();
  child.commit();
}

function copyArea(parent: AddressSpace, child: AddressSpace, vma: Vma): void {
  const { start, end, flags, object, file, offset, name } = vma;
  if ((flags & VM_SPECIAL) !== 0) return;
  const without = (flags & (VM_DONTCOPY | VM_WIPEONFORK)) !== 0;
  if ((flags & VM_DONTCOPY) === 0) {
    const kept = flags & ~(VM_LOCKED | VM_LOCKONFAULT);
    child.addArea(new Vma(child, start, end, kept, object, offset, file, name));
  }
  for (const index of parent.tables.within(start, end)) {
    const table = parent.tables.at(index) as PageTable;
    if (without)
      child.hostUnmap(Math.max(start, index * TABLE_BYTES), Math.min(end, (index + 1) * TABLE_BYTES));
    else copyEntries(child, index, table, start, end);
  }
}

function copyEntries(child: AddressSpace, index: number, table: PageTable, start: number, end: number): void {
  const base = index * TABLE_BYTES;
  const from = Math.max(0, (start - base) / PAGE_SIZE);
  const to = Math.min(TABLE_PAGES, (end - base) / PAGE_SIZE);
  const into = child.tables.ensure(index);
  const { frames } = child;
  let count = 0;
  for (let at = from; at < to; at++) {
    const entry = table.entries[at];
    if (entry === 0) continue;
    into.entries[at] = entry;
    frames.hold(frameOf(entry));
    child.countPages(entry, 1);
    count++;
  }
  into.used += count;
  child.tables.releaseIfEmpty(index, into);
}

/** The child's host space still shows the parent's page, writable: nothing runs there yet. */
function replaceByCopy(child: AddressSpace, { address, frame }: Copy): void {
  const table = child.tables.at(tableIndex(address)) as PageTable;
  const entry = table.entries[entryIndex(address)];
  const vma = child.vmas.find(address) as Vma;
  child.frames.copyRun(frameOf(entry), frame, 1);
  const flags = flagsOf(entry) | PTE_WRITE;
  table.entries[entryIndex(address)] = makeEntry(frame, flags);
  child.frames.drop(frameOf(entry));
  child.hostMap(address, frame, 1, child.hostProtection(vma, flags), true);
}
