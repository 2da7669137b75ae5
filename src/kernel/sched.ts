/** Who has kernel code to run, and who is to be woken when. */
import type { HostClock } from '../host/host.js';
import { TimerQueue, type TimerTarget } from './timers.js';
import type { Sleeper } from './wait.js';

/** Wakes a sleeper at its deadline. */
class Deadline implements TimerTarget {
  constructor(private readonly sleeper: Sleeper) {}
  expired(): void {
    this.sleeper.wake();
  }
}

export class Scheduler {
  /** Sleepers whose continuation is queued or running: while it is not 0 the loop drains microtasks. */
  active = 0;
  readonly timers: TimerQueue;

  constructor(readonly clock: HostClock) {
    this.timers = new TimerQueue(clock);
  }

  wakeAt(sleeper: Sleeper, deadline: number): number {
    return this.timers.add(deadline, new Deadline(sleeper));
  }

  cancelWake(timer: number): void {
    this.timers.cancel(timer);
  }

  parked(sleeper: Sleeper): void {
    this.settle(sleeper);
  }

  woken(sleeper: Sleeper): void {
    this.stir(sleeper);
  }

  /** The sleeper has kernel code to run. */
  stir(sleeper: Sleeper): void {
    if (sleeper.counted) return;
    sleeper.counted = true;
    this.active++;
  }

  /** The sleeper sleeps or has left the kernel. */
  settle(sleeper: Sleeper): void {
    if (!sleeper.counted) return;
    sleeper.counted = false;
    this.active--;
  }
}
