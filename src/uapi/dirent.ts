/** getdents64(2): include/linux/dirent.h, linux/fs_types.h. */
import { s64, struct, u16, u64, u8 } from '../lib/struct.js';

/** Followed, without padding, by the name, its NUL, and bytes up to a multiple of 8. */
export const linux_dirent64 = struct({ d_ino: u64, d_off: s64, d_reclen: u16, d_type: u8 }, { packed: true });
/** Of getdents(2): the name follows at once; the type is in the record's last byte. */
export const linux_dirent = struct({ d_ino: u64, d_off: u64, d_reclen: u16 }, { packed: true });

export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;
export const DT_WHT = 14;

/** The entry type of a file mode. */
export const IFTODT = (mode: number): number => (mode & 0o170000) >>> 12;
