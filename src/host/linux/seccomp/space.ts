/** One guest address space of the native platform: a stub process, its mappings and its threads. */
import type { CpuContext, HostSpace } from '../../cpu.js';
import { SeccompContext } from './context.js';
import { writeFrame } from './frame.js';
import {
  COMMAND_PAGE,
  ENTRY_FORK,
  ENTRY_LAST,
  ENTRY_THREAD,
  FD_COMMAND,
  FD_MAILBOX,
  FD_PHYSICAL,
  MAILBOX_THREAD,
  MAX_ENTRIES,
  REGION,
  SLOTS,
  STATE_TRAPPED,
  WINDOW_SLOTS,
} from './layout.js';
import type { SeccompPlatform } from './platform.js';
import { RangeSet } from './ranges.js';
import {
  CLONE_GUEST_THREAD,
  CLONE_PARENT,
  MAP_FIXED,
  MAP_SHARED,
  NR_clone,
  NR_getpid,
  NR_mmap,
  NR_mprotect,
  NR_munmap,
  PROT_READ,
  PROT_WRITE,
  SIGCHLD,
} from './system-calls.js';

const PAGE = 4096;

/** One queued change of the mappings. */
type Change =
  | { readonly kind: 'map'; start: number; length: number; protection: number; physical: number }
  | { readonly kind: 'unmap'; start: number; length: number }
  | { readonly kind: 'protect'; start: number; length: number; protection: number };

export class SeccompSpace implements HostSpace {
  readonly #platform: SeccompPlatform;
  alive = true;
  readonly contexts = new Set<SeccompContext>();
  /** Threads whose context was destroyed while it was stopped: they wait for the next one. */
  readonly parked: SeccompContext[] = [];
  readonly #changes: Change[] = [];
  /** Windows of slots: the first is the seat. `slotsUsed` counts from slot 0 of the first on. */
  readonly windows: number[];
  slotsUsed = 1;
  /** The processor that the command thread is kept on, or -1. */
  processor = -1;
  freeSlots: number[] = [];

  constructor(
    platform: SeccompPlatform,
    public pid: number,
    readonly seat: number,
    private readonly mapped: RangeSet,
  ) {
    this.#platform = platform;
    this.windows = [seat];
  }

  map(address: number, length: number, protection: number, physical: number): void {
    checkRange(address, length);
    this.mapped.add(address, address + length);
    const last = this.#changes.at(-1);
    const joins =
      last?.kind === 'map' &&
      last.start + last.length === address &&
      last.physical + last.length === physical &&
      last.protection === protection;
    if (joins) last.length += length;
    else this.#changes.push({ kind: 'map', start: address, length, protection, physical });
  }

  unmap(address: number, length: number): void {
    checkRange(address, length);
    this.mapped.each(address, address + length, (start, end) => {
      this.#changes.push({ kind: 'unmap', start, length: end - start });
    });
    this.mapped.remove(address, address + length);
  }

  protect(address: number, length: number, protection: number): void {
    checkRange(address, length);
    this.mapped.each(address, address + length, (start, end) => {
      const last = this.#changes.at(-1);
      const joins =
        last?.kind === 'protect' && last.start + last.length === start && last.protection === protection;
      if (joins) last.length += end - start;
      else this.#changes.push({ kind: 'protect', start, length: end - start, protection });
    });
  }

  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  flush(): void {
    const { pages } = this.#platform;
    let index = 0;
    for (const change of this.#changes) {
      if (index === MAX_ENTRIES) {
        this.#run(index);
        index = 0;
      }
      const { start, length } = change;
      switch (change.kind) {
        case 'map':
          pages.setEntry(
            this.seat,
            index,
            0,
            NR_mmap,
            start,
            length,
            change.protection,
            MAP_SHARED | MAP_FIXED,
            FD_PHYSICAL,
            change.physical,
          );
          break;
        case 'unmap':
          pages.setEntry(this.seat, index, 0, NR_munmap, start, length);
          break;
        case 'protect':
          pages.setEntry(this.seat, index, 0, NR_mprotect, start, length, change.protection);
          break;
        default:
          change satisfies never;
      }
      index++;
    }
    this.#changes.length = 0;
    if (index > 0) this.#run(index);
  }

  clear(): void {
    this.#changes.length = 0;
    this.mapped.clear();
    const { pages, guestExtents } = this.#platform;
    guestExtents.forEach(({ start, end }, index) =>
      pages.setEntry(this.seat, index, 0, NR_munmap, start, end - start),
    );
    this.#run(guestExtents.length);
  }

  fork(): HostSpace {
    this.flush();
    const platform = this.#platform;
    const seat = this.alive ? platform.takeSeat() : undefined;
    if (seat === undefined) return deadSpace(platform);
    const child = this.#forkTo(seat);
    if (child === undefined) {
      platform.pages.releaseWindow(seat, 2);
      return deadSpace(platform);
    }
    platform.adopted(child);
    return child;
  }

  destroy(): void {
    this.#platform.destroySpace(this);
  }

  createContext(): CpuContext | undefined {
    if (!this.alive) return undefined;
    const platform = this.#platform;
    const parked = this.parked.pop();
    if (parked !== undefined) {
      const context = new SeccompContext(
        platform,
        this,
        parked.slot,
        parked.slotOffset,
        this.slotAddress(parked.slot),
      );
      context.tid = parked.tid;
      this.prepareFrame(context.slotOffset, parked.slot);
      this.contexts.add(context);
      return context;
    }
    this.flush();
    const slot = this.#takeSlot();
    if (slot === undefined) return undefined;
    const context = this.newContext(slot);
    this.#cloneEntry(this.seat, 0, context);
    const result = this.#run(1, true);
    if (result === undefined || result < 0) {
      this.freeSlots.push(slot);
      return undefined;
    }
    context.tid = platform.pages.words[(context.slotOffset + MAILBOX_THREAD) >>> 2];
    platform.affinity.release(context.tid);
    this.contexts.add(context);
    return context;
  }

