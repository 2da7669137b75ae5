/**
 * Memory as /proc shows it: meminfo, vmstat, and the maps, smaps and statm of an address space. proc(5). File names are the
 * caller's to give: path names are above this layer.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { File } from '../fs/file.js';
import type { Name } from '../lib/names.js';
import type { AddressSpace } from './address-space.js';
import type { MemoryManager } from './memory-manager.js';
import { PTE_ANON, PTE_WRITE, TABLE_BYTES, entryIndex, frameOf } from './page-table.js';
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_LOCKED,
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
  VM_ACCOUNT,
  VM_WIPEONFORK,
  VM_WRITE,
  type Vma,
} from './vma.js';

const KIB_PER_PAGE = PAGE_SIZE / 1024;

/** Names an open file's path as the reader sees it. */
export type FileNamer = (file: File) => Name;

const hex = (value: number, width: number): Name => value.toString(16).padStart(width, '0');

function header(vma: Vma, namer: FileNamer): Name {
  const { start, end, flags, offset, object, file, space } = vma;
  const bit = (flag: number, letter: Name): Name => ((flags & flag) !== 0 ? letter : '-');
  const access = bit(VM_READ, 'r') + bit(VM_WRITE, 'w') + bit(VM_EXEC, 'x') + (vma.shared ? 's' : 'p');
  const { dev, ino } = object?.describe ?? { dev: 0, ino: 0 };
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const place = `${hex(start, 8)}-${hex(end, 8)} ${access} ${hex(object === undefined ? 0 : offset, 8)} ${hex(major, 2)}:${hex(minor, 2)} ${ino} `;
  const name =
    file === undefined ? (vma.name ?? layoutName(space, vma)) : namer(file).replace(/\n/g, '\\012');
  return name === '' ? place : `${place.padEnd(73)}${name}`;
}

function layoutName(space: AddressSpace, vma: Vma): Name {
  if (vma.object !== undefined) return '';
  if (vma.start <= space.brk && vma.end >= space.startBrk && space.startBrk !== space.brk) return '[heap]';
  return vma.start <= space.startStack && vma.end >= space.startStack ? '[stack]' : '';
}

export function maps(space: AddressSpace, namer: FileNamer): Name {
  return space.vmas.areas.map((vma) => `${header(vma, namer)}\n`).join('');
}

/** Pages of one area, counted from the page tables. */
interface Counts {
  rss: number;
  pss: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  anonymous: number;
}

const noCounts = (): Counts => ({
  rss: 0,
  pss: 0,
  sharedClean: 0,
  sharedDirty: 0,
  privateClean: 0,
  privateDirty: 0,
  anonymous: 0,
});

function count(vma: Vma, into: Counts): void {
  const { space } = vma;
  const { frames } = space.manager;
  for (const index of space.tables.within(vma.start, vma.end)) {
    const table = space.tables.at(index);
    const base = index * TABLE_BYTES;
    const end = Math.min(vma.end, base + TABLE_BYTES);
    for (let address = Math.max(vma.start, base); address < end; address += PAGE_SIZE) {
      const entry = table?.entries[entryIndex(address)] ?? 0;
      if (entry === 0) continue;
      const anonymous = (entry & PTE_ANON) !== 0;
      // A page cache holds one reference of its own.
      const users = Math.max(1, frames.references(frameOf(entry)) - (anonymous ? 0 : 1));
      const dirty = anonymous || (entry & PTE_WRITE) !== 0;
      into.rss++;
      into.pss += 1 / users;
      if (anonymous) into.anonymous++;
      if (users > 1) into[dirty ? 'sharedDirty' : 'sharedClean']++;
      else into[dirty ? 'privateDirty' : 'privateClean']++;
    }
  }
}

