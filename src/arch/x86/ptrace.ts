/** ptrace(2), the call: what a tracer can ask for. How tasks stop and go on is in kernel/ptrace.ts. */
import { readForced, writeForced } from '../../mm/remote.js';
import { detach as detachTask, attach, interruptTracee, listen, traceMe } from '../../kernel/ptrace.js';
import { type PtraceStop, type ResumeMode, type Tracing, resume } from '../../kernel/ptrace-state.js';
import { decodeSiginfo, encodeSiginfo, kernelInfo } from '../../kernel/siginfo.js';
import { setBlocked } from '../../kernel/signal-mask.js';
import { sendToTask } from '../../kernel/signal-send.js';
import { SignalSet } from '../../kernel/signal-set.js';
import { type Result, address, int, long, syscall } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { EFAULT, EINVAL, EIO, ESRCH } from '../../uapi/errno.js';
import { NT_PRFPREG, NT_PRSTATUS, NT_X86_XSTATE } from '../../uapi/elf.js';
import {
  PTRACE_ATTACH,
  PTRACE_CONT,
  PTRACE_DETACH,
  PTRACE_GETEVENTMSG,
  PTRACE_GETFPREGS,
  PTRACE_GETREGS,
  PTRACE_GETREGSET,
  PTRACE_GETSIGINFO,
  PTRACE_GETSIGMASK,
  PTRACE_GET_SYSCALL_INFO,
  PTRACE_INTERRUPT,
  PTRACE_KILL,
  PTRACE_LISTEN,
  PTRACE_OLDSETOPTIONS,
  PTRACE_PEEKDATA,
  PTRACE_PEEKTEXT,
  PTRACE_PEEKUSR,
  PTRACE_POKEDATA,
  PTRACE_POKETEXT,
  PTRACE_POKEUSR,
  PTRACE_SEIZE,
  PTRACE_SETFPREGS,
  PTRACE_SETOPTIONS,
  PTRACE_SETREGS,
  PTRACE_SETREGSET,
  PTRACE_SETSIGINFO,
  PTRACE_SETSIGMASK,
  PTRACE_SINGLESTEP,
  PTRACE_SYSCALL,
  PTRACE_SYSCALL_INFO_ENTRY,
  PTRACE_SYSCALL_INFO_EXIT,
  PTRACE_SYSCALL_INFO_NONE,
  PTRACE_SYSEMU,
  PTRACE_SYSEMU_SINGLESTEP,
  PTRACE_TRACEME,
  ptraceOptions,
  ptrace_syscall_info_entry,
  ptrace_syscall_info_exit,
  user,
  user_regs_struct,
} from '../../uapi/ptrace.js';
import { AUDIT_ARCH_X86_64 } from '../../uapi/seccomp.js';
import { FPX_SW_BYTES_OFFSET, SIGKILL, SI_MAX_SIZE, _NSIG } from '../../uapi/signal.js';
import { iovec } from '../../uapi/uio.js';
import { Word64, hi, lo, u64 } from '../../lib/word64.js';
import { readDebugRegister, writeDebugRegister } from './debug-registers.js';
import { FXSAVE_SIZE, XSAVE_HEADER_END, loadFpu } from './fpu-state.js';
import { instructionPointer, stackPointer } from './registers.js';
import { readUserRegisters, writeUserRegister, writeUserRegisters } from './user-registers.js';

const resumeModes: ReadonlyMap<number, ResumeMode> = new Map([
  [PTRACE_CONT, 'continue'],
  [PTRACE_SYSCALL, 'syscall'],
  [PTRACE_SINGLESTEP, 'step'],
  [PTRACE_SYSEMU, 'emulate'],
  [PTRACE_SYSEMU_SINGLESTEP, 'emulate'],
]);

/** ptrace(2). */
export const sys_ptrace = syscall([long, int, address, address], (task, request, pid, at, data): Result => {
  if (request === PTRACE_TRACEME) {
    traceMe(task);
    return 0;
  }
  const target = task.kernel.pids.tasks.get(pid);
  if (target === undefined) throw ESRCH;
  if (request === PTRACE_ATTACH || request === PTRACE_SEIZE) {
    if (request === PTRACE_SEIZE && (at !== 0 || !ptraceOptions.has(data))) throw EIO;
    attach(task, target, request === PTRACE_SEIZE, request === PTRACE_SEIZE ? data : 0);
    return 0;
  }
  const { tracing } = target;
  if (tracing === undefined || tracing.tracer !== task) throw ESRCH;
  if (request === PTRACE_KILL) {
    sendToTask(target, kernelInfo(SIGKILL));
    return 0;
  }
  if (request === PTRACE_INTERRUPT) {
    interruptTracee(target, tracing);
    return 0;
  }
  // All others are for a task that is stopped for its tracer.
  const { stop } = tracing;
  if (stop === undefined || target.state !== 'traced' || tracing.listening) throw ESRCH;
  const mode = resumeModes.get(request);
  if (mode !== undefined) {
    checkSignal(data);
    resume(target, tracing, mode, data);
    return 0;
  }
  return ofStopped(task, target, tracing, stop, request, at, data);
});

