/**
 * The end of threads and processes: exit(2), exit_group(2), and what happens to what they leave behind.
 *
 * A thread that is to end has `dying` set, to its wait status. It ends where it leaves the kernel: its system call unwinds
 * (signals end every sleep but the short ones), and the trap loop calls `exitTask` instead of returning to user mode. A
 * thread that runs guest code meanwhile has nothing to unwind and is ended on the spot.
 *
 * A process whose last thread has ended is a zombie (`exitStatus` is set) until its parent has waited for it.
 */
import { PTRACE_O_EXITKILL } from '../uapi/ptrace.js';
import { exitedStatus } from '../uapi/wait.js';
import {
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  SA_NOCLDWAIT,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGKILL,
  SIGRTMAX,
  SIG_IGN,
} from '../uapi/signal.js';
import { USER_HZ } from '../uapi/time.js';
import { notePeakMemory, processCpuTime, taskCpuTime, taskUsage } from './cputime.js';
import { mmRelease } from './futex.js';
import { exitSignals } from './job-control.js';
import type { Kernel } from './kernel.js';
import { leaveNamespaces } from './nsproxy.js';
import { panic } from './panic.js';
import { exitTimers } from './posix-timers.js';
import type { Process, ProcessGroup } from './process.js';
import { detach, isHidden } from './ptrace.js';
import { isOrphaned, leaveGroup } from './process-group.js';
import { childInfo, kernelInfo } from './siginfo.js';
import type { SignalInfo } from './signal-state.js';
import { isAlive, sendToGroup, sendToProcess, sendToTask } from './signal-send.js';
import { int, syscall } from './syscall.js';
import type { Task } from './task.js';

/** exit(2), the system call: ends this thread only. */
export const sys_exit = syscall([int], (task, code) => {
  task.dying ??= exitedStatus(code);
  return 0;
});

/** exit_group(2). */
export const sys_exit_group = syscall([int], (task, code) => {
  doGroupExit(task, exitedStatus(code));
  return 0;
});

/** Ends the whole process of `task`, which itself ends when it leaves the kernel. The first status counts. */
export function doGroupExit(task: Task, status: number): void {
  const { process } = task;
  if (process.groupExit !== undefined) status = process.groupExit;
  // An execve in another thread is ending this one, and the process goes on with the new program.
  else if (process.execing === undefined || process.execing === task) {
    process.groupExit = status;
    endOtherThreads(task, status);
  }
  task.dying ??= status;
}

/** Has every other thread of the process end, now or when it leaves the kernel. */
export function endOtherThreads(task: Task, status: number): void {
  for (const thread of task.process.threads) if (thread !== task) endThread(thread, status);
}

function endThread(thread: Task, status: number): void {
  if (!isAlive(thread)) return;
  thread.dying ??= status;
  thread.workPending = true;
  if (thread.state === 'user') exitTask(thread);
  else thread.signalWake();
}

/** A thread of a process that has not exited, or undefined when all have. */
export function liveThread(process: Process): Task | undefined {
  for (const thread of process.threads) if (isAlive(thread)) return thread;
  return undefined;
}

/** Ends a task that has left the kernel with `dying` set, or that runs guest code. */
export function exitTask(task: Task): void {
  if (!isAlive(task)) return;
  const { kernel, process } = task;
  task.exitCode = task.dying ?? 0;
  task.state = 'zombie';
  const last = liveThread(process) === undefined;
  // The thread that ends last decides how the process has ended, unless something has ended all of it.
  if (last) process.groupExit ??= task.exitCode;
  if (last && process.pid === 1) {
    const status = process.groupExit ?? 0;
    panic(kernel, `Attempted to kill init! exitcode=0x${status.toString(16).padStart(8, '0')}`);
  }

  exitSignals(task);
  // Robust futexes and the thread's word are in its memory, so these come first.
  mmRelease(task);
  notePeakMemory(task);
  endContext(task);
  task.mm?.leave();
  task.mm = undefined;
  task.files.leave(task);
  task.fs.leave();
  leaveNamespaces(task, task.namespaces);

  handOverChildren(task, last);
  freeTracees(task);
  // A tracer wants to know how each thread has ended.
  if (!task.isLeader && task.tracing === undefined) forgetThread(task);
  else if (!task.isLeader) tellTracerOfExit(task);
  if (last) becomeZombie(kernel, process);
  process.changed.wake();
}

/** The parent of a vfork may go on, and the thread's host context ends. */
export function endContext(task: Task): void {
  task.vforkDone?.complete();
  task.vforkDone = undefined;
  task.finalCpuTime = taskCpuTime(task);
  task.context?.destroy();
  task.context = undefined;
}

/** The tracees of a thread that exits are free, or die with it: PTRACE_O_EXITKILL. */
function freeTracees(task: Task): void {
  for (const tracee of task.tracees ?? []) {
    if (tracee.tracing?.has(PTRACE_O_EXITKILL) === true) sendToTask(tracee, kernelInfo(SIGKILL));
    releaseTracee(tracee);
  }
}

/** A task is no longer traced. If it has exited, those hear of it that the tracer came before. */
export function releaseTracee(task: Task): void {
  const { process } = task;
  const hidden = isHidden(process);
  detach(task, 0);
  if (isAlive(task)) return;
  if (!task.isLeader) forgetThread(task);
  else if (hidden && process.exitStatus !== undefined && notifyParent(process)) reap(task.kernel, process);
}

function tellTracerOfExit(task: Task): void {
  const { tracing } = task;
  if (tracing === undefined) return;
  const { process } = tracing.tracer;
  const [code, status] = exitCause(task.exitCode);
  sendToProcess(process, childInfo(code, task.tid, task.credentials.uid, status, 0, 0));
  process.childChanged.wake();
}