function countLines(counts: Counts, locked: boolean): Name {
  const line = (name: Name, pages: number): Name =>
    `${`${name}:`.padEnd(16)}${String(Math.floor(pages * KIB_PER_PAGE)).padStart(8)} kB\n`;
  return (
    line('Rss', counts.rss) +
    line('Pss', counts.pss) +
    line('Pss_Dirty', counts.sharedDirty + counts.privateDirty) +
    line('Shared_Clean', counts.sharedClean) +
    line('Shared_Dirty', counts.sharedDirty) +
    line('Private_Clean', counts.privateClean) +
    line('Private_Dirty', counts.privateDirty) +
    line('Referenced', counts.rss) +
    line('Anonymous', counts.anonymous) +
    line('LazyFree', 0) +
    line('AnonHugePages', 0) +
    line('ShmemPmdMapped', 0) +
    line('FilePmdMapped', 0) +
    line('Shared_Hugetlb', 0) +
    line('Private_Hugetlb', 0) +
    line('Swap', 0) +
    line('SwapPss', 0) +
    line('Locked', locked ? counts.pss : 0)
  );
}

const flagNames: readonly (readonly [number, Name])[] = [
  [VM_READ, 'rd'],
  [VM_WRITE, 'wr'],
  [VM_EXEC, 'ex'],
  [VM_SHARED, 'sh'],
  [VM_MAYREAD, 'mr'],
  [VM_MAYWRITE, 'mw'],
  [VM_MAYEXEC, 'me'],
  [VM_MAYSHARE, 'ms'],
  [VM_GROWSDOWN, 'gd'],
  [VM_LOCKED, 'lo'],
  [VM_SEQ_READ, 'sr'],
  [VM_RAND_READ, 'rr'],
  [VM_DONTCOPY, 'dc'],
  [VM_DONTEXPAND, 'de'],
  [VM_ACCOUNT, 'ac'],
  [VM_NORESERVE, 'nr'],
  [VM_WIPEONFORK, 'wf'],
  [VM_DONTDUMP, 'dd'],
  [VM_HUGEPAGE, 'hg'],
  [VM_NOHUGEPAGE, 'nh'],
];

export function smaps(space: AddressSpace, namer: FileNamer): Name {
  let text = '';
  for (const vma of space.vmas.areas) {
    const counts = noCounts();
    count(vma, counts);
    const flags = flagNames.filter(([flag]) => (vma.flags & flag) !== 0).map(([, name]) => `${name} `);
    text +=
      `${header(vma, namer)}\n${'Size:'.padEnd(16)}${String(vma.pages * KIB_PER_PAGE).padStart(8)} kB\n` +
      `KernelPageSize:        4 kB\nMMUPageSize:           4 kB\n${countLines(counts, vma.locked)}` +
      `THPeligible:           0\nVmFlags: ${flags.join('')}\n`;
  }
  return text;
}

export function smapsRollup(space: AddressSpace): Name {
  const { areas } = space.vmas;
  const counts = noCounts();
  for (const vma of areas) count(vma, counts);
  const first = areas.at(0);
  const last = areas.at(-1);
  if (first === undefined || last === undefined) return '';
  const place = `${hex(first.start, 8)}-${hex(last.end, 8)} ---p 00000000 00:00 0 `;
  return `${place.padEnd(73)}[rollup]\n${countLines(counts, false)}`;
}

