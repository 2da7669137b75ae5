/** rseq(2): linux/rseq.h. */
import { struct, u32, u64 } from '../lib/struct.js';

export const RSEQ_FLAG_UNREGISTER = 1;
export const RSEQ_CPU_ID_UNINITIALIZED = -1;
export const RSEQ_CPU_ID_REGISTRATION_FAILED = -2;
export const RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT = 0x1;
export const RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL = 0x2;
export const RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE = 0x4;

/** One critical section. */
export const rseq_cs = struct(
  { version: u32, flags: u32, start_ip: u64, post_commit_offset: u64, abort_ip: u64 },
  { align: 32 },
);
/** A thread's area; the C library registers 32 bytes. Linux 6.3 added node_id and mm_cid. */
export const rseq = struct(
  { cpu_id_start: u32, cpu_id: u32, rseq_cs: u64, flags: u32, node_id: u32, mm_cid: u32 },
  { align: 32 },
);
