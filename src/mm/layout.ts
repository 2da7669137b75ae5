/**
 * Where the parts of a program go in its address space: as arch/x86/mm/mmap.c and fs/binfmt_elf.c lay them out, with the
 * same amounts of randomness (randomize_va_space = 2). Exec picks a layout; personality ADDR_NO_RANDOMIZE asks for the
 * fixed one.
 */
import { PAGE_SIZE } from '../host/memory.js';
import { alignDown, alignUp } from '../lib/word64.js';
import { STACK_GUARD } from './vma.js';

export interface Layout {
  /** Mappings without an address are placed below it, downwards. */
  readonly mmapBase: number;
  /** Where they go when there is no room below: upwards from here. */
  readonly lowBase: number;
  /** The stack ends here. */
  readonly stackTop: number;
  /** Where a position-independent program goes. */
  readonly pieBase: number;
  /** How far above the program's end the heap begins, at most 32 MiB. */
  readonly brkGap: number;
}

const MIN_GAP = 0x800_0000;
const BRK_RANDOM = 0x200_0000;
/** mmap_rnd_bits and the stack's randomness on x86-64, in pages. */
const MMAP_RANDOM_PAGES = 2 ** 28;
const STACK_RANDOM_PAGES = 2 ** 22;

/** `top` is the end of user space; `stackLimit` is RLIMIT_STACK. */
export function fixedLayout(top: number, stackLimit = 8 << 20): Layout {
  return layout(top, stackLimit, 0, 0, 0, 0);
}

/** `random` fills an array with random bytes. */
export function randomLayout(top: number, stackLimit: number, random: (into: Uint8Array) => void): Layout {
  const words = new Uint32Array(4);
  random(new Uint8Array(words.buffer));
  return layout(
    top,
    stackLimit,
    (words[0] % MMAP_RANDOM_PAGES) * PAGE_SIZE,
    (words[1] % STACK_RANDOM_PAGES) * PAGE_SIZE,
    (words[2] % MMAP_RANDOM_PAGES) * PAGE_SIZE,
    alignDown(words[3] % BRK_RANDOM, PAGE_SIZE),
  );
}

function layout(
  top: number,
  stackLimit: number,
  mmapRandom: number,
  stackRandom: number,
  pieRandom: number,
  brkGap: number,
): Layout {
  const pad = (stackRandom === 0 ? 0 : STACK_RANDOM_PAGES * PAGE_SIZE) + STACK_GUARD;
  const gap = Math.min(Math.max(alignUp(Math.min(stackLimit, top), PAGE_SIZE) + pad, MIN_GAP), (top / 6) * 5);
  return {
    mmapBase: alignDown(Math.floor(top - gap - mmapRandom), PAGE_SIZE),
    lowBase: alignUp(Math.floor(top / 3), PAGE_SIZE),
    stackTop: top - stackRandom,
    pieBase: alignDown(Math.floor((top / 3) * 2), PAGE_SIZE) + pieRandom,
    brkGap,
  };
}
