/**
 * Running batches of system calls in stub processes, one at a time. A stub reports the end of a batch by moving the file
 * position of a descriptor that guest code has no way to touch; the word in its slot 0 only says when to look, since guest
 * code could write it.
 */
import { MAILBOX_FINISHED } from './layout.js';
import { lseek, SEEK_CUR, syscall, syscallWithTimeout } from './libc.js';
import type { StubPages } from './pages.js';
import type { StubProcess } from './process.js';
import { FUTEX_WAIT, FUTEX_WAKE, NR_futex } from './system-calls.js';

const TWO32 = 0x1_0000_0000;
/** The report carries this much of the sequence number. */
const REPORTED_SEQUENCE = 0xf_ffff;
/** How long one sleep lasts at most: forged hints and dead stubs are noticed after it. */
const SLEEP_NS = 2_000_000;
/** A stub that takes longer than this many sleeps for a batch is broken. */
const MAX_SLEEPS = 5000;

/** What a batch came to: its last result, a small number or a negated errno; undefined if the stub has died. */
export type BatchResult = number | undefined;

export class CommandRunner {
  #sequence = 1;
  readonly #timeout = Int32Array.of(0, 0, SLEEP_NS, 0);
  readonly #pause = Int32Array.of(0, 0, 20_000, 0);

  constructor(
    private readonly pages: StubPages,
    private readonly resultFd: number,
  ) {}

  /** The sequence number of the latest batch. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Runs the batch that lies in a stub's command page. A fork is reported by the child, which has another seat. */
  run(seat: number, process: StubProcess, reportingSeat = seat): BatchResult {
    this.#sequence = (this.#sequence + 1) | 0;
    if (reportingSeat !== seat) this.pages.setSequence(reportingSeat, this.#sequence);
    this.pages.setSequence(seat, this.#sequence);
    syscall(NR_futex, this.pages.commandAddress + this.pages.commandOffset(seat), FUTEX_WAKE, 1, 0);
    return this.await(reportingSeat, process);
  }

  /** Sleeps for some microseconds. */
  pause(): void {
    const { mailbox, words } = this.pages;
    syscallWithTimeout(NR_futex, mailbox.address, FUTEX_WAIT, words[0], this.#pause);
  }

  /** Waits for the report of the latest batch. */
  await(seat: number, process: StubProcess): BatchResult {
    const { words, mailbox } = this.pages;
    const offset = this.pages.slotOffset(seat, 0) + MAILBOX_FINISHED;
    for (let sleeps = 0; sleeps < MAX_SLEEPS; sleeps++) {
      const seen = Atomics.load(words, offset >>> 2);
      const hinted = seen === this.#sequence;
      if (hinted || sleeps > 0) {
        const position = lseek(this.resultFd, 0, SEEK_CUR);
        if (Math.floor(position / TWO32) === (this.#sequence & REPORTED_SEQUENCE))
          return (position % TWO32) | 0;
        if (sleeps > 0 && process.hasEnded()) return undefined;
      }
      // A hint without a report is forged, or the report is nanoseconds away.
      const timeout = hinted ? this.#pause : this.#timeout;
      syscallWithTimeout(NR_futex, mailbox.address + offset, FUTEX_WAIT, seen, timeout);
    }
    return undefined;
  }
}
