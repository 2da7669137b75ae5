/**
 * Stub processes that have been killed and have not ended yet. What they had mapped stays theirs until they are gone: a
 * guest thread may run on for some microseconds after the kill.
 */
import { WINDOW_SLOTS } from './layout.js';
import type { StubPages } from './pages.js';
import type { StubProcess } from './process.js';
import type { SlotTable } from './slots.js';

interface Remains {
  readonly process: StubProcess;
  readonly slots: SlotTable;
  readonly gone: (() => void) | undefined;
}

export class Graveyard {
  #remains: Remains[] = [];

  constructor(private readonly pages: StubPages) {}

  get size(): number {
    return this.#remains.length;
  }

  /** Takes a killed process: its windows are released, and `gone` is called, when it has ended. */
  add(process: StubProcess, slots: SlotTable, gone?: () => void): void {
    this.#remains.push({ process, slots, gone });
  }

  /** Looks which have ended, among those that have waited longest: at most `limit` of them. */
  reap(limit = Infinity): void {
    const looked = this.#remains.splice(0, limit);
    const ended: Remains[] = [];
    for (const remains of looked) {
      if (remains.process.hasEnded()) ended.push(remains);
      else this.#remains.push(remains);
    }
    for (const remains of ended) this.#clear(remains);
  }

  /** Waits for all of them. */
  reapAll(): void {
    for (const remains of this.#remains.splice(0)) {
      remains.process.end();
      this.#clear(remains);
    }
  }

  #clear({ slots, gone }: Remains): void {
    slots.windows.forEach((window, place) => {
      this.pages.releaseWindow(window, Math.min(WINDOW_SLOTS, slots.used - place * WINDOW_SLOTS));
    });
    gone?.();
  }
}
