/** sysinfo(2), syslog(2): linux/sysinfo.h. */
import { array, s64, struct, u16, u32, u64 } from '../lib/struct.js';

export const sysinfo = struct({
  uptime: s64,
  loads: array(u64, 3),
  totalram: u64,
  freeram: u64,
  sharedram: u64,
  bufferram: u64,
  totalswap: u64,
  freeswap: u64,
  procs: u16,
  pad: u16,
  totalhigh: u64,
  freehigh: u64,
  mem_unit: u32,
});

/** Load averages are fixed-point numbers with this many bits behind the point. */
export const SI_LOAD_SHIFT = 16;

/** Actions of syslog(2): include/linux/syslog.h. */
export const SYSLOG_ACTION_CLOSE = 0;
export const SYSLOG_ACTION_OPEN = 1;
export const SYSLOG_ACTION_READ = 2;
export const SYSLOG_ACTION_READ_ALL = 3;
export const SYSLOG_ACTION_READ_CLEAR = 4;
export const SYSLOG_ACTION_CLEAR = 5;
export const SYSLOG_ACTION_CONSOLE_OFF = 6;
export const SYSLOG_ACTION_CONSOLE_ON = 7;
export const SYSLOG_ACTION_CONSOLE_LEVEL = 8;
export const SYSLOG_ACTION_SIZE_UNREAD = 9;
export const SYSLOG_ACTION_SIZE_BUFFER = 10;
