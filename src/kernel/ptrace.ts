/**
 * Tracing: ptrace(2). How a tracer takes hold of a task, what the task stops for, and how it goes on. The requests of the call
 * are in arch/x86/ptrace.ts, since half of them are about registers; waiting for stops is in ptrace-wait.ts.
 *
 * A traced task stops only where it could as well return to user mode, in `ptraceStop`: before a signal takes effect, at
 * both ends of a system call, at events that the tracer asked for, and for the stops of job control. Its state is 'traced'
 * then, and nothing changes for it until the tracer resumes it or it is killed.
 */
import { EIO, EPERM } from '../uapi/errno.js';
import {
  PTRACE_EVENTMSG_SYSCALL_ENTRY,
  PTRACE_EVENTMSG_SYSCALL_EXIT,
  PTRACE_EVENT_EXEC,
  PTRACE_EVENT_EXIT,
  PTRACE_EVENT_STOP,
  PTRACE_O_TRACESYSGOOD,
} from '../uapi/ptrace.js';
import {
  CLD_STOPPED,
  CLD_TRAPPED,
  SA_NOCLDSTOP,
  SIGCHLD,
  SIGKILL,
  SIGSTOP,
  SIGTRAP,
  SIG_IGN,
  SI_USER,
  TRAP_BRKPT,
  TRAP_HWBKPT,
  TRAP_TRACE,
} from '../uapi/signal.js';
import { USER_HZ } from '../uapi/time.js';
import { taskCpuTime } from './cputime.js';
import { leaveStop } from './job-control.js';
import type { Process } from './process.js';
import { mayAccess } from './ptrace-access.js';
import { type PtraceStop, Tracing, resume, trapSoon } from './ptrace-state.js';
import { childInfo, faultInfo, kernelInfo, killInfo } from './siginfo.js';
import { forceSignal, kick, sendToProcess, sendToTask } from './signal-send.js';
import type { SignalInfo } from './signal-state.js';
import type { Task } from './task.js';
import { NS_PER_SEC } from './timespec.js';

/** Ties a task to a tracer. */
function link(task: Task, tracing: Tracing): void {
  task.tracing = tracing;
  (tracing.tracer.tracees ??= new Set()).add(task);
}

/** PTRACE_TRACEME. EPERM when it is traced already. */
export function traceMe(task: Task): void {
  const tracer = task.process.parentTask;
  if (task.tracing !== undefined || tracer === undefined) throw EPERM;
  link(task, new Tracing(tracer, false));
}

/** PTRACE_ATTACH, PTRACE_SEIZE. EPERM. */
export function attach(tracer: Task, task: Task, seize: boolean, options: number): void {
  if (task.process === tracer.process || task.tracing !== undefined || task.mm === undefined) throw EPERM;
  if (!mayAccess(tracer, task)) throw EPERM;
  const tracing = new Tracing(tracer, seize);
  tracing.options = options;
  link(task, tracing);
  if (!seize) sendToTask(task, kernelInfo(SIGSTOP));
  // One that job control has stopped already changes over to the tracer.
  if (task.state === 'stopped') {
    tracing.trapPending = true;
    task.state = 'kernel';
    task.wake();
  }
}

/** A child of a traced task is traced from its beginning: PTRACE_O_TRACEFORK and relatives. */
export function traceChild(parent: Task, child: Task): void {
  const { tracing } = parent;
  if (tracing === undefined) return;
  const inherited = new Tracing(tracing.tracer, tracing.seized);
  inherited.options = tracing.options;
  link(child, inherited);
  if (tracing.seized) inherited.trapPending = true;
  else sendToTask(child, kernelInfo(SIGSTOP));
  child.workPending = true;
}

/** Unties a task; if it is stopped it goes on with `signal`, unless job control has stopped its process. */
export function detach(task: Task, signal: number): void {
  const { tracing } = task;
  if (tracing === undefined) return;
  tracing.tracer.tracees?.delete(task);
  task.tracing = undefined;
  const { stopped, toStop, stopSignal } = task.process.signals;
  if (stopped || toStop > 0) {
    task.signals.stopPending = stopSignal;
    if (!stopped) task.process.signals.toStop++;
  }
  if (tracing.stop !== undefined) resume(task, tracing, 'continue', signal);
  else kick(task);
}

