/** Timers of the kernel: a heap by expiry, in nanoseconds of kernel time (HostClock.now). */
import type { HostClock } from '../host/host.js';
import { Heap, HeapEntry } from '../lib/heap.js';

/** What a timer wakes. State that could be saved names what it wakes; it does not close over it. */
export interface TimerTarget {
  expired(now: number): void;
}

class Timer extends HeapEntry {
  constructor(
    readonly id: number,
    readonly at: number,
    readonly target: TimerTarget,
  ) {
    super();
  }
}

export class TimerQueue {
  private readonly heap = new Heap<Timer>();
  private readonly byId = new Map<number, Timer>();
  private nextId = 1;

  constructor(private readonly clock: HostClock) {}

  /** Arms a timer; the handle cancels it and is never 0. */
  add(at: number, target: TimerTarget): number {
    const timer = new Timer(this.nextId++, at, target);
    this.byId.set(timer.id, timer);
    this.heap.insert(timer, at);
    return timer.id;
  }

  /** Disarms; false when it has expired or never was. */
  cancel(id: number): boolean {
    const timer = this.byId.get(id);
    if (timer === undefined) return false;
    this.byId.delete(id);
    return this.heap.remove(timer);
  }

  /** Runs what has expired. */
  run(): void {
    if (this.heap.size === 0) return;
    const now = this.clock.now();
    while (this.heap.firstKey <= now) {
      const timer = this.heap.pop();
      if (timer === undefined) return;
      this.byId.delete(timer.id);
      timer.target.expired(now);
    }
  }

  /** When the next timer expires, or Infinity. */
  next(): number {
    return this.heap.firstKey;
  }
}
