/**
 * Signal frames: `struct rt_sigframe` of Linux on x86-64, which unwinders, debuggers and programs that change their own
 * context rely on. sigaction(2), sigreturn(2); arch/x86/kernel/signal_64.c and fpu/signal.c have the layout:
 *
 *     high  the interrupted stack, less a red zone of 128 bytes; or the top of the alternate stack
 *           XSAVE area, at a multiple of 64, and FP_XSTATE_MAGIC2
 *           siginfo, ucontext, return address (the restorer), at a multiple of 16, less 8: as after a call
 *     low   the handler's stack pointer
 *
 * A frame is user data: what sigreturn takes from it is checked, so that the host thread that runs the guest can load it.
 */
import { type CpuContext, EFLAGS, RAX, RDI, RDX, RIP, RSI, RSP } from '../../host/cpu.js';
import { alignDown, lo, hi } from '../../lib/word64.js';
import { isOnStack, setAlternateStack } from '../../kernel/signal.js';
import { setBlocked } from '../../kernel/signal-mask.js';
import { SignalSet } from '../../kernel/signal-set.js';
import type { SignalAction, SignalInfo } from '../../kernel/signal-state.js';
import { writeSiginfo } from '../../kernel/siginfo.js';
import type { Task } from '../../kernel/task.js';
import { Errno } from '../../uapi/errno.js';
import {
  FPX_SW_BYTES_OFFSET,
  FP_XSTATE_MAGIC1,
  FP_XSTATE_MAGIC2,
  FP_XSTATE_MAGIC2_SIZE,
  SA_ONSTACK,
  SA_RESTORER,
  SA_SIGINFO,
  SI_MAX_SIZE,
  UC_FP_XSTATE,
  UC_SIGCONTEXT_SS,
  UC_STRICT_RESTORE_SS,
  _fpx_sw_bytes,
  sigcontext,
  stack_t,
  ucontext,
} from '../../uapi/signal.js';
import { FXSAVE_SIZE, XSAVE_HEADER_END, legacyFeatures, loadFpu } from './fpu-state.js';
import { getRegister, gregsOf, setRegister } from './registers.js';

const RED_ZONE = 128;
/** rt_sigframe: the restorer's address, then the ucontext, then the siginfo. */
const UCONTEXT = 8;
const SIGCONTEXT = UCONTEXT + ucontext.offset.uc_mcontext;
const SIGINFO = UCONTEXT + ucontext.size;
const FRAME_SIZE = SIGINFO + SI_MAX_SIZE;

/** Flags that a handler may change in its frame: AC, RF, OF, DF, TF, SF, ZF, AF, PF, CF. */
const USER_EFLAGS = 0x5_0dd5;
const EFLAGS_TF = 0x100;
const EFLAGS_DF = 0x400;
const EFLAGS_RF = 0x1_0000;
/** __USER_CS and __USER_DS. */
const USER_CS = 0x33;
const USER_SS = 0x2b;

const contextFlags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;

/** Makes a frame for a handler and points the registers at it. False when the stack can't hold it. */
export function pushSignalFrame(task: Task, action: SignalAction, info: SignalInfo): boolean {
  // Linux on x86-64 knows no other way back.
  if ((action.flags & SA_RESTORER) === 0) return false;
  const { context } = task;
  if (context === undefined) return false;
  const gregs = gregsOf(task);
  const { fpu } = context;
  const stack = chooseStack(task, getRegister(gregs, RSP), action);
  const fpstate = alignDown(stack.top - (fpu.length + FP_XSTATE_MAGIC2_SIZE), 64);
  const frame = alignDown(fpstate - FRAME_SIZE, 16) - 8;
  // Rather die than run over the end of the alternate stack.
  if (frame < 0 || (stack.alternate && !isWithin(task, frame))) return false;

  const { bytes, words, view } = task.kernel.scratch;
  const fpuAt = fpstate - frame;
  const length = fpuAt + fpu.length + FP_XSTATE_MAGIC2_SIZE;
  bytes.fill(0, 0, fpuAt);
  words[0] = lo(action.restorer);
  words[1] = hi(action.restorer);
  words.set(gregs, SIGCONTEXT >>> 2);
  writeContext(task, view, fpstate);
  if ((action.flags & SA_SIGINFO) !== 0) writeSiginfo(view, SIGINFO, info);
  bytes.set(fpu, fpuAt);
  view.setUint32(fpuAt + fpu.length, FP_XSTATE_MAGIC2, true);
  if (task.memory.copyOutPartial(frame, bytes.subarray(0, length)) < length) return false;

  setRegister(gregs, RDI, info.signal);
  setRegister(gregs, RSI, frame + SIGINFO);
  setRegister(gregs, RDX, frame + UCONTEXT);
  // As for a function with a variable number of arguments.
  setRegister(gregs, RAX, 0);
  setRegister(gregs, RSP, frame);
  setRegister(gregs, RIP, action.handler);
  gregs[2 * EFLAGS] &= ~(EFLAGS_DF | EFLAGS_RF | EFLAGS_TF);
  context.resetFpu();
  return true;
}

/** Where the frame goes: below the red zone, or onto the alternate stack if the handler wants that and is not on it. */
function chooseStack(task: Task, pointer: number, action: SignalAction): { top: number; alternate: boolean } {
  const { altStack } = task.signals;
  const nested = isOnStack(altStack, pointer);
  const top = pointer - RED_ZONE;
  if ((action.flags & SA_ONSTACK) !== 0 && altStack.size > 0 && !isOnStack(altStack, top))
    return { top: altStack.address + altStack.size, alternate: true };
  return { top, alternate: nested };
}

