/** eventfd2(2): linux/eventfd.h. */
import { FlagSet } from '../lib/flags.js';

export const EFD_SEMAPHORE = 0o1;
export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;
export const eventfdFlags = new FlagSet({ EFD_SEMAPHORE, EFD_CLOEXEC, EFD_NONBLOCK });
