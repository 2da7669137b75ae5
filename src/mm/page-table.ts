/**
 * The page tables of an address space: which frame each page shows, and how. They are the truth; what the host has mapped
 * follows them (AddressSpace.commit). A table covers 2 MiB, as the last level does on x86-64.
 *
 * An entry is the frame's number in the high 26 bits and flags in the low 6; 0 is an empty one.
 */
import { PAGE_SIZE } from '../host/memory.js';

export const PTE_FLAG_BITS = 6;
/** The host has the page mapped (possibly without any access). */
export const PTE_HOSTED = 1;
/** May be read: by the guest, and by the kernel for it. */
export const PTE_READ = 2;
/** May be written without a fault. */
export const PTE_WRITE = 4;
/** The frame belongs to the mapping alone (and its copies after fork), not to an object. */
export const PTE_ANON = 8;
/** The frame is an object's that has no other storage: shared memory, tmpfs. */
export const PTE_SHMEM = 16;
/** Set in every entry that is not empty. */
export const PTE_PRESENT = 32;

export const makeEntry = (frame: number, flags: number): number => (frame << PTE_FLAG_BITS) | flags;
export const frameOf = (entry: number): number => entry >>> PTE_FLAG_BITS;

export const TABLE_PAGES = 512;
export const TABLE_BYTES = TABLE_PAGES * PAGE_SIZE;

/** Index of the table that covers an address. User addresses are below 2^47, so it is a small integer. */
export const tableIndex = (address: number): number => (address / TABLE_BYTES) | 0;
/** Index of an address's entry in its table. */
export const entryIndex = (address: number): number => (address / PAGE_SIZE) & (TABLE_PAGES - 1);

export class PageTable {
  readonly entries = new Int32Array(TABLE_PAGES);
  /** Entries that are not empty. */
  used = 0;
}

/** Tables are kept for reuse: making a typed array costs more than clearing one. */
export class TablePool {
  private readonly spare: PageTable[] = [];

  get(): PageTable {
    return this.spare.pop() ?? new PageTable();
  }

  /** Takes back an empty table. */
  put(table: PageTable): void {
    if (this.spare.length < 256) this.spare.push(table);
  }
}

export class PageTables {
  private readonly tables = new Map<number, PageTable>();
  private cachedIndex = -1;
  private cached: PageTable | undefined;

  constructor(private readonly pool: TablePool) {}

  /** How many there are: VmPTE. */
  get size(): number {
    return this.tables.size;
  }

  /** The table with this index. */
  at(index: number): PageTable | undefined {
    if (index === this.cachedIndex) return this.cached;
    const table = this.tables.get(index);
    if (table !== undefined) {
      this.cachedIndex = index;
      this.cached = table;
    }
    return table;
  }

  /** The entry of an address, 0 when it is empty. The address is below the top of user space. */
  entry(address: number): number {
    const table = this.at((address / TABLE_BYTES) | 0);
    return table === undefined ? 0 : table.entries[(address / PAGE_SIZE) & (TABLE_PAGES - 1)];
  }

  /** The table with this index, made if need be. */
  ensure(index: number): PageTable {
    let table = this.at(index);
    if (table === undefined) {
      table = this.pool.get();
      this.tables.set(index, table);
      this.cachedIndex = index;
      this.cached = table;
    }
    return table;
  }

  /** Gives an empty table back. */
  releaseIfEmpty(index: number, table: PageTable): void {
    if (table.used !== 0) return;
    this.tables.delete(index);
    if (this.cachedIndex === index) {
      this.cachedIndex = -1;
      this.cached = undefined;
    }
    this.pool.put(table);
  }

  /** Indexes of the tables that exist for [start, end), ascending. */
  within(start: number, end: number): number[] {
    const first = tableIndex(start);
    const last = tableIndex(end - 1);
    const found: number[] = [];
    if (last - first < this.tables.size) {
      for (let index = first; index <= last; index++) if (this.tables.has(index)) found.push(index);
      return found;
    }
    for (const index of this.tables.keys()) if (index >= first && index <= last) found.push(index);
    return found.sort((a, b) => a - b);
  }
}
