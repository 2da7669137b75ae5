/** One guest thread of the native platform: the trap that stopped it and its registers, read from its signal frame. */
import {
  type CpuContext,
  GREG_COUNT,
  HOST_EXEC,
  HOST_READ,
  HOST_WRITE,
  RAX,
  TRAP_DIED,
  TRAP_EXCEPTION,
  TRAP_FOREIGN_SYSCALL,
  TRAP_INTERRUPTED,
  TRAP_PAGE_FAULT,
  TRAP_SYSCALL,
} from '../../cpu.js';
import {
  FRAME_ERROR,
  FRAME_FAULT_ADDRESS,
  FRAME_FPU,
  FRAME_GREGS,
  FRAME_SIGINFO,
  FRAME_SIZE,
  FRAME_TRAP_NUMBER,
  INTERRUPT_SIGNAL,
  MAILBOX_FRAME,
  MAILBOX_FS,
  MAILBOX_GS,
  MAILBOX_SIZE,
  MAILBOX_STATE,
  REGION_HIGH,
} from './layout.js';
import type { Interrupt } from './overdue.js';
import type { SeccompPlatform } from './platform.js';
import type { SeccompSpace } from './space.js';
import { AUDIT_ARCH_X86_64, SIGSEGV, SIGSYS } from './system-calls.js';

const TWO32 = 0x1_0000_0000;
const PAGE_FAULT = 14;
/** Bits of a page fault's error code. */
const ERROR_WRITE = 2;
const ERROR_EXEC = 16;
const ERROR_PKEY = 32;
const SEGV_PKUERR = 4;
/** siginfo words: si_code, and si_arch of SIGSYS. */
const SI_CODE = FRAME_SIGINFO + 8;
const SI_ARCH = FRAME_SIGINFO + 28;

/** Where a thread is in its life, as far as the kernel is concerned. */
export type ContextState = 'stopped' | 'running' | 'ending' | 'gone';

export class SeccompContext implements CpuContext {
  owner: unknown = undefined;
  trap = 0;
  syscallNumber = 0;
  faultAddress = 0;
  faultAccess = 0;
  signal = 0;
  signalCode = 0;
  trapNumber = 0;
  gregs: Int32Array;
  fpu: Uint8Array;
  state: ContextState = 'stopped';
  pendingInterrupt: Interrupt | undefined = undefined;
  /** Its CPU time, as far as it has been settled. */
  cpuNs = 0;
  /** How long it has run since then, and since when it runs now, if it does: kept only if it is not alone in its space. */
  ranMs = 0;
  resumedAt = 0;
  /** The epoch of the placement that the thread was put in its place by, or 0. */
  placed = 0;
  /** It is in the list of those that have stopped since the kernel slept. */
  mayBeSpinning = false;
  tid = 0;
  /** Word index of the mailbox's state. */
  readonly stateWord: number;
  readonly slotOffset: number;
  readonly #platform: SeccompPlatform;
  readonly #slotLow: number;
  /** The segment bases of a context that has been detached from its slot. */
  #bases: { readonly fs: number; readonly gs: number } | undefined = undefined;
  /** Offset of the frame and of the FPU area in the slot. */
  frameOffset: number;
  fpuOffset: number;

  constructor(
    platform: SeccompPlatform,
    readonly space: SeccompSpace,
    /** Number of the slot within the space, and its offset in the mailbox file. */
    readonly slot: number,
    slotOffset: number,
    slotAddress: number,
  ) {
    this.#platform = platform;
    const { template } = platform;
    this.slotOffset = slotOffset;
    this.stateWord = (slotOffset + MAILBOX_STATE) >>> 2;
    this.#slotLow = slotAddress % TWO32;
    this.frameOffset = template.frameOffset;
    this.fpuOffset = template.fpuOffset;
    this.gregs = this.#gregsView();
    this.fpu = this.#fpuView();
  }

  get running(): boolean {
    return this.state === 'running';
  }

  getFsBase(): number {
    return this.#bases?.fs ?? this.#mailbox64(MAILBOX_FS);
  }