/** Whether the frame still lies on the alternate stack, SS_AUTODISARM or not. */
function isWithin(task: Task, frame: number): boolean {
  const { address, size } = task.signals.altStack;
  return frame > address && frame - address <= size;
}

/** All but the general registers. */
function writeContext(task: Task, view: DataView, fpstate: number): void {
  const { altStack, blocked, savedMask } = task.signals;
  const { uc_flags, uc_stack, uc_sigmask } = ucontext.field;
  uc_flags.set(view, UCONTEXT, contextFlags);
  const { ss_sp, ss_flags, ss_size } = stack_t.field;
  const stackAt = UCONTEXT + uc_stack.offset;
  ss_sp.set(view, stackAt, altStack.address);
  ss_flags.set(view, stackAt, altStack.flags);
  ss_size.set(view, stackAt, altStack.size);
  const { cs, ss, err, trapno, oldmask, cr2, fpstate: fpstateField } = sigcontext.field;
  cs.set(view, SIGCONTEXT, USER_CS);
  ss.set(view, SIGCONTEXT, USER_SS);
  err.set(view, SIGCONTEXT, task.lastTrap.error);
  trapno.set(view, SIGCONTEXT, task.lastTrap.number);
  cr2.set(view, SIGCONTEXT, task.lastTrap.address);
  fpstateField.set(view, SIGCONTEXT, fpstate);
  // A wait with a mask of its own (sigsuspend) is over: its old mask comes back.
  const mask = savedMask ?? blocked;
  oldmask.setWords(view, SIGCONTEXT, mask.lo, mask.hi);
  uc_sigmask.setWords(view, UCONTEXT, mask.lo, mask.hi);
}

/** Undoes the frame that the stack pointer points at (its return address is popped). False when it is bad. */
export function popSignalFrame(task: Task): boolean {
  const { context } = task;
  if (context === undefined) return false;
  const gregs = gregsOf(task);
  const { bytes, words, view } = task.kernel.scratch;
  const frame = getRegister(gregs, RSP) - 8;
  if (task.memory.copyInto(frame, bytes.subarray(0, SIGINFO)) < SIGINFO) return false;
  const { uc_sigmask, uc_stack } = ucontext.field;
  setBlocked(task, new SignalSet(uc_sigmask.getLo(view, UCONTEXT), uc_sigmask.getHi(view, UCONTEXT)));
  if (!restoreRegisters(gregs, words)) return false;
  const { ss_sp, ss_flags, ss_size } = stack_t.field;
  const stackAt = UCONTEXT + uc_stack.offset;
  const address = ss_sp.get(view, stackAt);
  const size = ss_size.get(view, stackAt);
  const flags = ss_flags.get(view, stackAt);
  // The scratch buffer is used for the FPU from here on.
  if (!restoreFpu(task, context, sigcontext.field.fpstate.get(view, SIGCONTEXT))) {
    context.resetFpu();
    return false;
  }
  const { altStack } = task.signals;
  if (address !== altStack.address || size !== altStack.size || flags !== altStack.flags)
    restoreStack(task, address, flags, size, getRegister(gregs, RSP));
  return true;
}

/** False for an instruction pointer that the processor refuses to go to. */
function restoreRegisters(gregs: Int32Array, words: Int32Array): boolean {
  const from = SIGCONTEXT >>> 2;
  const flags = (gregs[2 * EFLAGS] & ~USER_EFLAGS) | (words[from + 2 * EFLAGS] & USER_EFLAGS);
  for (let index = 0; index < 2 * EFLAGS; index++) gregs[index] = words[from + index];
  gregs[2 * EFLAGS] = flags;
  return gregs[2 * RIP + 1] >>> 0 < 0x8000;
}

/** A stack that the handler has broken in its frame is no reason to fail. */
function restoreStack(task: Task, address: number, flags: number, size: number, pointer: number): void {
  try {
    setAlternateStack(task, { address, flags, size }, pointer);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
  }
}

/** Loads the FPU from a frame. False when the frame can't be read, or XRSTOR would refuse it. */
function restoreFpu(task: Task, context: CpuContext, at: number): boolean {
  if (at === 0) {
    context.resetFpu();
    return true;
  }
  if (at % 64 !== 0) return false;
  const { bytes, view } = task.kernel.scratch;
  const { memory } = task;
  const areaSize = context.fpu.length;
  // Mostly all of it is there, with the second magic word behind it.
  const wanted = areaSize + FP_XSTATE_MAGIC2_SIZE;
  const got = memory.copyInto(at, bytes.subarray(0, wanted));
  if (got < FXSAVE_SIZE) return false;
  const { magic1, extended_size, xstate_size, xfeatures } = _fpx_sw_bytes.field;
  const stateSize = xstate_size.get(view, FPX_SW_BYTES_OFFSET);
  const extended =
    magic1.get(view, FPX_SW_BYTES_OFFSET) === FP_XSTATE_MAGIC1 &&
    stateSize >= XSAVE_HEADER_END &&
    stateSize <= areaSize &&
    stateSize % 4 === 0 &&
    stateSize <= extended_size.get(view, FPX_SW_BYTES_OFFSET);
  if (extended && got < stateSize + FP_XSTATE_MAGIC2_SIZE) return false;
  // The magic words tell whether a frame has the extended state; who writes frames of his own may leave them out.
  const { cpu } = task.kernel.host;
  if (!extended || view.getUint32(stateSize, true) !== FP_XSTATE_MAGIC2)
    return loadFpu(context, cpu, bytes.subarray(0, FXSAVE_SIZE), legacyFeatures);
  const features = {
    lo: xfeatures.getLo(view, FPX_SW_BYTES_OFFSET),
    hi: xfeatures.getHi(view, FPX_SW_BYTES_OFFSET),
  };
  return loadFpu(context, cpu, bytes.subarray(0, stateSize), features);
}
