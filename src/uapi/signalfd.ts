/** signalfd(2): linux/signalfd.h. */
import { FlagSet } from '../lib/flags.js';
import { bytes, s32, struct, u16, u32, u64, word64 } from '../lib/struct.js';

export const SFD_CLOEXEC = 0o2000000;
export const SFD_NONBLOCK = 0o4000;
export const signalfdFlags = new FlagSet({ SFD_CLOEXEC, SFD_NONBLOCK });

export const signalfd_siginfo = struct({
  ssi_signo: u32,
  ssi_errno: s32,
  ssi_code: s32,
  ssi_pid: u32,
  ssi_uid: u32,
  ssi_fd: s32,
  ssi_tid: u32,
  ssi_band: u32,
  ssi_overrun: u32,
  ssi_trapno: u32,
  ssi_status: s32,
  ssi_int: s32,
  ssi_ptr: word64,
  ssi_utime: u64,
  ssi_stime: u64,
  ssi_addr: u64,
  ssi_addr_lsb: u16,
  __pad2: u16,
  ssi_syscall: s32,
  ssi_call_addr: u64,
  ssi_arch: u32,
  __pad: bytes(28),
});
