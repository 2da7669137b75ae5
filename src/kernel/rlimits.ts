/** Resource limits: getrlimit(2). Exact numbers; Infinity is RLIM_INFINITY. Immutable, replaced on change. */

export interface Rlimit {
  readonly soft: number;
  readonly hard: number;
}

/** Indexed by RLIMIT_*. */
export type Rlimits = readonly Rlimit[];

const unlimited: Rlimit = { soft: Infinity, hard: Infinity };

/** What init starts with on Linux: 8 MiB of stack, 1024 (hard 4096) files, the rest as include/asm-generic/resource.h. */
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
