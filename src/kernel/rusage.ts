/** Resource usage as user space sees it: getrusage(2), times(2), and the usage that wait4(2) tells. */
import { EINVAL } from '../uapi/errno.js';
import { RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD, rusage } from '../uapi/resource.js';
import type { RecordOf } from '../lib/struct.js';
import { USER_HZ } from '../uapi/time.js';
import { tms } from '../uapi/times.js';
import { processUsage, taskUsage } from './cputime.js';
import type { Usage } from './process.js';
import { address, int, syscall } from './syscall.js';
import type { Task } from './task.js';

const NS_PER_SECOND = 1_000_000_000;
const NS_PER_TICK = NS_PER_SECOND / USER_HZ;

const timevalOf = (ns: number): { tv_sec: number; tv_usec: number } => ({
  tv_sec: Math.floor(ns / NS_PER_SECOND),
  tv_usec: Math.floor((ns % NS_PER_SECOND) / 1000),
});

/** Fields that are not here are zero on Linux as well, or not counted here. */
export function usageRecord(usage: Usage): Partial<RecordOf<typeof rusage>> {
  return {
    ru_utime: timevalOf(usage.userNs),
    ru_stime: timevalOf(usage.systemNs),
    ru_maxrss: usage.maxRssKiB,
    ru_minflt: usage.minorFaults,
    ru_majflt: usage.majorFaults,
    ru_nvcsw: usage.voluntarySwitches,
  };
}

function usageOf(task: Task, who: number): Usage {
  switch (who) {
    case RUSAGE_SELF:
      return processUsage(task.process);
    case RUSAGE_CHILDREN:
      return task.process.childUsage;
    case RUSAGE_THREAD:
      return taskUsage(task);
    default:
      throw EINVAL;
  }
}

export const sys_getrusage = syscall([int, address], (task, who, at) => {
  task.memory.copyOut(at, rusage.encode(usageRecord(usageOf(task, who))));
  return 0;
});

const ticks = (ns: number): number => Math.floor(ns / NS_PER_TICK);

/** times(2): the result counts ticks from a moment that the kernel chooses. */
export const sys_times = syscall([address], (task, at) => {
  if (at !== 0) {
    const own = processUsage(task.process);
    const { childUsage } = task.process;
    const record = {
      tms_utime: ticks(own.userNs),
      tms_stime: ticks(own.systemNs),
      tms_cutime: ticks(childUsage.userNs),
      tms_cstime: ticks(childUsage.systemNs),
    };
    task.memory.copyOut(at, tms.encode(record));
  }
  return ticks(task.kernel.host.clock.now());
});
