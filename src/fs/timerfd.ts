/**
 * timerfd_create(2): a timer that counts its expirations. A periodic timer stops once it has expired and goes on when that
 * has been read, so that one which nobody reads costs nothing; what it missed is counted then.
 */
import type { TimeSpec } from '../host/host.js';
import { capable } from '../kernel/credentials.js';
import type { Kernel } from '../kernel/kernel.js';
import { type Result, address, fd, flags, int, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { timeUntil, fromNs, isValidTime, readItimerspec, toNs, writeItimerspec } from '../kernel/timespec.js';
import type { TimerTarget } from '../kernel/timers.js';
import { WaitQueue, type Waiter } from '../kernel/wait.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { hi, lo } from '../lib/word64.js';
import { CAP_WAKE_ALARM } from '../uapi/capability.js';
import { EAGAIN, ECANCELED, EFAULT, EINVAL, EPERM } from '../uapi/errno.js';
import { EPOLLIN } from '../uapi/epoll.js';
import { O_RDWR } from '../uapi/fcntl.js';
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
} from '../uapi/time.js';
import {
  TFD_CLOEXEC,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
  timerfdCreateFlags,
  timerfdSetFlags,
} from '../uapi/timerfd.js';
import { AnonymousFile } from './anon-inode.js';
import { descriptorLimit } from './file-calls.js';
import type { PollTable } from './file.js';

const clocks = new Set([
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_BOOTTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_BOOTTIME_ALARM,
]);

const isAlarm = (clock: number): boolean => clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM;
const isRealTime = (clock: number): boolean => clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_ALARM;

class TimerFile extends AnonymousFile implements TimerTarget, Waiter {
  private readonly changed = new WaitQueue();
  /** The armed timer; 0 when there is none. */
  private timer = 0;
  /** Kernel time of the next expiration, or of the one that has not been read. */
  private nextAt = 0;
  /** The clock's time of it, when it was set as that and the clock can be set. */
  private absolute: TimeSpec | undefined;
  private intervalNs = 0;
  /** Expirations that have not been read. */
  private ticks = 0;
  /** The timer has expired and waits to be read before it goes on. */
  private expiredOnce = false;
  /** TFD_TIMER_CANCEL_ON_SET, and that the clock was set. */
  private cancelable = false;
  private cancelled = false;
  private settings = 0;

  constructor(
    task: Task,
    readonly clock: number,
    openFlags: number,
  ) {
    super(task.kernel, task.credentials, openFlags, 'anon_inode:[timerfd]');
  }

  private get kernel(): Kernel {
    return this.inode.superBlock.kernel;
  }

  private get now(): number {
    return this.kernel.host.clock.now();
  }

  override release(): void {
    this.disarm();
  }

  private disarm(): void {
    this.kernel.scheduler.timers.cancel(this.timer);
    this.timer = 0;
    this.kernel.clockSet.remove(this);
    this.cancelable = this.cancelled = false;
  }

  private arm(): void {
    this.timer = this.kernel.scheduler.timers.add(this.nextAt, this);
  }

  /** timerfd_settime(2), checked. */
  set(settings: number, value: TimeSpec, intervalNs: number): void {
    this.disarm();
    this.settings = settings;
    this.intervalNs = intervalNs;
    this.ticks = 0;
    this.expiredOnce = false;
    this.absolute = undefined;
    if (value.sec === 0 && value.nsec === 0) return;
    if ((settings & TFD_TIMER_ABSTIME) === 0) this.nextAt = this.now + toNs(value);
    else {
      this.nextAt = this.now + timeUntil(this.kernel, this.clock, value);
      if (isRealTime(this.clock)) {
        this.absolute = value;
        this.cancelable = (settings & TFD_TIMER_CANCEL_ON_SET) !== 0;
        this.kernel.clockSet.add(this);
      }
    }
    if (this.nextAt !== Infinity) this.arm();
  }

  expired(): void {
    this.timer = 0;
    if (this.absolute !== undefined) {
      // The clock may have been set back since.
      this.nextAt = this.now + timeUntil(this.kernel, this.clock, this.absolute);
      if (this.nextAt > this.now) return this.arm();
    }
    this.absolute = undefined;
    this.expiredOnce = true;
    this.ticks++;
    this.changed.wake(EPOLLIN);
  }

