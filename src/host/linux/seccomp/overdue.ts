/**
 * Guest threads that do not answer an interrupt. A guest can block every signal by jumping to the stub's rt_sigreturn with a
 * frame of its own making; only killing its process helps then. A thread that the host merely has not let run is given time.
 */
import { readFileSync } from 'node:fs';
import { threadCpuTimeNs } from './cpu-time.js';

/** An interrupt that has not been answered. */
export interface Interrupt {
  /** When it was sent, by performance.now(). */
  readonly sentAt: number;
  /** The thread's CPU time when it was first found not to have answered. */
  cpuTimeNs: number | undefined;
}

/** How long nobody asks. */
const PATIENCE_MS = 500;
/** A thread that runs as long as this without having taken the signal has blocked it. */
const STUBBORN_NS = 50_000_000;

/** A thread's state letter of proc(5). */
function threadState(pid: number, tid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
    return text[text.lastIndexOf(')') + 2];
  } catch {
    return undefined;
  }
}

/** Whether a thread had its chance to answer, and did not. */
export function isOverdue(interrupt: Interrupt, pid: number, tid: number, now: number): boolean {
  if (now - interrupt.sentAt < PATIENCE_MS) return false;
  const cpuTimeNs = threadCpuTimeNs(pid, tid);
  const state = threadState(pid, tid);
  if (cpuTimeNs === undefined || state === undefined) return true;
  if (interrupt.cpuTimeNs === undefined) {
    interrupt.cpuTimeNs = cpuTimeNs;
    return false;
  }
  // Asleep, though a signal is pending: not in the handler's wait, for that would have been a trap.
  if (state === 'S') return true;
  return cpuTimeNs - interrupt.cpuTimeNs > STUBBORN_NS;
}
