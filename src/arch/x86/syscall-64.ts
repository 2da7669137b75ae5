/** THE table: which function serves which system call number on x86-64. Made by scripts/make-syscall-table.mjs. */
import type { SystemCall } from '../../kernel/syscall.js';
import { sys_fcntl } from '../../fs/fcntl.js';
import { sys_close, sys_close_range, sys_dup, sys_dup2, sys_dup3 } from '../../fs/file-calls.js';
import { sys_flock } from '../../fs/flock.js';
import { sys_ioctl } from '../../fs/ioctl.js';
import { sys_creat, sys_open, sys_openat, sys_openat2 } from '../../fs/open.js';
import { sys_pipe, sys_pipe2 } from '../../fs/pipe.js';
import { sys_lseek, sys_pread64, sys_preadv, sys_preadv2, sys_pwrite64, sys_pwritev, sys_pwritev2, sys_read, sys_readv, sys_write, sys_writev } from '../../fs/read-write.js';
import { sys_poll, sys_ppoll, sys_pselect6, sys_select } from '../../fs/select.js';
import { sys_fstat, sys_lstat, sys_newfstatat, sys_readlink, sys_readlinkat, sys_stat, sys_statx } from '../../fs/stat.js';
import { sys_kill, sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo, sys_tgkill, sys_tkill } from '../../kernel/kill.js';
import { sys_pause, sys_restart_syscall, sys_rt_sigaction, sys_rt_sigpending, sys_rt_sigprocmask, sys_rt_sigreturn, sys_rt_sigsuspend, sys_rt_sigtimedwait, sys_sigaltstack } from '../../kernel/signal.js';

const table: readonly (readonly [number: number, name: string, call: SystemCall])[] = [
  [0, 'read', sys_read],
  [1, 'write', sys_write],
  [2, 'open', sys_open],
  [3, 'close', sys_close],
  [4, 'stat', sys_stat],
  [5, 'fstat', sys_fstat],
  [6, 'lstat', sys_lstat],
  [7, 'poll', sys_poll],
  [8, 'lseek', sys_lseek],
  [13, 'rt_sigaction', sys_rt_sigaction],
  [14, 'rt_sigprocmask', sys_rt_sigprocmask],
  [15, 'rt_sigreturn', sys_rt_sigreturn],
  [16, 'ioctl', sys_ioctl],
  [17, 'pread64', sys_pread64],
  [18, 'pwrite64', sys_pwrite64],
  [19, 'readv', sys_readv],
  [20, 'writev', sys_writev],
  [22, 'pipe', sys_pipe],
  [23, 'select', sys_select],
  [32, 'dup', sys_dup],
  [33, 'dup2', sys_dup2],
  [34, 'pause', sys_pause],
  [62, 'kill', sys_kill],
  [72, 'fcntl', sys_fcntl],
  [73, 'flock', sys_flock],
  [85, 'creat', sys_creat],
  [89, 'readlink', sys_readlink],
  [127, 'rt_sigpending', sys_rt_sigpending],
  [128, 'rt_sigtimedwait', sys_rt_sigtimedwait],
  [129, 'rt_sigqueueinfo', sys_rt_sigqueueinfo],
  [130, 'rt_sigsuspend', sys_rt_sigsuspend],
  [131, 'sigaltstack', sys_sigaltstack],
  [200, 'tkill', sys_tkill],
  [219, 'restart_syscall', sys_restart_syscall],
  [234, 'tgkill', sys_tgkill],
  [257, 'openat', sys_openat],
  [262, 'newfstatat', sys_newfstatat],
  [267, 'readlinkat', sys_readlinkat],
  [270, 'pselect6', sys_pselect6],
  [271, 'ppoll', sys_ppoll],
  [292, 'dup3', sys_dup3],
  [293, 'pipe2', sys_pipe2],
  [295, 'preadv', sys_preadv],
  [296, 'pwritev', sys_pwritev],
  [297, 'rt_tgsigqueueinfo', sys_rt_tgsigqueueinfo],
  [327, 'preadv2', sys_preadv2],
  [328, 'pwritev2', sys_pwritev2],
  [332, 'statx', sys_statx],
  [436, 'close_range', sys_close_range],
  [437, 'openat2', sys_openat2],
];

/** Indexed by number. */
export const syscalls: (SystemCall | undefined)[] = [];
for (const [number, , call] of table) syscalls[number] = call;
