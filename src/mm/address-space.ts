/**
 * A guest address space: Linux's mm_struct. Its areas (vma.ts), its page tables, and the host space that shows them to the
 * guest. User memory is read and written here too: copy_from_user and its family, EFAULT for what is not there.
 */
import type { HostSpace } from '../host/cpu.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import type { Path } from '../fs/mount.js';
import type { File } from '../fs/file.js';
import type { Task } from '../kernel/task.js';
import type { Mappable } from './mappable.js';
import type { MemoryManager } from './memory-manager.js';

/** What the kernel itself asks to have mapped (exec, shmat, mmap after its checks). */
export interface MapRequest {
  /** Page-aligned; a hint unless fixed. 0: anywhere. */
  readonly address: number;
  readonly length: number;
  /** PROT_* */
  readonly protection: number;
  /** MAP_* */
  readonly flags: number;
  readonly mappable?: Mappable | undefined;
  /** Byte offset into it, page-aligned. */
  readonly offset?: number;
  /** The open file, for /proc/PID/maps and to keep it open. */
  readonly file?: File | undefined;
  /** A name for /proc/PID/maps: '[stack]', '[heap]'. */
  readonly name?: Name;
}

/** How a fault ended: the access may be repeated, or the signal to send with its si_code. */
export type FaultOutcome = 'resolved' | { readonly signal: number; readonly code: number };

/** The contract; the implementation follows. */
export class AddressSpace {
  /** Tasks that use it (CLONE_VM). */
  users = 1;
  /** Layout of the program: /proc/PID/stat, prctl PR_SET_MM, brk(2). */
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  startBrk = 0;
  brk = 0;
  startStack = 0;
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** The auxiliary vector's bytes: /proc/PID/auxv. */
  auxv: Uint8Array = new Uint8Array(0);
  /** The program: /proc/PID/exe. */
  exe: Path | undefined;

  constructor(
    readonly manager: MemoryManager,
    readonly host: HostSpace,
  ) {}

  // User memory. All throw EFAULT.

  /** A copy of user bytes. */
  copyIn(_address: number, _length: number): Uint8Array {
    throw new Error('mm');
  }
  /** Fills `into`; returns how many bytes before a fault (no throw). */
  copyInto(_address: number, _into: Uint8Array): number {
    throw new Error('mm');
  }
  copyOut(_address: number, _from: Uint8Array): void {
    throw new Error('mm');
  }
  /** Like copyOut, but returns how many bytes before a fault (no throw). */
  copyOutPartial(_address: number, _from: Uint8Array): number {
    throw new Error('mm');
  }
  /** A NUL-terminated byte string of fewer than `max` bytes; undefined when there is no NUL among them. */
  readString(_address: number, _max: number): Name | undefined {
    throw new Error('mm');
  }
  getU8(_address: number): number {
    throw new Error('mm');
  }
  getU32(_address: number): number {
    throw new Error('mm');
  }
  putU32(_address: number, _value: number): void {
    throw new Error('mm');
  }
  /** Exact below 2^53. */
  getU64(_address: number): number {
    throw new Error('mm');
  }
  /** Negative numbers are written in two's complement. */
  putU64(_address: number, _value: number): void {
    throw new Error('mm');
  }
  clear(_address: number, _length: number): void {
    throw new Error('mm');
  }
  /** A buffer over one user range, for File.read and File.write. EFAULT when the range leaves user space. */
  buffer(_address: number, _length: number): IoBuffer {
    throw new Error('mm');
  }
  /** A buffer over several ranges: readv(2). */
  vector(_ranges: readonly { readonly address: number; readonly length: number }[]): IoBuffer {
    throw new Error('mm');
  }
  /**
   * The 32-bit word at an aligned user address, for Atomics (futexes): an array over guest memory and the index in it. Faults
   * the page in, for writing if asked. The word stays valid until the next await.
   */
  word(_address: number, _write: boolean): { readonly words: Int32Array; readonly index: number } {
    throw new Error('mm');
  }
  /** What identifies a futex word: for a shared mapping its object and offset, else this space and the address. */
  futexKey(_address: number, _privateFutex: boolean): string {
    throw new Error('mm');
  }

  // Mapping.

  /** Maps; returns the address. ENOMEM, EINVAL, EEXIST (MAP_FIXED_NOREPLACE). Does no permission checks on files. */
  map(_request: MapRequest): number {
    throw new Error('mm');
  }
  unmap(_address: number, _length: number): void {
    throw new Error('mm');
  }
  /** A page fault of a task in this space. `access`: HOST_READ, HOST_WRITE or HOST_EXEC. */
  fault(_task: Task, _address: number, _access: number): FaultOutcome {
    throw new Error('mm');
  }
  /** A copy for fork: copy-on-write. ENOMEM. */
  fork(): AddressSpace {
    throw new Error('mm');
  }
  /** Empties it for execve: its only user keeps it. */
  clearForExec(): void {
    throw new Error('mm');
  }
  /** A task lets go; the last one frees everything. */
  leave(): void {
    throw new Error('mm');
  }
}
