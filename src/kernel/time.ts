/**
 * Reading and setting clocks: clock_gettime(2), gettimeofday(2), time(2), adjtimex(2).
 *
 * Guests mostly read clocks through the host's vDSO, without the kernel. So the kernel shows the host's clocks, too, and
 * nobody can set them: EPERM, as for a process without CAP_SYS_TIME.
 */
import type { TimeSpec } from '../host/host.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import { CAP_SYS_TIME } from '../uapi/capability.js';
import {
  ADJ_OFFSET_SS_READ,
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  STA_UNSYNC,
  TIME_ERROR,
  __kernel_timex,
  timeval,
  timezone,
} from '../uapi/time.js';
import { cpuClock } from './cpu-clocks.js';
import { capable } from './credentials.js';
import { address, int, syscall } from './syscall.js';
import type { Task } from './task.js';
import { NS_PER_SEC, fromNs, isValidTime, readTimespec, readTimeval, writeTimespec } from './timespec.js';

/** Clocks that the host keeps, and how fine they are in nanoseconds. */
const COARSE_NS = 4_000_000;
const hostClocks: ReadonlyMap<number, number> = new Map([
  [CLOCK_REALTIME, 1],
  [CLOCK_MONOTONIC, 1],
  [CLOCK_MONOTONIC_RAW, 1],
  [CLOCK_REALTIME_COARSE, COARSE_NS],
  [CLOCK_MONOTONIC_COARSE, COARSE_NS],
  [CLOCK_BOOTTIME, 1],
  [CLOCK_TAI, 1],
]);

const isCpuClock = (clock: number): boolean =>
  clock < 0 || clock === CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK_THREAD_CPUTIME_ID;

/** What a clock shows. EINVAL when there is no such clock. */
export function readClock(task: Task, clock: number): TimeSpec {
  if (hostClocks.has(clock)) return task.kernel.host.clock.read(clock);
  if (isCpuClock(clock)) return fromNs(cpuClock(task, clock).read());
  throw EINVAL;
}

/** clock_gettime(2). */
export const sys_clock_gettime = syscall([int, address], (task, clock, at) => {
  writeTimespec(task, at, readClock(task, clock));
  return 0;
});

/** clock_getres(2). */
export const sys_clock_getres = syscall([int, address], (task, clock, at) => {
  let resolution = hostClocks.get(clock);
  if (resolution === undefined) {
    if (!isCpuClock(clock)) throw EINVAL;
    cpuClock(task, clock);
    resolution = 1;
  }
  if (at !== 0) writeTimespec(task, at, { sec: 0, nsec: resolution });
  return 0;
});

/** clock_settime(2). */
export const sys_clock_settime = syscall([int, address], (task, clock, at) => {
  const time = readTimespec(task, at);
  if (clock !== CLOCK_REALTIME) {
    if (isCpuClock(clock)) cpuClock(task, clock);
    throw isCpuClock(clock) ? EPERM : EINVAL;
  }
  if (!isValidTime(time)) throw EINVAL;
  throw EPERM;
});

/** gettimeofday(2). */
export const sys_gettimeofday = syscall([address, address], (task, timeAt, zoneAt) => {
  if (timeAt !== 0) {
    const { sec, nsec } = task.kernel.host.clock.read(CLOCK_REALTIME);
    task.memory.copyOut(timeAt, timeval.encode({ tv_sec: sec, tv_usec: Math.floor(nsec / 1000) }));
  }
  if (zoneAt !== 0) task.memory.copyOut(zoneAt, timezone.encode(task.kernel.timezone));
  return 0;
});

/** settimeofday(2): only the kernel's idea of the time zone can be set. */
export const sys_settimeofday = syscall([address, address], (task, timeAt, zoneAt) => {
  if (timeAt !== 0 && !isValidTime(readTimeval(task, timeAt))) throw EINVAL;
  const zone = zoneAt === 0 ? undefined : timezone.decode(task.memory.copyIn(zoneAt, timezone.size));
  if (timeAt !== 0 || !capable(task.credentials, CAP_SYS_TIME)) throw EPERM;
  if (zone === undefined) return 0;
  if (Math.abs(zone.tz_minuteswest) > 15 * 60) throw EINVAL;
  task.kernel.timezone = zone;
  return 0;
});

/** time(2). */
export const sys_time = syscall([address], (task, at) => {
  const { sec } = task.kernel.host.clock.read(CLOCK_REALTIME);
  if (at !== 0) task.memory.putU64(at, sec);
  return sec;
});

/** What an NTP daemon would find that has never set anything. */
function readAdjustment(task: Task, at: number): number {
  const { modes } = __kernel_timex.decode(task.memory.copyIn(at, __kernel_timex.size));
  if (modes !== 0 && modes !== ADJ_OFFSET_SS_READ) throw EPERM;
  const { sec, nsec } = task.kernel.host.clock.read(CLOCK_REALTIME);
  const state = {
    modes,
    maxerror: 16_000_000,
    esterror: 16_000_000,
    status: STA_UNSYNC,
    constant: 2,
    precision: 1,
    // MAXFREQ, 500 parts per million, in units of 2^-16.
    tolerance: 500 * 65536,
    time: { tv_sec: sec, tv_usec: Math.floor(nsec / 1000) },
    tick: NS_PER_SEC / 100 / 1000,
  };
  task.memory.copyOut(at, __kernel_timex.encode(state));
  return TIME_ERROR;
}

/** adjtimex(2). */
export const sys_adjtimex = syscall([address], readAdjustment);

/** clock_adjtime(2). */
export const sys_clock_adjtime = syscall([int, address], (task, clock, at) => {
  if (clock !== CLOCK_REALTIME) throw EINVAL;
  return readAdjustment(task, at);
});
