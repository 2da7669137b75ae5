/**
 * Timers that follow the CPU time of a process or thread: ITIMER_PROF and ITIMER_VIRTUAL, timer_create(2) on CPU clocks,
 * RLIMIT_CPU.
 *
 * Guest threads run on the host without us, so nobody counts ticks for them. We look at their clocks when the first of the
 * timers could have expired if all threads ran all the time. Nobody uses CPU time while no thread runs: then we stop looking,
 * until a thread returns to user mode.
 */
import { RLIMIT_CPU } from '../uapi/resource.js';
import { SIGKILL, SIGXCPU } from '../uapi/signal.js';
import { type CpuClock, processClock } from './cpu-clocks.js';
import type { Kernel } from './kernel.js';
import type { Process } from './process.js';
import { kernelInfo } from './siginfo.js';
import { sendToProcess } from './signal-send.js';
import type { TimerTarget } from './timers.js';
import { NS_PER_SEC } from './timespec.js';

/** The shortest time between two looks. */
const SHORTEST_NS = 1_000_000;

/** Something to happen when a CPU clock has reached a time. */
export interface CpuAlarm {
  readonly clock: CpuClock;
  readonly expiry: number;
  /** It is no longer among the alarms, and may be added again. */
  expired(): void;
}

export class CpuTimers implements TimerTarget {
  private readonly alarms = new Set<CpuAlarm>();
  private timer = 0;
  /** Nobody ran when we last looked. */
  private dormant = false;
  private limit: CpuAlarm | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly process: Process,
  ) {}

  add(alarm: CpuAlarm): void {
    this.alarms.add(alarm);
    this.arm();
  }

  remove(alarm: CpuAlarm): void {
    this.alarms.delete(alarm);
    if (this.alarms.size === 0) this.disarm();
  }

  clear(): void {
    this.alarms.clear();
    this.disarm();
  }

  /** RLIMIT_CPU has been set, or inherited. */
  limitChanged(): void {
    if (this.limit !== undefined) this.alarms.delete(this.limit);
    this.limit = undefined;
    const { soft, hard } = this.process.rlimits[RLIMIT_CPU];
    const seconds = Math.min(soft, hard);
    if (seconds === Infinity) return;
    this.limit = new LimitAlarm(this, this.process, seconds * NS_PER_SEC);
    this.add(this.limit);
  }

  expired(): void {
    this.timer = 0;
    for (const alarm of this.alarms) {
      if (alarm.clock.read() < alarm.expiry) continue;
      this.alarms.delete(alarm);
      alarm.expired();
    }
    this.arm();
  }

  /** A thread of the process returns to user mode. */
  stir(): void {
    if (this.dormant) this.arm();
  }

  private arm(): void {
    this.disarm();
    if (this.alarms.size === 0) return;
    if (!this.someoneRuns()) {
      this.sleep();
      return;
    }
    let soonest = Infinity;
    for (const { clock, expiry } of this.alarms)
      soonest = Math.min(soonest, (expiry - clock.read()) / clock.threads);
    const { timers, clock } = this.kernel.scheduler;
    this.timer = timers.add(clock.now() + Math.max(SHORTEST_NS, Math.ceil(soonest)), this);
  }

  private disarm(): void {
    this.dormant = false;
    if (this.timer === 0) return;
    this.kernel.scheduler.timers.cancel(this.timer);
    this.timer = 0;
  }

  /** Whoever returns to user mode passes by `stir`. */
  private sleep(): void {
    this.dormant = true;
    for (const thread of this.process.threads) thread.workPending = true;
  }

  private someoneRuns(): boolean {
    for (const { state, sleeping } of this.process.threads)
      if (state === 'user' || (state === 'kernel' && sleeping === undefined)) return true;
    return false;
  }
}

/** RLIMIT_CPU: SIGXCPU at the soft limit and each second beyond, SIGKILL at the hard one. getrlimit(2) */
class LimitAlarm implements CpuAlarm {
  readonly clock: CpuClock;

  constructor(
    private readonly timers: CpuTimers,
    private readonly process: Process,
    readonly expiry: number,
  ) {
    this.clock = processClock(process);
  }

  expired(): void {
    const { process } = this;
    const { soft, hard } = process.rlimits[RLIMIT_CPU];
    if (this.expiry >= hard * NS_PER_SEC) {
      sendToProcess(process, kernelInfo(SIGKILL));
      return;
    }
    sendToProcess(process, kernelInfo(SIGXCPU));
    // The limit itself moves on: getrlimit shows it.
    process.rlimits = process.rlimits.with(RLIMIT_CPU, { soft: soft + 1, hard });
    this.timers.limitChanged();
  }
}

/** The timers of a process on CPU clocks, made if need be. */
export function cpuTimers(kernel: Kernel, process: Process): CpuTimers {
  return (process.cpuTimers ??= new CpuTimers(kernel, process));
}

/** After setrlimit(2) and fork(2): makes RLIMIT_CPU take effect. */
export function startCpuLimit(kernel: Kernel, process: Process): void {
  if (process.cpuTimers !== undefined || process.rlimits[RLIMIT_CPU].soft !== Infinity)
    cpuTimers(kernel, process).limitChanged();
}
