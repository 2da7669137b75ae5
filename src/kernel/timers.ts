/** Timers of the kernel: a heap by expiry, in nanoseconds of kernel time (HostClock.now). */
import type { HostClock } from '../host/host.js';
import { Heap } from '../lib/heap.js';

/** What a timer wakes. State that could be saved names what it wakes; it does not close over it. */
export interface TimerTarget {
  expired(now: number): void;
}

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly target: TimerTarget;
}

export class TimerQueue {
  private readonly heap = new Heap<Timer>((a, b) => (a.at === b.at ? a.id - b.id : a.at - b.at));
  private readonly byId = new Map<number, Timer>();
  private nextId = 1;

  constructor(private readonly clock: HostClock) {}

  /** Arms a timer; the handle cancels it and is never 0. */
  add(at: number, target: TimerTarget): number {
    const timer: Timer = { id: this.nextId++, at, target };
    this.byId.set(timer.id, timer);
    this.heap.push(timer);
    return timer.id;
  }

  /** Disarms; false when it has expired or never was. */
  cancel(id: number): boolean {
    // The heap entry stays until it comes up: cheaper than a search, and sleeps with a deadline mostly end early.
    return this.byId.delete(id);
  }

  /** Runs what has expired. */
  run(): void {
    if (this.heap.size === 0) return;
    const now = this.clock.now();
    for (;;) {
      const timer = this.heap.peek();
      if (timer === undefined) return;
      if (this.byId.has(timer.id)) {
        if (timer.at > now) return;
        this.byId.delete(timer.id);
        this.heap.pop();
        timer.target.expired(now);
      } else this.heap.pop();
    }
  }

  /** When the next timer expires, or Infinity. */
  next(): number {
    for (;;) {
      const timer = this.heap.peek();
      if (timer === undefined) return Infinity;
      if (this.byId.has(timer.id)) return timer.at;
      this.heap.pop();
    }
  }
}
