/**
 * The native platform: guest threads are threads of stub processes that trap every system call with seccomp. See layout.ts
 * for the shared pages and stub.ts for the other side.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { CpuContext, HostRange, HostSpace, Platform } from '../../cpu.js';
import type { MemoryFile } from '../memory.js';
import { Affinity } from './affinity.js';
import { CommandRunner } from './commands.js';
import type { SeccompContext } from './context.js';
import type { Secret } from './filter.js';
import { type FrameTemplate, takeTemplate, writeFirstFrame } from './frame.js';
import { checkHost, type HostFeatures } from './host-features.js';
import { CLONE_GUEST_THREAD, FUTEX_WAKE, NR_clone, NR_futex, SIGKILL } from './system-calls.js';
import {
  ENTRY_LAST,
  ENTRY_THREAD,
  FRAME_FPU,
  INTERRUPT_SIGNAL,
  MAILBOX_FRAME,
  MAILBOX_SIZE,
  MAILBOX_THREAD,
  REGION,
  SLOTS,
  STATE_EXIT,
  STATE_PARK,
  STATE_RUNNING,
  STATE_SLEEPING,
  STATE_TRAPPED,
  WINDOW_SLOTS,
} from './layout.js';
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  eventfd,
  kill,
  must,
  read,
  syscall,
  tgkill,
  waitpid,
  WNOHANG,
} from './libc.js';
import { copyUp, memoryFile, moveUp, StubPages } from './pages.js';
import { RangeSet } from './ranges.js';
import { SeccompSpace } from './space.js';
import { assembleStub, type Stub } from './stub.js';
import { Watch } from './watch.js';
import { startZygote, type Zygote } from './zygote.js';

const MAX_STARTS = 20;
/** Stopped threads that a space keeps for later contexts. */
const MAX_PARKED = 8;

/** A killed process whose end is awaited, and the windows to release then. */
interface Remains {
  readonly pid: number;
  readonly windows: readonly number[];
  readonly slotsUsed: number;
}

export class SeccompPlatform implements Platform {
  readonly userTop = REGION;
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;
  readonly pages: StubPages;
  readonly commands: CommandRunner;
  readonly template: FrameTemplate;
  readonly affinity = new Affinity();
  /** The guest's part of a space, without what the host keeps there. */
  readonly guestExtents: readonly { readonly start: number; readonly end: number }[];
  readonly #features: HostFeatures;
  readonly #stub: Stub;
  readonly #zygote: Zygote;
  readonly #zygoteSpace: SeccompSpace;
  readonly #watch: Watch;
  readonly #ring: number;
  readonly #spaces = new Map<number, SeccompSpace>();
  readonly #running: SeccompContext[] = [];
  /** Contexts that have trapped since the last sleep: those that are still stopped may be spinning. */
  readonly #spinning: SeccompContext[] = [];
  readonly #died: SeccompContext[] = [];
  readonly #remains: Remains[] = [];
  readonly #ringBuffer = new Uint8Array(8);
  #cursor = 0;
  #spinRounds: number;

