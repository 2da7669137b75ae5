/** Interval timers of a process: setitimer(2), getitimer(2), alarm(2). Kept over execve, not inherited. */
import { EFAULT, EINVAL } from '../uapi/errno.js';
import { SIGALRM, SIGPROF, SIGVTALRM } from '../uapi/signal.js';
import { ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL } from '../uapi/time.js';
import { type CpuClock, processClock } from './cpu-clocks.js';
import { type CpuAlarm, cpuTimers } from './cpu-timers.js';
import type { Kernel } from './kernel.js';
import type { Process } from './process.js';
import { kernelInfo } from './siginfo.js';
import { sendToProcess } from './signal-send.js';
import { address, int, syscall, uint } from './syscall.js';
import type { Task } from './task.js';
import type { TimerTarget } from './timers.js';
import { NS_PER_SEC, readItimerval, writeItimerval } from './timespec.js';

/** The three timers of a process. */
export class IntervalTimers {
  private readonly timers: readonly IntervalTimer[];

  constructor(kernel: Kernel, process: Process) {
    this.timers = [
      new RealTimer(kernel, process),
      new CpuIntervalTimer(kernel, process, SIGVTALRM),
      new CpuIntervalTimer(kernel, process, SIGPROF),
    ];
  }

  get(which: number): IntervalTimer {
    return this.timers[which];
  }

  stop(): void {
    for (const timer of this.timers) timer.set(0, 0);
  }
}

interface IntervalTimer {
  /** Nanoseconds. 0: stops it. */
  set(value: number, interval: number): void;
  /** Nanoseconds left; at least 1 while it runs. */
  readonly left: number;
  readonly interval: number;
}

/** ITIMER_REAL. */
class RealTimer implements IntervalTimer, TimerTarget {
  interval = 0;
  private expiry = 0;
  private timer = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly process: Process,
  ) {}

  get left(): number {
    return this.timer === 0 ? 0 : Math.max(1, this.expiry - this.kernel.host.clock.now());
  }

  set(value: number, interval: number): void {
    if (this.timer !== 0) this.kernel.scheduler.timers.cancel(this.timer);
    this.timer = 0;
    this.interval = interval;
    if (value > 0) this.arm(this.kernel.host.clock.now() + value);
  }

  expired(now: number): void {
    this.timer = 0;
    sendToProcess(this.process, kernelInfo(SIGALRM));
    if (this.interval === 0) return;
    // Late expiries are not made up for: SIGALRM does not queue.
    const missed = Math.floor((now - this.expiry) / this.interval);
    this.arm(this.expiry + (missed + 1) * this.interval);
  }

  private arm(expiry: number): void {
    this.expiry = expiry;
    if (expiry < Infinity) this.timer = this.kernel.scheduler.timers.add(expiry, this);
  }
}

/** ITIMER_VIRTUAL, ITIMER_PROF: the same, since all CPU time counts as user time. */
class CpuIntervalTimer implements IntervalTimer, CpuAlarm {
  readonly clock: CpuClock;
  interval = 0;
  expiry = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly process: Process,
    private readonly signal: number,
  ) {
    this.clock = processClock(process);
  }

  get left(): number {
    return this.expiry === 0 ? 0 : Math.max(1, this.expiry - this.clock.read());
  }

  set(value: number, interval: number): void {
    if (this.expiry !== 0) cpuTimers(this.kernel, this.process).remove(this);
    this.interval = interval;
    this.expiry = value === 0 ? 0 : this.clock.read() + value;
    if (value > 0) cpuTimers(this.kernel, this.process).add(this);
  }

  expired(): void {
    sendToProcess(this.process, kernelInfo(this.signal));
    this.expiry = this.interval === 0 ? 0 : this.expiry + this.interval;
    if (this.expiry !== 0) cpuTimers(this.kernel, this.process).add(this);
  }
}

function timerOf({ kernel, process }: Task, which: number): IntervalTimer {
  if (which !== ITIMER_REAL && which !== ITIMER_VIRTUAL && which !== ITIMER_PROF) throw EINVAL;
  return (process.intervalTimers ??= new IntervalTimers(kernel, process)).get(which);
}

/** getitimer(2). */
export const sys_getitimer = syscall([int, address], (task, which, at) => {
  const { left, interval } = timerOf(task, which);
  if (at === 0) throw EFAULT;
  writeItimerval(task, at, left, interval);
  return 0;
});

/** setitimer(2). Linux takes a null pointer for zeros. */
export const sys_setitimer = syscall([int, address, address], (task, which, newAt, oldAt) => {
  const { value, interval } = newAt === 0 ? { value: 0, interval: 0 } : readItimerval(task, newAt);
  const timer = timerOf(task, which);
  const { left: oldLeft, interval: oldInterval } = timer;
  timer.set(value, interval);
  if (oldAt !== 0) writeItimerval(task, oldAt, oldLeft, oldInterval);
  return 0;
});

/** alarm(2): seconds, rounded; but never 0 for a timer that runs. */
export const sys_alarm = syscall([uint], (task, seconds) => {
  const timer = timerOf(task, ITIMER_REAL);
  const { left } = timer;
  timer.set(Math.min(seconds, 0x7fff_ffff) * NS_PER_SEC, 0);
  return left === 0 ? 0 : Math.max(1, Math.round(left / NS_PER_SEC));
});
