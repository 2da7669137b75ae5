/** THE table: which function serves which system call number on x86-64. Made by scripts/make-syscall-table.mjs. */
import type { SystemCall } from '../../kernel/syscall.js';

const table: readonly (readonly [number: number, name: string, call: SystemCall])[] = [
];

/** Indexed by number. */
export const syscalls: (SystemCall | undefined)[] = [];
for (const [number, , call] of table) syscalls[number] = call;
