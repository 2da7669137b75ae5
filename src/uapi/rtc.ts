/** rtc(4): linux/rtc.h. */
import { s32, struct } from '../lib/struct.js';

export const rtc_time = struct({
  tm_sec: s32,
  tm_min: s32,
  tm_hour: s32,
  tm_mday: s32,
  tm_mon: s32,
  tm_year: s32,
  tm_wday: s32,
  tm_yday: s32,
  tm_isdst: s32,
});
export const RTC_RD_TIME = 0x8024_7009;
export const RTC_SET_TIME = 0x4024_700a;
