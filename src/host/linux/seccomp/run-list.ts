/** The contexts that run guest code, and how the kernel notices that one has stopped. */
import type { SeccompContext } from './context.js';
import { STATE_PARK, STATE_RUNNING, STATE_SLEEPING, STATE_TRAPPED, STATE_YIELD } from './layout.js';
import { sched_yield, syscall } from './libc.js';
import type { StubPages } from './pages.js';
import { FUTEX_WAKE, NR_futex } from './system-calls.js';

/** How many looks at the mailboxes come first: about a microsecond. */
const LOOKS = 64;
/** A round that takes as long and brings nothing has let strangers run. */
const CONTENDED_MS = 0.1;
/** How long not to spin then. */
const CALM_MS = 10;

const hasStopped = (state: number): boolean => state === STATE_TRAPPED || state === STATE_SLEEPING;

export class RunList {
  /** Dense, in no order; `#cursor` makes the search for stopped ones fair. */
  readonly #running: SeccompContext[] = [];
  #cursor = 0;
  /** Stopped since the kernel had nothing else to do, and perhaps spinning. */
  #spinning: SeccompContext[] = [];
  /** Stopped since the kernel slept last, and perhaps yielding. */
  #yielding: SeccompContext[] = [];
  /** Until when this processor is wanted by others. */
  #busyUntil = 0;

  constructor(private readonly pages: StubPages) {}

  get contexts(): readonly SeccompContext[] {
    return this.#running;
  }

  /** Lets a stopped context run. */
  start(context: SeccompContext): void {
    this.#running.push(context);
    this.wake(context, STATE_RUNNING);
  }

  /** Tells a stopped thread something, and wakes it if it sleeps. */
  wake(context: SeccompContext, state: number): void {
    const { words, mailbox } = this.pages;
    if (Atomics.exchange(words, context.stateWord, state) === STATE_SLEEPING) {
      syscall(NR_futex, mailbox.address + context.stateWord * 4, FUTEX_WAKE, 1, 0);
    }
  }

  /** Takes a context out that has stopped. */
  take(): SeccompContext | undefined {
    const running = this.#running;
    const { words } = this.pages;
    for (let left = running.length; left > 0; left--) {
      if (this.#cursor >= running.length) this.#cursor = 0;
      const context = running[this.#cursor];
      if (hasStopped(Atomics.load(words, context.stateWord))) {
        this.#removeAt(this.#cursor);
        this.#mayBeSpinning(context);
        return context;
      }
      this.#cursor++;
    }
    return undefined;
  }

  /** Takes out all contexts for which `which` holds. */
  takeAll(which: (context: SeccompContext) => boolean): SeccompContext[] {
    const taken = this.#running.filter(which);
    for (const context of taken) this.#removeAt(this.#running.indexOf(context));
    return taken;
  }

  hasStopped(context: SeccompContext): boolean {
    return hasStopped(Atomics.load(this.pages.words, context.stateWord));
  }

  /** Whether one has stopped. */
  anyStopped(): boolean {
    const running = this.#running;
    const { words } = this.pages;
    for (let index = 0; index < running.length; index++) {
      if (hasStopped(Atomics.load(words, running[index].stateWord))) return true;
    }
    return false;
  }

  /**
   * Looks again and again, for so many milliseconds, whether one has stopped. If it may be queued on this very processor,
   * `yielding` lets it run. Should strangers run instead, spinning is of no use for a while.
   */
  spin(durationMs: number, yielding: boolean): boolean {
    if (this.#running.length === 0) return false;
    for (let look = 0; look < LOOKS; look++) if (this.anyStopped()) return true;
    let now = performance.now();
    if (now < this.#busyUntil) return false;
    const end = now + durationMs;
    while (now < end) {
      if (yielding) sched_yield();
      else for (let look = 0; look < LOOKS; look++) if (this.anyStopped()) return true;
      if (this.anyStopped()) return true;
      const before = now;
      now = performance.now();
      if (now - before > CONTENDED_MS) this.#busyUntil = now + CALM_MS;
    }
    return false;
  }

  /** Tells stopped threads that spin to yield: the kernel has done what it could, so the answer takes longer. */
  slowDown(): void {
    if (this.#spinning.length === 0) return;
    const { words } = this.pages;
    for (const context of this.#spinning) {
      if (context.state === 'stopped')
        Atomics.compareExchange(words, context.stateWord, STATE_TRAPPED, STATE_YIELD);
      this.#yielding.push(context);
    }
    this.#spinning = [];
  }

  /** Tells stopped threads that spin or yield to sleep: the kernel itself is about to. */
  park(): void {
    this.slowDown();
    const { words } = this.pages;
    for (const context of this.#yielding) {
      context.mayBeSpinning = false;
      if (context.state !== 'stopped') continue;
      Atomics.compareExchange(words, context.stateWord, STATE_YIELD, STATE_PARK);
    }
    this.#yielding = [];
  }

  #mayBeSpinning(context: SeccompContext): void {
    if (context.mayBeSpinning) return;
    context.mayBeSpinning = true;
    this.#spinning.push(context);
  }

  #removeAt(index: number): void {
    const last = this.#running.pop();
    if (last !== undefined && index < this.#running.length) this.#running[index] = last;
  }
}
