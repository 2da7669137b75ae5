/** The signal calls of a task for itself: sigaction(2), sigprocmask(2), sigaltstack(2), waiting for signals. */
import { EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND } from '../uapi/errno.js';
import {
  MINSIGSTKSZ,
  SIGSEGV,
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
  _NSIG,
  saFlags,
  sigaction,
  stack_t,
} from '../uapi/signal.js';
import { Word64 } from '../lib/word64.js';
import { encodeSiginfo, kernelInfo } from './siginfo.js';
import { kernelOnlySignals } from './signal-defaults.js';
import { dequeueSignal } from './signal-deliver.js';
import { readSignalSet, setBlocked, writeSignalSet } from './signal-mask.js';
import { flushSignals, forceSignal, handlerIgnores } from './signal-send.js';
import { SignalSet } from './signal-set.js';
import type { AlternateStack } from './signal-state.js';
import { REGISTERS_SET, address, int, size, syscall } from './syscall.js';
import type { Task } from './task.js';
import { readSpan } from './timespec.js';

/** sigaction(2). */
export const sys_rt_sigaction = syscall(
  [int, address, address, size],
  (task, signal, newAt, oldAt, setSize) => {
    if (setSize !== 8) throw EINVAL;
    const wanted = newAt === 0 ? undefined : sigaction.decode(task.memory.copyIn(newAt, sigaction.size));
    if (signal < 1 || signal > _NSIG || (wanted !== undefined && kernelOnlySignals.has(signal))) throw EINVAL;
    const { process } = task;
    const old = process.handlers.actions[signal];
    if (wanted !== undefined) {
      const mask = new SignalSet(wanted.sa_mask.lo, wanted.sa_mask.hi).without(kernelOnlySignals);
      const action = {
        handler: wanted.sa_handler,
        // Only known bits are kept: programs find out in this way which there are.
        flags: wanted.sa_flags.lo & saFlags.mask,
        restorer: wanted.sa_restorer,
        mask,
      };
      process.handlers.actions[signal] = action;
      // POSIX 2.4.1: what is pending is discarded, even if blocked.
      if (handlerIgnores(action.handler, signal)) flushSignals(process, SignalSet.of(signal));
    }
    if (oldAt !== 0) {
      const { handler, flags, restorer, mask } = old;
      const record = {
        sa_handler: handler,
        sa_flags: new Word64(flags, 0),
        sa_restorer: restorer,
        sa_mask: new Word64(mask.lo, mask.hi),
      };
      task.memory.copyOut(oldAt, sigaction.encode(record));
    }
    return 0;
  },
);

/** sigprocmask(2). */
export const sys_rt_sigprocmask = syscall(
  [int, address, address, size],
  (task, how, newAt, oldAt, setSize) => {
    if (setSize !== 8) throw EINVAL;
    const old = task.signals.blocked;
    if (newAt !== 0) {
      const set = readSignalSet(task, newAt, setSize);
      if (how === SIG_BLOCK) setBlocked(task, old.union(set));
      else if (how === SIG_UNBLOCK) setBlocked(task, old.without(set));
      else if (how === SIG_SETMASK) setBlocked(task, set);
      else throw EINVAL;
    }
    if (oldAt !== 0) writeSignalSet(task, oldAt, old);
    return 0;
  },
);

/** sigpending(2). */
export const sys_rt_sigpending = syscall([address, size], (task, at, setSize) => {
  if (setSize > 8) throw EINVAL;
  const { pending, blocked } = task.signals;
  const set = pending.set.union(task.process.signals.set).intersection(blocked);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, set.lo, true);
  view.setInt32(4, set.hi, true);
  task.memory.copyOut(at, bytes.subarray(0, setSize));
  return 0;
});

/** Sleeps until a signal is there to be handled. */
async function untilSignal(task: Task): Promise<never> {
  while (!task.signalPending()) await task.park('interruptible');
  throw ERESTARTNOHAND;
}

/** pause(2). */
export const sys_pause = syscall([], (task) => untilSignal(task));

/** sigsuspend(2). The old mask comes back with the frame of the handler, or when there turns out to be none. */
export const sys_rt_sigsuspend = syscall([address, size], (task, at, setSize) => {
  const set = readSignalSet(task, at, setSize);
  task.signals.savedMask = task.signals.blocked;
  setBlocked(task, set);
  task.workPending = true;
  return untilSignal(task);
});

