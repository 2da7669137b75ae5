/**
 * The slots of one space: which windows it has, which slot a new thread gets, and the threads that have none to run for.
 * Slot 0 is the command thread's.
 */
import type { SeccompContext } from './context.js';
import { SLOTS, WINDOW_SLOTS } from './layout.js';
import { tgkill } from './libc.js';
import type { StubPages } from './pages.js';

/** Stopped threads that a space keeps for later contexts. */
const MAX_PARKED = 8;
/** Beyond so many threads that do not end when told to, the guest is hostile. */
const MAX_LEAVING = 1000;

/** A thread that was told to end. Its slot can be given to another when it has. */
interface Leaving {
  readonly slot: number;
  readonly tid: number;
}

export class SlotTable {
  /** In the order of their addresses. The first is the seat. */
  readonly windows: number[];
  /** How many slots have ever been used: those above have never been written. */
  used = 1;
  #free: number[] = [];
  #leaving: Leaving[] = [];
  readonly #parked: SeccompContext[] = [];

  constructor(
    private readonly pages: StubPages,
    seat: number,
  ) {
    this.windows = [seat];
  }

  /** A slot's address in the stub. */
  address(slot: number): number {
    return SLOTS + slot * this.pages.slotSize;
  }

  /** Its offset in the mailbox file. */
  offset(slot: number): number {
    return this.pages.slotOffset(this.windows[Math.floor(slot / WINDOW_SLOTS)], slot % WINDOW_SLOTS);
  }

  /** A free slot, or undefined if another window is needed first. */
  take(pid: number): number | undefined {
    if (this.#free.length === 0 && this.#leaving.length > 0) this.#collect(pid);
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return this.used < this.windows.length * WINDOW_SLOTS ? this.used++ : undefined;
  }

  /** Takes a slot back whose thread could not be made. */
  giveBack(slot: number): void {
    this.#free.push(slot);
  }

  /** Takes the thread of a destroyed context, to be used again. False if there are enough of them. */
  park(context: SeccompContext): boolean {
    if (this.#parked.length >= MAX_PARKED) return false;
    this.#parked.push(context);
    return true;
  }

  unpark(): SeccompContext | undefined {
    return this.#parked.pop();
  }

  /** Remembers a thread that was told to end. False if too many did not. */
  leave(slot: number, tid: number, pid: number): boolean {
    this.#leaving.push({ slot, tid });
    if (this.#leaving.length > MAX_LEAVING) this.#collect(pid);
    return this.#leaving.length <= MAX_LEAVING;
  }

  /** Looks which threads have ended: their slots are free. */
  #collect(pid: number): void {
    this.#leaving = this.#leaving.filter(({ slot, tid }) => {
      if (tgkill(pid, tid, 0) >= 0) return true;
      this.#free.push(slot);
      return false;
    });
  }
}
