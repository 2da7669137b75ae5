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
  /** A mapping of [first, first + count) pages comes (+1) or goes (-1): for truncation to find it, and to keep the object. */
  mapped(mapping: Mapping): void;
  unmapped(mapping: Mapping): void;
  /** msync, munmap of dirty shared pages: anything to be written out synchronously. */
  syncRange(first: number, count: number): number | Promise<number>;
  /** Name for /proc/PID/maps: device, inode number and path; undefined for anonymous objects. */
  readonly describe: { readonly dev: number; readonly ino: number } | undefined;
}

/** The part of an address space that shows an object: objects use it to take pages away again. */
export interface Mapping {
  /** Removes the pages of the object from `first` on, `count` of them (Infinity: to the end), from the page tables. */
  zap(first: number, count: number): void;
}
