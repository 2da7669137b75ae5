/**
 * The native platform: guest threads are threads of stub processes in which seccomp makes every system call trap. See
 * layout.ts for the pages that both sides share, and stub.ts for the other side.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import type { CpuContext, HostRange, HostSpace, Platform } from '../../cpu.js';
import type { MemoryFile } from '../memory.js';
import { CommandRunner } from './commands.js';
import type { SeccompContext } from './context.js';
import { settleCpuTime } from './cpu-time.js';
import type { Secret } from './filter.js';
import { firstTrap } from './first-trap.js';
import type { FrameTemplate } from './frame.js';
import { Graveyard } from './graveyard.js';
import { checkHost } from './host-features.js';
import { INTERRUPT_SIGNAL, MAILBOX_SIZE, REGION, STATE_EXIT } from './layout.js';
import { hostTaskLimit } from './host-limits.js';
import { EFD_CLOEXEC, EFD_NONBLOCK, eventfd, must, tgkill } from './libc.js';
import { isOverdue } from './overdue.js';
import { copyUp, memoryFile, moveUp } from './memfd.js';
import { StubPages } from './pages.js';
import { Placement } from './placement.js';
import { StubProcess } from './process.js';
import { RangeSet } from './ranges.js';
import { RunList } from './run-list.js';
import { SeccompSpace } from './space.js';
import { assembleStub, type Stub } from './stub.js';
import { Watch } from './watch.js';
import { startZygote, type Zygote, type ZygoteFiles } from './zygote.js';

const MAX_STARTS = 20;
const ENOSPC = 28;
/** With more threads than this that want to run, nobody on the host gets a turn any more. */
const MAX_CONTEXTS = 4096;
/**
 * How long the kernel spins for a trap, in milliseconds: on a processor of its own, about as long as waking it up would take
 * in a virtual machine; on one that it shares, as long as it takes the others to have their turn.
 */
const SPIN_MS = 0.05;
const SHORT_SPIN_MS = 0.003;
/** How long a guest thread spins for its answer, and yields after that: in cycles, some 2 and 40 microseconds. */
const GUEST_SPIN_CYCLES = 5000;
const GUEST_YIELD_CYCLES = 100_000;
/** How often a sleeping kernel looks after killed processes, and after running ones. */
const REAP_MS = 4;
/** A kernel that sleeps as long leaves its processor to guest threads. */
const IDLE_MS = 2;
/** In place of an epoch: the thread may run everywhere. */
const RELEASED = 0;
const CHECK_MS = 500;
/** How many killed processes a new one looks after: more than one, so that they get fewer. */
const REAPED_PER_WINDOW = 8;
/** A kernel that never sleeps looks after so many resumes. */
const RESUMES_PER_CHECK = 0x4000;

export class SeccompPlatform implements Platform {
  readonly userTop = REGION;
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;
  readonly pages: StubPages;
  readonly commands: CommandRunner;
  readonly template: FrameTemplate;
  /** The guest's part of a space, without what the host keeps there. */
  readonly guestExtents: readonly { readonly start: number; readonly end: number }[];
  readonly runList: RunList;
  readonly maxContexts: number;
  readonly #stub: Stub;
  readonly #files: ZygoteFiles;
  readonly #zygote: Zygote;
  #zygoteSpace: SeccompSpace;
  readonly #watch: Watch;
  readonly #graveyard: Graveyard;
  readonly #spaces = new Set<SeccompSpace>();
  /** Contexts whose space has died under them, to be reported. */
  readonly #died: SeccompContext[] = [];
  readonly #placement: Placement;
  #resumes = 0;
  #nextCheck = 0;
  /** Since when the kernel sleeps, and whether a guest thread that runs is kept from the kernel's processor. */
  #sleepsSince = 0;
  #confined = false;