/** PTRACE_INTERRUPT: makes it stop soon, with nothing having happened. */
export function interruptTracee(task: Task, tracing: Tracing): void {
  if (!tracing.seized) throw EIO;
  if (trapSoon(task, tracing)) kick(task);
}

/** PTRACE_LISTEN: leaves it stopped by job control, but tells of what happens to that. */
export function listen(task: Task, tracing: Tracing): void {
  const { stop } = tracing;
  if (!tracing.seized || stop === undefined || stop.code >> 8 !== PTRACE_EVENT_STOP) throw EIO;
  tracing.listening = true;
  if (tracing.trapPending) trapSoon(task, tracing);
}

/** Stops for the tracer. Returns the signal that it lets through: 0 for none, and when the task is killed meanwhile. */
export async function ptraceStop(task: Task, stop: PtraceStop, signalCode = CLD_TRAPPED): Promise<number> {
  const { tracing } = task;
  if (tracing === undefined) return stop.code & 0x7f;
  const exiting = stop.kind === 'exit';
  // What the stop was to precede does not happen any more.
  if (task.dying !== undefined && !exiting) return 0;
  tracing.stop = stop;
  tracing.report = stop.code;
  tracing.signal = 0;
  task.state = 'traced';
  tellTracer(task, tracing, signalCode);
  while (tracing.stop === stop && (exiting || task.dying === undefined))
    await task.park(exiting ? 'uninterruptible' : 'killable');
  tracing.stop = undefined;
  tracing.report = 0;
  task.state = 'kernel';
  return task.dying === undefined ? tracing.signal : 0;
}

/** SIGCHLD to the tracer; and its wait(2) ends. */
function tellTracer(task: Task, { tracer, stop }: Tracing, code: number): void {
  const { process } = tracer;
  const action = process.handlers.actions[SIGCHLD];
  if (stop !== undefined && action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    const ticks = Math.floor((taskCpuTime(task) * USER_HZ) / NS_PER_SEC);
    sendToProcess(process, childInfo(code, task.tid, task.credentials.uid, stop.code & 0x7f, ticks, 0));
  }
  process.childChanged.wake();
}

/** What PTRACE_GETSIGINFO shows for stops that no signal caused. */
const trapInfo = (task: Task, code: number): SignalInfo => ({ ...killInfo(task, SIGTRAP), code });

/** A signal is about to take effect: what the tracer makes of it, or undefined for nothing. */
export async function signalStop(task: Task, info: SignalInfo): Promise<SignalInfo | undefined> {
  const { tracing } = task;
  if (tracing === undefined) return info;
  const stop: PtraceStop = { kind: 'signal', code: info.signal, info };
  // Should the tracer put a stop signal in, it counts as taken.
  task.signals.stopTaken = true;
  const signal = await ptraceStop(task, stop);
  if (signal === 0) return undefined;
  let chosen = stop.info ?? info;
  if (chosen.signal !== signal) chosen = { ...killInfo(tracing.tracer, signal), code: SI_USER };
  if (!task.signals.blocked.has(signal)) return chosen;
  // Blocked meanwhile, by the tracer or as it was chosen: it waits again.
  sendToTask(task, chosen);
  return undefined;
}

/** The stop for job control, or for PTRACE_INTERRUPT. */
export async function jobControlTrap(task: Task, tracing: Tracing): Promise<void> {
  tracing.trapPending = false;
  const { signals } = task.process;
  const stopping = signals.stopped || signals.toStop > 0;
  leaveStop(task);
  if (tracing.seized) {
    const code = (stopping ? signals.stopSignal : SIGTRAP) | (PTRACE_EVENT_STOP << 8);
    await ptraceStop(task, { kind: 'event', code, info: trapInfo(task, code) }, CLD_STOPPED);
  } else if (stopping)
    await ptraceStop(task, { kind: 'group', code: signals.stopSignal, info: undefined }, CLD_STOPPED);
}

/** Whether the tracer asked for an event. */
export const wantsEvent = (task: Task, event: number): boolean => task.tracing?.has(1 << event) === true;

/** PTRACE_EVENT_*: something has happened that the tracer asked for. */
export async function ptraceEvent(task: Task, event: number, message: number): Promise<void> {
  const { tracing } = task;
  if (tracing === undefined || !wantsEvent(task, event)) return;
  tracing.eventMessage = message;
  const code = SIGTRAP | (event << 8);
  const kind = event === PTRACE_EVENT_EXIT ? 'exit' : 'event';
  await ptraceStop(task, { kind, code, info: trapInfo(task, code) });
}

