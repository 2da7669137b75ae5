/** One guest address space of the native platform: a stub process, its mappings and its threads. */
import type { CpuContext, HostSpace } from '../../cpu.js';
import { SeccompContext } from './context.js';
import { settleCpuTime } from './cpu-time.js';
import { writeFrame } from './frame.js';
import {
  COMMAND_PAGE,
  ENTRY_FORK,
  ENTRY_LAST,
  ENTRY_THREAD,
  FD_COMMAND,
  FD_MAILBOX,
  FD_PHYSICAL,
  MAILBOX_FS,
  MAILBOX_GS,
  MAILBOX_STATE,
  MAILBOX_THREAD,
  MAX_ENTRIES,
  REGION,
  SLOTS,
  STATE_TRAPPED,
} from './layout.js';
import type { SeccompPlatform } from './platform.js';
import { StubProcess } from './process.js';
import { RangeSet } from './ranges.js';
import { SlotTable } from './slots.js';
import {
  CLONE_GUEST_THREAD,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  MAP_FIXED,
  MAP_POPULATE,
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
const MAX_ERRNO = 4096;
const EAGAIN = 11;
/** Entries of a fork, at most. */
const FORK_ENTRIES = 6;

/** One queued change of the mappings. */
type Change =
  | {
      readonly kind: 'map';
      readonly start: number;
      length: number;
      readonly protection: number;
      readonly physical: number;
      readonly ready: boolean;
    }
  | { readonly kind: 'unmap'; start: number; length: number }
  | { readonly kind: 'protect'; start: number; length: number; protection: number };

export class SeccompSpace implements HostSpace {
  readonly #platform: SeccompPlatform;
  alive = true;
  readonly contexts = new Set<SeccompContext>();
  readonly #changes: Change[] = [];
  readonly slots: SlotTable;
  /** How much of the process's CPU time contexts have been given. */
  settledCpuNs = 0;
  /** The processor that the command thread is kept on, or -1. */
  home = -1;

  /** `seat`: which command page is its, and which window of slots is its first. */
  constructor(
    platform: SeccompPlatform,
    public process: StubProcess,
    readonly seat: number,
    private readonly mapped: RangeSet,
  ) {
    this.#platform = platform;
    this.slots = new SlotTable(platform.pages, seat);
  }

  map(address: number, length: number, protection: number, physical: number, ready = false): void {
    checkRange(address, length);
    this.mapped.add(address, address + length);
    const last = this.#changes.at(-1);
    const joins =
      last?.kind === 'map' &&
      last.start + last.length === address &&
      last.physical + last.length === physical &&
      last.protection === protection &&
      last.ready === ready;
    if (joins) last.length += length;
    else this.#changes.push({ kind: 'map', start: address, length, protection, physical, ready });
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
    let index = 0;
    for (const change of this.#changes) {
      if (index === MAX_ENTRIES) {
        this.#run(index);
        index = 0;
      }
      this.#changeEntry(index++, change);
    }
    this.#changes.length = 0;
    if (index > 0) this.#run(index);
  }

  /** An entry that makes one queued change. */
  #changeEntry(index: number, change: Change): void {
    const { pages } = this.#platform;
    const { start, length } = change;
    switch (change.kind) {
      case 'map': {
        const { protection, physical } = change;
        const flags = MAP_SHARED | MAP_FIXED | (change.ready ? MAP_POPULATE : 0);
        pages.setEntry(this.seat, index, 0, NR_mmap, start, length, protection, flags, FD_PHYSICAL, physical);
        break;
      }
      case 'unmap':
        pages.setEntry(this.seat, index, 0, NR_munmap, start, length);
        break;
      case 'protect':
        pages.setEntry(this.seat, index, 0, NR_mprotect, start, length, change.protection);
        break;
      default:
        change satisfies never;
    }
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
    if (this.#changes.length + FORK_ENTRIES > MAX_ENTRIES) this.flush();
    const platform = this.#platform;
    const seat = this.alive ? platform.takeWindow() : undefined;
    if (seat === undefined) return deadSpace(platform);
    const child = this.#forkTo(seat);
    if (child === undefined) return deadSpace(platform);
    platform.adopted(child);
    return child;
  }

  destroy(gone?: () => void): void {
    this.#platform.destroySpace(this, gone);
  }

  createContext(): CpuContext | undefined {
    this.flush();
    if (!this.alive) return undefined;
    if (this.contexts.size === 1) settleCpuTime(this);
    return this.#unparkedContext() ?? this.#newThread();
  }

  /** Keeps the thread of a destroyed context for the next one, if it is as it should be. */
  keepThread(context: SeccompContext): boolean {
    const { template } = this.#platform;
    const usable = context.frameOffset === template.frameOffset && context.fpuOffset === template.fpuOffset;
    return usable && this.slots.park(context);
  }

  /** A context for a thread that waits for one. */
  #unparkedContext(): SeccompContext | undefined {
    const parked = this.slots.unpark();
    if (parked === undefined) return undefined;
    const context = new SeccompContext(
      this.#platform,
      this,
      parked.slot,
      parked.slotOffset,
      this.slots.address(parked.slot),
    );
    context.tid = parked.tid;
    context.placed = parked.placed;
    this.#prepareFrame(context.slot);
    this.contexts.add(context);
    return context;
  }

  /** A context with a new thread. */
  #newThread(): SeccompContext | undefined {
    const slot = this.slots.take(this.process.pid) ?? this.#slotInNewWindow();
    if (slot === undefined) return undefined;
    const context = this.#newContext(slot);
    this.#cloneEntry(this.seat, 0, context);
    const result = this.#run(1, true);
    if (result === undefined || result < 0) {
      this.slots.giveBack(slot);
      return undefined;
    }
    this.#threadStarted(context);
    this.contexts.add(context);
    return context;
  }

  /** A context for a slot whose thread does not exist yet, with its first frame. */
  #newContext(slot: number): SeccompContext {
    const offset = this.slots.offset(slot);
    this.#prepareFrame(slot);
    this.#platform.pages.words[(offset + MAILBOX_STATE) >>> 2] = STATE_TRAPPED;
    return new SeccompContext(this.#platform, this, slot, offset, this.slots.address(slot));
  }

  /** Takes a new thread's number, which the host has stored. */
  #threadStarted(context: SeccompContext): void {
    context.tid = this.#platform.pages.words[(context.slotOffset + MAILBOX_THREAD) >>> 2];
  }

  /** Writes a fresh frame, and zeroes the segment bases. */
  #prepareFrame(slot: number): void {
    const { pages, template } = this.#platform;
    const offset = this.slots.offset(slot);
    writeFrame(template, pages.bytes, pages.words, offset, this.slots.address(slot), pages.slotSize);
    pages.words.fill(0, (offset + MAILBOX_FS) >>> 2, (offset + MAILBOX_GS + 8) >>> 2);
  }

  #slotInNewWindow(): number | undefined {
    const window = this.#platform.takeWindow();
    if (window === undefined) return undefined;
    this.#windowEntry(this.seat, 0, this.slots.windows.length, window);
    if (this.#run(1) === undefined) return undefined;
    this.slots.windows.push(window);
    return this.slots.take(this.process.pid);
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
    const slotAddress = this.slots.address(context.slot);
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
   * Forks the stub, in one batch with what is queued. The child goes on with the batch in the parent's command page until it
   * has mapped its own, which therefore holds the same entries; it ends up with its own page and window and with one
   * stopped thread.
   */
  #forkTo(seat: number): SeccompSpace | undefined {
    const platform = this.#platform;
    const { pages } = platform;
    const child = new SeccompSpace(platform, this.process, seat, this.mapped.copy());
    const first = child.slots.take(0);
    if (first === undefined) return undefined;
    const spare = child.#newContext(first);
    const changes = this.#changes.splice(0);
    changes.forEach((change, index) => this.#changeEntry(index, change));
    this.#forkEntries(this.seat, changes.length, seat, spare);
    this.#forkEntries(seat, changes.length, seat, spare);
    platform.bring(this);
    child.home = this.home;
    const hint = (pages.slotOffset(this.seat, 0) + MAILBOX_THREAD) >>> 2;
    pages.words[hint] = 0;
    const pid = platform.commands.run(this.seat, this.process, seat);
    if (pid === undefined || pid <= 0) {
      platform.forkFailed(pages.words[hint], child);
      // The host is short of processes, or one of the changes may have failed.
      const harmless = pid === -EAGAIN || (pid !== undefined && changes.length === 0);
      if (!harmless) platform.died(this);
      return undefined;
    }
    child.process = new StubProcess(pid);
    child.#threadStarted(spare);
    child.slots.park(spare);
    return child;
  }

  /** The entries of a fork, for the command page of parent or child: they differ in nothing. */
  #forkEntries(page: number, start: number, seat: number, spare: SeccompContext): void {
    const { pages } = this.#platform;
    const { windows } = this.slots;
    let index = start;
    const hint = SLOTS + MAILBOX_THREAD;
    pages.setEntry(
      page,
      index++,
      ENTRY_FORK,
      NR_clone,
      CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD,
      0,
      hint,
    );
    const offset = pages.commandOffset(seat);
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
      offset,
    );
    this.#windowEntry(page, index++, 0, seat);
    if (windows.length > 1) {
      const rest = pages.windowSize * (windows.length - 1);
      pages.setEntry(page, index++, 0, NR_munmap, SLOTS + pages.windowSize, rest);
    }
    this.#cloneEntry(page, index++, spare);
    pages.setEntry(page, index, ENTRY_LAST, NR_getpid);
  }

  /** Runs `count` entries of the command page. A stub that cannot do what was asked is of no use: it is killed. */
  #run(count: number, mayFail = false): number | undefined {
    if (!this.alive) return undefined;
    const platform = this.#platform;
    platform.pages.addEntryFlags(this.seat, count - 1, ENTRY_LAST);
    platform.bring(this);
    const result = platform.commands.run(this.seat, this.process);
    const failed = result !== undefined && result < 0 && result > -MAX_ERRNO;
    if (result === undefined || (failed && !mayFail)) {
      platform.died(this);
      return undefined;
    }
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
  const space = new SeccompSpace(platform, new StubProcess(0), 0, new RangeSet());
  space.alive = false;
  return space;
}
