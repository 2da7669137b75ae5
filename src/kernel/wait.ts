/**
 * Sleeping and waking. A sleeper parks until something wakes it; a wait queue is a place to be woken from.
 *
 * Blocking is written in the function that uses it, as a loop around its condition:
 *
 *     while (pipe.used === 0 && pipe.writers > 0) {
 *       if (nonBlocking) throw EAGAIN;
 *       await pipe.changed.sleep(task);
 *     }
 *
 * `sleep` throws ERESTARTSYS when a signal is pending as it is called, and returns when woken by anything: an event, a
 * signal, the deadline. So the condition is tested before the signal is, as in Linux's wait_event_interruptible.
 */
import { ERESTARTSYS } from '../uapi/errno.js';
import type { Scheduler } from './sched.js';

/** Gets told when a queue is woken. `key` is a mask of EPOLL* events that happened, or 0 for unknown. */
export interface Waiter {
  /** False from an exclusive waiter: it had no use for it, let the next one have it. */
  woken(queue: WaitQueue, key: number): boolean | void;
  /** Of several such waiters, one wake-up reaches only the first: EPOLLEXCLUSIVE. */
  readonly exclusive?: boolean;
}

/** How deep a sleep is: what can end it besides its event. */
export type SleepMode = 'interruptible' | 'killable' | 'uninterruptible';

/** Something that runs kernel code and can wait: a task in a system call, or a kernel thread. */
export abstract class Sleeper implements Waiter {
  /** How it sleeps, or undefined while it runs. */
  sleeping: SleepMode | undefined;
  private resume: (() => void) | undefined;
  private readonly waitingOn: WaitQueue[] = [];
  private deadlineTimer = 0;
  /** Counted in the scheduler's `active`: its kernel code has something to run. */
  counted = false;

  constructor(readonly scheduler: Scheduler) {}

  /** True when an interruptible sleep must end for a signal. */
  abstract signalPending(): boolean;
  /** True when a killable sleep must end. */
  abstract fatalSignalPending(): boolean;

  /** Notes a queue that may wake this sleeper during its next `park`. */
  waitOn(queue: WaitQueue): void {
    queue.add(this);
    this.waitingOn.push(queue);
  }

  /** Leaves all queues that `waitOn` noted, without sleeping. */
  leaveQueues(): void {
    for (const queue of this.waitingOn) queue.remove(this);
    this.waitingOn.length = 0;
  }

  /**
   * Sleeps until woken by a queue of `waitOn`, by a signal that the mode admits, or at `deadline` (kernel time, in
   * nanoseconds: HostClock.now). Throws ERESTARTSYS at once if such a signal is pending.
   */
  park(mode: SleepMode, deadline = Infinity): Promise<void> {
    if (mode === 'interruptible' ? this.signalPending() : mode === 'killable' && this.fatalSignalPending()) {
      this.leaveQueues();
      throw ERESTARTSYS;
    }
    this.sleeping = mode;
    if (deadline !== Infinity) this.deadlineTimer = this.scheduler.wakeAt(this, deadline);
    this.scheduler.parked(this);
    return new Promise<void>((resolve) => {
      this.resume = resolve;
    });
  }

  /** Ends the sleep, whatever its cause. Nothing happens to one that does not sleep. */
  wake(): void {
    const resume = this.resume;
    if (resume === undefined) return;
    this.resume = undefined;
    this.sleeping = undefined;
    this.leaveQueues();
    if (this.deadlineTimer !== 0) {
      this.scheduler.cancelWake(this.deadlineTimer);
      this.deadlineTimer = 0;
    }
    this.scheduler.woken(this);
    resume();
  }

  woken(): void {
    this.wake();
  }

  /** A signal has arrived: ends a sleep that admits it. */
  signalWake(): void {
    if (
      this.sleeping === 'interruptible'
        ? this.signalPending()
        : this.sleeping === 'killable' && this.fatalSignalPending()
    )
      this.wake();
  }
}

/** Where sleepers and pollers wait for one thing to change. */
export class WaitQueue {
  private waiters: Set<Waiter> | undefined;

  add(waiter: Waiter): void {
    (this.waiters ??= new Set()).add(waiter);
  }

  remove(waiter: Waiter): void {
    this.waiters?.delete(waiter);
  }

  get empty(): boolean {
    return this.waiters === undefined || this.waiters.size === 0;
  }

  /** Wakes everybody; of exclusive waiters, one. */
  wake(key = 0): void {
    if (this.waiters === undefined || this.waiters.size === 0) return;
    this.wakeWatchers(key);
    let served = false;
    // Waiters leave the set as they wake, which a Set allows while it is walked.
    for (const waiter of this.waiters) {
      if (waiter instanceof Sleeper) waiter.woken();
      else if (waiter.exclusive === true && !served) served = waiter.woken(this, key) !== false;
    }
  }

  /** Wakes the sleeper that has waited longest, and whoever only watches (polls). True if there was a sleeper. */
  wakeOne(key = 0): boolean {
    if (this.waiters === undefined || this.waiters.size === 0) return false;
    this.wakeWatchers(key);
    for (const waiter of this.waiters)
      if ((waiter instanceof Sleeper || waiter.exclusive === true) && waiter.woken(this, key) !== false)
        return true;
    return false;
  }

  /** Those who came last are told first, as on Linux: the order in which epoll_wait(2) tells of events shows it. */
  private wakeWatchers(key: number): void {
    if (this.waiters === undefined) return;
    const order = this.waiters.size === 1 ? this.waiters : [...this.waiters].reverse();
    for (const waiter of order)
      if (waiter.exclusive !== true && !(waiter instanceof Sleeper)) waiter.woken(this, key);
  }

  /** Sleeps until woken, a signal, or the deadline. See the head of this file. */
  sleep(sleeper: Sleeper, deadline = Infinity): Promise<void> {
    sleeper.waitOn(this);
    return sleeper.park('interruptible', deadline);
  }

  /** As `sleep`, but only a fatal signal ends it. */
  sleepKillable(sleeper: Sleeper, deadline = Infinity): Promise<void> {
    sleeper.waitOn(this);
    return sleeper.park('killable', deadline);
  }

  /** As `sleep`, but no signal ends it: for waits that are short and certain. */
  sleepUninterruptible(sleeper: Sleeper, deadline = Infinity): Promise<void> {
    sleeper.waitOn(this);
    return sleeper.park('uninterruptible', deadline);
  }
}

/** Something that happens once, and that others wait for: `while (!c.done) await c.changed.sleep(task)`. */
export class Completion {
  done = false;
  readonly changed = new WaitQueue();

  complete(): void {
    this.done = true;
    this.changed.wake();
  }
}

/**
 * Excludes others across an await. Everywhere else, atomicity between awaits is enough.
 *
 * @public
 */
export class Mutex {
  private held = false;
  private readonly released = new WaitQueue();

  async lock(sleeper: Sleeper): Promise<void> {
    while (this.held) await this.released.sleepUninterruptible(sleeper);
    this.held = true;
  }

  unlock(): void {
    this.held = false;
    this.released.wakeOne();
  }
}
