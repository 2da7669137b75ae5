/** POSIX timers of a process: timer_create(2) and its family. Neither inherited nor kept over execve. */
import { EAGAIN, EINVAL, EOPNOTSUPP } from '../uapi/errno.js';
import { RLIMIT_SIGPENDING } from '../uapi/resource.js';
import {
  SIGALRM,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SIGEV_THREAD,
  SIGEV_THREAD_ID,
  _NSIG,
  sigevent,
} from '../uapi/signal.js';
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  TIMER_ABSTIME,
} from '../uapi/time.js';
import { Word64 } from '../lib/word64.js';
import { type CpuClock, cpuClock } from './cpu-clocks.js';
import { type CpuAlarm, cpuTimers } from './cpu-timers.js';
import type { Kernel } from './kernel.js';
import type { Process } from './process.js';
import { timerInfo } from './siginfo.js';
import { isAlive, sendToProcess, sendToTask, signalAccount } from './signal-send.js';
import type { SignalAccount, SignalInfo, SignalTimer } from './signal-state.js';
import { address, int, syscall } from './syscall.js';
import type { Task } from './task.js';
import type { TimerTarget } from './timers.js';
import { deadlineOf, isValidTime, readItimerspec, toNs, writeItimerspec } from './timespec.js';
import type { TimeSpec } from '../host/host.js';

/** Whom an expiry is told: a sigevent. */
interface Notification {
  /** 0 for nobody: SIGEV_NONE. */
  readonly signal: number;
  readonly value: Word64;
  /** SIGEV_THREAD_ID; else the process as a whole. */
  readonly thread: Task | undefined;
}

/** A timer whose signal is ignored is not rearmed faster than this. */
const IGNORED_PERIOD_NS = 4_000_000;
/** DELAYTIMER_MAX. */
const MOST_OVERRUNS = 0x7fff_ffff;

/** What a timer runs by: tells the time, and rings. In nanoseconds of a clock of its own. */
interface Base {
  now(): number;
  /** When an absolute time of user space will be. */
  at(time: TimeSpec): number;
  arm(expiry: number): void;
  disarm(): void;
}

class WallBase implements Base, TimerTarget {
  private timer = 0;
  constructor(
    private readonly kernel: Kernel,
    private readonly clock: number,
    private readonly owner: PosixTimer,
  ) {}
  now(): number {
    return this.kernel.host.clock.now();
  }
  at(time: TimeSpec): number {
    return deadlineOf(this.kernel, this.clock, time);
  }
  arm(expiry: number): void {
    this.disarm();
    if (expiry < Infinity) this.timer = this.kernel.scheduler.timers.add(expiry, this);
  }
  disarm(): void {
    if (this.timer !== 0) this.kernel.scheduler.timers.cancel(this.timer);
    this.timer = 0;
  }
  expired(): void {
    this.timer = 0;
    this.owner.expired();
  }
}

class CpuBase implements Base, CpuAlarm {
  expiry = 0;
  constructor(
    private readonly kernel: Kernel,
    readonly clock: CpuClock,
    private readonly owner: PosixTimer,
  ) {}
  now(): number {
    return this.clock.read();
  }
  at(time: TimeSpec): number {
    return toNs(time);
  }
  arm(expiry: number): void {
    this.expiry = expiry;
    cpuTimers(this.kernel, this.clock.process).add(this);
  }
  disarm(): void {
    cpuTimers(this.kernel, this.clock.process).remove(this);
  }
  expired(): void {
    this.owner.expired();
  }
}

class PosixTimer implements SignalTimer {
  private readonly base: Base;
  private interval = 0;
  /** 0: not set. */
  private expiry = 0;
  /** Its signal is in a queue; it is armed again when that is delivered. */
  private pending = false;
  /** The setting has changed since the signal was queued: it says nothing about this one. */
  private stale = false;
  /** Expiries that nobody has been told of. */
  private overrun = 0;
  /** Expiries while a signal was pending, before the one delivered last: timer_getoverrun(2). */
  lastOverrun = 0;

