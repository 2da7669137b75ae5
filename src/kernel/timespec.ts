/** Times in user memory: struct timespec, struct timeval; and their relation to kernel time. time(7) */
import type { TimeSpec } from '../host/host.js';
import { EINVAL } from '../uapi/errno.js';
import { itimerspec, itimerval, timespec, timeval } from '../uapi/time.js';
import type { Kernel } from './kernel.js';
import type { Task } from './task.js';

export const NS_PER_SEC = 1_000_000_000;
/** Longer spans are as good as for ever: KTIME_MAX, 292 years. */
const FOREVER = 2 ** 63;

/** As it stands there; EFAULT. */
export function readTimespec(task: Task, address: number): TimeSpec {
  const { tv_sec, tv_nsec } = timespec.decode(task.memory.copyIn(address, timespec.size));
  return { sec: tv_sec, nsec: tv_nsec };
}

export function writeTimespec(task: Task, address: number, time: TimeSpec): void {
  task.memory.copyOut(address, timespec.encode({ tv_sec: time.sec, tv_nsec: time.nsec }));
}

/** Not negative, and its nanoseconds are fewer than a second. */
export const isValidTime = ({ sec, nsec }: TimeSpec): boolean => sec >= 0 && nsec >= 0 && nsec < NS_PER_SEC;

/** A span in nanoseconds; Infinity when it outlives everybody. */
export function toNs({ sec, nsec }: TimeSpec): number {
  const ns = sec * NS_PER_SEC + nsec;
  return ns >= FOREVER ? Infinity : ns;
}

export function fromNs(ns: number): TimeSpec {
  const limited = Math.min(ns, FOREVER - 1024);
  const sec = Math.floor(limited / NS_PER_SEC);
  return { sec, nsec: limited - sec * NS_PER_SEC };
}

/** A span from user memory in nanoseconds. EFAULT, EINVAL. */
export function readSpan(task: Task, address: number): number {
  const time = readTimespec(task, address);
  if (!isValidTime(time)) throw EINVAL;
  return toNs(time);
}

/** The deadline, in kernel time, of a span from user memory that may be absent: then never. EFAULT, EINVAL. */
export function readDeadline(task: Task, address: number): number {
  return address === 0 ? Infinity : task.kernel.host.clock.now() + readSpan(task, address);
}

/** How long until a host clock reads `time`, in nanoseconds; 0 or less when that is over. */
export function timeUntil(kernel: Kernel, clock: number, time: TimeSpec): number {
  const { sec, nsec } = kernel.host.clock.read(clock);
  // Subtracted by parts: nanoseconds since 1970 are beyond what is exact.
  const left = (time.sec - sec) * NS_PER_SEC + (time.nsec - nsec);
  return left >= FOREVER ? Infinity : left;
}

/** The kernel time at which a host clock reads `time`, if nobody sets it meanwhile. */
export const deadlineOf = (kernel: Kernel, clock: number, time: TimeSpec): number =>
  kernel.host.clock.now() + Math.max(0, timeUntil(kernel, clock, time));

/** A timer's setting: when it expires first (0: never) and then how often. */
export interface TimerSetting {
  readonly value: TimeSpec;
  readonly interval: TimeSpec;
}

export function readItimerspec(task: Task, address: number): TimerSetting {
  const { it_value, it_interval } = itimerspec.decode(task.memory.copyIn(address, itimerspec.size));
  return {
    value: { sec: it_value.tv_sec, nsec: it_value.tv_nsec },
    interval: { sec: it_interval.tv_sec, nsec: it_interval.tv_nsec },
  };
}

export function writeItimerspec(task: Task, address: number, valueNs: number, intervalNs: number): void {
  const value = fromNs(valueNs);
  const interval = fromNs(intervalNs);
  task.memory.copyOut(
    address,
    itimerspec.encode({
      it_value: { tv_sec: value.sec, tv_nsec: value.nsec },
      it_interval: { tv_sec: interval.sec, tv_nsec: interval.nsec },
    }),
  );
}

/** A struct timeval as a TimeSpec; its microseconds may be out of range. EFAULT. */
export function readTimeval(task: Task, address: number): TimeSpec {
  const { tv_sec, tv_usec } = timeval.decode(task.memory.copyIn(address, timeval.size));
  return { sec: tv_sec, nsec: tv_usec * 1000 };
}

/** struct itimerval, in nanoseconds. EFAULT, EINVAL. */
export function readItimerval(
  task: Task,
  address: number,
): { readonly value: number; readonly interval: number } {
  const { it_value, it_interval } = itimerval.decode(task.memory.copyIn(address, itimerval.size));
  const value = { sec: it_value.tv_sec, nsec: it_value.tv_usec * 1000 };
  const interval = { sec: it_interval.tv_sec, nsec: it_interval.tv_usec * 1000 };
  if (!isValidTime(value) || !isValidTime(interval)) throw EINVAL;
  return { value: toNs(value), interval: toNs(interval) };
}

export function writeItimerval(task: Task, address: number, valueNs: number, intervalNs: number): void {
  const inMicroseconds = (ns: number) => {
    const { sec, nsec } = fromNs(ns);
    return { tv_sec: sec, tv_usec: Math.floor(nsec / 1000) };
  };
  task.memory.copyOut(
    address,
    itimerval.encode({ it_value: inMicroseconds(valueNs), it_interval: inMicroseconds(intervalNs) }),
  );
}
