/**
 * The pages that the kernel shares with its stubs: the mailbox file (slots of guest threads, which guests can write) and
 * the command file (which stubs can only read), and which windows and command pages are in use. A *seat* is a window of
 * slots together with the command page of the same number.
 */
import { mapSharedAt, type Mapping } from '../ffi.js';
import {
  COMMAND_ENTRIES,
  COMMAND_SEQUENCE,
  ENTRY_FLAGS,
  ENTRY_SIZE,
  MAX_ENTRIES,
  SHARED_GUEST_SPIN,
  SHARED_GUEST_YIELD,
  SHARED_SLEEPING,
  SLOTS_LENGTH,
  WINDOW_SLOTS,
} from './layout.js';
import { close, must, open, O_CLOEXEC, O_RDONLY } from './libc.js';
import { memoryFile, moveUp } from './memfd.js';

const PAGE = 4096;
const TWO32 = 0x1_0000_0000;
export class StubPages {
  readonly mailboxFd: number;
  /** Read-only: what stubs get. */
  readonly commandFd: number;
  /** Where the command file is mapped in the kernel. */
  readonly commandAddress: number;
  readonly mailbox: Mapping;
  /** The mailbox file as words and bytes. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly windowSize: number;
  readonly #commands: Int32Array;
  readonly #windowCount: number;
  #nextWindow = 0;
  readonly #freeWindows: number[] = [];

  constructor(readonly slotSize: number) {
    this.windowSize = slotSize * WINDOW_SLOTS;
    this.#windowCount = Math.floor(SLOTS_LENGTH / this.windowSize);
    const commandLength = (1 + this.#windowCount) * PAGE;
    this.mailboxFd = memoryFile('linux-mailboxes', SLOTS_LENGTH);
    this.mailbox = mapSharedAt(this.mailboxFd, SLOTS_LENGTH, 0);
    this.words = new Int32Array(this.mailbox.buffer);
    this.bytes = new Uint8Array(this.mailbox.buffer);
    const writable = memoryFile('linux-commands', commandLength);
    const commands = mapSharedAt(writable, commandLength, 0);
    this.commandAddress = commands.address;
    this.#commands = new Int32Array(commands.buffer);
    this.commandFd = moveUp(
      must(open(`/proc/self/fd/${writable}`, O_RDONLY | O_CLOEXEC), 'reopening a memfd'),
    );
    close(writable);
  }

  /** A window that nobody uses, or undefined. */
  takeWindow(): number | undefined {
    return this.#freeWindows.pop() ?? (this.#nextWindow < this.#windowCount ? this.#nextWindow++ : undefined);
  }

  /** Gives a window back, once no process that had it mapped exists. What its first `used` slots held is wiped. */
  releaseWindow(window: number, used: number): void {
    const start = window * this.windowSize;
    this.bytes.fill(0, start, start + used * this.slotSize);
    this.#freeWindows.push(window);
  }

  /** Offset of a slot in the mailbox file. */
  slotOffset(window: number, slot: number): number {
    return window * this.windowSize + slot * this.slotSize;
  }

  commandOffset(seat: number): number {
    return (1 + seat) * PAGE;
  }

  /** Writes one entry of a batch: a system call with up to six arguments. */
  setEntry(seat: number, index: number, flags: number, nr: number, ...args: number[]): void {
    if (index >= MAX_ENTRIES) throw new Error('a command batch is too long');
    let word = (this.commandOffset(seat) + COMMAND_ENTRIES + index * ENTRY_SIZE) >>> 2;
    const flagsWord = word + (ENTRY_FLAGS >>> 2);
    this.#commands[word++] = nr;
    this.#commands[word++] = 0;
    for (let argument = 0; argument < 6; argument++) {
      const value = args[argument] ?? 0;
      this.#commands[word++] = (value % TWO32) | 0;
      this.#commands[word++] = Math.floor(value / TWO32);
    }
    this.#commands[flagsWord] = flags;
  }

  /** Adds flags to an entry that has been written. */
  addEntryFlags(seat: number, index: number, flags: number): void {
    this.#commands[(this.commandOffset(seat) + COMMAND_ENTRIES + index * ENTRY_SIZE + ENTRY_FLAGS) >>> 2] |=
      flags;
  }

  /** Copies structures for the stub to read: words at a byte offset of the command page. */
  setCommandData(seat: number, offset: number, words: readonly number[]): void {
    this.#commands.set(words, (this.commandOffset(seat) + offset) >>> 2);
  }

  /** Announces a batch. */
  setSequence(seat: number, sequence: number): void {
    Atomics.store(this.#commands, (this.commandOffset(seat) + COMMAND_SEQUENCE) >>> 2, sequence);
  }

  setSleeping(sleeping: boolean): void {
    Atomics.store(this.#commands, SHARED_SLEEPING >>> 2, sleeping ? 1 : 0);
  }

  /** How long stopped threads spin, and spin or yield, before they sleep: in cycles of the time stamp counter. */
  setSpins(spin: number, yieldUntil: number): void {
    this.#commands[SHARED_GUEST_SPIN >>> 2] = spin;
    this.#commands[SHARED_GUEST_YIELD >>> 2] = yieldUntil;
  }
}