  setFsBase(base: number): void {
    if (this.#bases === undefined) this.#setMailbox64(MAILBOX_FS, base);
  }

  getGsBase(): number {
    return this.#bases?.gs ?? this.#mailbox64(MAILBOX_GS);
  }

  setGsBase(base: number): void {
    if (this.#bases === undefined) this.#setMailbox64(MAILBOX_GS, base);
  }

  copyFrom(other: CpuContext): void {
    this.gregs.set(other.gregs);
    this.fpu.set(other.fpu);
    this.setFsBase(other.getFsBase());
    this.setGsBase(other.getGsBase());
  }

  resetFpu(): void {
    if (this.#bases === undefined)
      this.#platform.pages.bytes.set(this.#platform.template.fpu, this.slotOffset + this.fpuOffset);
  }

  resume(): void {
    this.#platform.resume(this);
  }

  interrupt(): void {
    this.#platform.interrupt(this);
  }

  destroy(): void {
    this.#platform.destroyContext(this);
  }

  cpuTimeNs(): number {
    return this.#platform.cpuTimeNs(this);
  }

  /**
   * Reads what stopped the thread. False if what the mailbox says cannot be: the guest has scribbled over it. Every word
   * is read once.
   */
  readTrap(): boolean {
    const { words } = this.#platform.pages;
    const mailbox = this.slotOffset >>> 2;
    const frameOffset = this.#offsetOf(words, mailbox + (MAILBOX_FRAME >>> 2), FRAME_SIZE);
    if (frameOffset < 0 || (frameOffset & 15) !== 8) return false;
    const frame = (this.slotOffset + frameOffset) >>> 2;
    const fpuOffset = this.#offsetOf(words, frame + (FRAME_FPU >>> 2), this.#platform.template.xsaveSize + 4);
    if (fpuOffset < 0 || (fpuOffset & 63) !== 0) return false;
    if (frameOffset !== this.frameOffset) {
      this.frameOffset = frameOffset;
      this.gregs = this.#gregsView();
    }
    if (fpuOffset !== this.fpuOffset) {
      this.fpuOffset = fpuOffset;
      this.fpu = this.#fpuView();
    }
    const signal = words[frame + (FRAME_SIGINFO >>> 2)];
    if (signal === SIGSYS) {
      this.trap =
        words[frame + (SI_ARCH >>> 2)] === (AUDIT_ARCH_X86_64 | 0) ? TRAP_SYSCALL : TRAP_FOREIGN_SYSCALL;
      this.syscallNumber = this.gregs[2 * RAX];
    } else if (signal === INTERRUPT_SIGNAL) {
      this.trap = TRAP_INTERRUPTED;
    } else {
      this.#readException(words, frame, signal);
    }
    return true;
  }

  /** A page fault that the kernel's memory manager can look at, or an exception that is a signal. */
  #readException(words: Int32Array, frame: number, signal: number): void {
    const trapNumber = words[frame + (FRAME_TRAP_NUMBER >>> 2)];
    const error = words[frame + (FRAME_ERROR >>> 2)];
    const addressHigh = words[frame + (FRAME_FAULT_ADDRESS >>> 2) + 1];
    this.signal = signal;
    this.signalCode = words[frame + (SI_CODE >>> 2)];
    this.trapNumber = trapNumber;
    this.trap = TRAP_EXCEPTION;
    if (signal !== SIGSEGV || trapNumber !== PAGE_FAULT) return;
    this.faultAddress = (words[frame + (FRAME_FAULT_ADDRESS >>> 2)] >>> 0) + (addressHigh >>> 0) * TWO32;
    this.faultAccess = error & ERROR_EXEC ? HOST_EXEC : error & ERROR_WRITE ? HOST_WRITE : HOST_READ;
    if (error & ERROR_PKEY) this.signalCode = SEGV_PKUERR;
    else if (addressHigh >= 0 && addressHigh < 0x8000) this.trap = TRAP_PAGE_FAULT;
  }

  markDied(): void {
    this.trap = TRAP_DIED;
  }

  /** Its slot will be another's: the registers become a copy of what they were. */
  detach(): void {
    this.#bases = { fs: this.getFsBase(), gs: this.getGsBase() };
    this.gregs = this.gregs.slice();
    this.fpu = this.fpu.slice();
  }

  /** Offset within the slot of an address in shared memory, or -1 if `size` bytes from there are not in its stack area. */
  #offsetOf(words: Int32Array, word: number, size: number): number {
    const low = words[word] >>> 0;
    if (words[word + 1] !== REGION_HIGH) return -1;
    const offset = low - this.#slotLow;
    return offset >= MAILBOX_SIZE && offset + size <= this.#platform.pages.slotSize ? offset : -1;
  }

  #gregsView(): Int32Array {
    const { mailbox } = this.#platform.pages;
    return new Int32Array(mailbox.buffer, this.slotOffset + this.frameOffset + FRAME_GREGS, 2 * GREG_COUNT);
  }

  #fpuView(): Uint8Array {
    const { mailbox } = this.#platform.pages;
    return new Uint8Array(
      mailbox.buffer,
      this.slotOffset + this.fpuOffset,
      this.#platform.template.xsaveSize,
    );
  }

  #mailbox64(offset: number): number {
    const { words } = this.#platform.pages;
    const word = (this.slotOffset + offset) >>> 2;
    return (words[word] >>> 0) + (words[word + 1] >>> 0) * TWO32;
  }

  #setMailbox64(offset: number, value: number): void {
    const { words } = this.#platform.pages;
    const word = (this.slotOffset + offset) >>> 2;
    words[word] = (value % TWO32) | 0;
    words[word + 1] = Math.floor(value / TWO32);
  }
}