  /** The real-time clock was set. */
  woken(): void {
    if (this.cancelable) {
      this.cancelled = true;
      this.ticks++;
      this.changed.wake(EPOLLIN);
    } else if (this.timer !== 0 && this.absolute !== undefined) {
      this.kernel.scheduler.timers.cancel(this.timer);
      this.nextAt = this.now + timeUntil(this.kernel, this.clock, this.absolute);
      this.arm();
    }
  }

  /** What is due has expired, be it that the timer queue has not been run yet. */
  private catchUp(): void {
    if (this.timer === 0 || this.nextAt > this.now) return;
    this.kernel.scheduler.timers.cancel(this.timer);
    this.expired();
  }

  /** Lets a periodic timer that has expired go on; counts what it missed. */
  private goOn(): void {
    if (!this.expiredOnce || this.intervalNs === 0) return;
    this.expiredOnce = false;
    const periods = Math.floor((this.now - this.nextAt) / this.intervalNs) + 1;
    this.ticks += periods - 1;
    this.nextAt += periods * this.intervalNs;
    this.arm();
  }

  override read(task: Task, to: IoBuffer): Result {
    if (to.remaining < 8) throw EINVAL;
    this.catchUp();
    if (this.ticks > 0) return this.take(to);
    if (this.nonBlocking) throw EAGAIN;
    return this.readLater(task, to);
  }

  private async readLater(task: Task, to: IoBuffer): Promise<number> {
    while (this.ticks === 0) await this.changed.sleep(task);
    return this.take(to);
  }

  private take(to: IoBuffer): number {
    if (this.cancelled) {
      this.cancelled = false;
      this.ticks = 0;
      throw ECANCELED;
    }
    this.goOn();
    const { ticks } = this;
    this.ticks = 0;
    const bytes = new Uint8Array(new Int32Array([lo(ticks), hi(ticks)]).buffer);
    if (to.put(bytes) < 8) throw EFAULT;
    return 8;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    this.catchUp();
    table?.wait(this.changed);
    return this.ticks > 0 ? EPOLLIN : 0;
  }

  /** What timerfd_gettime(2) tells: the time until the next expiration, and the interval, in ns. */
  remaining(): { readonly value: number; readonly interval: number } {
    this.catchUp();
    this.goOn();
    // An armed timer never shows 0, which would say that it is not armed.
    const value = this.timer === 0 ? 0 : Math.max(1, this.nextAt - this.now);
    return { value, interval: this.intervalNs };
  }

  override showFdInfo(): string {
    const { value, interval } = this.remaining();
    const pair = (ns: number): string => {
      const { sec, nsec } = fromNs(ns);
      return `(${sec}, ${nsec})`;
    };
    return (
      `clockid: ${this.clock}\nticks: ${this.ticks}\nsettime flags: 0${this.settings.toString(8)}\n` +
      `it_value: ${pair(value)}\nit_interval: ${pair(interval)}\n`
    );
  }
}

export const sys_timerfd_create = syscall([int, flags(timerfdCreateFlags)], (task, clock, createFlags) => {
  if (!clocks.has(clock)) throw EINVAL;
  checkAlarm(task, clock);
  const file = new TimerFile(task, clock, O_RDWR | (createFlags & TFD_NONBLOCK));
  return task.files.installNew(file, (createFlags & TFD_CLOEXEC) !== 0, descriptorLimit(task));
});

/** Clocks that would wake the machine up are a privilege. */
function checkAlarm(task: Task, clock: number): void {
  if (isAlarm(clock) && !capable(task.credentials, CAP_WAKE_ALARM)) throw EPERM;
}

function timerFile(task: Task, at: number): TimerFile {
  const file = task.files.getOpen(at);
  if (!(file instanceof TimerFile)) throw EINVAL;
  return file;
}

export const sys_timerfd_settime = syscall(
  [fd, int, address, address],
  (task, at, settings, next, previous) => {
    const { value, interval } = readItimerspec(task, next);
    if (!timerfdSetFlags.has(settings) || !isValidTime(value) || !isValidTime(interval)) throw EINVAL;
    const file = timerFile(task, at);
    checkAlarm(task, file.clock);
    const old = file.remaining();
    file.set(settings, value, toNs(interval));
    if (previous !== 0) writeItimerspec(task, previous, old.value, old.interval);
    return 0;
  },
);

export const sys_timerfd_gettime = syscall([fd, address], (task, at, current) => {
  const { value, interval } = timerFile(task, at).remaining();
  writeItimerspec(task, current, value, interval);
  return 0;
});
