/** THE table: which function serves which system call number on x86-64. Made by scripts/make-syscall-table.mjs. */
import type { SystemCall } from '../../kernel/syscall.js';
import { sys_kill, sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo, sys_tgkill, sys_tkill } from '../../kernel/kill.js';
import { sys_pause, sys_restart_syscall, sys_rt_sigaction, sys_rt_sigpending, sys_rt_sigprocmask, sys_rt_sigreturn, sys_rt_sigsuspend, sys_rt_sigtimedwait, sys_sigaltstack } from '../../kernel/signal.js';

const table: readonly (readonly [number: number, name: string, call: SystemCall])[] = [
  [13, 'rt_sigaction', sys_rt_sigaction],
  [14, 'rt_sigprocmask', sys_rt_sigprocmask],
  [15, 'rt_sigreturn', sys_rt_sigreturn],
  [34, 'pause', sys_pause],
  [62, 'kill', sys_kill],
  [127, 'rt_sigpending', sys_rt_sigpending],
  [128, 'rt_sigtimedwait', sys_rt_sigtimedwait],
  [129, 'rt_sigqueueinfo', sys_rt_sigqueueinfo],
  [130, 'rt_sigsuspend', sys_rt_sigsuspend],
  [131, 'sigaltstack', sys_sigaltstack],
  [200, 'tkill', sys_tkill],
  [219, 'restart_syscall', sys_restart_syscall],
  [234, 'tgkill', sys_tgkill],
  [297, 'rt_tgsigqueueinfo', sys_rt_tgsigqueueinfo],
];

/** Indexed by number. */
export const syscalls: (SystemCall | undefined)[] = [];
for (const [number, , call] of table) syscalls[number] = call;
