/**
 * The CPU time of guest threads. A look at /proc costs 30 microseconds, and makes the host fill its directory cache for the
 * process, which the reaping of the process pays for in milliseconds. Where one guest thread has the process for itself, the
 * process's CPU clock tells as much for next to nothing.
 */
import { readFileSync } from 'node:fs';
import { clock_gettime } from './libc.js';

const CPUCLOCK_SCHED = 2;

/** The CPU time of all threads of a process: clock_getcpuclockid(3). */
export function processCpuTimeNs(pid: number): number | undefined {
  const time = new BigInt64Array(2);
  if (clock_gettime((~pid << 3) | CPUCLOCK_SCHED, time) < 0) return undefined;
  return Number(time[0]) * 1e9 + Number(time[1]);
}

/** The CPU time of one thread, or undefined if it has ended: schedstat of proc(5). */
export function threadCpuTimeNs(pid: number, tid: number): number | undefined {
  try {
    return Number.parseInt(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1'), 10);
  } catch {
    return undefined;
  }
}