/** Pages by use, as Linux counts them: text, data and stack. */
function sizes(space: AddressSpace): { text: number; data: number; stack: number; lib: number } {
  let data = 0;
  let stack = 0;
  let executable = 0;
  for (const vma of space.vmas.areas) {
    if ((vma.flags & VM_GROWSDOWN) !== 0) stack += vma.pages;
    else if ((vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE) data += vma.pages;
    if ((vma.flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC) executable += vma.pages;
  }
  const start = Math.floor(space.startCode / PAGE_SIZE);
  const text = Math.max(0, Math.ceil(space.endCode / PAGE_SIZE) - start);
  return { text, data, stack, lib: Math.max(0, executable - text) };
}

export function statm(space: AddressSpace): Name {
  const { text, data, stack } = sizes(space);
  return `${space.totalPages} ${space.residentPages} ${space.filePages + space.shmemPages} ${text} 0 ${data + stack} 0\n`;
}

/** The Vm and Rss lines of /proc/PID/status. */
export function statusMemory(space: AddressSpace): Name {
  const { text, data, stack, lib } = sizes(space);
  const line = (name: Name, pages: number): Name =>
    `${name}:\t${String(pages * KIB_PER_PAGE).padStart(8)} kB\n`;
  return (
    line('VmPeak', Math.max(space.peakTotal, space.totalPages)) +
    line('VmSize', space.totalPages) +
    line('VmLck', space.lockedPages) +
    line('VmPin', 0) +
    line('VmHWM', Math.max(space.peakResident, space.residentPages)) +
    line('VmRSS', space.residentPages) +
    line('RssAnon', space.anonPages) +
    line('RssFile', space.filePages) +
    line('RssShmem', space.shmemPages) +
    line('VmData', data) +
    line('VmStk', stack) +
    line('VmExe', text) +
    line('VmLib', lib) +
    line('VmPTE', space.tables.size) +
    line('VmSwap', 0) +
    line('HugetlbPages', 0)
  );
}

export function memInfo(manager: MemoryManager): Name {
  const { frames, cachedPages, shmemPages, dirtyPages, writebackPages, committedPages, minFree } = manager;
  let anonymous = 0;
  let mapped = 0;
  let tables = 0;
  for (const space of manager.spaces) {
    anonymous += space.anonPages;
    mapped += space.filePages + space.shmemPages;
    tables += space.tables.size;
  }
  const reclaimable = Math.max(0, cachedPages - shmemPages);
  const available = Math.min(frames.total, frames.free + Math.max(0, reclaimable - minFree));
  const limit = Math.floor((frames.total * manager.overcommitRatio) / 100);
  const line = (name: Name, pages: number): Name =>
    `${`${name}:`.padEnd(16)}${String(Math.floor(pages * KIB_PER_PAGE)).padStart(8)} kB\n`;
  return (
    line('MemTotal', frames.total) +
    line('MemFree', frames.free) +
    line('MemAvailable', available) +
    line('Buffers', 0) +
    line('Cached', cachedPages) +
    line('SwapCached', 0) +
    line('Active', anonymous) +
    line('Inactive', reclaimable) +
    line('Active(anon)', anonymous) +
    line('Inactive(anon)', shmemPages) +
    line('Active(file)', 0) +
    line('Inactive(file)', reclaimable) +
    line('Unevictable', 0) +
    line('Mlocked', 0) +
    line('SwapTotal', 0) +
    line('SwapFree', 0) +
    line('Dirty', dirtyPages) +
    line('Writeback', writebackPages) +
    line('AnonPages', anonymous) +
    line('Mapped', mapped) +
    line('Shmem', shmemPages) +
    line('KReclaimable', 0) +
    line('Slab', 0) +
    line('SReclaimable', 0) +
    line('SUnreclaim', 0) +
    line('KernelStack', 0) +
    line('PageTables', tables) +
    line('NFS_Unstable', 0) +
    line('Bounce', 0) +
    line('WritebackTmp', 0) +
    line('CommitLimit', limit) +
    line('Committed_AS', committedPages) +
    line('VmallocTotal', 0) +
    line('VmallocUsed', 0) +
    line('VmallocChunk', 0) +
    line('AnonHugePages', 0) +
    line('ShmemHugePages', 0) +
    line('ShmemPmdMapped', 0) +
    line('FileHugePages', 0) +
    line('FilePmdMapped', 0) +
    'HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n' +
    'Hugepagesize:       2048 kB\nHugetlb:               0 kB\n'
  );
}

export function vmStat(manager: MemoryManager): Name {
  const { counters, frames, cachedPages, shmemPages, dirtyPages, writebackPages } = manager;
  let anonymous = 0;
  for (const space of manager.spaces) anonymous += space.anonPages;
  const values: readonly (readonly [Name, number])[] = [
    ['nr_free_pages', frames.free],
    ['nr_anon_pages', anonymous],
    ['nr_file_pages', cachedPages],
    ['nr_shmem', shmemPages],
    ['nr_dirty', dirtyPages],
    ['nr_writeback', writebackPages],
    ['pgpgin', counters.pgpgin],
    ['pgpgout', counters.pgpgout],
    ['pswpin', 0],
    ['pswpout', 0],
    ['pgfault', counters.pgfault],
    ['pgmajfault', counters.pgmajfault],
    ['pgscan_direct', counters.pgscan],
    ['pgsteal_direct', counters.pgsteal],
    ['oom_kill', counters.oomKill],
  ];
  return values.map(([name, value]) => `${name} ${value}\n`).join('');
}
