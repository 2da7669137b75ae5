/** /proc/meminfo, /proc/vmstat and /proc/buddyinfo, as text: proc(5). */
import type { MemoryManager } from './memory-manager.js';
import { MAX_ORDER } from './physmem.js';

/** Pages of processes' own memory: what is neither free nor in a cache. */
export function anonymousPages({ frames, cachedPages }: MemoryManager): number {
  return Math.max(0, frames.total - frames.free - cachedPages);
}

/** Pages of caches that some process shows. Pages shown by several are counted once where the sum would say more. */
export function mappedPages({ spaces, cachedPages }: MemoryManager): number {
  let pages = 0;
  for (const space of spaces) pages += space.filePages + space.shmemPages;
  return Math.min(pages, cachedPages);
}

function totals(manager: MemoryManager): { tables: number; locked: number } {
  let tables = 0;
  let locked = 0;
  for (const space of manager.spaces) {
    tables += space.tables.size;
    locked += space.lockedPages;
  }
  return { tables, locked };
}

/** /proc/meminfo. */
export function memInfo(manager: MemoryManager): string {
  const { frames, cachedPages, shmemPages } = manager;
  const { tables, locked } = totals(manager);
  const anonymous = anonymousPages(manager);
  const files = cachedPages - shmemPages;
  const lines: readonly (readonly [label: string, pages: number])[] = [
    ['MemTotal', frames.total],
    ['MemFree', frames.free],
    ['MemAvailable', manager.availablePages],
    ['Buffers', 0],
    ['Cached', cachedPages],
    ['SwapCached', 0],
    ['Active', anonymous],
    ['Inactive', cachedPages],
    ['Active(anon)', anonymous],
    ['Inactive(anon)', shmemPages],
    ['Active(file)', 0],
    ['Inactive(file)', files],
    ['Unevictable', locked],
    ['Mlocked', locked],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', manager.dirtyPages],
    ['Writeback', manager.writebackPages],
    ['AnonPages', anonymous],
    ['Mapped', mappedPages(manager)],
    ['Shmem', shmemPages],
    ['KReclaimable', 0],
    ['Slab', 0],
    ['SReclaimable', 0],
    ['SUnreclaim', 0],
    ['KernelStack', 0],
    ['PageTables', tables],
    ['SecPageTables', 0],
    ['NFS_Unstable', 0],
    ['Bounce', 0],
    ['WritebackTmp', 0],
    ['CommitLimit', manager.commitLimit],
    ['Committed_AS', manager.committedPages],
    // The size of the kernel's area for vmalloc on x86-64: 32 TiB.
    ['VmallocTotal', 2 ** 33 - 1 / 4],
    ['VmallocUsed', 0],
    ['VmallocChunk', 0],
    ['Percpu', 0],
    ['AnonHugePages', 0],
    ['ShmemHugePages', 0],
    ['ShmemPmdMapped', 0],
    ['FileHugePages', 0],
    ['FilePmdMapped', 0],
  ];
  const text = lines.map(
    ([label, pages]) => `${`${label}:`.padEnd(16)}${String(pages * 4).padStart(8)} kB\n`,
  );
  const huge = ['HugePages_Total', 'HugePages_Free', 'HugePages_Rsvd', 'HugePages_Surp'];
  for (const label of huge) text.push(`${`${label}:`.padEnd(16)}${'0'.padStart(8)}\n`);
  text.push('Hugepagesize:       2048 kB\n', 'Hugetlb:               0 kB\n');
  text.push(`DirectMap4k:    ${String((frames.total + 1) * 4).padStart(8)} kB\n`);
  return text.join('');
}

/** /proc/vmstat. */
export function vmStat(manager: MemoryManager): string {
  const { frames, cachedPages, shmemPages, counters } = manager;
  const { tables, locked } = totals(manager);
  const anonymous = anonymousPages(manager);
  const values: readonly (readonly [name: string, value: number])[] = [
    ['nr_free_pages', frames.free],
    ['nr_inactive_anon', shmemPages],
    ['nr_active_anon', anonymous],
    ['nr_inactive_file', cachedPages - shmemPages],
    ['nr_active_file', 0],
    ['nr_unevictable', locked],
    ['nr_mlock', locked],
    ['nr_page_table_pages', tables],
    ['nr_anon_pages', anonymous],
    ['nr_mapped', mappedPages(manager)],
    ['nr_file_pages', cachedPages],
    ['nr_dirty', manager.dirtyPages],
    ['nr_writeback', manager.writebackPages],
    ['nr_shmem', shmemPages],
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

/** /proc/buddyinfo. */
export function buddyInfo({ frames }: MemoryManager): string {
  let text = 'Node 0, zone   Normal ';
  for (let order = 0; order <= MAX_ORDER; order++) text += `${String(frames.freeBlocks(order)).padStart(6)} `;
  return text + '\n';
}
