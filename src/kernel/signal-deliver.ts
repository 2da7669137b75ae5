/**
 * What happens to a task before it returns to user mode: death, job control, signals; and what becomes of the system call
 * that they interrupted. signal(7), "Interruption of system calls by signal handlers".
 *
 * The trap loop calls `prepareReturn` when `task.workPending` is set or the call's result is one of the ERESTART family. The
 * result is in the registers by then, and `task.syscallNumber` is the call's number, or -1 after another kind of trap. When
 * `prepareReturn` is through, and the promise that it may have returned resolved, either `task.dying` is set and the caller
 * ends the task, or its registers are those to run with: of a handler, of the call's return, or of its repetition.
 */
import { EINTR, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS, ERESTART_RESTARTBLOCK } from '../uapi/errno.js';
import {
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SIGSEGV,
  SIGSTOP,
  SIG_DFL,
  SIG_IGN,
  SS_AUTODISARM,
} from '../uapi/signal.js';
import { syscallNumbers } from '../uapi/unistd-64.js';
import { signalledStatus } from '../uapi/wait.js';
import { beginStop, stopHere, tellIfOwed } from './job-control.js';
import { exitStop, handlerStop, jobControlTrap, signalStop } from './ptrace.js';
import { isOrphaned } from './process-group.js';
import { emptyInfo, kernelInfo } from './siginfo.js';
import { ignoredSignals, kernelOnlySignals, stopSignals } from './signal-defaults.js';
import { restoreMask, setBlocked } from './signal-mask.js';
import { endProcess, forceFatalSignal, forceSignal } from './signal-send.js';
import type { SignalSet } from './signal-set.js';
import { type SignalAction, type SignalInfo, defaultAction, noAlternateStack } from './signal-state.js';
import type { Task } from './task.js';

/** Does all that is pending. See the head of this file. */
export function prepareReturn(task: Task): void | Promise<void> {
  do {
    const waiting = doWork(task);
    if (waiting !== undefined) return prepareLater(task, waiting);
  } while (task.workPending && task.dying === undefined);
}

async function prepareLater(task: Task, first: Promise<void>): Promise<void> {
  let waiting: Promise<void> | undefined = first;
  do {
    if (waiting !== undefined) await waiting;
    waiting = task.dying === undefined ? doWork(task) : undefined;
  } while (waiting !== undefined || (task.workPending && task.dying === undefined));
}

/** Takes signals until one is handled or none is left. A promise means that there is more to do once it has resolved. */
function doWork(task: Task): Promise<void> | undefined {
  const { process } = task;
  task.workPending = false;
  tellIfOwed(process);
  process.cpuTimers?.stir();
  for (;;) {
    if (task.dying !== undefined) return exitStop(task);
    const { tracing } = task;
    if (tracing?.trapPending === true || task.signals.stopPending !== 0)
      return again(task, tracing === undefined ? stopHere(task) : jobControlTrap(task, tracing));
    const info = dequeueSignal(task, task.signals.blocked);
    if (info === undefined) {
      finishCall(task);
      return undefined;
    }
    if (tracing !== undefined) return again(task, traced(task, info));
    if (act(task, info)) break;
  }
  if (task.signalPending()) task.workPending = true;
  return undefined;
}

/** There may be more to do afterwards. */
function again(task: Task, waiting: Promise<void>): Promise<void> {
  task.workPending = true;
  return waiting;
}

/** The tracer decides first. */
async function traced(task: Task, info: SignalInfo): Promise<void> {
  const chosen = await signalStop(task, info);
  if (chosen === undefined || !act(task, chosen)) return;
  if (task.tracing?.mode === 'step') await handlerStop(task);
}

/** What a signal does. True when its handler is set up to run. */
function act(task: Task, info: SignalInfo): boolean {
  const action = task.process.handlers.actions[info.signal];
  if (action.handler === SIG_IGN) return false;
  if (action.handler !== SIG_DFL) {
    handle(task, action, info);
    return true;
  }
  defaultFor(task, info.signal);
  return false;
}

/** Takes a pending signal that is not among `blocked`; the task's own before those of its process. */
export function dequeueSignal(task: Task, blocked: SignalSet): SignalInfo | undefined {
  const own = task.signals.pending;
  let from = own;
  let signal = own.next(blocked);
  if (signal === 0) {
    from = task.process.signals;
    signal = from.next(blocked);
    if (signal === 0) return undefined;
  }
  const queued = from.take(signal);
  if (stopSignals.has(signal)) task.signals.stopTaken = true;
  if (queued === undefined) return emptyInfo(signal);
  return queued.timer === undefined ? queued.info : queued.timer.delivered(queued.info);
}

/** What a signal without a handler does. */
function defaultFor(task: Task, signal: number): void {
  const { process } = task;
  if (ignoredSignals.has(signal)) return;
  if (process.unkillable && !kernelOnlySignals.has(signal)) return;
  if (stopSignals.has(signal)) {
    // Nobody could continue an orphaned group; SIGSTOP is meant as it is.
    if (signal === SIGSTOP || !isOrphaned(process.group, undefined)) beginStop(task, signal);
    return;
  }
  // No core dumps are written, so that the status never says that there is one.
  endProcess(process, signalledStatus(signal, false));
}

function handle(task: Task, action: SignalAction, info: SignalInfo): void {
  const { signal } = info;
  const { flags, mask } = action;
  if ((flags & SA_RESETHAND) !== 0)
    task.process.handlers.actions[signal] = { ...action, handler: defaultAction.handler };
  interruptCall(task, (flags & SA_RESTART) !== 0);
  if (!task.kernel.arch.pushSignalFrame(task, action, info)) {
    if (signal === SIGSEGV) forceFatalSignal(task, kernelInfo(SIGSEGV));
    else forceSignal(task, kernelInfo(SIGSEGV));
    return;
  }
  const { signals } = task;
  // The frame restores the mask from before the wait.
  signals.savedMask = undefined;
  const blocked = signals.blocked.union(mask);
  if ((flags & SA_NODEFER) === 0) blocked.add(signal);
  setBlocked(task, blocked);
  if ((signals.altStack.flags & SS_AUTODISARM) !== 0) signals.altStack = noAlternateStack;
}

/** A handler is about to run: the call that it interrupted fails with EINTR, or is repeated when the handler returns. */
function interruptCall(task: Task, restart: boolean): void {
  if (task.syscallNumber === -1) return;
  const { arch } = task.kernel;
  switch (-arch.getResult(task)) {
    case ERESTART_RESTARTBLOCK.number:
    case ERESTARTNOHAND.number:
      arch.setResult(task, -EINTR.number);
      return;
    case ERESTARTSYS.number:
      if (restart) arch.restartSyscall(task, task.syscallNumber);
      else arch.setResult(task, -EINTR.number);
      return;
    case ERESTARTNOINTR.number:
      arch.restartSyscall(task, task.syscallNumber);
  }
}

/** No handler runs: an interrupted call goes on. */
function finishCall(task: Task): void {
  if (task.syscallNumber !== -1) {
    const { arch } = task.kernel;
    switch (-arch.getResult(task)) {
      case ERESTARTNOHAND.number:
      case ERESTARTSYS.number:
      case ERESTARTNOINTR.number:
        arch.restartSyscall(task, task.syscallNumber);
        break;
      case ERESTART_RESTARTBLOCK.number:
        arch.restartSyscall(task, syscallNumbers.restart_syscall);
    }
  }
  restoreMask(task);
}