  /** A context for a slot whose thread does not exist yet, with its first frame. */
  newContext(slot: number): SeccompContext {
    const platform = this.#platform;
    const slotOffset = this.#slotOffset(slot);
    this.prepareFrame(slotOffset, slot);
    platform.pages.words[slotOffset >>> 2] = STATE_TRAPPED;
    return new SeccompContext(platform, this, slot, slotOffset, this.slotAddress(slot));
  }

  /** Writes a fresh frame, and zeroes the segment bases. */
  prepareFrame(slotOffset: number, slot: number): void {
    const { pages, template } = this.#platform;
    writeFrame(template, pages.bytes, pages.words, slotOffset, this.slotAddress(slot), pages.slotSize);
    pages.words.fill(0, (slotOffset >>> 2) + 2, (slotOffset >>> 2) + 8);
  }

  /** A slot's address in the stub. */
  slotAddress(slot: number): number {
    return SLOTS + slot * this.#platform.pages.slotSize;
  }

  #slotOffset(slot: number): number {
    return this.#platform.pages.slotOffset(
      this.windows[Math.floor(slot / WINDOW_SLOTS)],
      slot % WINDOW_SLOTS,
    );
  }

  /** A free slot, from a new window if need be. */
  #takeSlot(): number | undefined {
    const free = this.freeSlots.pop();
    if (free !== undefined) return free;
    const { pages } = this.#platform;
    if (this.slotsUsed === this.windows.length * WINDOW_SLOTS) {
      const window = pages.takeWindow();
      if (window === undefined) return undefined;
      this.#windowEntry(this.seat, 0, this.windows.length, window);
      const result = this.#run(1);
      if (result === undefined) return undefined;
      this.windows.push(window);
    }
    return this.slotsUsed++;
  }

  /** An entry that maps a window of slots. */
  #windowEntry(seat: number, index: number, place: number, window: number): void {
    const { pages } = this.#platform;
    pages.setEntry(
      seat,
      index,
      0,
      NR_mmap,
      SLOTS + place * pages.windowSize,
      pages.windowSize,
      PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_FIXED,
      FD_MAILBOX,
      pages.slotOffset(window, 0),
    );
  }

  /** An entry that clones the thread of a context. */
  #cloneEntry(seat: number, index: number, context: SeccompContext): void {
    const slotAddress = this.slotAddress(context.slot);
    this.#platform.pages.setEntry(
      seat,
      index,
      ENTRY_THREAD,
      NR_clone,
      CLONE_GUEST_THREAD,
      slotAddress + context.frameOffset,
      slotAddress + MAILBOX_THREAD,
    );
  }

  /**
   * Forks the stub. The child goes on with the batch in the parent's command page until it has mapped its own, which
   * therefore holds the same entries; it ends up with its own page and window and with one stopped thread.
   */
  #forkTo(seat: number): SeccompSpace | undefined {
    const platform = this.#platform;
    const { pages } = platform;
    const child = new SeccompSpace(platform, 0, seat, this.mapped.copy());
    child.slotsUsed = 2;
    const spare = child.newContext(1);
    for (const page of [this.seat, seat]) {
      let index = 0;
      pages.setEntry(page, index++, ENTRY_FORK, NR_clone, CLONE_PARENT | SIGCHLD);
      pages.setEntry(
        page,
        index++,
        0,
        NR_mmap,
        COMMAND_PAGE,
        PAGE,
        PROT_READ,
        MAP_SHARED | MAP_FIXED,
        FD_COMMAND,
        pages.commandOffset(seat),
      );
      this.#windowEntry(page, index++, 0, seat);
      if (this.windows.length > 1) {
        const rest = pages.windowSize * (this.windows.length - 1);
        pages.setEntry(page, index++, 0, NR_munmap, SLOTS + pages.windowSize, rest);
      }
      this.#cloneEntry(page, index++, spare);
      pages.setEntry(page, index, ENTRY_LAST, NR_getpid);
    }
    platform.bring(this);
    child.processor = this.processor;
    const pid = platform.commands.run(this.seat, this.pid, seat);
    if (pid === undefined || pid <= 0) return undefined;
    child.pid = pid;
    spare.tid = pages.words[(spare.slotOffset + MAILBOX_THREAD) >>> 2];
    platform.affinity.release(spare.tid);
    child.parked.push(spare);
    return child;
  }

  /** Runs `count` entries of the command page. A stub that cannot do what was asked is of no use: it is killed. */
  #run(count: number, mayFail = false): number | undefined {
    if (!this.alive) return undefined;
    const platform = this.#platform;
    platform.pages.addEntryFlags(this.seat, count - 1, ENTRY_LAST);
    platform.bring(this);
    const result = platform.commands.run(this.seat, this.pid);
    if (result === undefined) platform.died(this);
    else if (!mayFail && result < 0 && result > -4096) platform.commandFailed(this, result);
    return result;
  }
}

function checkRange(address: number, length: number): void {
  if (
    address < 0 ||
    length <= 0 ||
    address % PAGE !== 0 ||
    length % PAGE !== 0 ||
    address + length > REGION
  ) {
    throw new Error(`not a range of guest pages: ${address.toString(16)}+${length.toString(16)}`);
  }
}

/** What stands for a space that could not be made: it is not alive and gives no contexts. */
function deadSpace(platform: SeccompPlatform): SeccompSpace {
  const space = new SeccompSpace(platform, 0, 0, new RangeSet());
  space.alive = false;
  return space;
}