  constructor(
    readonly id: number,
    kernel: Kernel,
    clock: number | CpuClock,
    private readonly process: Process,
    private readonly notification: Notification,
    private readonly account: SignalAccount,
  ) {
    this.base =
      typeof clock === 'number' ? new WallBase(kernel, clock, this) : new CpuBase(kernel, clock, this);
    account.queued++;
  }

  set(value: TimeSpec, interval: TimeSpec, absolute: boolean): void {
    this.base.disarm();
    this.stale = this.pending;
    this.expiry = 0;
    this.interval = 0;
    this.lastOverrun = 0;
    if (toNs(value) === 0) return;
    this.interval = toNs(interval);
    this.expiry = absolute ? this.base.at(value) : this.base.now() + toNs(value);
    if (this.notification.signal !== 0) this.base.arm(this.expiry);
  }

  /** Nanoseconds to the next expiry, and between expiries. */
  get(): { readonly left: number; readonly interval: number } {
    const { interval } = this;
    if (this.expiry === 0) return { left: 0, interval };
    const silent = this.notification.signal === 0;
    if (interval > 0 && (this.pending || silent)) this.overrun += this.forward();
    const left = this.expiry - this.base.now();
    // Zero would say that it is not set.
    return { left: left > 0 ? left : silent ? 0 : 1, interval };
  }

  remove(): void {
    this.base.disarm();
    this.account.queued--;
    this.expiry = 0;
    this.interval = 0;
    this.stale = this.pending;
  }

  expired(): void {
    const { signal, value, thread } = this.notification;
    const info = timerInfo(signal, this.id, 0, value.lo, value.hi);
    // What is still in a queue counts the expiry as an overrun when it is delivered.
    if (!this.pending) {
      if (thread === undefined) sendToProcess(this.process, info, this);
      else if (isAlive(thread)) sendToTask(thread, info, this);
    }
    if (this.interval === 0) this.expiry = 0;
    else if (!this.pending) {
      // Ignored: nobody will tell when to go on.
      this.overrun += this.forward();
      this.base.arm(Math.max(this.expiry, this.base.now() + Math.min(this.interval, IGNORED_PERIOD_NS)));
    }
  }

  queued(): void {
    this.pending = true;
    this.stale = false;
  }

  delivered(info: SignalInfo): SignalInfo {
    this.pending = false;
    if (this.stale || this.interval === 0) return info;
    this.lastOverrun = Math.min(this.overrun + this.forward() - 1, MOST_OVERRUNS);
    this.overrun = 0;
    this.base.arm(this.expiry);
    return { ...info, status: this.lastOverrun };
  }

  discarded(): void {
    this.pending = false;
    if (this.stale || this.interval === 0) return;
    this.overrun += this.forward();
    this.base.arm(this.expiry);
  }

  /** Moves the expiry into the future; by how many intervals. */
  private forward(): number {
    const late = this.base.now() - this.expiry;
    if (late < 0) return 0;
    const steps = Math.floor(late / this.interval) + 1;
    this.expiry += steps * this.interval;
    return steps;
  }
}

/** The timers of a process, by number. */
export class PosixTimers {
  private readonly timers = new Map<number, PosixTimer>();
  private nextId = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly process: Process,
  ) {}

  /** `value` undefined: the timer's number. */
  create(
    clock: number | CpuClock,
    signal: number,
    value: Word64 | undefined,
    thread: Task | undefined,
    account: SignalAccount,
  ): PosixTimer {
    do this.nextId = (this.nextId + 1) & 0x7fff_ffff;
    while (this.timers.has(this.nextId - 1));
    const id = this.nextId - 1;
    const notification = { signal, value: value ?? Word64.from(id), thread };
    const timer = new PosixTimer(id, this.kernel, clock, this.process, notification, account);
    this.timers.set(id, timer);
    return timer;
  }

  /** EINVAL. */
  get(id: number): PosixTimer {
    const timer = this.timers.get(id);
    if (timer === undefined) throw EINVAL;
    return timer;
  }

  remove(id: number): void {
    this.get(id).remove();
    this.timers.delete(id);
  }

  clear(): void {
    for (const timer of this.timers.values()) timer.remove();
    this.timers.clear();
  }
}

