/** What the kernel asks of the processor architecture; arch/x86 implements it. */
import type { Platform } from '../host/cpu.js';
import type { Name } from '../lib/names.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { Credentials } from './credentials.js';
import type { SignalAction, SignalInfo } from './signal-state.js';
import type { SystemCall } from './syscall.js';
import type { Task } from './task.js';

/** What exec has laid out for a new program. */
export interface ProgramStart {
  readonly entry: number;
  readonly stackPointer: number;
}

/** What a program finds on its stack when it starts, before it is known where the program lies. */
export interface StackContents {
  /** AT_EXECFN: as execve was given it. */
  readonly filename: Name;
  readonly argv: readonly Name[];
  readonly envp: readonly Name[];
  readonly credentials: Credentials;
  /** AT_SECURE: it has more privileges than its caller had. */
  readonly secure: boolean;
  /** AT_RANDOM: 16 bytes. */
  readonly random: Uint8Array;
  /** How far below the strings the rest begins: address space randomization. */
  readonly shift: number;
}

export interface ProgramStack extends StackContents {
  /** The stack's end. */
  readonly top: number;
  /** The program's own entry, not its interpreter's. */
  readonly entry: number;
  /** Where its program headers are in memory, or 0, and how many. */
  readonly headers: number;
  readonly headerCount: number;
  /** Where the interpreter is loaded, or 0. */
  readonly interpreterBase: number;
}

/** Where things have come to lie on a new stack: prctl(2) PR_SET_MM, /proc/PID/cmdline, environ, auxv. */
export interface StackLayout {
  readonly stackPointer: number;
  readonly argStart: number;
  readonly argEnd: number;
  readonly envStart: number;
  readonly envEnd: number;
  readonly auxv: Uint8Array;
}

export interface Arch {
  /** Indexed by system call number. */
  readonly syscalls: readonly (SystemCall | undefined)[];
  /** Names by number, for tracing and complaints. */
  readonly syscallNames: readonly (string | undefined)[];
  /** AT_PLATFORM and `uname -m`. */
  readonly machine: string;
  /** e_machine of the programs that it can run. */
  readonly elfMachine: number;
  /** How many bytes `layOutStack` will need at most. */
  stackSize(stack: StackContents): number;
  /** Writes arguments, environment and auxiliary vector to the top of a new program's stack, which is mapped. EFAULT. */
  layOutStack(mm: AddressSpace, platform: Platform, stack: ProgramStack): StackLayout;
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
  /** Whether the processor is to trap after one instruction. */
  setSingleStep(task: Task, on: boolean): void;
  /** Whether a traced task has to be stepped through, since its debug registers watch something. */
  watchMemory(task: Task): boolean;
  /** Whether the step just made has met what they watch. */
  checkWatched(task: Task): boolean;
  instructionPointer(task: Task): number;
  stackPointer(task: Task): number;
}
