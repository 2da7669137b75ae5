/** What can stand behind a mapping: a page cache, device memory, shared anonymous memory. mmap(2). */

export interface Mappable {
  /**
   * The frame that holds page `index` of the object, with a reference taken for the page table entry; reads it in if need
   * be. 0 when the page lies beyond the end (SIGBUS). `write`: the frame is about to be made writable in a shared mapping
   * (the object marks it dirty, or allocates it). Throws an Errno (EIO, ENOMEM) when it cannot be had.
   */
  frameFor(index: number, write: boolean): number;
  /** As frameFor for reading, but only if the page is there without any input: fault-around. 0 otherwise. */
  residentFrame(index: number): number;
  /** A mapping comes or goes: for truncation to find it, and to keep the object. */
  mapped(mapping: Mapping): void;
  unmapped(mapping: Mapping): void;
  /** msync, munmap of dirty shared pages: anything to be written out synchronously. */
  syncRange(first: number, count: number): number | Promise<number>;
  /** Name for /proc/PID/maps: device, inode number and path; undefined for anonymous objects. */
  readonly describe: { readonly dev: number; readonly ino: number } | undefined;
  /** The pages have no storage but memory: they count as shared memory, and writes to them need not be noticed. */
  readonly memoryOnly?: boolean;
  /** A number of its own among all objects, for futexes in shared mappings. Absent: they are private to each space. */
  readonly id?: number;
  /** Makes bytes [start, end) a hole: madvise(2) MADV_REMOVE of memory without a file. */
  punch?(start: number, end: number): void;
  /** Shared mappings may not be written, nor be made writable: F_SEAL_WRITE. */
  readonly writeSealed?: boolean;
}

/** The part of an address space that shows an object: objects use it to take pages away again. */
export interface Mapping {
  /**
   * Removes pages [first, first + count) of the object (count may be Infinity) from the page tables; with `copies` also
   * private copies of them, as truncation does.
   */
  zap(first: number, count: number, copies: boolean): void;
  /** Makes the next write to these pages fault again: they are about to be written back. */
  clean(first: number, count: number): void;
  /** Writes to the object, or could be made to. */
  readonly writesThrough: boolean;
  /** Its pages must stay: mlock(2). */
  readonly locked: boolean;
}
