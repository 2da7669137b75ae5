/** CPU time and other counters of tasks and processes: getrusage(2), times(2), the CPU clocks of clock_gettime(2). */
import { Usage, type Process } from './process.js';
import type { Task } from './task.js';

/**
 * CPU time of a task in nanoseconds. All of it counts as user time: what the kernel does for a task, it does in its own
 * host thread, and telling whose time that is would cost two clock readings for each call.
 */
export const taskCpuTime = (task: Task): number => task.finalCpuTime + (task.context?.cpuTimeNs() ?? 0);

/** CPU time of all threads of a process, also of those that have exited. */
export function processCpuTime(process: Process): number {
  let sum = process.ownUsage.userNs + process.ownUsage.systemNs;
  for (const thread of process.threads) sum += taskCpuTime(thread);
  return sum;
}

const KIB_PER_PAGE = 4;

export function taskUsage(task: Task): Usage {
  const usage = new Usage();
  usage.maxRssKiB = (task.mm?.peakResident ?? 0) * KIB_PER_PAGE;
  usage.userNs = taskCpuTime(task);
  usage.minorFaults = task.minorFaults;
  usage.majorFaults = task.majorFaults;
  usage.voluntarySwitches = task.voluntarySwitches;
  return usage;
}

/** A task is about to leave its memory: how much that was at most counts for the process. */
export function notePeakMemory({ mm, process }: Task): void {
  if (mm === undefined) return;
  const { ownUsage } = process;
  ownUsage.maxRssKiB = Math.max(ownUsage.maxRssKiB, mm.peakResident * KIB_PER_PAGE);
}

/** Of all threads of a process: `ownUsage` has those that are gone. */
export function processUsage(process: Process): Usage {
  const usage = new Usage();
  usage.add(process.ownUsage);
  for (const thread of process.threads) usage.add(taskUsage(thread));
  return usage;
}
