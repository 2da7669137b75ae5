/**
 * What the kernel asks of whatever executes guest code. `host/linux/seccomp` is the implementation for
 * x86-64 Linux; a second architecture, KVM or a WebAssembly translator would be others. Nothing above this
 * file knows how a trap came about.
 *
 * All calls are synchronous. A space or context whose host process has died (killed from outside, or hostile)
 * raises no exception: operations on it do nothing, and its contexts report a `died` trap.
 */

/** Protection bits of a host mapping: the values of PROT_READ, PROT_WRITE, PROT_EXEC. */
export const HOST_READ = 1;
export const HOST_WRITE = 2;
export const HOST_EXEC = 4;

/** One guest address space on the host. */
export interface HostSpace {
  /**
   * Maps `length` bytes of guest physical memory, from byte `physical` on, at `address`, shared. Replaces what was
   * there. Multiples of 4096, exact numbers. Queued: takes effect at the latest when `flush` returns. `ready`: the memory is
   * not a hole, and will be used at once: the guest should not have to take the host's faults for it.
   */
  map(address: number, length: number, protection: number, physical: number, ready?: boolean): void;
  unmap(address: number, length: number): void;
  /** Changes the protection of what is mapped in the range; holes in the range are allowed and ignored. */
  protect(address: number, length: number, protection: number): void;
  /** Carries out what is queued. Only after it may frames that were unmapped be given to someone else. */
  flush(): void;
  /** Removes every guest mapping (execve reuses the space). The platform's own regions and the vDSO stay. */
  clear(): void;
  /** A copy of the space with the same mappings, without contexts. Flushes first. */
  fork(): HostSpace;
  /**
   * Ends the space and every context in it. Without `gone`, no guest code reaches memory any more when this returns. With
   * it, the end is only begun, which is cheaper: what was mapped may be given to others once `gone` has been called, from
   * within createSpace, fork, prepareSleep, endSleep, resume or here.
   */
  destroy(gone?: () => void): void;
  /** A new execution context, stopped, its registers all zero (and a clean FPU state). May fail: undefined. */
  createContext(): CpuContext | undefined;
  /** Ranges inside [0, userTop) or above that the host itself has mapped in every space: the vDSO and its data. */
  readonly alive: boolean;
}

/** Why a context stopped. `detail` fields are in the context. */
export const TRAP_SYSCALL = 1;
export const TRAP_PAGE_FAULT = 2;
/** An exception that is a signal: SIGILL, SIGFPE, SIGTRAP, SIGBUS (alignment), SIGSEGV without an address. */
export const TRAP_EXCEPTION = 3;
/** `interrupt` was called. */
export const TRAP_INTERRUPTED = 4;
/** The host process behind the context is gone. The context can only be destroyed. */
export const TRAP_DIED = 5;
/** A system call through a foreign entry (int 0x80): answer ENOSYS. */
export const TRAP_FOREIGN_SYSCALL = 6;

/**
 * Index of each 64-bit general register in `CpuContext.gregs`, in pairs of 32-bit words (low word first):
 * `gregs[2 * RAX]`, `gregs[2 * RAX + 1]`. The order is that of `struct sigcontext` on x86-64.
 */
export const R8 = 0;
export const R9 = 1;
export const R10 = 2;
export const R11 = 3;
export const R12 = 4;
export const R13 = 5;
export const R14 = 6;
export const R15 = 7;
export const RDI = 8;
export const RSI = 9;
export const RBP = 10;
export const RBX = 11;
export const RDX = 12;
export const RAX = 13;
export const RCX = 14;
export const RSP = 15;
export const RIP = 16;
export const EFLAGS = 17;
/** How many registers `gregs` holds. */
export const GREG_COUNT = 18;

/** One guest thread on the host. */
export interface CpuContext {
  readonly space: HostSpace;
  /** The kernel's own tag: the task. Set once by the kernel, never read by the platform. */
  owner: unknown;

  /** The trap that stopped it: one of TRAP_*. Valid while stopped. */
  readonly trap: number;
  /** TRAP_SYSCALL: the number (rax as a signed 32-bit; also left in gregs RAX). */
  readonly syscallNumber: number;
  /** TRAP_PAGE_FAULT: the address, an exact number (non-canonical addresses come as TRAP_EXCEPTION SIGSEGV). */
  readonly faultAddress: number;
  /** TRAP_PAGE_FAULT: HOST_READ, HOST_WRITE or HOST_EXEC: what was tried. */
  readonly faultAccess: number;
  /** TRAP_EXCEPTION: the signal number, its si_code, the x86 trap number. */
  readonly signal: number;
  readonly signalCode: number;
  readonly trapNumber: number;

  /**
   * The general registers, while stopped: words shared with the host thread's signal frame. Reading and writing them
   * reads and writes the guest's registers. A hostile guest thread of the same space may change them at any time:
   * read each word once.
   */
  readonly gregs: Int32Array;
  /** The XSAVE area (standard format, as in a signal frame, FP_XSTATE_MAGIC1 in its software bytes), while stopped. */
  readonly fpu: Uint8Array;
  /** fs and gs base as exact numbers, while stopped. */
  getFsBase(): number;
  setFsBase(base: number): void;
  getGsBase(): number;
  setGsBase(base: number): void;

  /** Copies general registers, FPU state and segment bases from another stopped context. */
  copyFrom(other: CpuContext): void;
  /** Sets the FPU state to what a fresh program has. */
  resetFpu(): void;

  /** Runs it until the next trap. */
  resume(): void;
  /** Asks a running context to stop with TRAP_INTERRUPTED soon; harmless when it is stopped (it may then trap once more later). */
  interrupt(): void;
  readonly running: boolean;
  /** Ends this context. A running one is stopped first, or its space's host process killed if it resists. */
  destroy(): void;
  /** Host CPU time used, in nanoseconds. */
  cpuTimeNs(): number;
}

/** A range that the host maps in every space. */
export interface HostRange {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** What is there, if that is known and never changes: the vDSO. */
  readonly bytes?: Uint8Array | undefined;
}

export interface Platform {
  /** Bytes of an XSAVE area in `CpuContext.fpu` (without the trailing magic), and the feature mask words (XCR0 lo, hi). */
  readonly xsaveSize: number;
  readonly xfeaturesLo: number;
  readonly xfeaturesHi: number;
  /** First address that a guest may not map (exclusive end of user space for the guest). */
  readonly userTop: number;
  /** The vDSO's address for AT_SYSINFO_EHDR, or 0. */
  readonly vdso: number;
  /** [vvar], [vdso] and their like, mapped by the host in every space. */
  readonly hostRanges: readonly HostRange[];
  /** AT_HWCAP, AT_HWCAP2, AT_MINSIGSTKSZ as the host gives them. */
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;

  /** How many contexts there should be at most, so that the host stays usable: its limits on processes. */
  readonly maxContexts: number;

  createSpace(): HostSpace;
  /** A context that has trapped since it was resumed, each once, or undefined. Cheap when there is none. */
  nextTrap(): CpuContext | undefined;
  /** How many contexts are running. */
  readonly runningCount: number;
  /**
   * Spins for a short, adaptive time in the hope that a running context traps. Returns true if one has. The kernel calls
   * it only when it has nothing else to do.
   */
  spin(): boolean;
  /** Announces that the kernel is about to sleep; false if a trap came meanwhile, and the kernel must not sleep. */
  prepareSleep(): boolean;
  /** Ends the announcement. */
  endSleep(): void;
  /** The host descriptor that becomes readable when a context traps during a sleep. */
  readonly doorbell: number;
  /** Kills everything it has started. */
  shutdown(): void;
}