  constructor(memory: MemoryFile) {
    ({ hwcap: this.hwcap, hwcap2: this.hwcap2, minSigStackSize: this.minSigStackSize } = checkHost());
    let slotSize = 4096;
    while (slotSize < this.minSigStackSize + MAILBOX_SIZE) slotSize *= 2;
    this.pages = new StubPages(slotSize);
    this.runList = new RunList(this.pages);
    this.maxContexts = Math.floor(Math.min(hostTaskLimit(), MAX_CONTEXTS));
    this.#graveyard = new Graveyard(this.pages);
    const result = memoryFile('linux-results', 0);
    this.commands = new CommandRunner(this.pages, result);
    const doorbell = moveUp(must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 'eventfd'));
    this.#watch = new Watch(doorbell);

    this.#placement = new Placement();
    this.#stub = assembleStub({ slotSize, parentPid: process.pid, secret: newSecret() });
    this.#files = { physical: copyUp(memory.fd), result, doorbell };
    this.#zygote = this.#startZygote();
    this.guestExtents = extentsWithout(this.#zygote.hostRanges);
    this.template = firstTrap(this.pages, this.commands, this.#zygote, this.#stub.trapSite);
    this.pages.setSpins(this.#placement.processors > 1 ? GUEST_SPIN_CYCLES : 0, GUEST_YIELD_CYCLES);
    this.#zygoteSpace = this.#adoptZygote(this.#zygote);
  }

  get xsaveSize(): number {
    return this.template.xsaveSize;
  }

  get xfeaturesLo(): number {
    return this.template.xfeaturesLo;
  }

  get xfeaturesHi(): number {
    return this.template.xfeaturesHi;
  }

  get vdso(): number {
    return this.#zygote.vdso;
  }

  get hostRanges(): readonly HostRange[] {
    return this.#zygote.hostRanges;
  }

  get doorbell(): number {
    return this.#watch.fd;
  }

  /** The process that new spaces are forked from. */
  get zygotePid(): number {
    return this.#zygoteSpace.process.pid;
  }

  get runningCount(): number {
    return this.runList.contexts.length;
  }

  createSpace(): HostSpace {
    if (!this.#zygoteSpace.alive || this.#zygoteSpace.process.hasEnded()) this.#replaceZygote();
    return this.#zygoteSpace.fork();
  }

  nextTrap(): CpuContext | undefined {
    for (;;) {
      const context = this.runList.take() ?? this.#died.pop();
      if (context === undefined || this.#reports(context)) return context;
    }
  }

  spin(): boolean {
    if (this.#died.length > 0) return true;
    this.runList.slowDown();
    return this.#placement.apart ? this.runList.spin(SPIN_MS, false) : this.runList.spin(SHORT_SPIN_MS, true);
  }

  prepareSleep(): boolean {
    if (this.#graveyard.size > 0) {
      this.#graveyard.reap();
      if (this.#graveyard.size > 0) this.#watch.wakeWithin(REAP_MS);
    }
    if (this.runningCount > 0) this.#beforeLongRun();
    this.pages.setSleeping(true);
    if (this.#died.length > 0 || this.runList.anyStopped()) {
      this.pages.setSleeping(false);
      return false;
    }
    this.runList.park();
    return true;
  }

  endSleep(): void {
    this.pages.setSleeping(false);
    if (!this.#watch.quiet()) return;
    this.#afterLongRun();
    if (performance.now() >= this.#nextCheck) this.#check();
  }

  shutdown(): void {
    for (const { process } of this.#spaces) process.kill();
    for (const { process } of this.#spaces) process.end();
    this.#graveyard.reapAll();
    for (const space of this.#spaces) space.alive = false;
    this.#spaces.clear();
    this.runList.takeAll(() => true);
    this.#placement.leave();
  }

  // What spaces and contexts ask of the platform.

  resume(context: SeccompContext): void {
    if (context.state !== 'stopped') return;
    const { space } = context;
    if (space.hasChanges) space.flush();
    if (!space.alive) {
      this.#died.push(context);
      return;
    }
    context.state = 'running';
    if (space.contexts.size > 1) context.resumedAt = performance.now();
    if (context.placed !== this.#placement.epoch) this.#place(context);
    this.runList.start(context);
    if (++this.#resumes % RESUMES_PER_CHECK === 0) this.#check();
  }

  interrupt(context: SeccompContext): void {
    const running = context.state === 'running' || context.state === 'ending';
    if (!running || !context.space.alive || this.runList.hasStopped(context)) return;
    if (tgkill(context.space.process.pid, context.tid, INTERRUPT_SIGNAL) < 0) {
      this.died(context.space); // the thread has ended by itself, which only a hostile guest's does
      return;
    }
    context.pendingInterrupt ??= { sentAt: performance.now(), cpuTimeNs: undefined };
  }

  destroyContext(context: SeccompContext): void {
    if (context.state === 'running') {
      context.state = 'ending';
      this.interrupt(context);
    } else if (context.state === 'stopped') {
      this.#retire(context);
    }
  }

  cpuTimeNs(context: SeccompContext): number {
    settleCpuTime(context.space);
    return context.cpuNs;
  }

  /** Brings a space's command thread to the kernel's processor. */
  bring(space: SeccompSpace): void {
    if (space.home === this.#placement.home) return;
    this.#placement.keepHome(space.process.pid);
    space.home = this.#placement.home;
  }

  takeWindow(): number | undefined {
    if (this.#graveyard.size > 0) this.#graveyard.reap(REAPED_PER_WINDOW);
    return this.pages.takeWindow();
  }

  adopted(space: SeccompSpace): void {
    this.#spaces.add(space);
  }

  destroySpace(space: SeccompSpace, gone: (() => void) | undefined): void {
    // With nobody waiting for `gone`, the guest's memory goes now, before anyone else gets the frames.
    if (space.alive && gone === undefined) space.clear();
    if (space.alive) {
      space.process.kill();
      this.#bury(space, gone);
    } else {
      gone?.();
    }
    for (const context of space.contexts) context.state = 'gone';
    space.contexts.clear();
  }

  /** A stub was found dead, does not answer, or is not what the kernel believes it to be. */
  died(space: SeccompSpace): void {
    if (!space.alive) return;
    for (const context of space.contexts) context.detach();
    space.process.end();
    this.#bury(space);
  }

  /**
   * A fork came to nothing. If there is a child nevertheless, it ends. Its number comes from memory that the parent's guest
   * can write, so it counts only if it is a stub of ours that no space knows.
   */
  forkFailed(hint: number, child: SeccompSpace): void {
    child.alive = false;
    const known = [...this.#spaces].some(({ process }) => process.pid === hint);
    if (hint > 0 && !known && isStub(hint, this.#zygote.process.pid)) child.process = new StubProcess(hint);
    else child.process = new StubProcess(0);
    child.process.kill();
    this.#graveyard.add(child.process, child.slots);
  }

  #place(context: SeccompContext): void {
    this.#placement.placeGuest(context.tid);
    context.placed = this.#placement.epoch;
  }

  /** Guest threads may run for long now: see to it that they have processors, and that somebody looks after them. */
  #beforeLongRun(): void {
    const { contexts } = this.runList;
    this.#confined = this.#placement.apart && contexts.some(({ placed }) => placed !== RELEASED);
    this.#watch.wakeWithin(this.#confined ? IDLE_MS : CHECK_MS);
    this.#sleepsSince = performance.now();
  }

  /** The kernel has slept for a while beside running guest threads: they may have its processor, too. */
  #afterLongRun(): void {
    if (!this.#confined || performance.now() - this.#sleepsSince < IDLE_MS) return;
    this.#confined = false;
    for (const context of this.runList.contexts) {
      this.#placement.releaseGuest(context.tid);
      context.placed = RELEASED;
    }
  }

  #startZygote(): Zygote {
    const seat = must(this.takeWindow() ?? -ENOSPC, 'taking a window');
    for (let tries = 0; tries < MAX_STARTS; tries++) {
      const zygote = startZygote(this.#stub, this.pages, this.commands, seat, this.#files);
      if (zygote !== undefined) return zygote;
    }
    throw new Error('the stub process does not start');
  }

  #adoptZygote(zygote: Zygote): SeccompSpace {
    const space = new SeccompSpace(this, zygote.process, zygote.seat, new RangeSet());
    this.#spaces.add(space);
    return space;
  }

  /** Somebody has killed the zygote. Spaces that exist do not need it; new ones need another that is just like it. */
  #replaceZygote(): void {
    this.died(this.#zygoteSpace);
    const zygote = this.#startZygote();
    this.#zygoteSpace = this.#adoptZygote(zygote);
    if (zygote.vdso !== this.#zygote.vdso) this.died(this.#zygoteSpace);
  }

  /** The space is dead from now on: its running contexts will say so. */
  #bury(space: SeccompSpace, gone?: () => void): void {
    space.alive = false;
    this.#spaces.delete(space);
    this.#graveyard.add(space.process, space.slots, gone);
    for (const context of this.runList.takeAll((running) => running.space === space))
      this.#died.push(context);
  }

  /** What stopped a context, taken from the list. False if there is nothing to report about it. */
  #reports(context: SeccompContext): boolean {
    const { state } = context;
    if (state === 'gone') return false;
    context.state = 'stopped';
    context.pendingInterrupt = undefined;
    if (context.resumedAt > 0) {
      context.ranMs += performance.now() - context.resumedAt;
      context.resumedAt = 0;
    }
    if (context.space.alive && !context.readTrap()) this.died(context.space);
    if (!context.space.alive) context.markDied();
    if (state !== 'ending') return true;
    this.#retire(context);
    return false;
  }

  /** Ends a stopped context. Its thread is kept for the next one, or told to end. */
  #retire(context: SeccompContext): void {
    const { space } = context;
    context.state = 'gone';
    settleCpuTime(space);
    space.contexts.delete(context);
    if (!space.alive || space.keepThread(context)) return;
    this.runList.wake(context, STATE_EXIT);
    if (!space.slots.leave(context.slot, context.tid, space.process.pid)) this.died(space);
  }

  /** The regular look after what may have gone wrong: killed processes, stubs that ended, unanswered interrupts. */
  #check(): void {
    this.#graveyard.reap();
    const now = performance.now();
    this.#nextCheck = now + CHECK_MS;
    const lost = new Set<SeccompSpace>();
    const processes = new Map<StubProcess, boolean>();
    for (const { space, tid, pendingInterrupt } of this.runList.contexts) {
      const { process } = space;
      let ended = processes.get(process);
      if (ended === undefined) processes.set(process, (ended = process.hasEnded()));
      if (ended || (pendingInterrupt !== undefined && isOverdue(pendingInterrupt, process.pid, tid, now)))
        lost.add(space);
    }
    for (const space of lost) this.died(space);
    if (this.#placement.checkHome()) for (const context of this.runList.contexts) this.#place(context);
  }
}

function newSecret(): Secret {
  const bytes = randomBytes(8);
  return { fourth: bytes.readUInt32LE(0), fifth: bytes.readUInt32LE(4) };
}

/** Whether a process is a child of ours that runs the same program as the zygote. */
function isStub(pid: number, zygotePid: number): boolean {
  try {
    const own =
      readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[1] === `${process.pid}`;
    return own && readlinkSync(`/proc/${pid}/exe`) === readlinkSync(`/proc/${zygotePid}/exe`);
  } catch {
    return false;
  }
}

/** [0, REGION) without the given ranges. */
function extentsWithout(ranges: readonly HostRange[]): { start: number; end: number }[] {
  const set = new RangeSet();
  set.add(0, REGION);
  for (const { start, end } of ranges) if (start < REGION) set.remove(start, end);
  const extents: { start: number; end: number }[] = [];
  set.each(0, REGION, (start, end) => extents.push({ start, end }));
  return extents;
}
