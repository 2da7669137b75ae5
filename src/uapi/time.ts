/** Clocks and timers: linux/time.h, linux/timex.h, linux/utime.h. */
import { FlagSet } from '../lib/flags.js';
import { array, s32, s64, struct, u32 } from '../lib/struct.js';

export const timespec = struct({ tv_sec: s64, tv_nsec: s64 });
export const timeval = struct({ tv_sec: s64, tv_usec: s64 });
export const itimerspec = struct({ it_interval: timespec, it_value: timespec });
export const itimerval = struct({ it_interval: timeval, it_value: timeval });
export const timezone = struct({ tz_minuteswest: s32, tz_dsttime: s32 });
export const utimbuf = struct({ actime: s64, modtime: s64 });

export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;

/** The two low bits of a CPU clock's identifier, whose other bits are the complement of a pid: linux/posix-timers.h. */
export const CPUCLOCK_PROF = 0;
export const CPUCLOCK_VIRT = 1;
export const CPUCLOCK_SCHED = 2;
/** The identifier is of a file descriptor. */
export const CLOCKFD = 3;
export const CPUCLOCK_PERTHREAD_MASK = 4;

export const TIMER_ABSTIME = 0x1;
export const timerFlags = new FlagSet({ TIMER_ABSTIME });

/** clock_adjtime(2). */
export const __kernel_timex = struct({
  modes: u32,
  offset: s64,
  freq: s64,
  maxerror: s64,
  esterror: s64,
  status: s32,
  constant: s64,
  precision: s64,
  tolerance: s64,
  time: timeval,
  tick: s64,
  ppsfreq: s64,
  jitter: s64,
  shift: s32,
  stabil: s64,
  jitcnt: s64,
  calcnt: s64,
  errcnt: s64,
  stbcnt: s64,
  tai: s32,
  __reserved: array(s32, 11),
});
export const ADJ_OFFSET = 0x1;
export const ADJ_FREQUENCY = 0x2;
export const ADJ_MAXERROR = 0x4;
export const ADJ_ESTERROR = 0x8;
export const ADJ_STATUS = 0x10;
export const ADJ_TIMECONST = 0x20;
export const ADJ_TAI = 0x80;
export const ADJ_SETOFFSET = 0x100;
export const ADJ_MICRO = 0x1000;
export const ADJ_NANO = 0x2000;
export const ADJ_TICK = 0x4000;
export const ADJ_OFFSET_SINGLESHOT = 0x8001;
export const ADJ_OFFSET_SS_READ = 0xa001;
export const STA_PLL = 0x1;
export const STA_UNSYNC = 0x40;
export const STA_NANO = 0x2000;
export const TIME_OK = 0;
export const TIME_ERROR = 5;

/** Ticks per second as user space sees them: times(2), /proc. */
export const USER_HZ = 100;
