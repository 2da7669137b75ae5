/** timerfd_create(2): linux/timerfd.h. */
import { FlagSet } from '../lib/flags.js';

export const TFD_TIMER_ABSTIME = 0x1;
export const TFD_TIMER_CANCEL_ON_SET = 0x2;
export const TFD_CLOEXEC = 0o2000000;
export const TFD_NONBLOCK = 0o4000;
export const timerfdCreateFlags = new FlagSet({ TFD_CLOEXEC, TFD_NONBLOCK });
export const timerfdSetFlags = new FlagSet({ TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET });
/** Takes a u64: how often the timer shall have expired. */
export const TFD_IOC_SET_TICKS = 0x4008_5400;
