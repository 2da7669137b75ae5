/** System V IPC and POSIX message queues: linux/ipc.h, sem.h, shm.h, msg.h, mqueue.h. */
import { FlagSet } from '../lib/flags.js';
import { s16, s32, s64, struct, u16, u32, u64 } from '../lib/struct.js';

export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;
export const IPC_PRIVATE = 0;
export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;
export const ipcGetFlags = new FlagSet({ IPC_CREAT, IPC_EXCL });

export const ipc64_perm = struct({
  key: s32,
  uid: u32,
  gid: u32,
  cuid: u32,
  cgid: u32,
  mode: u32,
  seq: u16,
  __pad2: u16,
  __unused1: u64,
  __unused2: u64,
});

// Semaphores.
export const SEM_UNDO = 0x1000;
export const GETPID = 11;
export const GETVAL = 12;
export const GETALL = 13;
export const GETNCNT = 14;
export const GETZCNT = 15;
export const SETVAL = 16;
export const SETALL = 17;
export const SEM_STAT = 18;
export const SEM_INFO = 19;
export const SEM_STAT_ANY = 20;
export const SEMMNI = 32_000;
export const SEMMSL = 32_000;
export const SEMMNS = 1_024_000_000;
export const SEMOPM = 500;
export const SEMVMX = 32_767;
export const SEMAEM = 32_767;
export const sembuf = struct({ sem_num: u16, sem_op: s16, sem_flg: s16 });
export const semid64_ds = struct({
  sem_perm: ipc64_perm,
  sem_otime: s64,
  __unused1: u64,
  sem_ctime: s64,
  __unused2: u64,
  sem_nsems: u64,
  __unused3: u64,
  __unused4: u64,
});
export const seminfo = struct({
  semmap: s32,
  semmni: s32,
  semmns: s32,
  semmnu: s32,
  semmsl: s32,
  semopm: s32,
  semume: s32,
  semusz: s32,
  semvmx: s32,
  semaem: s32,
});

// Shared memory.
export const SHM_R = 0o400;
export const SHM_W = 0o200;
export const SHM_HUGETLB = 0o4000;
export const SHM_NORESERVE = 0o10000;
export const SHM_RDONLY = 0o10000;
export const SHM_RND = 0o20000;
export const SHM_REMAP = 0o40000;
export const SHM_EXEC = 0o100000;
export const SHM_LOCK = 11;
export const SHM_UNLOCK = 12;
export const SHM_STAT = 13;
export const SHM_INFO = 14;
export const SHM_STAT_ANY = 15;
export const SHMMIN = 1;
export const SHMMNI = 4096;
/** Bits in shm_perm.mode: include/linux/shm.h. */
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;
export const shmgetFlags = new FlagSet({ IPC_CREAT, IPC_EXCL, SHM_HUGETLB, SHM_NORESERVE });
export const shmatFlags = new FlagSet({ SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC });
export const shmid64_ds = struct({
  shm_perm: ipc64_perm,
  shm_segsz: u64,
  shm_atime: s64,
  shm_dtime: s64,
  shm_ctime: s64,
  shm_cpid: s32,
  shm_lpid: s32,
  shm_nattch: u64,
  __unused4: u64,
  __unused5: u64,
});
export const shminfo64 = struct({
  shmmax: u64,
  shmmin: u64,
  shmmni: u64,
  shmseg: u64,
  shmall: u64,
  __unused1: u64,
  __unused2: u64,
  __unused3: u64,
  __unused4: u64,
});
export const shm_info = struct({
  used_ids: s32,
  shm_tot: u64,
  shm_rss: u64,
  shm_swp: u64,
  swap_attempts: u64,
  swap_successes: u64,
});

// Messages.
export const MSG_NOERROR = 0o10000;
export const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;
export const MSG_STAT = 11;
export const MSG_INFO = 12;
export const MSG_STAT_ANY = 13;
export const MSGMNI = 32_000;
export const MSGMAX = 8192;
export const MSGMNB = 16_384;
export const msgrcvFlags = new FlagSet({ IPC_NOWAIT, MSG_NOERROR, MSG_EXCEPT, MSG_COPY });
export const msqid64_ds = struct({
  msg_perm: ipc64_perm,
  msg_stime: s64,
  msg_rtime: s64,
  msg_ctime: s64,
  msg_cbytes: u64,
  msg_qnum: u64,
  msg_qbytes: u64,
  msg_lspid: s32,
  msg_lrpid: s32,
  __unused4: u64,
  __unused5: u64,
});
export const msginfo = struct({
  msgpool: s32,
  msgmap: s32,
  msgmax: s32,
  msgmnb: s32,
  msgmni: s32,
  msgssz: s32,
  msgtql: s32,
  msgseg: u16,
});

// POSIX message queues.
export const MQ_PRIO_MAX = 32_768;
export const mq_attr = struct(
  { mq_flags: s64, mq_maxmsg: s64, mq_msgsize: s64, mq_curmsgs: s64 },
  { size: 64 },
);