/** PTRACE_EVENT_EXIT, unless it was killed: then it exits without delay. */
export function exitStop(task: Task): Promise<void> | undefined {
  const { tracing, dying } = task;
  if (tracing === undefined || dying === undefined || tracing.exitTold || dying === SIGKILL) return undefined;
  if (!wantsEvent(task, PTRACE_EVENT_EXIT)) return undefined;
  tracing.exitTold = true;
  return ptraceEvent(task, PTRACE_EVENT_EXIT, dying);
}

/** Just before a traced task runs guest code. */
export function enterUserTraced(task: Task, tracing: Tracing): void {
  tracing.stepping = task.kernel.arch.watchMemory(task) || tracing.mode === 'step';
  if (tracing.stepping) task.kernel.arch.setSingleStep(task, true);
}

/**
 * A SIGTRAP of the processor: of a step that the tracer asked for, of a breakpoint, or undefined when it was only one of the
 * steps between which debug registers are looked at.
 */
export function afterStep(task: Task, info: SignalInfo): SignalInfo | undefined {
  const { tracing } = task;
  if (tracing?.debug === undefined || info.code !== TRAP_TRACE) return info;
  if (task.kernel.arch.checkWatched(task)) return { ...info, code: TRAP_HWBKPT };
  return tracing.mode === 'step' ? info : undefined;
}

/** It has trapped. Neither signal frames nor its tracer are to see the trap flag. */
export function leaveUserTraced(task: Task, tracing: Tracing): void {
  if (tracing.stepping) task.kernel.arch.setSingleStep(task, false);
  tracing.stepping = false;
}

/** Before a system call. True when the tracer does not want it to be made: PTRACE_SYSEMU. */
export async function syscallEntryStop(task: Task): Promise<boolean> {
  const { tracing } = task;
  if (tracing === undefined || (tracing.mode !== 'syscall' && tracing.mode !== 'emulate')) return false;
  const emulated = tracing.mode === 'emulate';
  await syscallStop(task, tracing, 'syscall-entry', PTRACE_EVENTMSG_SYSCALL_ENTRY);
  return emulated;
}

/** After a system call, with its result in the registers. */
export async function syscallExitStop(task: Task): Promise<void> {
  const { tracing } = task;
  if (task.dying !== undefined) return;
  if (tracing?.mode === 'syscall')
    await syscallStop(task, tracing, 'syscall-exit', PTRACE_EVENTMSG_SYSCALL_EXIT);
  // The call was the one instruction.
  else if (tracing?.mode === 'step')
    forceSignal(task, faultInfo(SIGTRAP, TRAP_BRKPT, task.kernel.arch.instructionPointer(task)));
}

async function syscallStop(
  task: Task,
  tracing: Tracing,
  kind: 'syscall-entry' | 'syscall-exit',
  message: number,
): Promise<void> {
  tracing.eventMessage = message;
  const code = SIGTRAP | (tracing.has(PTRACE_O_TRACESYSGOOD) ? 0x80 : 0);
  const signal = await ptraceStop(task, { kind, code, info: trapInfo(task, code) });
  if (signal !== 0) sendToTask(task, killInfo(tracing.tracer, signal));
}

/** A handler has been set up while stepping: its first instruction is a stop. */
export async function handlerStop(task: Task): Promise<void> {
  await ptraceStop(task, { kind: 'event', code: SIGTRAP, info: trapInfo(task, SIGTRAP) });
}

/** Whether a tracer outside of its parent hides a process from that. */
export function isHidden({ leader, parent }: Process): boolean {
  return leader?.tracing !== undefined && leader.tracing.tracer.process !== parent;
}

/** A new program runs: the tracer hears of it as an event, or by the SIGTRAP that ptrace(2) has always sent. */
export async function execStop(task: Task, oldTid: number): Promise<void> {
  if (wantsEvent(task, PTRACE_EVENT_EXEC)) await ptraceEvent(task, PTRACE_EVENT_EXEC, oldTid);
  else if (task.tracing?.seized === false) sendToTask(task, killInfo(task, SIGTRAP));
}
