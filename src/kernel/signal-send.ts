/**
 * Sending signals: whether a signal counts at all, where it is queued, which thread is to take it, and waking that thread.
 * signal(7), kill(2), sigqueue(3). Permission is the business of the calls in signal.ts.
 *
 * Senders inside the kernel use `sendToTask`, `sendToProcess`, `sendToGroup` with an info of siginfo.ts; `forceSignal` for
 * what an instruction of the task itself has done.
 */
import { RLIMIT_SIGPENDING } from '../uapi/resource.js';
import {
  CLD_CONTINUED,
  CLD_STOPPED,
  SIGCONT,
  SIGKILL,
  SIGRTMIN,
  SIG_DFL,
  SIG_IGN,
  SI_USER,
} from '../uapi/signal.js';
import { signalledStatus } from '../uapi/wait.js';
import type { Kernel } from './kernel.js';
import type { Process, ProcessGroup } from './process.js';
import { coreSignals, ignoredSignals, kernelOnlySignals, stopSignals } from './signal-defaults.js';
import { trapSoon } from './ptrace-state.js';
import { SignalSet } from './signal-set.js';
import {
  type PendingSignals,
  QueuedSignal,
  SignalAccount,
  type SignalInfo,
  type SignalTimer,
  defaultAction,
} from './signal-state.js';
import type { Task } from './task.js';

const onlyContinue = SignalSet.of(SIGCONT);
/** SFD: EPOLLIN | EPOLLRDNORM. */
const SIGNAL_ARRIVED = 0x41;

/** Whether a task can still do anything. */
export const isAlive = (task: Task): boolean => task.state !== 'zombie' && task.state !== 'dead';

/** Makes a task look soon at what is pending for it, wherever it is. */
export function kick(task: Task): void {
  task.workPending = true;
  if (task.sleeping !== undefined) task.signalWake();
  else if (task.context?.running === true) task.context.interrupt();
}

/** Ends a whole process: each of its threads exits as soon as it can. The first status given counts. */
export function endProcess(process: Process, status: number): void {
  process.groupExit ??= status;
  process.signals.toStop = 0;
  for (const task of process.threads) {
    if (!isAlive(task)) continue;
    task.signals.stopPending = 0;
    task.dying ??= process.groupExit;
    kick(task);
  }
}

/** Sends to one thread. False when a real-time signal finds the queue full. */
export function sendToTask(task: Task, info: SignalInfo, timer?: SignalTimer): boolean {
  return send(task, info, task.signals.pending, false, timer);
}

/** Sends to a process; one of its threads that do not block the signal takes it. False when the queue is full. */
export function sendToProcess(process: Process, info: SignalInfo, timer?: SignalTimer): boolean {
  const target = mainThread(process);
  return target === undefined || send(target, info, process.signals, true, timer);
}

/** Sends to every process of a group. */
export function sendToGroup(group: ProcessGroup, info: SignalInfo): void {
  for (const process of group.members) sendToProcess(process, info);
}

/**
 * A signal that the task can't escape, since what it did can't go on: a fault. Where it is blocked or ignored it gets its
 * default action.
 */
export function forceSignal(task: Task, info: SignalInfo): void {
  const { signal } = info;
  const { actions } = task.process.handlers;
  const blocked = task.signals.blocked.has(signal);
  if (blocked || actions[signal].handler === SIG_IGN)
    actions[signal] = { ...actions[signal], handler: SIG_DFL };
  if (blocked) {
    task.signals.blocked = task.signals.blocked.clone();
    task.signals.blocked.delete(signal);
  }
  // A debugger's user does not expect that it makes init mortal.
  if (actions[signal].handler === SIG_DFL && !isTraced(task)) task.process.unkillable = false;
  sendToTask(task, info);
  task.workPending = true;
}

/** As `forceSignal`, but no handler can run: a frame for it could not be made. */
export function forceFatalSignal(task: Task, info: SignalInfo): void {
  task.process.handlers.actions[info.signal] = defaultAction;
  forceSignal(task, info);
}

/** Whether nothing at all happens when the signal comes: it need not be queued. */
export function isIgnored(task: Task, signal: number): boolean {
  const { blocked, realBlocked } = task.signals;
  // The handler may have changed by the time that it is unblocked.
  if (blocked.has(signal) || realBlocked?.has(signal) === true) return false;
  if (isTraced(task) && signal !== SIGKILL) return false;
  const { process } = task;
  const { handler } = process.handlers.actions[signal];
  if (process.unkillable && (handler === SIG_DFL || kernelOnlySignals.has(signal))) return true;
  return handlerIgnores(handler, signal);
}

export const handlerIgnores = (handler: number, signal: number): boolean =>
  handler === SIG_IGN || (handler === SIG_DFL && ignoredSignals.has(signal));

/** The account of a user's queued signals. */
export function signalAccount(kernel: Kernel, uid: number): SignalAccount {
  let account = kernel.signalAccounts.get(uid);
  if (account === undefined) kernel.signalAccounts.set(uid, (account = new SignalAccount()));
  return account;
}

