/** The signal state of a task, of a process and of a set of handlers: signal(7). What acts on it is in signal-*.ts. */
import { synchronousSignals } from './signal-defaults.js';
import { SignalSet } from './signal-set.js';
import { WaitQueue } from './wait.js';

/** What a signal carries: siginfo_t. Fields that a code does not use are 0. */
export interface SignalInfo {
  readonly signal: number;
  readonly errno: number;
  /** SI_*, CLD_*, SEGV_*, ... */
  readonly code: number;
  readonly pid: number;
  /** si_uid; SIGSYS: si_arch. */
  readonly uid: number;
  /** si_status, a timer's overrun, si_fd; SIGSYS: si_syscall. */
  readonly status: number;
  /** si_addr, si_timerid, si_band, si_call_addr: by code. */
  readonly address: number;
  /** si_value, as words. */
  readonly valueLo: number;
  readonly valueHi: number;
  /** In ticks. */
  readonly utime: number;
  readonly stime: number;
  /** The bytes from offset 16 on when user space has made them. */
  readonly raw?: Uint8Array;
}

/** Counts the signals that are queued for the processes of one user: RLIMIT_SIGPENDING. */
export class SignalAccount {
  queued = 0;
}

/** What a timer wants to know about its signal. It has at most one in a queue, and that does not count against a limit. */
export interface SignalTimer {
  /** The signal is in a queue now: it was not ignored. */
  queued(): void;
  /** The signal leaves its queue to be handled: the last chance to say how often the timer has expired. */
  delivered(info: SignalInfo): SignalInfo;
  /** The signal has left its queue unseen: it was flushed. */
  discarded(): void;
}

/** A signal in a queue. */
export class QueuedSignal {
  constructor(
    readonly info: SignalInfo,
    readonly account: SignalAccount | undefined,
    readonly timer: SignalTimer | undefined,
  ) {
    if (account !== undefined) account.queued++;
  }
}

/** Pending signals: ordinary ones at most once each, real-time ones queued. */
export class PendingSignals {
  /** The signals that `queue` holds, and those of which only the fact is known. */
  readonly set = new SignalSet();
  private queue: QueuedSignal[] = [];

  add(signal: number, queued: QueuedSignal | undefined): void {
    if (queued !== undefined) this.queue.push(queued);
    this.set.add(signal);
  }

  /** Takes the oldest of a signal that is in `set`; undefined when only the fact was noted. */
  take(signal: number): QueuedSignal | undefined {
    const { queue } = this;
    const index = queue.findIndex(({ info }) => info.signal === signal);
    if (index < 0) {
      this.set.delete(signal);
      return undefined;
    }
    const taken = queue[index];
    if (queue.length === 1) queue.pop();
    else queue.splice(index, 1);
    if (!queue.some(({ info }) => info.signal === signal)) this.set.delete(signal);
    if (taken.account !== undefined) taken.account.queued--;
    return taken;
  }

  /** The signal to take next among those that `blocked` lets through, or 0: those of instructions first, then the lowest. */
  next(blocked: SignalSet): number {
    const urgent = this.set.lo & synchronousSignals.lo & ~blocked.lo;
    if (urgent !== 0) return 32 - Math.clz32(urgent & -urgent);
    return this.set.firstOutside(blocked);
  }

  /** Forgets what is pending of these signals. */
  flush(signals: SignalSet): void {
    if (!this.set.intersects(signals)) return;
    this.set.lo &= ~signals.lo;
    this.set.hi &= ~signals.hi;
    const gone = this.queue.filter(({ info }) => signals.has(info.signal));
    this.queue = this.queue.filter(({ info }) => !signals.has(info.signal));
    for (const { account, timer } of gone) {
      if (account !== undefined) account.queued--;
      timer?.discarded();
    }
  }

  /** In the order of arrival; signals of which only the fact is known are not among them. */
  [Symbol.iterator](): IterableIterator<QueuedSignal> {
    return this.queue[Symbol.iterator]();
  }
}

/** A disposition: sigaction(2). `handler` is an address, SIG_DFL (0) or SIG_IGN (1). */
export interface SignalAction {
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: SignalSet;
}

export const defaultAction: SignalAction = { handler: 0, flags: 0, restorer: 0, mask: new SignalSet() };
const ignoringAction: SignalAction = { ...defaultAction, handler: 1 };

/** Dispositions of all 64 signals, indexed by number (0 unused). */
export class SignalHandlers {
  readonly actions: SignalAction[] = Array.from({ length: 65 }, () => defaultAction);
  /** Woken when a signal arrives for a task that uses these: signalfd(2). */
  readonly arrived = new WaitQueue();

  /** For fork. */
  clone(): SignalHandlers {
    const copy = new SignalHandlers();
    for (const [signal, action] of this.actions.entries()) copy.actions[signal] = action;
    return copy;
  }

  /** For execve: what is ignored stays so, the rest becomes the default. */
  resetForExec(): void {
    for (const [signal, action] of this.actions.entries())
      this.actions[signal] = action.handler === ignoringAction.handler ? ignoringAction : defaultAction;
  }
}

/**
 * What is pending for a process as a whole, and where job control has brought it. `stopped`: all of its threads have stopped;
 * `stopSignal` is by which signal. While it is about to stop, `toStop` threads have yet to do so.
 */
export class SharedSignals extends PendingSignals {
  stopped = false;
  stopSignal = 0;
  toStop = 0;
  /** CLD_STOPPED or CLD_CONTINUED that the next thread to run is to tell the parent of; 0 for none. */
  owedNotice = 0;
}

/** sigaltstack(2): flags as in ss_flags, without SS_ONSTACK. */
export interface AlternateStack {
  readonly address: number;
  readonly size: number;
  readonly flags: number;
}

/** What a new thread starts with (SS_DISABLE), and what SS_AUTODISARM leaves. */
export const noAlternateStack: AlternateStack = { address: 0, size: 0, flags: 2 };

/** A task's own signal state. */
export class SignalState {
  readonly pending = new PendingSignals();
  blocked = new SignalSet();
  /** What `blocked` really is while sigtimedwait(2) lets the signals through that it waits for. */
  realBlocked: SignalSet | undefined;
  /** The mask to restore after a sigsuspend, ppoll, ... has been interrupted. */
  savedMask: SignalSet | undefined;
  altStack: AlternateStack = { address: 0, size: 0, flags: 0 };
  /** The process is to stop by this signal, and this task has not done so yet; 0 otherwise. */
  stopPending = 0;
  /** A stop signal has been taken from a queue, and no SIGCONT has come since. */
  stopTaken = false;

  /** Whether something pending is not blocked. */
  deliverable(shared: PendingSignals): boolean {
    return this.pending.set.anyOutside(this.blocked) || shared.set.anyOutside(this.blocked);
  }
}
