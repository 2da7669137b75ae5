/** kcmp(2): linux/kcmp.h. */
import { struct, u32 } from '../lib/struct.js';

export const KCMP_FILE = 0;
export const KCMP_VM = 1;
export const KCMP_FILES = 2;
export const KCMP_FS = 3;
export const KCMP_SIGHAND = 4;
export const KCMP_IO = 5;
export const KCMP_SYSVSEM = 6;
export const KCMP_EPOLL_TFD = 7;
export const kcmp_epoll_slot = struct({ efd: u32, tfd: u32, toff: u32 });