/** Removes signals from the queues of a process and all of its threads. */
export function flushSignals(process: Process, signals: SignalSet): void {
  process.signals.flush(signals);
  for (const task of process.threads) task.signals.pending.flush(signals);
}

/** Lets other threads take signals of the process that `task` will not take any more: it blocks them now, or exits. */
export function retarget(task: Task, signals: SignalSet): void {
  const { process } = task;
  const orphaned = process.signals.set.intersection(signals);
  if (orphaned.empty) return;
  for (const other of process.threads) {
    if (other === task || !isAlive(other) || !orphaned.anyOutside(other.signals.blocked)) continue;
    kick(other);
  }
}

export const isTraced = (task: Task): boolean => task.tracing !== undefined;

function mainThread(process: Process): Task | undefined {
  const { leader } = process;
  if (leader !== undefined && isAlive(leader)) return leader;
  for (const task of process.threads) if (isAlive(task)) return task;
  return undefined;
}

function send(
  task: Task,
  info: SignalInfo,
  to: PendingSignals,
  shared: boolean,
  timer?: SignalTimer,
): boolean {
  const { signal } = info;
  const { process } = task;
  if (!isAlive(task) || process.groupExit !== undefined) return true;
  affectStops(process, signal);
  if (isIgnored(task, signal)) return true;
  if (signal < SIGRTMIN && timer === undefined && to.set.has(signal)) return true;
  if (signal === SIGKILL) to.set.add(signal);
  else {
    const queued = enqueue(task, info, timer);
    // kill(2) always gets through, be it without its information.
    if (queued === undefined && signal >= SIGRTMIN && info.code !== SI_USER) return false;
    to.add(signal, queued);
  }
  process.handlers.arrived.wake(SIGNAL_ARRIVED);
  chooseThread(task, signal, shared);
  return true;
}

function enqueue(task: Task, info: SignalInfo, timer: SignalTimer | undefined): QueuedSignal | undefined {
  if (timer !== undefined) {
    timer.queued();
    return new QueuedSignal(info, undefined, timer);
  }
  const account = signalAccount(task.kernel, task.credentials.uid);
  // The limit is for what can pile up; an ordinary signal of the kernel's, or of kill(2), is queued at most once.
  const exempt = info.signal < SIGRTMIN && info.code >= 0;
  if (!exempt && account.queued >= task.process.rlimits[RLIMIT_SIGPENDING].soft) return undefined;
  return new QueuedSignal(info, account, undefined);
}

/** SIGCONT takes pending stops away and continues; a stop signal takes a pending SIGCONT away. Even if ignored or blocked. */
function affectStops(process: Process, signal: number): void {
  if (stopSignals.has(signal)) flushSignals(process, onlyContinue);
  else if (signal === SIGCONT) {
    flushSignals(process, stopSignals);
    continueProcess(process);
  }
}

/** Lets a process go on that job control has stopped, or is about to stop. */
function continueProcess(process: Process): void {
  const { signals } = process;
  for (const task of process.threads) {
    task.signals.stopPending = 0;
    task.signals.stopTaken = false;
    if (task.state === 'stopped') {
      task.state = 'kernel';
      task.wake();
    }
    if (task.tracing?.seized === true && trapSoon(task, task.tracing)) kick(task);
  }
  if (signals.stopped) signals.owedNotice = CLD_CONTINUED;
  else if (signals.toStop > 0) {
    // A stop that was under way counts as done and continued; SIGCHLD does not queue, so only the first of both is told.
    signals.owedNotice = CLD_STOPPED;
  } else return;
  signals.stopped = false;
  signals.toStop = 0;
  process.stopReport = 0;
  process.continueReport = true;
}

/** Decides who is to take a signal that has just been queued, and wakes it. As complete_signal() of Linux. */
function chooseThread(task: Task, signal: number, shared: boolean): void {
  const taker = wants(task, signal) ? task : shared ? otherThread(task, signal) : undefined;
  // Everybody blocks it: it stays pending until one no longer does.
  if (taker === undefined) return;
  if (isFatal(taker, signal)) endProcess(taker.process, signalledStatus(signal, false));
  else kick(taker);
}

function otherThread(task: Task, signal: number): Task | undefined {
  for (const other of task.process.threads) if (other !== task && wants(other, signal)) return other;
  return undefined;
}

function wants(task: Task, signal: number): boolean {
  if (!isAlive(task) || task.signals.blocked.has(signal)) return false;
  if (signal === SIGKILL) return true;
  return task.state !== 'stopped' && task.state !== 'traced';
}

/** Whether the whole process ends as soon as the signal is sent: nothing needs to be found out about it first. */
function isFatal(task: Task, signal: number): boolean {
  if (signal === SIGKILL) return true;
  if (ignoredSignals.has(signal) || stopSignals.has(signal) || coreSignals.has(signal)) return false;
  if (task.process.handlers.actions[signal].handler !== SIG_DFL) return false;
  if (task.signals.realBlocked?.has(signal) === true) return false;
  return !isTraced(task);
}
