/** The signal state of a task, of a process and of a set of handlers: signal(7). What acts on it is in signal.ts. */
import { SignalSet } from './signal-set.js';

/** What a signal carries: siginfo_t. Fields that a code does not use are 0. */
export interface SignalInfo {
  readonly signal: number;
  readonly errno: number;
  /** SI_*, CLD_*, SEGV_*, ... */
  readonly code: number;
  readonly pid: number;
  readonly uid: number;
  /** si_status, or a timer's overrun. */
  readonly status: number;
  /** si_addr, si_value (as words), si_utime/si_stime in ticks, si_timerid, si_band, si_fd: by code. */
  readonly address: number;
  readonly valueLo: number;
  readonly valueHi: number;
  readonly utime: number;
  readonly stime: number;
}

/** Pending signals: ordinary ones at most once each, real-time ones queued. */
export class PendingSignals {
  readonly set = new SignalSet();
  readonly queue: SignalInfo[] = [];
}

/** A disposition: sigaction(2). `handler` is an address, SIG_DFL (0) or SIG_IGN (1). */
export interface SignalAction {
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: SignalSet;
}

const defaultAction: SignalAction = { handler: 0, flags: 0, restorer: 0, mask: new SignalSet() };

/** Dispositions of all 64 signals, indexed by number (0 unused). */
export class SignalHandlers {
  readonly actions: SignalAction[] = Array.from({ length: 65 }, () => defaultAction);
}

/** What is pending for a process as a whole. */
export class SharedSignals extends PendingSignals {}

/** A task's own signal state. */
export class SignalState {
  readonly pending = new PendingSignals();
  blocked = new SignalSet();
  /** The mask to restore after a sigsuspend, ppoll, ... has been interrupted. */
  savedMask: SignalSet | undefined;
  /** sigaltstack(2). */
  altStack = { address: 0, size: 0, flags: 2 };

  /** Whether something pending is not blocked. */
  deliverable(shared: PendingSignals): boolean {
    return this.pending.set.anyOutside(this.blocked) || shared.set.anyOutside(this.blocked);
  }
}
