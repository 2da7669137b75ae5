/** The registers of a stopped task as a debugger sees and changes them: struct user_regs_struct of ptrace(2). */
import {
  EFLAGS,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  R8,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RIP,
  RSI,
  RSP,
} from '../../host/cpu.js';
import { hi, lo, u64 } from '../../lib/word64.js';
import type { Task } from '../../kernel/task.js';
import { assert } from '../../lib/assert.js';
import { EIO } from '../../uapi/errno.js';
import { user_regs_struct } from '../../uapi/ptrace.js';
import { gregsOf } from './registers.js';

/** Which register is where in struct user_regs_struct; what is not one of ours is below. */
const order = [
  R15,
  R14,
  R13,
  R12,
  RBP,
  RBX,
  R11,
  R10,
  R9,
  R8,
  RAX,
  RCX,
  RDX,
  RSI,
  RDI,
  -1,
  RIP,
  -1,
  EFLAGS,
  RSP,
];
const WORDS = user_regs_struct.size / 8;
const { offset } = user_regs_struct;
const ORIG_RAX = offset.orig_rax / 8;
const CS = offset.cs / 8;
const SS = offset.ss / 8;
const FS_BASE = offset.fs_base / 8;
const GS_BASE = offset.gs_base / 8;
const USER_CS = 0x33;
const USER_SS = 0x2b;

/** CF, PF, AF, ZF, SF, TF, DF, OF, NT, RF, AC: what a debugger may set. */
const CHANGEABLE_EFLAGS = 0x5_4dd5;

/** All registers, as words: low and high half of each. */
export function readUserRegisters(task: Task): Int32Array {
  const gregs = gregsOf(task);
  const { context } = task;
  assert(context !== undefined, 'only a task with registers is traced');
  const words = new Int32Array(2 * WORDS);
  const put = (index: number, value: number): void => {
    words[2 * index] = lo(value);
    words[2 * index + 1] = hi(value);
  };
  for (const [index, register] of order.entries()) {
    if (register < 0) continue;
    words[2 * index] = gregs[2 * register];
    words[2 * index + 1] = gregs[2 * register + 1];
  }
  put(ORIG_RAX, task.syscallNumber);
  put(CS, USER_CS);
  put(SS, USER_SS);
  put(FS_BASE, context.getFsBase());
  put(GS_BASE, context.getGsBase());
  return words;
}

/** Changes one register. EIO when it can't be that. */
export function writeUserRegister(task: Task, index: number, low: number, high: number): void {
  const gregs = gregsOf(task);
  const register = order[index] ?? -1;
  if (register === EFLAGS) {
    gregs[2 * EFLAGS] = (gregs[2 * EFLAGS] & ~CHANGEABLE_EFLAGS) | (low & CHANGEABLE_EFLAGS);
    return;
  }
  if (register >= 0) {
    gregs[2 * register] = low;
    gregs[2 * register + 1] = high;
    return;
  }
  switch (index) {
    case ORIG_RAX:
      // Decides which system call is made, or repeated: none for -1.
      task.syscallNumber = low | 0;
      return;
    case CS:
    case SS:
      // Code runs in 64-bit mode, whatever selectors a debugger writes back.
      return;
    case FS_BASE:
    case GS_BASE: {
      const base = u64(low, high);
      if (base >= task.kernel.host.cpu.userTop) throw EIO;
      if (index === FS_BASE) task.context?.setFsBase(base);
      else task.context?.setGsBase(base);
      return;
    }
    default:
      // ds, es, fs, gs: always null selectors.
      if (low !== 0 || high !== 0) throw EIO;
  }
}

/** Changes registers from a struct user_regs_struct, or the beginning of one. */
export function writeUserRegisters(task: Task, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; at += 8)
    writeUserRegister(task, at / 8, view.getInt32(at, true), view.getInt32(at + 4, true));
}
