/** What the kernel asks of the processor architecture; arch/x86 implements it. */
import type { SignalAction, SignalInfo } from './signal-state.js';
import type { SystemCall } from './syscall.js';
import type { Task } from './task.js';

/** What exec has laid out for a new program. */
export interface ProgramStart {
  readonly entry: number;
  readonly stackPointer: number;
}

export interface Arch {
  /** Indexed by system call number. */
  readonly syscalls: readonly (SystemCall | undefined)[];
  /** Names by number, for tracing and complaints. */
  readonly syscallNames: readonly (string | undefined)[];
  /** AT_PLATFORM and `uname -m`. */
  readonly machine: string;
  /** Puts the six argument registers of a system call into `words`, low and high word each. */
  readArguments(task: Task, words: Int32Array): void;
  /** Stores a system call's result, or -errno. */
  setResult(task: Task, value: number): void;
  getResult(task: Task): number;
  /** Steps back onto the system call instruction, so that resuming repeats it as number `number`. */
  restartSyscall(task: Task, number: number): void;
  /** Sets registers for a new program. */
  startProgram(task: Task, start: ProgramStart): void;
  /** After `context.copyFrom(parent)`: the child's result 0, its own stack (0: keep) and thread pointer (undefined: keep). */
  startChild(task: Task, stack: number, tls: number | undefined): void;
  /**
   * Makes a signal frame on the user stack and points the registers at the handler. False when the stack cannot hold it.
   * `restoreMask` is what sigreturn puts back.
   */
  pushSignalFrame(task: Task, action: SignalAction, info: SignalInfo): boolean;
  /** rt_sigreturn(2): undoes a frame. False when it is bad: the task gets SIGSEGV. */
  popSignalFrame(task: Task): boolean;
  instructionPointer(task: Task): number;
  stackPointer(task: Task): number;
}