/** sigtimedwait(2), sigwaitinfo(2): takes one of the signals, which the caller has blocked. */
export const sys_rt_sigtimedwait = syscall(
  [address, address, address, size],
  (task, setAt, infoAt, timeoutAt, setSize) => {
    const wanted = readSignalSet(task, setAt, setSize).without(kernelOnlySignals);
    const span = timeoutAt === 0 ? Infinity : readSpan(task, timeoutAt);
    return waitForSignal(task, wanted, infoAt, task.kernel.host.clock.now() + span);
  },
);

async function waitForSignal(
  task: Task,
  wanted: SignalSet,
  infoAt: number,
  deadline: number,
): Promise<number> {
  const { signals, kernel } = task;
  const others = wanted.complement();
  let info = dequeueSignal(task, others);
  if (info === undefined && deadline > kernel.host.clock.now()) {
    // Let through, so that senders wake this task for them.
    signals.realBlocked = signals.blocked;
    signals.blocked = signals.blocked.without(wanted);
    try {
      if (!task.signalPending()) await task.park('interruptible', deadline);
    } finally {
      const { realBlocked } = signals;
      signals.realBlocked = undefined;
      setBlocked(task, realBlocked);
    }
    info = dequeueSignal(task, others);
    if (info === undefined && kernel.host.clock.now() < deadline) throw EINTR;
  }
  if (info === undefined) throw EAGAIN;
  if (infoAt !== 0) task.memory.copyOut(infoAt, encodeSiginfo(info));
  return info.signal;
}

/** Whether a stack pointer is on the alternate stack. With SS_AUTODISARM nobody is: a nested handler starts at its top. */
export function isOnStack({ address: base, size: length, flags }: AlternateStack, pointer: number): boolean {
  return (flags & SS_AUTODISARM) === 0 && pointer > base && pointer - base <= length;
}

/** Sets the alternate stack: EPERM while on it, EINVAL for bad flags, ENOMEM when it is too small. sigaltstack(2) */
export function setAlternateStack(task: Task, wanted: AlternateStack, pointer: number): void {
  const { signals } = task;
  if (isOnStack(signals.altStack, pointer)) throw EPERM;
  const mode = wanted.flags & ~SS_AUTODISARM;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) throw EINVAL;
  if (mode === SS_DISABLE) signals.altStack = { address: 0, size: 0, flags: wanted.flags };
  else if (wanted.size < MINSIGSTKSZ) throw ENOMEM;
  else signals.altStack = wanted;
}

/** sigaltstack(2). */
export const sys_sigaltstack = syscall([address, address], (task, newAt, oldAt) => {
  const wanted = newAt === 0 ? undefined : stack_t.decode(task.memory.copyIn(newAt, stack_t.size));
  const pointer = task.kernel.arch.stackPointer(task);
  const old = task.signals.altStack;
  if (wanted !== undefined) {
    const { ss_sp, ss_size, ss_flags } = wanted;
    setAlternateStack(task, { address: ss_sp, size: ss_size, flags: ss_flags }, pointer);
  }
  if (oldAt !== 0) {
    const state = old.size === 0 ? SS_DISABLE : isOnStack(old, pointer) ? SS_ONSTACK : 0;
    const ss_flags = state | (old.flags & SS_AUTODISARM);
    task.memory.copyOut(oldAt, stack_t.encode({ ss_sp: old.address, ss_size: old.size, ss_flags }));
  }
  return 0;
});

/** sigreturn(2): a handler has returned; its frame says how to go on. */
export const sys_rt_sigreturn = syscall([], (task) => {
  // No call is to be repeated, whatever rax holds now.
  task.syscallNumber = -1;
  if (!task.kernel.arch.popSignalFrame(task)) forceSignal(task, kernelInfo(SIGSEGV));
  return REGISTERS_SET;
});

/** restart_syscall(2). */
export const sys_restart_syscall = syscall([], (task) => {
  const { restartBlock } = task;
  if (restartBlock === undefined) throw EINTR;
  return restartBlock.restart(task);
});
