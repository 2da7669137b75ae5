/**
 * For unit tests: tasks with registers and a signal frame of their own, and the real trap loop, but no guest program. A test
 * plays the program: it makes system calls by `enter`, looks at registers, and returns from handlers by `sigreturn`.
 *
 *     const machine = new GuestMachine();
 *     const task = machine.newGuest();
 *     machine.handle(task, SIGUSR1, 0x5000);
 *     await machine.enter(task, 'kill', task.process.pid, SIGUSR1);
 *     expect(machine.rip(task)).toBe(0x5000);
 */
import { x86 } from '../arch/x86/arch.js';
import { getRegister, setRegister } from '../arch/x86/registers.js';
import { TestMachine, USER } from '../fs/testing.js';
import {
  type CpuContext,
  GREG_COUNT,
  R10,
  R8,
  R9,
  RAX,
  RDI,
  RDX,
  RIP,
  RSI,
  RSP,
  TRAP_INTERRUPTED,
  TRAP_PAGE_FAULT,
  TRAP_SYSCALL,
} from '../host/cpu.js';
import { FP_XSTATE_MAGIC1, SA_RESTORER, _fpx_sw_bytes, FPX_SW_BYTES_OFFSET } from '../uapi/signal.js';
import { syscallNumbers } from '../uapi/unistd-64.js';
import { SignalSet } from './signal-set.js';
import type { Task } from './task.js';
import { Traps } from './trap.js';

/** x87, SSE, AVX: legacy area, header, 256 bytes of upper halves. */
export const XSAVE_SIZE = 512 + 64 + 256;
const XFEATURES = 7;

/** Where the program of a test is, and its stack pointer. */
export const CODE = 0x40_1000;
export const STACK = USER + 0x8_0000;
export const RESTORER = 0x40_2000;

export class FakeContext {
  readonly gregs = new Int32Array(2 * GREG_COUNT);
  readonly fpu = new Uint8Array(XSAVE_SIZE);
  owner: unknown;
  running = true;
  interrupts = 0;
  trap = 0;
  syscallNumber = 0;
  faultAddress = 0;
  faultAccess = 0;
  cpuTime = 0;

  constructor() {
    this.resetFpu();
  }
  resume(): void {
    this.running = true;
  }
  interrupt(): void {
    this.interrupts++;
  }
  resetFpu(): void {
    this.fpu.fill(0);
    const software = { magic1: FP_XSTATE_MAGIC1, extended_size: XSAVE_SIZE + 4, xstate_size: XSAVE_SIZE };
    this.fpu.set(_fpx_sw_bytes.encode(software), FPX_SW_BYTES_OFFSET);
    const view = new DataView(this.fpu.buffer);
    view.setUint32(FPX_SW_BYTES_OFFSET + 8, XFEATURES, true);
    view.setUint32(24, 0x1f80, true);
    view.setUint32(28, 0xffff, true);
  }
  destroy(): void {
    this.running = false;
  }
  cpuTimeNs(): number {
    return this.cpuTime;
  }
  getFsBase(): number {
    return 0;
  }
  setFsBase(): void {}
  getGsBase(): number {
    return 0;
  }
  setGsBase(): void {}
}

export class GuestMachine extends TestMachine {
  readonly traps: Traps;

  constructor() {
    super();
    this.kernel.arch = x86;
    const cpu = { userTop: 0x7fff_0000_0000, xfeaturesLo: XFEATURES, xfeaturesHi: 0, xsaveSize: XSAVE_SIZE };
    Object.assign(this.kernel.host, { cpu });
    this.traps = new Traps(this.kernel);
    // Number 1 is init, whose signals are special.
    this.newProcess();
  }

  /** A process whose thread runs in user mode. */
  newGuest(): Task {
    const task = this.newProcess();
    // For once not alone in its memory, so that nothing is skipped that others could see.
    this.equip(task);
    return task;
  }

  /** Another thread of it. */
  newGuestThread(of: Task): Task {
    const task = this.newThread(of);
    this.equip(task);
    return task;
  }

  private equip(task: Task): void {
    const context = new FakeContext();
    context.owner = task;
    task.context = context as unknown as CpuContext;
    task.state = 'user';
    Object.assign(task.memory, { users: 2, leave: () => {} });
    Object.assign(task.fs, { leave: () => {} });
    setRegister(context.gregs, RIP, CODE);
    setRegister(context.gregs, RSP, STACK - 0x1000 * (task.tid & 15));
  }

  context(task: Task): FakeContext {
    return task.context as unknown as FakeContext;
  }
  register(task: Task, register: number): number {
    return getRegister(this.context(task).gregs, register);
  }
  rip(task: Task): number {
    return this.register(task, RIP);
  }
  rax(task: Task): number {
    return x86.getResult(task);
  }

  /** Makes a system call as the program would, and lets everything run until nothing can. */
  async enter(task: Task, name: keyof typeof syscallNumbers, ...values: number[]): Promise<void> {
    const context = this.context(task);
    const { gregs } = context;
    for (const [index, value] of values.entries())
      setRegister(gregs, [RDI, RSI, RDX, R10, R8, R9][index], value);
    setRegister(gregs, RAX, syscallNumbers[name]);
    setRegister(gregs, RIP, getRegister(gregs, RIP) + 2);
    context.trap = TRAP_SYSCALL;
    context.syscallNumber = syscallNumbers[name];
    await this.trap(task);
  }

  /** Repeats the system call that the registers point at, as a restart does. */
  async repeat(task: Task): Promise<void> {
    const context = this.context(task);
    context.trap = TRAP_SYSCALL;
    context.syscallNumber = this.rax(task);
    setRegister(context.gregs, RIP, this.rip(task) + 2);
    await this.trap(task);
  }

  async fault(task: Task, address: number): Promise<void> {
    Object.assign(this.context(task), { trap: TRAP_PAGE_FAULT, faultAddress: address, faultAccess: 1 });
    await this.trap(task);
  }

  /** Serves the interrupts that contexts have been sent. */
  async interrupted(...tasks: Task[]): Promise<void> {
    for (const task of tasks) {
      this.context(task).trap = TRAP_INTERRUPTED;
      await this.trap(task);
    }
  }

  private async trap(task: Task): Promise<void> {
    const context = this.context(task);
    context.running = false;
    this.traps.serve(context as unknown as CpuContext);
    await this.settle();
  }

  /** The handler returns: its return address is the restorer, which calls rt_sigreturn. */
  async sigreturn(task: Task): Promise<void> {
    const { gregs } = this.context(task);
    setRegister(gregs, RSP, getRegister(gregs, RSP) + 8);
    await this.enter(task, 'rt_sigreturn');
  }

  /** Sets a handler: an address, or 0 and 1 for SIG_DFL and SIG_IGN. */
  handle(task: Task, signal: number, handler: number, flags = 0, mask: readonly number[] = []): void {
    task.process.handlers.actions[signal] = {
      handler,
      flags: flags | SA_RESTORER,
      restorer: RESTORER,
      mask: SignalSet.of(...mask),
    };
  }
}
