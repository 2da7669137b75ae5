/**
 * System calls of parts of Linux that are left out at build time, and say so: ENOSYS, as in Linux's kernel/sys_ni.c. Any
 * other unknown number answers the same, but is noted in the log.
 */
import { ENOSYS } from '../uapi/errno.js';
import { syscall } from './syscall.js';

const absent = syscall([], () => {
  throw ENOSYS;
});

/** Restartable sequences: the C library does without. */
export const sys_rseq = absent;
// Loadable modules in the form of Linux's own.
export const sys_init_module = absent;
export const sys_finit_module = absent;
export const sys_delete_module = absent;
// Other kernels in place of this one.
export const sys_kexec_load = absent;
export const sys_kexec_file_load = absent;
// Process accounting.
export const sys_acct = absent;
// Performance counters, BPF, landlock, seccomp.
export const sys_perf_event_open = absent;
export const sys_bpf = absent;
export const sys_seccomp = absent;
export const sys_landlock_create_ruleset = absent;
export const sys_landlock_add_rule = absent;
export const sys_landlock_restrict_self = absent;
// Memory barriers, page faults and I/O queues that user space serves itself.
export const sys_membarrier = absent;
export const sys_userfaultfd = absent;
export const sys_io_uring_setup = absent;
export const sys_io_uring_enter = absent;
export const sys_io_uring_register = absent;
// Key rings.
export const sys_add_key = absent;
export const sys_request_key = absent;
export const sys_keyctl = absent;
// I/O ports and segment descriptors of x86.
export const sys_iopl = absent;
export const sys_ioperm = absent;
export const sys_modify_ldt = absent;
// Long gone.
export const sys_uselib = absent;
export const sys__sysctl = absent;
export const sys_nfsservctl = absent;
export const sys_lookup_dcookie = absent;
