/** /proc/PID/maps, smaps, smaps_rollup, statm and the memory lines of status, as text: proc(5), fs/proc/task_mmu.c. */
import { PAGE_SIZE } from '../host/memory.js';
import type { File } from '../fs/file.js';
import type { Name } from '../lib/names.js';
import type { AddressSpace } from './address-space.js';
import { dataPages } from './limits.js';
import { PTE_ANON, PTE_WRITE, TABLE_BYTES, TABLE_PAGES, frameOf } from './page-table.js';
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_RAND_READ,
  VM_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
  type Vma,
  hostArea,
} from './vma.js';

/** The path of an open file, as the reader sees it; ' (deleted)' included. */
export type FileNamer = (file: File) => Name;

/** Names begin in this column. */
const NAME_COLUMN = 73;

/** Two letters for each flag: VmFlags. */
const letters: readonly (readonly [flag: number, letters: string])[] = [
  [VM_READ, 'rd'],
  [VM_WRITE, 'wr'],
  [VM_EXEC, 'ex'],
  [VM_SHARED, 'sh'],
  [VM_MAYREAD, 'mr'],
  [VM_MAYWRITE, 'mw'],
  [VM_MAYEXEC, 'me'],
  [VM_MAYSHARE, 'ms'],
  [VM_GROWSDOWN, 'gd'],
  [VM_SPECIAL, 'pf'],
  [VM_LOCKED, 'lo'],
  [VM_SEQ_READ, 'sr'],
  [VM_RAND_READ, 'rr'],
  [VM_DONTCOPY, 'dc'],
  [VM_DONTEXPAND, 'de'],
  [VM_LOCKONFAULT, 'lf'],
  [VM_ACCOUNT, 'ac'],
  [VM_NORESERVE, 'nr'],
  [VM_WIPEONFORK, 'wf'],
  [VM_DONTDUMP, 'dd'],
  [VM_HUGEPAGE, 'hg'],
  [VM_NOHUGEPAGE, 'nh'],
];

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');
const majorOf = (device: number): number => (device >>> 8) & 0xfff;
const minorOf = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xfff00);

/** What an area is called: its file, '[heap]', '[stack]', '[vdso]', or nothing. */
export function areaName(space: AddressSpace, vma: Vma, namer: FileNamer): Name {
  if (vma.file !== undefined) return namer(vma.file);
  if (vma.name !== undefined) return vma.name;
  if (vma.start < space.brk && vma.end > space.startBrk) return '[heap]';
  if (vma.start <= space.startStack && vma.end >= space.startStack) return '[stack]';
  return '';
}

function headLine(space: AddressSpace, vma: Vma, namer: FileNamer): string {
  const { flags } = vma;
  const access =
    ((flags & VM_READ) === 0 ? '-' : 'r') +
    ((flags & VM_WRITE) === 0 ? '-' : 'w') +
    ((flags & VM_EXEC) === 0 ? '-' : 'x') +
    ((flags & VM_MAYSHARE) === 0 ? 'p' : 's');
  const { dev, ino } = vma.object?.describe ?? { dev: 0, ino: 0 };
  const device = `${hex(majorOf(dev), 2)}:${hex(minorOf(dev), 2)}`;
  const offset = vma.object === undefined ? 0 : vma.offset;
  const head = `${hex(vma.start, 8)}-${hex(vma.end, 8)} ${access} ${hex(offset, 8)} ${device} ${ino} `;
  const name = areaName(space, vma, namer);
  // A line break in a file's name would forge a line.
  return (name === '' ? head : head.padEnd(NAME_COLUMN) + name.replaceAll('\n', '\\012')) + '\n';
}

/** All areas, with what the host has mapped beyond the addresses that a guest may use: the vDSO. */
function allAreas(space: AddressSpace): Vma[] {
  const beyond = space.manager.kernel.host.cpu.hostRanges.filter(({ end }) => end > space.top);
  return space.vmas.areas.concat(beyond.map((range) => hostArea(space, range)));
}

/** /proc/PID/maps. */
export function maps(space: AddressSpace, namer: FileNamer): string {
  let text = '';
  for (const vma of allAreas(space)) text += headLine(space, vma, namer);
  return text;
}

/** What the pages of an area are, in bytes: each page counts to one of the four kinds. */
export class AreaUsage {
  rss = 0;
  /** Each page divided by the number of its mappings. */
  pss = 0;
  pssDirty = 0;
  pssAnon = 0;
  pssShmem = 0;
  sharedClean = 0;
  sharedDirty = 0;
  privateClean = 0;
  privateDirty = 0;
  anonymous = 0;
  locked = 0;

  add(other: AreaUsage): void {
    this.rss += other.rss;
    this.pss += other.pss;
    this.pssDirty += other.pssDirty;
    this.pssAnon += other.pssAnon;
    this.pssShmem += other.pssShmem;
    this.sharedClean += other.sharedClean;
    this.sharedDirty += other.sharedDirty;
    this.privateClean += other.privateClean;
    this.privateDirty += other.privateDirty;
    this.anonymous += other.anonymous;
    this.locked += other.locked;
  }
}

export function areaUsage(space: AddressSpace, vma: Vma): AreaUsage {
  const usage = new AreaUsage();
  for (const index of space.tables.within(vma.start, vma.end)) {
    const entries = space.tables.at(index)?.entries;
    if (entries === undefined) continue;
    const base = index * TABLE_BYTES;
    const to = Math.min(TABLE_PAGES, (vma.end - base) / PAGE_SIZE);
    for (let at = Math.max(0, (vma.start - base) / PAGE_SIZE); at < to; at++)
      if (entries[at] !== 0) countPage(space, vma, entries[at], usage);
  }
  if (vma.locked) usage.locked = usage.pss;
  return usage;
}

