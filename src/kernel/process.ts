/** What the threads of one guest process share: Linux's signal_struct. And process groups and sessions: credentials(7). */
import type { CpuTimers } from './cpu-timers.js';
import type { IntervalTimers } from './itimer.js';
import type { PosixTimers } from './posix-timers.js';
import { type Rlimits, defaultRlimits } from './rlimits.js';
import { SharedSignals, SignalHandlers } from './signal-state.js';
import type { Task } from './task.js';
import { WaitQueue } from './wait.js';

/** CPU time and counters of reaped children or exited threads: getrusage(2). */
export class Usage {
  userNs = 0;
  systemNs = 0;
  minorFaults = 0;
  majorFaults = 0;
  maxRssKiB = 0;
  voluntarySwitches = 0;

  add(other: Usage): void {
    this.userNs += other.userNs;
    this.systemNs += other.systemNs;
    this.minorFaults += other.minorFaults;
    this.majorFaults += other.majorFaults;
    this.maxRssKiB = Math.max(this.maxRssKiB, other.maxRssKiB);
    this.voluntarySwitches += other.voluntarySwitches;
  }
}

/** What a session's terminal is to the kernel proper; drivers/tty implements it. */
export interface ControllingTerminal {
  /** The foreground process group. */
  foreground: ProcessGroup | undefined;
  /** The device number, for /proc/PID/stat. */
  readonly rdev: number;
  /** The session leader has exited: SIGHUP and SIGCONT to the foreground group, and the session lets go of it. */
  leaderExited(session: Session): void;
}

export class Session {
  controllingTerminal: ControllingTerminal | undefined;
  readonly groups = new Set<ProcessGroup>();
  constructor(readonly id: number) {}
}

export class ProcessGroup {
  readonly members = new Set<Process>();
  constructor(
    readonly id: number,
    readonly session: Session,
  ) {
    session.groups.add(this);
  }
}

export class Process {
  /** All threads. A leader that has exited before the others stays, as a zombie without a context. */
  readonly threads = new Set<Task>();
  readonly children = new Set<Process>();
  /** Signal dispositions; shared with other processes by CLONE_SIGHAND without CLONE_THREAD. */
  handlers = new SignalHandlers();
  /** Signals sent to the process as a whole. */
  readonly signals = new SharedSignals();
  rlimits: Rlimits = defaultRlimits;
  /** Children that exit, stop or continue wake it: wait4(2). */
  readonly childChanged = new WaitQueue();
  /** Waited for by pidfds and by execve for other threads to end. */
  readonly changed = new WaitQueue();
  /** The thread in execve that waits for the others to end: signals and further threads are refused meanwhile. */
  execing: Task | undefined;
  /** Set when the whole process is exiting: its wait status. */
  groupExit: number | undefined;
  /** The wait status, once it is a zombie. */
  exitStatus: number | undefined;
  /** The thread that made this process: prctl(2) PR_SET_PDEATHSIG, wait(2) __WNOTHREAD. Always one of `parent`'s. */
  parentTask: Task | undefined;
  /** The signal by which job control has stopped it, for wait(2) WUNTRACED; 0 once reported, or when it is not stopped. */
  stopReport = 0;
  /** SIGCONT has continued it, for wait(2) WCONTINUED; false once reported. */
  continueReport = false;
  /** The signal for the parent at exit; 0 for none: clone(2). */
  exitSignal = 17;
  /** Has called execve since fork (setpgid(2): EACCES). */
  hasExeced = false;
  /** Signals without a handler do nothing to it, SIGKILL and SIGSTOP included: init. Off once it has a fault of its own. */
  unkillable: boolean;
  /** setitimer(2), timer_create(2), RLIMIT_CPU: made when first used. */
  intervalTimers: IntervalTimers | undefined;
  posixTimers: PosixTimers | undefined;
  cpuTimers: CpuTimers | undefined;
  /** prctl PR_SET_CHILD_SUBREAPER. */
  childSubreaper = false;
  /** /proc/PID/oom_score_adj: -1000 (never killed for want of memory) to 1000. */
  oomScoreAdj = 0;
  /** prctl PR_SET_DUMPABLE. */
  dumpable = 1;
  /** prctl PR_SET_THP_DISABLE. */
  hugePagesDisabled = false;
  /** Of threads that are gone; those that are in `threads` count themselves. */
  /** /proc/PID/loginuid: who logged in, for audit; -1 for nobody. */
  loginUid = 0xffff_ffff;
  readonly ownUsage = new Usage();
  readonly childUsage = new Usage();

  constructor(
    readonly pid: number,
    public leader: Task | undefined,
    public parent: Process | undefined,
    public group: ProcessGroup,
  ) {
    this.unkillable = pid === 1;
    group.members.add(this);
    parent?.children.add(this);
  }

  get session(): Session {
    return this.group.session;
  }
}