/** A thread that is not the leader is gone at once; the process keeps its counters. */
export function forgetThread(task: Task): void {
  const { process } = task;
  process.threads.delete(task);
  process.ownUsage.add(taskUsage(task));
  task.kernel.pids.tasks.delete(task.tid);
  task.state = 'dead';
}

function becomeZombie(kernel: Kernel, process: Process): void {
  exitTimers(process);
  process.exitStatus = process.groupExit ?? 0;
  const { session, group } = process;
  if (session.id === process.pid) session.controllingTerminal?.leaderExited(session);
  // It may have been the only link between its group and the rest of the session.
  hangUpIfOrphaned(group, process, process.parent);
  if (notifyParent(process)) reap(kernel, process);
}

/**
 * Tells the parent that a process has become a zombie. True when the parent does not want to know, and nobody will wait
 * for it: sigaction(2) SA_NOCLDWAIT.
 */
function notifyParent(process: Process): boolean {
  const { parent } = process;
  if (process.leader !== undefined && isHidden(process)) {
    // The parent hears of it when the tracer has let go.
    tellTracerOfExit(process.leader);
    return false;
  }
  if (parent === undefined) return true;
  let signal = process.exitSignal;
  const { handler, flags } = parent.handlers.actions[SIGCHLD];
  const ignored = signal === SIGCHLD && handler === SIG_IGN;
  const untraced = process.leader?.tracing === undefined;
  const reaped = untraced && (ignored || (signal === SIGCHLD && (flags & SA_NOCLDWAIT) !== 0));
  if (ignored) signal = 0;
  if (signal !== 0 && signal <= SIGRTMAX) sendToProcess(parent, exitInfo(process, signal));
  parent.childChanged.wake();
  return reaped;
}

/** How a wait status appears in siginfo_t: si_code and si_status. */
export function exitCause(status: number): readonly [code: number, status: number] {
  const signal = status & 0x7f;
  if (signal === 0) return [CLD_EXITED, status >> 8];
  return [(status & 0x80) === 0 ? CLD_KILLED : CLD_DUMPED, signal];
}

const NS_PER_TICK = 1_000_000_000 / USER_HZ;

function exitInfo(process: Process, signal: number): SignalInfo {
  const [code, status] = exitCause(process.exitStatus ?? 0);
  const uid = process.leader?.credentials.uid ?? 0;
  const ticks = Math.floor(processCpuTime(process) / NS_PER_TICK);
  return { ...childInfo(code, process.pid, uid, status, ticks, 0), signal };
}

/** A zombie has been waited for, or nobody will: its number is free again. */
export function reap(kernel: Kernel, process: Process): void {
  const { pids } = kernel;
  for (const thread of process.threads) {
    if (thread.tracing !== undefined) detach(thread, 0);
    pids.tasks.delete(thread.tid);
    thread.state = 'dead';
  }
  pids.processes.delete(process.pid);
  process.parent?.children.delete(process);
  process.parentTask = undefined;
  leaveGroup(kernel, process);
}

/** The children of a thread that exits go to another thread of the process, or to whoever adopts orphans. */
function handOverChildren(task: Task, last: boolean): void {
  const { kernel, process } = task;
  if (process.children.size === 0) return;
  const heir = last ? adopter(kernel, process) : process;
  for (const child of process.children) {
    if (!last && child.parentTask !== task) continue;
    child.parentTask = heir && liveThread(heir);
    signalParentDeath(task, child);
    if (heir !== process) reparent(kernel, child, process, heir);
  }
}

/** The nearest ancestor that asked for it (prctl(2) PR_SET_CHILD_SUBREAPER), else init. */
function adopter(kernel: Kernel, process: Process): Process | undefined {
  for (let ancestor = process.parent; ancestor !== undefined; ancestor = ancestor.parent) {
    if (ancestor.childSubreaper && liveThread(ancestor) !== undefined) return ancestor;
  }
  return kernel.pids.processes.get(1);
}

function reparent(kernel: Kernel, child: Process, from: Process, to: Process | undefined): void {
  from.children.delete(child);
  child.parent = to;
  to?.children.add(child);
  child.exitSignal = SIGCHLD;
  if (child.exitStatus !== undefined && notifyParent(child)) reap(kernel, child);
  hangUpIfOrphaned(child.group, undefined, from);
}

/** prctl(2) PR_SET_PDEATHSIG: each thread of the child may have asked. */
function signalParentDeath(parent: Task, child: Process): void {
  for (const { parentDeathSignal } of child.threads) {
    if (parentDeathSignal === 0) continue;
    const info = kernelInfo(parentDeathSignal);
    sendToProcess(child, { ...info, code: 0, pid: parent.process.pid, uid: parent.credentials.uid });
  }
}

/**
 * POSIX: a group that has become orphaned, and has stopped members, gets SIGHUP and SIGCONT. `lost` is the parent of one of
 * its members, to which the link is lost; `ignored` the member that exits.
 */
function hangUpIfOrphaned(
  group: ProcessGroup,
  ignored: Process | undefined,
  lost: Process | undefined,
): void {
  if (lost === undefined || lost.group === group || lost.session !== group.session) return;
  if (!isOrphaned(group, ignored) || !hasStoppedMember(group)) return;
  sendToGroup(group, kernelInfo(SIGHUP));
  sendToGroup(group, kernelInfo(SIGCONT));
}

function hasStoppedMember(group: ProcessGroup): boolean {
  for (const { signals } of group.members) if (signals.stopped) return true;
  return false;
}
