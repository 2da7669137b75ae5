/** Device numbers: linux/major.h, Documentation/admin-guide/devices.txt, include/linux/kdev_t.h. */

export const MEM_MAJOR = 1;
export const RAMDISK_MAJOR = 1;
export const PTY_MASTER_MAJOR = 2;
export const PTY_SLAVE_MAJOR = 3;
export const TTY_MAJOR = 4;
export const TTYAUX_MAJOR = 5;
export const LOOP_MAJOR = 7;
export const MISC_MAJOR = 10;
/** /dev/loop-control. */
export const LOOP_CTRL_MINOR = 237;
/** Partitions that find no room among the minors of their disk. */
export const BLOCK_EXT_MAJOR = 259;
export const VCS_MAJOR = 7;
export const UNIX98_PTY_MASTER_MAJOR = 128;
export const UNIX98_PTY_SLAVE_MAJOR = 136;
/** The block device of User Mode Linux; a historical number that 98 stayed at. */
export const UBD_MAJOR = 98;

/** A dev_t as new_encode_dev makes it, the form of stat(2) and mknod(2). */
export const makedev = (major: number, minor: number): number =>
  ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
export const major = (device: number): number => (device & 0xf_ff00) >>> 8;
export const minor = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xf_ff00);
