/** Numbers and constants of the host's system calls that the stub uses: x86-64, asm/unistd_64.h and their man pages. */

export const NR_write = 1;
export const NR_lseek = 8;
export const NR_mmap = 9;
export const NR_mprotect = 10;
export const NR_munmap = 11;
export const NR_rt_sigaction = 13;
export const NR_rt_sigprocmask = 14;
export const NR_rt_sigreturn = 15;
export const NR_sched_yield = 24;
export const NR_mremap = 25;
export const NR_getpid = 39;
export const NR_clone = 56;
export const NR_exit = 60;
export const NR_getppid = 110;
export const NR_prctl = 157;
export const NR_futex = 202;
export const NR_exit_group = 231;
export const NR_prlimit64 = 302;
export const NR_sched_setattr = 314;
export const NR_seccomp = 317;
export const NR_close_range = 436;

export const FUTEX_WAIT = 0;
export const FUTEX_WAKE = 1;
export const PR_SET_PDEATHSIG = 1;
export const PR_SET_NAME = 15;
export const PR_GET_SECCOMP = 21;
export const PR_SET_NO_NEW_PRIVS = 38;
export const RLIMIT_CORE = 4;
export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_GET_ACTION_AVAIL = 2;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
export const SECCOMP_RET_TRAP = 0x0003_0000;
export const SECCOMP_RET_ALLOW = 0x7fff_0000;
export const AUDIT_ARCH_X86_64 = 0xc000_003e;

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_FIXED = 0x10;
export const MAP_POPULATE = 0x8000;
export const MAP_FIXED_NOREPLACE = 0x10_0000;
export const MREMAP_MAYMOVE = 1;
export const MREMAP_FIXED = 2;

export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGSEGV = 11;
export const SIGCHLD = 17;
export const SIGSYS = 31;
export const SA_SIGINFO = 4;
export const SA_ONSTACK = 0x0800_0000;
export const SA_RESTORER = 0x0400_0000;

export const CLONE_PARENT = 0x8000;
export const CLONE_PARENT_SETTID = 0x10_0000;
/** A thread: CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID. */
export const CLONE_GUEST_THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000 | 0x10_0000;