  constructor(memory: MemoryFile) {
    this.#features = checkHost();
    ({ hwcap: this.hwcap, hwcap2: this.hwcap2, minSigStackSize: this.minSigStackSize } = this.#features);
    let slotSize = 4096;
    while (slotSize < this.minSigStackSize + MAILBOX_SIZE) slotSize *= 2;
    this.pages = new StubPages(slotSize);
    const result = memoryFile('linux-results', 0);
    this.commands = new CommandRunner(this.pages, result);
    this.#ring = moveUp(must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 'eventfd'));
    this.#watch = new Watch(this.#ring);
    this.#stub = assembleStub({ slotSize, parentPid: process.pid, secret: newSecret() });
    const cores = availableParallelism();
    this.pages.setSpins(cores > 1 ? 100_000 : 0, 0);
    this.#spinRounds = cores > 1 ? 1000 : 0;

    const seat = this.takeSeat();
    if (seat === undefined) throw new Error('no room for the first stub process');
    const files = { physical: copyUp(memory.fd), result, doorbell: this.#ring };
    let zygote: Zygote | undefined;
    for (let tries = 0; zygote === undefined; tries++) {
      if (tries === MAX_STARTS) throw new Error('the stub process does not start');
      zygote = startZygote(this.#stub, this.pages, this.commands, seat, files);
    }
    this.#zygote = zygote;
    this.#watch.addProcess(zygote.pid);
    this.guestExtents = extentsWithout(zygote.hostRanges);
    this.template = this.#firstTrap(seat, zygote.pid);
    this.#zygoteSpace = new SeccompSpace(this, zygote.pid, seat, new RangeSet());
    this.#zygoteSpace.slotsUsed = WINDOW_SLOTS;
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

  get runningCount(): number {
    return this.#running.length;
  }

  createSpace(): HostSpace {
    return this.#zygoteSpace.fork();
  }

  nextTrap(): CpuContext | undefined {
    const running = this.#running;
    const { words } = this.pages;
    for (let left = running.length; left > 0; left--) {
      if (this.#cursor >= running.length) this.#cursor = 0;
      const context = running[this.#cursor];
      const state = Atomics.load(words, context.stateWord);
      if (state !== STATE_TRAPPED && state !== STATE_SLEEPING) {
        this.#cursor++;
        continue;
      }
      this.#stopRunning(this.#cursor);
      this.#spinning.push(context);
      if (this.#stopped(context)) return context;
    }
    return this.#nextDied();
  }

  spin(): boolean {
    const running = this.#running;
    const { words } = this.pages;
    if (this.#died.length > 0) return true;
    for (let round = running.length === 0 ? 0 : this.#spinRounds; round > 0; round -= running.length) {
      for (let index = 0; index < running.length; index++) {
        const state = Atomics.load(words, running[index].stateWord);
        if (state === STATE_TRAPPED || state === STATE_SLEEPING) return true;
      }
    }
    return false;
  }

  prepareSleep(): boolean {
    if (this.#remains.length > 0) this.#reap();
    this.pages.setSleeping(true);
    const { words } = this.pages;
    let trapped = this.#died.length > 0;
    for (const context of this.#running) {
      const state = Atomics.load(words, context.stateWord);
      if (state === STATE_TRAPPED || state === STATE_SLEEPING) trapped = true;
    }
    if (!trapped) this.#park();
    if (trapped) this.pages.setSleeping(false);
    return !trapped;
  }

  endSleep(): void {
    this.pages.setSleeping(false);
    read(this.#ring, this.#ringBuffer, 8);
    for (const pid of this.#watch.ended()) this.#ended(pid);
    this.#checkInterrupts();
  }

  shutdown(): void {
    for (const space of this.#spaces.values()) kill(space.pid, SIGKILL);
    kill(this.#zygote.pid, SIGKILL);
    for (const space of this.#spaces.values()) waitpid(space.pid, null, 0);
    for (const { pid } of this.#remains) waitpid(pid, null, 0);
    waitpid(this.#zygote.pid, null, 0);
    this.#spaces.clear();
    this.#running.length = 0;
  }

  // What spaces and contexts ask of the platform.

  resume(context: SeccompContext): void {
    if (context.state !== 'stopped') return;
    const { space } = context;
    if (space.hasChanges) space.flush();
    if (!space.alive) {
      context.markDied();
      this.#died.push(context);
      return;
    }
    context.state = 'running';
    this.#running.push(context);
    this.#wake(context, STATE_RUNNING);
  }

  interrupt(context: SeccompContext): void {
    if (context.state !== 'running' && context.state !== 'ending') return;
    tgkill(context.space.pid, context.tid, INTERRUPT_SIGNAL);
    if (context.interruptedAt === 0) {
      context.interruptedAt = performance.now();
      this.#watch.startTimer();
    }
  }

  destroyContext(context: SeccompContext): void {
    const { space } = context;
    if (!space.contexts.has(context)) return;
    if (context.state === 'running') {
      context.state = 'ending';
      this.interrupt(context);
    } else if (context.state === 'stopped') {
      this.#retire(context);
    }
  }

  cpuTimeNs(context: SeccompContext): number {
    try {
      const text = readFileSync(`/proc/${context.space.pid}/task/${context.tid}/schedstat`, 'latin1');
      return Number.parseInt(text, 10);
    } catch {
      return 0; // the thread has ended
    }
  }

  /** Brings a space's command thread to the kernel's processor. */
  bring(space: SeccompSpace): void {
    const processor = this.affinity.current();
    if (space.processor === processor) return;
    this.affinity.keep(space.pid, processor);
    space.processor = processor;
  }

  takeSeat(): number | undefined {
    if (this.#remains.length > 0) this.#reap();
    return this.pages.takeWindow();
  }

  adopted(space: SeccompSpace): void {
    this.#spaces.set(space.pid, space);
    this.#watch.addProcess(space.pid);
  }

  destroySpace(space: SeccompSpace): void {
    if (!space.alive) {
      this.#forget(space);
      return;
    }
    // The guest's memory goes at once, before anyone else gets the frames; the process goes in its own time.
    space.clear();
    if (space.alive) {
      kill(space.pid, SIGKILL);
      this.#bury(space);
    }
    this.#forget(space);
  }

  /** A stub was found dead, or does not answer. */
  died(space: SeccompSpace): void {
    if (!space.alive) return;
    kill(space.pid, SIGKILL);
    waitpid(space.pid, null, 0);
    this.#watch.removeProcess(space.pid);
    this.#bury(space);
  }

  /** A mapping call failed: the space is not what the kernel believes. */
  commandFailed(space: SeccompSpace, _errno: number): void {
    this.died(space);
  }

  /** The space is dead from now on: its running contexts will say so. */
  #bury(space: SeccompSpace): void {
    space.alive = false;
    this.#spaces.delete(space.pid);
    this.#remains.push({ pid: space.pid, windows: space.windows, slotsUsed: space.slotsUsed });
    for (let index = this.#running.length - 1; index >= 0; index--) {
      const context = this.#running[index];
      if (context.space !== space) continue;
      this.#stopRunning(index);
      if (context.state === 'ending') {
        context.state = 'gone';
        continue;
      }
      context.state = 'stopped';
      context.markDied();
      this.#died.push(context);
    }
  }

  /** No context of a destroyed space reports anything any more. */
  #forget(space: SeccompSpace): void {
    for (const context of space.contexts) context.state = 'gone';
    space.contexts.clear();
  }

  /** Tells stopped threads that spin to stop that: there will be no answer soon. */
  #park(): void {
    for (const context of this.#spinning) {
      if (context.state === 'stopped') {
        Atomics.compareExchange(this.pages.words, context.stateWord, STATE_TRAPPED, STATE_PARK);
      }
    }
    this.#spinning.length = 0;
  }

  #nextDied(): SeccompContext | undefined {
    for (;;) {
      const context = this.#died.pop();
      if (context === undefined || context.state !== 'gone') return context;
    }
  }

  #stopRunning(index: number): void {
    const last = this.#running.pop() as SeccompContext;
    if (index < this.#running.length) this.#running[index] = last;
  }

  /** A context has trapped. True if the kernel is to hear of it. */
  #stopped(context: SeccompContext): boolean {
    const ending = context.state === 'ending';
    context.state = 'stopped';
    context.interruptedAt = 0;
    if (!context.readTrap()) {
      this.died(context.space);
      context.markDied();
    }
    if (ending) this.#retire(context);
    return !ending;
  }

  /** Ends a stopped context. Its thread is kept for the next one, or told to end. */
  #retire(context: SeccompContext): void {
    const { space } = context;
    context.state = 'gone';
    space.contexts.delete(context);
    if (!space.alive) return;
    const usable =
      context.frameOffset === this.template.frameOffset && context.fpuOffset === this.template.fpuOffset;
    if (usable && space.parked.length < MAX_PARKED) space.parked.push(context);
    else this.#wake(context, STATE_EXIT);
  }

  #wake(context: SeccompContext, state: number): void {
    const { words, mailbox } = this.pages;
    if (Atomics.exchange(words, context.stateWord, state) === STATE_SLEEPING) {
      syscall(NR_futex, mailbox.address + context.stateWord * 4, FUTEX_WAKE, 1, 0);
    }
  }

  /** A process that the watch has seen end. */
  #ended(pid: number): void {
    const space = this.#spaces.get(pid);
    if (space !== undefined) this.#bury(space);
    this.#watch.removeProcess(pid);
    this.#reap();
  }

  /** Waits for killed processes that have ended, and gives their windows free. */
  #reap(): void {
    for (let index = this.#remains.length - 1; index >= 0; index--) {
      const { pid, windows, slotsUsed } = this.#remains[index];
      if (waitpid(pid, null, WNOHANG) === 0) continue;
      this.#watch.removeProcess(pid);
      this.#remains.splice(index, 1);
      windows.forEach((window, place) => {
        this.pages.releaseWindow(window, Math.min(WINDOW_SLOTS, slotsUsed - place * WINDOW_SLOTS));
      });
    }
  }

  /** Kills the space of a context that does not answer its interrupt though it has had time to. */
  #checkInterrupts(): void {
    if (!this.#watch.timerExpired()) return;
    const now = performance.now();
    let waiting = false;
    for (const context of this.#running.slice()) {
      if (context.interruptedAt === 0) continue;
      if (now - context.interruptedAt < 1000) waiting = true;
      else this.died(context.space);
    }
    if (waiting) this.#watch.startTimer();
  }

  /** Runs a thread in the zygote that traps at once, to see what a signal frame looks like here. */
  #firstTrap(seat: number, pid: number): FrameTemplate {
    const { pages } = this;
    const { words, slotSize } = pages;
    const slot = 1;
    const offset = pages.slotOffset(seat, slot);
    const address = SLOTS + slot * slotSize;
    const frame = writeFirstFrame(words, offset, address, slotSize, this.#stub.trapSite);
    words[offset >>> 2] = STATE_RUNNING;
    pages.setEntry(
      seat,
      0,
      ENTRY_THREAD | ENTRY_LAST,
      NR_clone,
      CLONE_GUEST_THREAD,
      address + frame,
      address + MAILBOX_THREAD,
    );
    const result = this.commands.run(seat, pid);
    if (result === undefined || result < 0)
      throw new Error(`the stub process cannot start a thread: errno ${-(result ?? 0)}`);
    const deadline = performance.now() + 10_000;
    while (Atomics.load(words, offset >>> 2) === STATE_RUNNING) {
      if (performance.now() > deadline || waitpid(pid, null, WNOHANG) !== 0)
        throw new Error('the first guest thread does not trap');
      this.commands.pause();
    }
    const trapFrame = offset + (words[(offset + MAILBOX_FRAME) >>> 2] - (address | 0));
    const fpu = offset + (words[(trapFrame + FRAME_FPU) >>> 2] - (address | 0));
    const template = takeTemplate(pages.bytes, offset, trapFrame, fpu);
    if (Atomics.exchange(words, offset >>> 2, STATE_EXIT) === STATE_SLEEPING) {
      syscall(NR_futex, pages.mailbox.address + offset, FUTEX_WAKE, 1, 0);
    }
    return template;
  }
}

function newSecret(): Secret {
  const bytes = randomBytes(8);
  return { fourth: bytes.readUInt32LE(0), fifth: bytes.readUInt32LE(4) };
}

/** [0, REGION) without the given ranges. */
function extentsWithout(ranges: readonly HostRange[]): { start: number; end: number }[] {
  const set = new RangeSet();
  set.add(0, REGION);
  for (const { start, end } of ranges) set.remove(start, end);
  const extents: { start: number; end: number }[] = [];
  set.each(0, REGION, (start, end) => extents.push({ start, end }));
  return extents;
}
