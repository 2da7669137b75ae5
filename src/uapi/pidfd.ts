/** pidfd_open(2): linux/pidfd.h. */
import { FlagSet } from '../lib/flags.js';

export const PIDFD_NONBLOCK = 0o4000;
/** Linux 6.9. */
export const PIDFD_THREAD = 0o200;
export const pidfdOpenFlags = new FlagSet({ PIDFD_NONBLOCK, PIDFD_THREAD });
