/** The tie between a tracer and its tracee: ptrace(2). What happens to it is in ptrace.ts. */
import type { SignalInfo } from './signal-state.js';
import type { Task } from './task.js';

/** Why a task has stopped for its tracer. */
export interface PtraceStop {
  readonly kind: 'signal' | 'syscall-entry' | 'syscall-exit' | 'event' | 'exit' | 'group';
  /** What wait(2) tells, as WSTOPSIG and above: a signal, and above it an event. */
  readonly code: number;
  /** PTRACE_GETSIGINFO; none for a stop of job control under PTRACE_ATTACH. */
  info: SignalInfo | undefined;
}

/** How a task was resumed. */
export type ResumeMode = 'continue' | 'syscall' | 'emulate' | 'step';

/** Where a traced task is to stop: PTRACE_POKEUSER of debug registers. What the words mean is the architecture's business. */
export interface DebugRegisters {
  readonly addresses: number[];
  status: number;
  control: number;
  /** What was in the memory that is watched, before the last step. */
  readonly seen: (Uint8Array | undefined)[];
}

/** The tie between a task and its tracer; it belongs to the task. */
export class Tracing {
  /** PTRACE_O_* */
  options = 0;
  /** PTRACE_GETEVENTMSG. */
  eventMessage = 0;
  stop: PtraceStop | undefined;
  /** What wait(2) has yet to tell of the stop; 0 when it has. */
  report = 0;
  mode: ResumeMode = 'continue';
  /** The signal that the tracer lets through, or makes up. */
  signal = 0;
  /** It is to stop for job control, or for PTRACE_INTERRUPT. */
  trapPending = false;
  /** The processor is to stop it after one instruction: its trap flag is ours. */
  stepping = false;
  debug: DebugRegisters | undefined;
  /** PTRACE_EVENT_EXIT has been told. */
  exitTold = false;
  /** PTRACE_LISTEN: stopped, but for the tracer it runs. */
  listening = false;

  constructor(
    readonly tracer: Task,
    /** By PTRACE_SEIZE: no stop at first, and PTRACE_EVENT_STOP for those of job control. */
    readonly seized: boolean,
  ) {}

  has(option: number): boolean {
    return (this.options & option) !== 0;
  }
}

/** Lets a stopped task go on. */
export function resume(task: Task, tracing: Tracing, mode: ResumeMode, signal: number): void {
  tracing.mode = mode;
  tracing.signal = signal;
  tracing.listening = false;
  tracing.report = 0;
  tracing.stop = undefined;
  task.workPending = true;
  task.wake();
}

/**
 * A task is to stop for job control or PTRACE_INTERRUPT, or to stop anew, so that wait(2) tells of it. True when it has to be
 * told, since it runs.
 */
export function trapSoon(task: Task, tracing: Tracing): boolean {
  tracing.trapPending = true;
  if (tracing.listening) resume(task, tracing, tracing.mode, 0);
  return tracing.stop === undefined;
}
