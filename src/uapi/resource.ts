/** getrlimit(2), getrusage(2), getpriority(2): linux/resource.h, asm-generic/resource.h. */
import { limit64, s64, struct } from '../lib/struct.js';
import { timeval } from './time.js';

export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
export const RLIMIT_AS = 9;
export const RLIMIT_LOCKS = 10;
export const RLIMIT_SIGPENDING = 11;
export const RLIMIT_MSGQUEUE = 12;
export const RLIMIT_NICE = 13;
export const RLIMIT_RTPRIO = 14;
export const RLIMIT_RTTIME = 15;
export const RLIM_NLIMITS = 16;

/** "No limit", greater than every other; all ones in user space, see `limit64`. */
export const RLIM_INFINITY = Infinity;

/** Of setrlimit(2) and prlimit64(2): unsigned long and __u64 are the same here. */
export const rlimit = struct({ rlim_cur: limit64, rlim_max: limit64 });

export const RUSAGE_SELF = 0;
export const RUSAGE_CHILDREN = -1;
export const RUSAGE_BOTH = -2;
export const RUSAGE_THREAD = 1;

export const rusage = struct({
  ru_utime: timeval,
  ru_stime: timeval,
  ru_maxrss: s64,
  ru_ixrss: s64,
  ru_idrss: s64,
  ru_isrss: s64,
  ru_minflt: s64,
  ru_majflt: s64,
  ru_nswap: s64,
  ru_inblock: s64,
  ru_oublock: s64,
  ru_msgsnd: s64,
  ru_msgrcv: s64,
  ru_nsignals: s64,
  ru_nvcsw: s64,
  ru_nivcsw: s64,
});

export const PRIO_MIN = -20;
export const PRIO_MAX = 20;
export const PRIO_PROCESS = 0;
export const PRIO_PGRP = 1;
export const PRIO_USER = 2;