function checkSignal(signal: number): void {
  if (signal > _NSIG) throw EIO;
}

function ofStopped(
  task: Task,
  target: Task,
  tracing: Tracing,
  stop: PtraceStop,
  request: number,
  at: number,
  data: number,
): number {
  switch (request) {
    case PTRACE_DETACH:
      checkSignal(data);
      detachTask(target, data);
      return 0;
    case PTRACE_LISTEN:
      listen(target, tracing);
      return 0;
    case PTRACE_SETOPTIONS:
    case PTRACE_OLDSETOPTIONS:
      if (!ptraceOptions.has(data)) throw EINVAL;
      tracing.options = data;
      return 0;
    case PTRACE_GETEVENTMSG:
      task.memory.putU64(data, tracing.eventMessage);
      return 0;
    case PTRACE_GETSIGINFO:
      if (stop.info === undefined) throw EINVAL;
      task.memory.copyOut(data, encodeSiginfo(stop.info));
      return 0;
    case PTRACE_SETSIGINFO: {
      if (stop.info === undefined) throw EINVAL;
      const bytes = task.memory.copyIn(data, SI_MAX_SIZE);
      stop.info = decodeSiginfo(bytes, new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true));
      return 0;
    }
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK:
      return signalMask(task, target, request, at, data);
    case PTRACE_GET_SYSCALL_INFO:
      return syscallInfo(task, target, stop, at, data);
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      task.memory.copyOut(data, peek(target, at));
      return 0;
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      poke(target, at, data, task);
      return 0;
    default:
      return registers(task, target, request, at, data);
  }
}

function peek(target: Task, at: number): Uint8Array {
  const word = new Uint8Array(8);
  if (readForced(target.memory, at, word) < word.length) throw EIO;
  return word;
}

/** The word itself is the argument: all 64 bits of the register. */
function poke(target: Task, at: number, _data: number, tracer: Task): void {
  if (writeForced(target.memory, at, dataArgument(tracer)) < 8) throw EIO;
}

/** The fourth argument with all its bits, which a number does not hold. */
function dataArgument(tracer: Task): Uint8Array<ArrayBuffer> {
  const words = new Int32Array(12);
  tracer.kernel.arch.readArguments(tracer, words);
  return new Uint8Array(words.slice(6, 8).buffer);
}

function signalMask(task: Task, target: Task, request: number, size: number, data: number): number {
  if (size !== 8) throw EINVAL;
  const { memory } = task;
  if (request === PTRACE_SETSIGMASK) {
    setBlocked(target, new SignalSet(memory.getU32(data) | 0, memory.getU32(data + 4) | 0));
    return 0;
  }
  const { lo, hi } = target.signals.savedMask ?? target.signals.blocked;
  memory.putU32(data, lo);
  memory.putU32(data + 4, hi);
  return 0;
}

/** Tells what is known of the system call in which the task is. Returns how long that is; less may be asked for. */
function syscallInfo(task: Task, target: Task, stop: PtraceStop, size: number, data: number): number {
  const pointers = {
    arch: AUDIT_ARCH_X86_64,
    instruction_pointer: Word64.from(instructionPointer(target)),
    stack_pointer: Word64.from(stackPointer(target)),
  };
  const words = new Int32Array(12);
  let bytes: Uint8Array;
  let length: number;
  if (stop.kind === 'syscall-entry') {
    target.kernel.arch.readArguments(target, words);
    const args = [0, 2, 4, 6, 8, 10].map((index) => new Word64(words[index], words[index + 1]));
    const nr = Word64.from(target.syscallNumber);
    bytes = ptrace_syscall_info_entry.encode({ op: PTRACE_SYSCALL_INFO_ENTRY, ...pointers, nr, args });
    length = ptrace_syscall_info_entry.offset.ret_data;
  } else if (stop.kind === 'syscall-exit') {
    const rval = target.kernel.arch.getResult(target);
    const is_error = rval < 0 && rval >= -4095 ? 1 : 0;
    bytes = ptrace_syscall_info_exit.encode({ op: PTRACE_SYSCALL_INFO_EXIT, ...pointers, rval, is_error });
    length = ptrace_syscall_info_exit.offset.is_error + 1;
  } else {
    bytes = ptrace_syscall_info_exit.encode({ op: PTRACE_SYSCALL_INFO_NONE, ...pointers });
    length = ptrace_syscall_info_exit.offset.rval;
  }
  task.memory.copyOut(data, bytes.subarray(0, Math.min(size, length)));
  return length;
}

