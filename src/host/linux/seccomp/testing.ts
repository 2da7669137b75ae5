/** A machine for the platform's tests: guest code goes into physical memory, and traps are waited for. */
import { type CpuContext, HOST_EXEC, HOST_READ, HOST_WRITE, type HostSpace, RIP, RSP } from '../../cpu.js';
import { call } from '../ffi.js';
import { createPhysicalMemory, type MemoryFile } from '../memory.js';
import { Assembler } from './assembler.js';
import { SeccompPlatform } from './platform.js';

const poll = call<[Int32Array, number, number]>('int poll(void *fds, unsigned long count, int timeout)');
const POLLIN = 1;

export const CODE = 0x10000;
export const DATA = 0x200000;
export const STACK_TOP = DATA + 0x10000;
/** Physical address of what is mapped at DATA. Code pages are taken from below, one for each space. */
export const DATA_PHYSICAL = 0x100000;

export function setRegister(context: CpuContext, register: number, value: number): void {
  context.gregs[2 * register] = (value % 0x1_0000_0000) | 0;
  context.gregs[2 * register + 1] = Math.floor(value / 0x1_0000_0000);
}

export function getRegister(context: CpuContext, register: number): number {
  return (context.gregs[2 * register] >>> 0) + (context.gregs[2 * register + 1] >>> 0) * 0x1_0000_0000;
}

export class TestMachine {
  readonly memory: MemoryFile;
  readonly platform: SeccompPlatform;
  readonly #poll: Int32Array;
  #nextCode = 0;

  constructor() {
    this.memory = createPhysicalMemory(64 << 20);
    this.platform = new SeccompPlatform(this.memory);
    this.#poll = Int32Array.of(this.platform.doorbell, POLLIN);
  }

  get bytes(): Uint8Array {
    return this.memory.chunks[0];
  }

  /** A space with code at CODE and 64 KiB of data at DATA, which all spaces share. */
  space(write: (a: Assembler) => void): HostSpace {
    const a = new Assembler(CODE);
    write(a);
    const code = this.#nextCode;
    this.#nextCode = (code + 4096) % DATA_PHYSICAL;
    this.bytes.fill(0xcc, code, code + 4096);
    this.bytes.set(a.assemble(), code);
    this.bytes.fill(0, DATA_PHYSICAL, DATA_PHYSICAL + 0x10000);
    const space = this.platform.createSpace();
    space.map(CODE, 4096, HOST_READ | HOST_EXEC, code);
    space.map(DATA, 0x10000, HOST_READ | HOST_WRITE, DATA_PHYSICAL);
    space.flush();
    return space;
  }

  /** A context that is to start at CODE. */
  context(space: HostSpace, at = CODE): CpuContext {
    const context = space.createContext();
    if (context === undefined) throw new Error('no context');
    setRegister(context, RIP, at);
    setRegister(context, RSP, STACK_TOP);
    return context;
  }

  /** Starts guest code in a space of its own. */
  start(write: (a: Assembler) => void): CpuContext {
    const context = this.context(this.space(write));
    context.resume();
    return context;
  }

  /** The next trap, whosever it is; undefined after `timeoutMs`. */
  next(timeoutMs = 10_000): CpuContext | undefined {
    const deadline = performance.now() + timeoutMs;
    const { platform } = this;
    while (performance.now() < deadline) {
      const context = platform.nextTrap();
      if (context !== undefined) return context;
      if (platform.spin() || !platform.prepareSleep()) continue;
      poll(this.#poll, 1, Math.max(1, deadline - performance.now()));
      platform.endSleep();
    }
    return undefined;
  }

  /** The next trap, which must be there. */
  trap(): CpuContext {
    const context = this.next();
    if (context === undefined) throw new Error('nothing trapped');
    return context;
  }

  close(): void {
    this.platform.shutdown();
  }
}
