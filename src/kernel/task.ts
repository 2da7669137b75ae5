/** A task: one thread of a guest process. What its threads share is in its Process. */
import type { CpuContext } from '../host/cpu.js';
import type { Name } from '../lib/names.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { FileTable } from '../fs/file-table.js';
import type { FsContext } from '../fs/fs-context.js';
import { EFAULT } from '../uapi/errno.js';
import type { Credentials } from './credentials.js';
import type { FutexQueue, FutexWaiter } from './futex-queue.js';
import type { Kernel } from './kernel.js';
import type { Process } from './process.js';
import type { Tracing } from './ptrace-state.js';
import { SignalState } from './signal-state.js';
import type { Namespaces } from './namespaces.js';
import type { Result } from './syscall.js';
import { type Completion, Sleeper } from './wait.js';

/**
 * Where a task is. `user`: its context runs guest code, or is about to. `kernel`: it is in a system call (possibly asleep,
 * see Sleeper). `stopped`: by job control or a tracer. `zombie`: exited, not yet waited for. `dead`: gone.
 */
export type TaskState = 'user' | 'kernel' | 'stopped' | 'traced' | 'zombie' | 'dead';

/** How a system call goes on that a signal interrupted, after the handler-less signal: restart_syscall(2). */
export interface RestartBlock {
  restart(task: Task): Result;
}

/** The last exception of a task, for the signal frame: trapno, err and cr2 of struct sigcontext. */
export interface TrapRecord {
  readonly number: number;
  readonly error: number;
  readonly address: number;
}

const noTrap: TrapRecord = { number: 0, error: 0, address: 0 };

export class Task extends Sleeper {
  state: TaskState = 'kernel';
  /** Up to 15 bytes: the program's or thread's name. */
  comm: Name = '';
  /** The execution context; undefined for a kernel thread and after exit. */
  context: CpuContext | undefined;
  /** undefined for a kernel thread and after exit. */
  mm: AddressSpace | undefined;
  readonly signals = new SignalState();
  /** set_tid_address(2), CLONE_CHILD_CLEARTID: a word to clear and wake at exit; 0 for none. */
  clearChildTid = 0;
  /** set_robust_list(2): head address; 0 for none. */
  robustList = 0;
  /** Locks of the FUTEX_LOCK_PI kind that it owns and others wait for; and the one that it waits for. */
  ownedLocks: Set<FutexQueue> | undefined;
  lockWait: FutexWaiter | undefined;
  /** Number of the system call being served, or -1. */
  syscallNumber = -1;
  /** What restart_syscall(2) does; valid after a call has failed with ERESTART_RESTARTBLOCK. */
  restartBlock: RestartBlock | undefined;
  lastTrap: TrapRecord = noTrap;
  /** Something must be looked at before the task returns to user mode: a signal, a stop, a kill, a tracer. */
  workPending = false;
  /** Its tracer, and what it is stopped for; and whom it traces itself: ptrace(2). */
  tracing: Tracing | undefined;
  tracees: Set<Task> | undefined;
  /** Exit was asked for (exit_group elsewhere, SIGKILL, exec in another thread): the wait status to exit with. */
  dying: number | undefined;
  /** The wait status that it exited with, once it has. */
  exitCode = 0;
  /** It is vfork(2)'s child: completed when it has called execve or exited. */
  vforkDone: Completion | undefined;
  /** prctl PR_SET_PDEATHSIG. */
  parentDeathSignal = 0;
  /** Kernel time at which it started, in ns. */
  startTime: number;
  /** CPU time of contexts that are gone (execve and exit end one), in ns: cputime.ts has the sum. */
  finalCpuTime = 0;
  /** Nice value, -20 to 19; scheduling policy and real-time priority as in sched(7). */
  nice = 0;
  schedPolicy = 0;
  schedPriority = 0;
  /** Allowed CPUs, as words of 32 bits. */
  affinity: number[] = [0xffff_ffff];
  /** SCHED_RESET_ON_FORK: children get the default policy and no negative nice value. */
  schedResetOnFork = false;
  /** ioprio_set(2): class and level; 0 when none was set. */
  ioPriority = 0;
  /** setuid(2) has brought its user above RLIMIT_NPROC: the next execve fails, if that is still so. */
  processesExceeded = false;
  /** set_mempolicy(2): the mode with its flags, and the nodes. */
  memoryPolicy: { readonly mode: number; readonly nodes: number } = { mode: 0, nodes: 0 };
  /** personality(2). */
  personality = 0;
  /** prctl(2) PR_SET_TIMERSLACK, in ns, and what 0 resets it to. */
  timerSlackNs = 50_000;
  defaultTimerSlackNs = 50_000;
  /** Counters of /proc/PID/stat. */
  minorFaults = 0;
  majorFaults = 0;
  voluntarySwitches = 0;

  constructor(
    readonly kernel: Kernel,
    /** Changes once at most: a thread that calls execve becomes the leader, with the leader's number. */
    public tid: number,
    public process: Process,
    public credentials: Credentials,
    public files: FileTable,
    public fs: FsContext,
    public namespaces: Namespaces,
  ) {
    super(kernel.scheduler);
    this.startTime = kernel.host.clock.now();
  }

  /** User memory, for copying in and out: EFAULT when the task has none. */
  get memory(): AddressSpace {
    if (this.mm === undefined) throw EFAULT;
    return this.mm;
  }

  get isLeader(): boolean {
    return this.process.pid === this.tid;
  }

  override signalPending(): boolean {
    return (
      this.dying !== undefined ||
      this.signals.stopPending !== 0 ||
      this.tracing?.trapPending === true ||
      this.signals.deliverable(this.process.signals)
    );
  }

  override fatalSignalPending(): boolean {
    return this.dying !== undefined;
  }
}
