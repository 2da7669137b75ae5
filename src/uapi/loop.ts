/** loop(4): linux/loop.h. */
import { FlagSet } from '../lib/flags.js';
import { array, bytes, cstring, struct, u32, u64 } from '../lib/struct.js';

export const LO_FLAGS_READ_ONLY = 0x1;
export const LO_FLAGS_AUTOCLEAR = 0x4;
export const LO_FLAGS_PARTSCAN = 0x8;
export const LO_FLAGS_DIRECT_IO = 0x10;
export const loopFlags = new FlagSet({
  LO_FLAGS_READ_ONLY,
  LO_FLAGS_AUTOCLEAR,
  LO_FLAGS_PARTSCAN,
  LO_FLAGS_DIRECT_IO,
});
export const LOOP_SET_FD = 0x4c00;
export const LOOP_CLR_FD = 0x4c01;
export const LOOP_SET_STATUS = 0x4c02;
export const LOOP_GET_STATUS = 0x4c03;
export const LOOP_SET_STATUS64 = 0x4c04;
export const LOOP_GET_STATUS64 = 0x4c05;
export const LOOP_CHANGE_FD = 0x4c06;
export const LOOP_SET_CAPACITY = 0x4c07;
export const LOOP_SET_DIRECT_IO = 0x4c08;
export const LOOP_SET_BLOCK_SIZE = 0x4c09;
export const LOOP_CONFIGURE = 0x4c0a;
export const LOOP_CTL_ADD = 0x4c80;
export const LOOP_CTL_REMOVE = 0x4c81;
export const LOOP_CTL_GET_FREE = 0x4c82;
export const LO_NAME_SIZE = 64;
export const LO_KEY_SIZE = 32;
export const loop_info64 = struct({
  lo_device: u64,
  lo_inode: u64,
  lo_rdevice: u64,
  lo_offset: u64,
  lo_sizelimit: u64,
  lo_number: u32,
  lo_encrypt_type: u32,
  lo_encrypt_key_size: u32,
  lo_flags: u32,
  lo_file_name: cstring(LO_NAME_SIZE),
  lo_crypt_name: cstring(LO_NAME_SIZE),
  lo_encrypt_key: bytes(LO_KEY_SIZE),
  lo_init: array(u64, 2),
});
export const loop_config = struct({ fd: u32, block_size: u32, info: loop_info64, __reserved: array(u64, 8) });
