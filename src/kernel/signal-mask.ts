/**
 * The blocked signals of a task: sigprocmask(2), and calls that wait with a mask of their own: pselect(2), ppoll(2),
 * epoll_pwait(2), sigsuspend(2). Those set the mask, wait, and put the old one back:
 *
 *     export const sys_ppoll = syscall([...], (task, ..., mask, size) =>
 *       withSignalMask(task, mask, size, () => poll(task, ...)));
 *
 * When a signal ends such a wait, its handler has to run under the mask of the call, and the frame has to restore the old
 * one. So then the old mask stays in `savedMask` until signals are delivered.
 */
import {
  EINTR,
  EINVAL,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  ERESTART_RESTARTBLOCK,
} from '../uapi/errno.js';
import { SIGSET_SIZE } from '../uapi/signal.js';
import { kernelOnlySignals } from './signal-defaults.js';
import { retarget } from './signal-send.js';
import { SignalSet } from './signal-set.js';
import type { Result } from './syscall.js';
import type { Task } from './task.js';

/** A sigset_t of user space, whose size it had to tell. EINVAL, EFAULT. */
export function readSignalSet(task: Task, address: number, size: number): SignalSet {
  if (size !== SIGSET_SIZE) throw EINVAL;
  return new SignalSet(task.memory.getU32(address) | 0, task.memory.getU32(address + 4) | 0);
}

export function writeSignalSet(task: Task, address: number, set: SignalSet): void {
  const bytes = new Uint8Array(SIGSET_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, set.lo, true);
  view.setInt32(4, set.hi, true);
  task.memory.copyOut(address, bytes);
}

/** Sets what a task blocks; SIGKILL and SIGSTOP can't be. */
export function setBlocked(task: Task, wanted: SignalSet): void {
  const { signals } = task;
  const blocked = wanted.without(kernelOnlySignals);
  if (task.process.threads.size > 1) {
    const newly = blocked.without(signals.blocked);
    signals.blocked = blocked;
    if (!newly.empty) retarget(task, newly);
  } else signals.blocked = blocked;
  if (task.signalPending()) task.workPending = true;
}

/** Sets the mask for a wait; `restoreMask` or signal delivery undoes it. A null address leaves all as it is. */
export function setUserMask(task: Task, address: number, size: number): void {
  if (address === 0) return;
  const set = readSignalSet(task, address, size);
  task.signals.savedMask = task.signals.blocked;
  setBlocked(task, set);
}

/** Puts the mask back that a wait has replaced, if one has. */
export function restoreMask(task: Task): void {
  const { savedMask } = task.signals;
  if (savedMask === undefined) return;
  task.signals.savedMask = undefined;
  setBlocked(task, savedMask);
}

/** Runs a wait under the mask of user space. See the head of this file. */
export function withSignalMask(task: Task, address: number, size: number, wait: () => Result): Result {
  if (address === 0) return wait();
  setUserMask(task, address, size);
  let result: Result;
  try {
    result = wait();
  } catch (error) {
    afterError(task, error);
    throw error;
  }
  if (typeof result === 'number') {
    restoreMask(task);
    return result;
  }
  return result.then(
    (value) => {
      restoreMask(task);
      return value;
    },
    (error: unknown) => {
      afterError(task, error);
      throw error;
    },
  );
}

function afterError(task: Task, error: unknown): void {
  if (isInterruption(error) && task.signalPending()) task.workPending = true;
  else restoreMask(task);
}

const isInterruption = (error: unknown): boolean =>
  error === EINTR ||
  error === ERESTARTSYS ||
  error === ERESTARTNOHAND ||
  error === ERESTARTNOINTR ||
  error === ERESTART_RESTARTBLOCK;
