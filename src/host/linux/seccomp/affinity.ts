/**
 * On which processors stub threads run. A command thread is kept on the processor of the kernel thread: the kernel waits
 * for it anyway, and a switch on one processor is much cheaper than waking another one, above all in a virtual machine
 * (6 against 50 microseconds). Guest threads may run wherever the kernel thread itself may.
 */
import { sched_getaffinity, sched_getcpu, sched_setaffinity } from './libc.js';

const MASK_BYTES = 1024;

export class Affinity {
  readonly #everywhere = new Uint8Array(MASK_BYTES);
  readonly #everywhereSize: number;
  readonly #one = new Uint8Array(MASK_BYTES);

  constructor() {
    const size = sched_getaffinity(0, MASK_BYTES, this.#everywhere);
    this.#everywhereSize = size > 0 ? MASK_BYTES : 0;
  }

  /** The processor that this thread runs on, at this moment. */
  current(): number {
    return sched_getcpu();
  }

  /** Keeps a command thread on one processor. */
  keep(tid: number, processor: number): void {
    this.#one[processor >>> 3] = 1 << (processor & 7);
    sched_setaffinity(tid, MASK_BYTES, this.#one);
    this.#one[processor >>> 3] = 0;
  }

  /** Lets a thread run on all processors that are ours. */
  release(tid: number): void {
    if (this.#everywhereSize > 0) sched_setaffinity(tid, this.#everywhereSize, this.#everywhere);
  }
}