const wallClocks: readonly number[] = [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI];

function timerClock(task: Task, clock: number): number | CpuClock {
  if (wallClocks.includes(clock)) return clock;
  if (clock < 0 || clock === CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK_THREAD_CPUTIME_ID)
    return cpuClock(task, clock);
  // There, but not for timers: the raw and coarse clocks, and those that wake a machine from sleep.
  throw clock >= CLOCK_MONOTONIC_RAW && clock <= CLOCK_BOOTTIME_ALARM ? EOPNOTSUPP : EINVAL;
}

/** timer_create(2). */
export const sys_timer_create = syscall([int, address, address], (task, clock, eventAt, idAt) => {
  const { kernel, process } = task;
  const event = eventAt === 0 ? undefined : sigevent.decode(task.memory.copyIn(eventAt, sigevent.size));
  const source = timerClock(task, clock);
  const signal = event === undefined ? SIGALRM : signalOf(event.sigev_notify, event.sigev_signo);
  const thread =
    event?.sigev_notify === SIGEV_THREAD_ID ? ownThread(task, event.sigev_notify_thread_id) : undefined;
  const account = signalAccount(kernel, task.credentials.uid);
  // Each has a place in a queue to itself.
  if (account.queued >= process.rlimits[RLIMIT_SIGPENDING].soft) throw EAGAIN;
  const timers = (process.posixTimers ??= new PosixTimers(kernel, process));
  const timer = timers.create(source, signal, event?.sigev_value, thread, account);
  try {
    task.memory.putU32(idAt, timer.id);
  } catch (error) {
    timers.remove(timer.id);
    throw error;
  }
  return 0;
});

/** The signal of a sigevent, or 0 for SIGEV_NONE. SIGEV_THREAD is the C library's business: to the kernel it is a signal. */
function signalOf(notify: number, signal: number): number {
  if (notify === SIGEV_NONE) return 0;
  if (notify !== SIGEV_SIGNAL && notify !== SIGEV_THREAD && notify !== SIGEV_THREAD_ID) throw EINVAL;
  if (signal <= 0 || signal > _NSIG) throw EINVAL;
  return signal;
}

function ownThread(task: Task, tid: number): Task {
  const thread = task.kernel.pids.tasks.get(tid);
  if (thread === undefined || thread.process !== task.process) throw EINVAL;
  return thread;
}

function find(task: Task, id: number): PosixTimer {
  const { posixTimers } = task.process;
  if (posixTimers === undefined) throw EINVAL;
  return posixTimers.get(id);
}

/** timer_settime(2). */
export const sys_timer_settime = syscall([int, int, address, address], (task, id, flags, newAt, oldAt) => {
  if (newAt === 0) throw EINVAL;
  const { value, interval } = readItimerspec(task, newAt);
  if (!isValidTime(value) || !isValidTime(interval)) throw EINVAL;
  const timer = find(task, id);
  const old = timer.get();
  timer.set(value, interval, (flags & TIMER_ABSTIME) !== 0);
  if (oldAt !== 0) writeItimerspec(task, oldAt, old.left, old.interval);
  return 0;
});

/** timer_gettime(2). */
export const sys_timer_gettime = syscall([int, address], (task, id, at) => {
  const { left, interval } = find(task, id).get();
  writeItimerspec(task, at, left, interval);
  return 0;
});

/** timer_getoverrun(2). */
export const sys_timer_getoverrun = syscall([int], (task, id) => find(task, id).lastOverrun);

/** timer_delete(2). */
export const sys_timer_delete = syscall([int], (task, id) => {
  find(task, id);
  task.process.posixTimers?.remove(id);
  return 0;
});

/** execve(2): timers go, their pending signals stay. */
export function execTimers(process: Process): void {
  process.posixTimers?.clear();
}

/** A process has ended. */
export function exitTimers(process: Process): void {
  process.posixTimers?.clear();
  process.intervalTimers?.stop();
  process.cpuTimers?.clear();
}
