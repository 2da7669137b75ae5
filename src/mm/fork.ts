/**
 * fork(2) of an address space: both sides show the same frames, and private ones can be written by neither, so that the
 * first write copies them.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { AddressSpace } from './address-space.js';
import { PTE_PRESENT, type PageTable, TABLE_BYTES, TABLE_PAGES, frameOf } from './page-table.js';
import { cleanRange } from './pages.js';
import { VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED, VM_LOCKONFAULT, VM_SPECIAL, VM_WIPEONFORK, Vma } from './vma.js';

/** Before the host forks: private pages lose their write access. ENOMEM when the child could not be paid for. */
export function prepareFork(parent: AddressSpace): void {
  let pages = 0;
  for (const vma of parent.vmas.areas)
    if ((vma.flags & (VM_ACCOUNT | VM_DONTCOPY)) === VM_ACCOUNT) pages += vma.pages;
  parent.manager.checkCommit(pages);
  for (const vma of parent.vmas.areas)
    if (!vma.shared && (vma.flags & (VM_DONTCOPY | VM_WIPEONFORK)) === 0)
      cleanRange(parent, vma, vma.start, vma.end);
}

/** Afterwards: the child, whose host space is a copy, gets areas and page tables like the parent's. */
export function copySpace(parent: AddressSpace, child: AddressSpace): void {
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
  for (const vma of parent.vmas.areas) copyArea(parent, child, vma);
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
    child.countPages(entry & ~PTE_PRESENT, 1);
    count++;
  }
  into.used += count;
  child.tables.releaseIfEmpty(index, into);
}
