/**
 * The CPU time of guest threads. The host tells a thread's time only in /proc, where a look costs 50 microseconds and makes
 * the host fill its directory cache for the process, which the reaping of the process pays for in milliseconds. A process's
 * clock costs next to nothing: its time is divided among the contexts of the space in proportion to how long each has run.
 */
import { readFileSync } from 'node:fs';
import { clock_gettime } from './libc.js';
import type { SeccompSpace } from './space.js';

const CPUCLOCK_SCHED = 2;

/** The CPU time of all threads of a process: clock_getcpuclockid(3). */
function processCpuTimeNs(pid: number): number | undefined {
  const time = new BigInt64Array(2);
  if (clock_gettime((~pid << 3) | CPUCLOCK_SCHED, time) < 0) return undefined;
  return Number(time[0]) * 1e9 + Number(time[1]);
}

/** Divides what the space has used since the last time among its contexts. */
export function settleCpuTime(space: SeccompSpace): void {
  const { contexts } = space;
  const used = space.alive ? processCpuTimeNs(space.process.pid) : undefined;
  if (used === undefined || contexts.size === 0) return;
  const since = Math.max(0, used - space.settledCpuNs);
  space.settledCpuNs = used;
  const now = performance.now();
  let total = 0;
  for (const context of contexts) {
    if (context.resumedAt > 0) {
      context.ranMs += now - context.resumedAt;
      context.resumedAt = now;
    }
    total += context.ranMs;
  }
  for (const context of contexts) {
    context.cpuNs += total > 0 ? since * (context.ranMs / total) : since / contexts.size;
    context.ranMs = 0;
  }
}

/** The CPU time of one thread, or undefined if it has ended: schedstat of proc(5). */
export function threadCpuTimeNs(pid: number, tid: number): number | undefined {
  try {
    return Number.parseInt(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1'), 10);
  } catch {
    return undefined;
  }
}
