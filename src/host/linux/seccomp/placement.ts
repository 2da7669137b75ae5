/**
 * On which processors the kernel thread and the stubs' threads run. Left to itself, a host is free to put a guest thread on
 * the processor of the kernel thread that woke it; whichever of the two spins then keeps the other from running. (Measured:
 * a system call takes 90 microseconds that way, and 2 with a processor for each.) And waking an idle processor costs more
 * than a switch, in virtual machines ten times as much. Hence:
 *
 * - the kernel thread stays on one processor, its home, and moves only if others want that;
 * - command threads stay there too, since the kernel waits for them;
 * - guest threads stay away from it, unless the kernel thread has nothing to do for a while;
 * - all of them ask for short time slices. They hand work to each other all the time, and a stranger that competes for the
 *   processor would get a whole slice of its own at every such switch. (With a busy loop beside each, a system call takes
 *   6 microseconds instead of 30.) Everybody's share of the processor stays the same.
 */
import { readFileSync } from 'node:fs';
import {
  getpriority,
  sched_getaffinity,
  sched_getcpu,
  sched_setaffinity,
  setSchedulingAttributes,
} from './libc.js';
import { NR_sched_setattr } from './system-calls.js';

/** 1024 processors, the size of glibc's cpu_set_t: sched_setaffinity(2). */
const MASK_BYTES = 128;
/** The share of its time that the kernel thread may wait for its processor. */
const MAX_DELAY = 0.2;
const MOVE_INTERVAL_MS = 2000;

/** The slice to ask for, in nanoseconds. Linux has 2.8 milliseconds by default, and heeds requests since 6.12. */
const SLICE_NS = 500_000;

const contains = (mask: Uint8Array, processor: number): boolean =>
  ((mask[processor >>> 3] >>> (processor & 7)) & 1) === 1;

function without(mask: Uint8Array, processor: number): Uint8Array {
  const rest = mask.slice();
  rest[processor >>> 3] &= ~(1 << (processor & 7));
  return rest;
}

export class Placement {
  /** The processors that this process may use. */
  readonly processors: number;
  /** Counts changes of where guest threads belong. */
  epoch = 1;
  home: number;
  readonly #all = new Uint8Array(MASK_BYTES);
  #guests: Uint8Array;
  #lastMove = 0;
  #lastDelayNs = 0;

  constructor() {
    requestShortSlices();
    sched_getaffinity(0, MASK_BYTES, this.#all);
    let count = 0;
    for (let processor = 0; processor < MASK_BYTES * 8; processor++)
      if (contains(this.#all, processor)) count++;
    this.processors = Math.max(1, count);
    this.#guests = this.#all;
    this.home = sched_getcpu();
    this.#settle();
  }

  /** Whether guest threads and the kernel thread have processors of their own. */
  get apart(): boolean {
    return this.processors > 1;
  }

  /** Keeps a command thread on the kernel's processor. */
  keepHome(tid: number): void {
    sched_setaffinity(tid, MASK_BYTES, this.#only(this.home));
  }

  /** Lets a guest thread run everywhere, until it is placed again. */
  releaseGuest(tid: number): void {
    sched_setaffinity(tid, MASK_BYTES, this.#all);
  }

  /** Puts a guest thread where guest threads belong. */
  placeGuest(tid: number): void {
    sched_setaffinity(tid, MASK_BYTES, this.#guests);
  }

  /** Moves away from a processor that others want. True if guest threads belong elsewhere from now on. */
  checkHome(): boolean {
    if (!this.apart) return false;
    const now = performance.now();
    const elapsed = now - this.#lastMove;
    if (elapsed < MOVE_INTERVAL_MS) return false;
    const delayNs = waitingTimeNs();
    const share = (delayNs - this.#lastDelayNs) / (elapsed * 1e6);
    this.#lastMove = now;
    this.#lastDelayNs = delayNs;
    if (share < MAX_DELAY) return false;
    sched_setaffinity(0, MASK_BYTES, without(this.#all, this.home));
    this.home = sched_getcpu();
    this.#settle();
    return true;
  }

  /** Lets this thread run anywhere again. */
  leave(): void {
    sched_setaffinity(0, MASK_BYTES, this.#all);
  }

  #settle(): void {
    this.epoch++;
    if (!this.apart) return;
    sched_setaffinity(0, MASK_BYTES, this.#only(this.home));
    this.#guests = without(this.#all, this.home);
  }

  #only(processor: number): Uint8Array {
    const mask = new Uint8Array(MASK_BYTES);
    mask[processor >>> 3] = 1 << (processor & 7);
    return mask;
  }
}

/** struct sched_attr of sched_setattr(2), version 0: for this thread, and all that it starts from now on. */
function requestShortSlices(): void {
  const attributes = new Int32Array(12);
  attributes[0] = attributes.byteLength;
  attributes[4] = getpriority(0, 0);
  attributes[6] = SLICE_NS;
  setSchedulingAttributes(NR_sched_setattr, 0, attributes, 0); // a host that does not know it ignores it
}

/** How long this thread has waited for a processor in its life: the second number of schedstat, proc(5). */
function waitingTimeNs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]);
  } catch {
    return 0; // a host without CONFIG_SCHED_INFO
  }
}
