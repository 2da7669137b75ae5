/**
 * The registers of a guest thread as the kernel uses them: the system call convention of x86-64 (syscall(2)), and what a new
 * program or thread starts with. The words are shared with guest threads of the same space: each is read once.
 */
import { EFLAGS, R10, R8, R9, RAX, RDI, RDX, RIP, RSI, RSP } from '../../host/cpu.js';
import { TWO32, s64, u64 } from '../../lib/word64.js';
import type { ProgramStart } from '../../kernel/arch.js';
import type { Task } from '../../kernel/task.js';
import { assert } from '../../lib/assert.js';

/** The interrupt flag: what EFLAGS holds when a program starts. */
const X86_EFLAGS_IF = 0x200;
const X86_EFLAGS_TF = 0x100;
/** Bytes of the `syscall` instruction. */
const SYSCALL_LENGTH = 2;

/** Where each argument of a system call is. */
const argumentRegisters = [RDI, RSI, RDX, R10, R8, R9];

/** The general registers of a task that is stopped. */
export function gregsOf(task: Task): Int32Array {
  const { context } = task;
  assert(context !== undefined, 'a task that runs guest code has a context');
  return context.gregs;
}

/** A register as an exact number; inexact above 2^53, which no valid user address is. */
export const getRegister = (gregs: Int32Array, register: number): number =>
  u64(gregs[2 * register], gregs[2 * register + 1]);

export function setRegister(gregs: Int32Array, register: number, value: number): void {
  gregs[2 * register] = value | 0;
  gregs[2 * register + 1] = Math.floor(value / TWO32);
}

export function readArguments(task: Task, words: Int32Array): void {
  const gregs = gregsOf(task);
  for (let index = 0; index < 6; index++) {
    const from = 2 * argumentRegisters[index];
    words[2 * index] = gregs[from];
    words[2 * index + 1] = gregs[from + 1];
  }
}

export const setResult = (task: Task, value: number): void => setRegister(gregsOf(task), RAX, value);

export function getResult(task: Task): number {
  const gregs = gregsOf(task);
  return s64(gregs[2 * RAX], gregs[2 * RAX + 1]);
}

export function restartSyscall(task: Task, number: number): void {
  const gregs = gregsOf(task);
  setRegister(gregs, RAX, number);
  const low = gregs[2 * RIP];
  gregs[2 * RIP] = low - SYSCALL_LENGTH;
  if (low >>> 0 < SYSCALL_LENGTH) gregs[2 * RIP + 1] -= 1;
}

/** ELF_PLAT_INIT and start_thread: nothing of the old program is left in any register. */
export function startProgram(task: Task, { entry, stackPointer }: ProgramStart): void {
  const { context } = task;
  assert(context !== undefined, 'execve has made a context');
  const { gregs } = context;
  gregs.fill(0);
  setRegister(gregs, RIP, entry);
  setRegister(gregs, RSP, stackPointer);
  setRegister(gregs, EFLAGS, X86_EFLAGS_IF);
  context.resetFpu();
  context.setFsBase(0);
  context.setGsBase(0);
}

export function startChild(task: Task, stack: number, tls: number | undefined): void {
  const gregs = gregsOf(task);
  setRegister(gregs, RAX, 0);
  if (stack !== 0) setRegister(gregs, RSP, stack);
  if (tls !== undefined) task.context!.setFsBase(tls);
}

/** The trap flag. */
export function setSingleStep(task: Task, on: boolean): void {
  const gregs = gregsOf(task);
  if (on) gregs[2 * EFLAGS] |= X86_EFLAGS_TF;
  else gregs[2 * EFLAGS] &= ~X86_EFLAGS_TF;
}

export const instructionPointer = (task: Task): number => getRegister(gregsOf(task), RIP);
export const stackPointer = (task: Task): number => getRegister(gregsOf(task), RSP);