function countPage(space: AddressSpace, vma: Vma, entry: number, usage: AreaUsage): void {
  const anonymous = (entry & PTE_ANON) !== 0;
  // An object's own reference is no mapping.
  const mappings = Math.max(1, space.frames.references(frameOf(entry)) - (anonymous ? 0 : 1));
  const dirty = anonymous || (vma.shared && (entry & PTE_WRITE) !== 0);
  const share = PAGE_SIZE / mappings;
  usage.rss += PAGE_SIZE;
  usage.pss += share;
  if (dirty) usage.pssDirty += share;
  if (anonymous) {
    usage.anonymous += PAGE_SIZE;
    usage.pssAnon += share;
  } else if (vma.object?.memoryOnly === true) usage.pssShmem += share;
  if (mappings > 1) {
    if (dirty) usage.sharedDirty += PAGE_SIZE;
    else usage.sharedClean += PAGE_SIZE;
  } else if (dirty) usage.privateDirty += PAGE_SIZE;
  else usage.privateClean += PAGE_SIZE;
}

const kib = (label: string, bytes: number): string =>
  `${`${label}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`;

function usageLines(usage: AreaUsage, rollup: boolean): string {
  const split = rollup
    ? kib('Pss_Anon', usage.pssAnon) +
      kib('Pss_File', usage.pss - usage.pssAnon - usage.pssShmem) +
      kib('Pss_Shmem', usage.pssShmem)
    : '';
  return (
    kib('Rss', usage.rss) +
    kib('Pss', usage.pss) +
    kib('Pss_Dirty', usage.pssDirty) +
    split +
    kib('Shared_Clean', usage.sharedClean) +
    kib('Shared_Dirty', usage.sharedDirty) +
    kib('Private_Clean', usage.privateClean) +
    kib('Private_Dirty', usage.privateDirty) +
    kib('Referenced', usage.rss) +
    kib('Anonymous', usage.anonymous) +
    kib('LazyFree', 0) +
    kib('AnonHugePages', 0) +
    kib('ShmemPmdMapped', 0) +
    kib('FilePmdMapped', 0) +
    kib('Shared_Hugetlb', 0) +
    kib('Private_Hugetlb', 0) +
    kib('Swap', 0) +
    kib('SwapPss', 0) +
    kib('Locked', usage.locked)
  );
}

/** /proc/PID/smaps. */
export function smaps(space: AddressSpace, namer: FileNamer): string {
  let text = '';
  for (const vma of allAreas(space)) {
    const flags = letters.filter(([flag]) => (vma.flags & flag) !== 0).map(([, name]) => name + ' ');
    text +=
      headLine(space, vma, namer) +
      kib('Size', vma.end - vma.start) +
      kib('KernelPageSize', PAGE_SIZE) +
      kib('MMUPageSize', PAGE_SIZE) +
      usageLines(areaUsage(space, vma), false) +
      `THPeligible:    0\nVmFlags: ${flags.join('')}\n`;
  }
  return text;
}

/** /proc/PID/smaps_rollup. */
export function smapsRollup(space: AddressSpace): string {
  const total = new AreaUsage();
  const { areas } = space.vmas;
  for (const vma of areas) total.add(areaUsage(space, vma));
  const start = areas.length === 0 ? 0 : areas[0].start;
  const end = areas.length === 0 ? 0 : areas[areas.length - 1].end;
  const head = `${hex(start, 8)}-${hex(end, 8)} ---p ${hex(0, 8)} 00:00 0 `.padEnd(NAME_COLUMN);
  return `${head}[rollup]\n${usageLines(total, true)}`;
}

/** Pages of the program's code, of all executable areas, and of stacks. */
function kindPages(space: AddressSpace): { text: number; executable: number; stack: number } {
  const start = space.startCode - (space.startCode % PAGE_SIZE);
  const text = Math.ceil((space.endCode - start) / PAGE_SIZE);
  let executable = 0;
  let stack = 0;
  for (const { flags, pages } of space.vmas.areas) {
    if ((flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC) executable += pages;
    if ((flags & VM_GROWSDOWN) !== 0) stack += pages;
  }
  return { text, executable, stack };
}

/** /proc/PID/statm. */
export function statm(space: AddressSpace | undefined): string {
  if (space === undefined) return '0 0 0 0 0 0 0\n';
  const { text, stack } = kindPages(space);
  const shared = space.filePages + space.shmemPages;
  return `${space.totalPages} ${space.residentPages} ${shared} ${text} 0 ${dataPages(space) + stack} 0\n`;
}

/** The memory lines of /proc/PID/status. */
export function statusMemory(space: AddressSpace): string {
  const { text, executable, stack } = kindPages(space);
  const line = (label: string, pages: number): string => `${label}:\t${String(pages * 4).padStart(8)} kB\n`;
  return (
    line('VmPeak', space.peakTotal) +
    line('VmSize', space.totalPages) +
    line('VmLck', space.lockedPages) +
    line('VmPin', 0) +
    line('VmHWM', space.peakResident) +
    line('VmRSS', space.residentPages) +
    line('RssAnon', space.anonPages) +
    line('RssFile', space.filePages) +
    line('RssShmem', space.shmemPages) +
    line('VmData', dataPages(space)) +
    line('VmStk', stack) +
    line('VmExe', text) +
    line('VmLib', Math.max(0, executable - text)) +
    line('VmPTE', space.tables.size) +
    line('VmSwap', 0) +
    line('HugetlbPages', 0)
  );
}
