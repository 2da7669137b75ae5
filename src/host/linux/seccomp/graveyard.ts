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

  /** Looks which have ended. */
  reap(): void {
    const ended: Remains[] = [];
    this.#remains = this.#remains.filter((remains) => {
      if (!remains.process.hasEnded()) return true;
      ended.push(remains);
      return false;
    });
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
