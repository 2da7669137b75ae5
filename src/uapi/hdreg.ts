/** ioctls of disks and partitions: linux/hdreg.h, linux/blkpg.h. */
import { cstring, s32, s64, struct, u16, u64, u8 } from '../lib/struct.js';

export const HDIO_GETGEO = 0x301;
export const HDIO_GET_IDENTITY = 0x30d;
export const hd_geometry = struct({ heads: u8, sectors: u8, cylinders: u16, start: u64 });

export const BLKPG_ADD_PARTITION = 1;
export const BLKPG_DEL_PARTITION = 2;
export const BLKPG_RESIZE_PARTITION = 3;
export const blkpg_ioctl_arg = struct({ op: s32, flags: s32, datalen: s32, data: u64 });
export const blkpg_partition = struct({
  start: s64,
  length: s64,
  pno: s32,
  devname: cstring(64),
  volname: cstring(64),
});