function registers(task: Task, target: Task, request: number, at: number, data: number): number {
  const { memory } = task;
  switch (request) {
    case PTRACE_GETREGS:
      memory.copyOut(data, registerSet(target, NT_PRSTATUS));
      return 0;
    case PTRACE_SETREGS:
      writeUserRegisters(target, memory.copyIn(data, user_regs_struct.size));
      return 0;
    case PTRACE_GETFPREGS:
      memory.copyOut(data, registerSet(target, NT_PRFPREG));
      return 0;
    case PTRACE_SETFPREGS:
      setRegisterSet(target, NT_PRFPREG, memory.copyIn(data, FXSAVE_SIZE));
      return 0;
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return registerSetCall(task, target, request, at, data);
    case PTRACE_PEEKUSR:
      memory.copyOut(data, peekUser(target, at));
      return 0;
    case PTRACE_POKEUSR:
      pokeUser(task, target, at);
      return 0;
    default:
      throw EIO;
  }
}

/** PTRACE_GETREGSET, PTRACE_SETREGSET: `data` is an iovec, whose length is set to what was moved. */
function registerSetCall(task: Task, target: Task, request: number, kind: number, data: number): number {
  const { memory } = task;
  const { iov_base, iov_len } = iovec.decode(memory.copyIn(data, iovec.size));
  const current = registerSet(target, kind);
  if (iov_len % 8 !== 0 && kind !== NT_X86_XSTATE) throw EINVAL;
  const length = Math.min(iov_len, current.length);
  if (request === PTRACE_GETREGSET) memory.copyOut(iov_base, current.subarray(0, length));
  else setRegisterSet(target, kind, memory.copyIn(iov_base, length));
  memory.putU64(data + iovec.offset.iov_len, length);
  return 0;
}

function registerSet(target: Task, kind: number): Uint8Array {
  const { context } = target;
  if (context === undefined) throw ESRCH;
  if (kind === NT_PRSTATUS) return new Uint8Array(readUserRegisters(target).buffer);
  const length = kind === NT_PRFPREG ? FXSAVE_SIZE : context.fpu.length;
  if (kind !== NT_PRFPREG && kind !== NT_X86_XSTATE) throw EINVAL;
  const bytes = context.fpu.slice(0, length);
  // In place of the signal frame's own words: which features there are.
  bytes.fill(0, FPX_SW_BYTES_OFFSET, FXSAVE_SIZE);
  if (kind === NT_X86_XSTATE) {
    const { xfeaturesLo, xfeaturesHi } = target.kernel.host.cpu;
    const view = new DataView(bytes.buffer);
    view.setUint32(FPX_SW_BYTES_OFFSET, xfeaturesLo, true);
    view.setUint32(FPX_SW_BYTES_OFFSET + 4, xfeaturesHi, true);
  }
  return bytes;
}

function setRegisterSet(target: Task, kind: number, bytes: Uint8Array<ArrayBuffer>): void {
  const { context, kernel } = target;
  if (context === undefined) throw ESRCH;
  if (kind === NT_PRSTATUS) {
    writeUserRegisters(target, bytes);
    return;
  }
  const { cpu } = kernel.host;
  if (kind === NT_X86_XSTATE) {
    // All of it, or what the processor would have found to be in order.
    if (bytes.length < XSAVE_HEADER_END) throw EFAULT;
    const all = { lo: cpu.xfeaturesLo, hi: cpu.xfeaturesHi };
    if (!loadFpu(context, cpu, bytes, all)) throw EINVAL;
    return;
  }
  // Only the legacy part changes.
  if (bytes.length < FXSAVE_SIZE) throw EINVAL;
  const whole = Uint8Array.from(context.fpu);
  whole.set(bytes.subarray(0, FPX_SW_BYTES_OFFSET));
  whole[FXSAVE_SIZE] |= 3;
  if (!loadFpu(context, cpu, whole, { lo: cpu.xfeaturesLo, hi: cpu.xfeaturesHi })) throw EINVAL;
}

const DEBUG_REGISTERS = user.offset.u_debugreg;

/** Which debug register is at an offset of struct user; below 0 for what lies before them. */
function debugRegisterAt(at: number): number {
  if (at % 8 !== 0 || at >= user.size) throw EIO;
  return (at - DEBUG_REGISTERS) / 8;
}

/** PTRACE_PEEKUSER: only general and debug registers are there. */
function peekUser(target: Task, at: number): Uint8Array {
  const index = debugRegisterAt(at);
  if (at < user_regs_struct.size) return new Uint8Array(readUserRegisters(target).buffer).slice(at, at + 8);
  const value = index < 0 ? 0 : readDebugRegister(target, index);
  return new Uint8Array(new Int32Array([lo(value), hi(value)]).buffer);
}

function pokeUser(task: Task, target: Task, at: number): void {
  const index = debugRegisterAt(at);
  const view = new DataView(dataArgument(task).buffer);
  const low = view.getInt32(0, true);
  const high = view.getInt32(4, true);
  if (at < user_regs_struct.size) writeUserRegister(target, at / 8, low, high);
  else if (index < 0) throw EIO;
  else writeDebugRegister(target, index, u64(low, high));
}
