/** times(2): linux/times.h. */
import { s64, struct } from '../lib/struct.js';

export const tms = struct({ tms_utime: s64, tms_stime: s64, tms_cutime: s64, tms_cstime: s64 });
