/** Resource limits: getrlimit(2). Exact numbers; Infinity is RLIM_INFINITY. Immutable, replaced on change. */

import { RLIMIT_NPROC, RLIMIT_SIGPENDING } from '../uapi/resource.js';

export interface Rlimit {
  readonly soft: number;
  readonly hard: number;
}

/** Indexed by RLIMIT_*. */
export type Rlimits = readonly Rlimit[];

const unlimited: Rlimit = { soft: Infinity, hard: Infinity };

/**
 * What init starts with on Linux: 8 MiB of stack, 1024 files, the rest as include/asm-generic/resource.h. The numbers of
 * processes and of queued signals follow from the machine's memory: initialRlimits.
 */
export const defaultRlimits: Rlimits = [
  unlimited, // CPU
  unlimited, // FSIZE
  unlimited, // DATA
  { soft: 8 << 20, hard: Infinity }, // STACK
  { soft: 0, hard: Infinity }, // CORE
  unlimited, // RSS
  { soft: 32767, hard: 32767 }, // NPROC
  { soft: 1024, hard: 1_048_576 }, // NOFILE
  { soft: 8 << 20, hard: 8 << 20 }, // MEMLOCK
  unlimited, // AS
  unlimited, // LOCKS
  { soft: 32767, hard: 32767 }, // SIGPENDING
  { soft: 819200, hard: 819200 }, // MSGQUEUE
  { soft: 0, hard: 0 }, // NICE
  { soft: 0, hard: 0 }, // RTPRIO
  unlimited, // RTTIME
];

/** Memory for each possible thread: Linux gives an eighth of memory to their stacks, THREAD_SIZE, of 16 KiB. */
const MEMORY_PER_THREAD = 16384 * 8;
/** Linux's. */
const MIN_THREADS = 20;

/** threads-max for so many bytes of memory, as Linux has it (kernel/fork.c). */
export function threadsForMemory(bytes: number): number {
  return Math.max(MIN_THREADS, Math.floor(bytes / MEMORY_PER_THREAD));
}

/** What init starts with on a machine that can have so many threads. */
export function initialRlimits(maxThreads: number): Rlimits {
  const half = { soft: Math.floor(maxThreads / 2), hard: Math.floor(maxThreads / 2) };
  return defaultRlimits.map((limit, index) =>
    index === RLIMIT_NPROC || index === RLIMIT_SIGPENDING ? half : limit,
  );
}
