/** futex(2), robust lists: linux/futex.h. */
import { FlagSet } from '../lib/flags.js';
import { s64, struct, u32, u64 } from '../lib/struct.js';

export const FUTEX_WAIT = 0;
export const FUTEX_WAKE = 1;
export const FUTEX_FD = 2;
export const FUTEX_REQUEUE = 3;
export const FUTEX_CMP_REQUEUE = 4;
export const FUTEX_WAKE_OP = 5;
export const FUTEX_LOCK_PI = 6;
export const FUTEX_UNLOCK_PI = 7;
export const FUTEX_TRYLOCK_PI = 8;
export const FUTEX_WAIT_BITSET = 9;
export const FUTEX_WAKE_BITSET = 10;
export const FUTEX_WAIT_REQUEUE_PI = 11;
export const FUTEX_CMP_REQUEUE_PI = 12;
export const FUTEX_LOCK_PI2 = 13;

export const FUTEX_PRIVATE_FLAG = 0x80;
export const FUTEX_CLOCK_REALTIME = 0x100;
/** An operation with its flags, for traces. */
export const futexOperations = new FlagSet(
  { FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME },
  {
    mask: 0x7f,
    values: {
      FUTEX_WAIT,
      FUTEX_WAKE,
      FUTEX_FD,
      FUTEX_REQUEUE,
      FUTEX_CMP_REQUEUE,
      FUTEX_WAKE_OP,
      FUTEX_LOCK_PI,
      FUTEX_UNLOCK_PI,
      FUTEX_TRYLOCK_PI,
      FUTEX_WAIT_BITSET,
      FUTEX_WAKE_BITSET,
      FUTEX_WAIT_REQUEUE_PI,
      FUTEX_CMP_REQUEUE_PI,
      FUTEX_LOCK_PI2,
    },
  },
);

/** What a lock word holds: the owner's thread id and two bits. */
export const FUTEX_WAITERS = 0x8000_0000;
export const FUTEX_OWNER_DIED = 0x4000_0000;
export const FUTEX_TID_MASK = 0x3fff_ffff;

export const FUTEX_BITSET_MATCH_ANY = 0xffff_ffff;

/** FUTEX_WAKE_OP. */
export const FUTEX_OP_SET = 0;
export const FUTEX_OP_ADD = 1;
export const FUTEX_OP_OR = 2;
export const FUTEX_OP_ANDN = 3;
export const FUTEX_OP_XOR = 4;
export const FUTEX_OP_OPARG_SHIFT = 8;
export const FUTEX_OP_CMP_EQ = 0;
export const FUTEX_OP_CMP_NE = 1;
export const FUTEX_OP_CMP_LT = 2;
export const FUTEX_OP_CMP_LE = 3;
export const FUTEX_OP_CMP_GT = 4;
export const FUTEX_OP_CMP_GE = 5;

/** futex_waitv(2). */
export const futex_waitv = struct({ val: u64, uaddr: u64, flags: u32, __reserved: u32 });
export const FUTEX_32 = 2;
export const FUTEX_WAITV_MAX = 128;
/** futex_wake(2), futex_wait(2), futex_requeue(2), Linux 6.7. */
export const FUTEX2_SIZE_U32 = 0x02;
export const FUTEX2_NUMA = 0x04;
export const FUTEX2_PRIVATE = 0x80;

/** The list entry itself is one pointer, `next`; bit 0 says that the futex is of the PI kind. */
export const robust_list = struct({ next: u64 });
export const robust_list_head = struct({ list: robust_list, futex_offset: s64, list_op_pending: u64 });
/** How many entries the kernel looks at when a thread dies. */
export const ROBUST_LIST_LIMIT = 2048;
