/** Sleeping until a time: nanosleep(2), clock_nanosleep(2). */
import { EINVAL, EOPNOTSUPP, ERESTARTNOHAND, ERESTART_RESTARTBLOCK } from '../uapi/errno.js';
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  CLOCK_PROCESS_CPUTIME_ID,
  TIMER_ABSTIME,
} from '../uapi/time.js';
import type { TimeSpec } from '../host/host.js';
import { type CpuClock, cpuClock } from './cpu-clocks.js';
import { type Result, address, int, syscall } from './syscall.js';
import type { RestartBlock, Task } from './task.js';
import { fromNs, isValidTime, readTimespec, timeUntil, toNs, writeTimespec } from './timespec.js';

/** How often a sleep on a CPU clock looks at it while nobody uses much. */
const CPU_POLL_NS = 1_000_000;

/** nanosleep(2). */
export const sys_nanosleep = syscall([address, address], (task, requestAt, remainderAt) => {
  const span = readTimespec(task, requestAt);
  if (!isValidTime(span)) throw EINVAL;
  return sleepFor(task, task.kernel.host.clock.now() + toNs(span), remainderAt);
});

/** clock_nanosleep(2). */
export const sys_clock_nanosleep = syscall(
  [int, int, address, address],
  (task, clock, flags, requestAt, remainderAt) => {
    const cpu = clock < 0 || clock === CLOCK_PROCESS_CPUTIME_ID ? cpuClock(task, clock) : undefined;
    if (cpu === undefined && !isSleepable(clock)) throw badClock(clock);
    const time = readTimespec(task, requestAt);
    if (!isValidTime(time)) throw EINVAL;
    const absolute = (flags & TIMER_ABSTIME) !== 0;
    if (cpu !== undefined) return sleepOnCpu(task, cpu, toNs(time), absolute, remainderAt);
    if (absolute) return sleepUntil(task, clock, time);
    return sleepFor(task, task.kernel.host.clock.now() + toNs(time), remainderAt);
  },
);

const isSleepable = (clock: number): boolean =>
  clock === CLOCK_REALTIME || clock === CLOCK_MONOTONIC || clock === CLOCK_BOOTTIME || clock === CLOCK_TAI;

/** Clocks that can be read but not slept on, and those that do not exist. */
const badClock = (clock: number) =>
  clock >= CLOCK_THREAD_CPUTIME_ID && clock <= CLOCK_BOOTTIME_ALARM ? EOPNOTSUPP : EINVAL;

/** An interrupted sleep goes on until its old deadline. */
class SleepRestart implements RestartBlock {
  constructor(
    private readonly deadline: number,
    private readonly remainderAt: number,
  ) {}

  restart(task: Task): Result {
    return sleepFor(task, this.deadline, this.remainderAt);
  }
}

/** Sleeps until a kernel time; when a signal ends that, says how much is left. */
async function sleepFor(task: Task, deadline: number, remainderAt: number): Promise<number> {
  const { clock } = task.kernel.host;
  for (;;) {
    const left = deadline - clock.now();
    if (left <= 0) return 0;
    if (task.signalPending()) {
      if (remainderAt !== 0) writeTimespec(task, remainderAt, fromNs(left));
      task.restartBlock = new SleepRestart(deadline, remainderAt);
      throw ERESTART_RESTARTBLOCK;
    }
    await task.park('interruptible', deadline);
  }
}

/** Sleeps until a clock reads a time. Somebody may set the host's clock meanwhile, so it is read again. */
async function sleepUntil(task: Task, clock: number, time: TimeSpec): Promise<number> {
  const { kernel } = task;
  for (;;) {
    const left = timeUntil(kernel, clock, time);
    if (left <= 0) return 0;
    if (task.signalPending()) throw ERESTARTNOHAND;
    await task.park('interruptible', kernel.host.clock.now() + left);
  }
}

/** Sleeps until others have used CPU time. */
async function sleepOnCpu(
  task: Task,
  cpu: CpuClock,
  time: number,
  absolute: boolean,
  remainderAt: number,
): Promise<number> {
  const target = absolute ? time : cpu.read() + time;
  const { clock } = task.kernel.host;
  for (;;) {
    const left = target - cpu.read();
    if (left <= 0) return 0;
    if (task.signalPending()) {
      if (absolute) throw ERESTARTNOHAND;
      if (remainderAt !== 0) writeTimespec(task, remainderAt, fromNs(left));
      task.restartBlock = new CpuSleepRestart(cpu, target, remainderAt);
      throw ERESTART_RESTARTBLOCK;
    }
    await task.park('interruptible', clock.now() + Math.max(left / cpu.threads, CPU_POLL_NS));
  }
}

class CpuSleepRestart implements RestartBlock {
  constructor(
    private readonly cpu: CpuClock,
    private readonly target: number,
    private readonly remainderAt: number,
  ) {}

  restart(task: Task): Result {
    return sleepOnCpu(task, this.cpu, Math.max(0, this.target - this.cpu.read()), false, this.remainderAt);
  }
}
