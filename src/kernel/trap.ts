/**
 * From a trap of guest code to its return: which function serves it, and what comes of errors. The only place that turns
 * thrown errnos into numbers.
 */
import {
  type CpuContext,
  HOST_EXEC,
  HOST_WRITE,
  TRAP_DIED,
  TRAP_EXCEPTION,
  TRAP_FOREIGN_SYSCALL,
  TRAP_INTERRUPTED,
  TRAP_PAGE_FAULT,
  TRAP_SYSCALL,
} from '../host/cpu.js';
import { ENOSYS, ERESTARTSYS, ERESTART_RESTARTBLOCK, Errno } from '../uapi/errno.js';
import { SIGBUS, SIGKILL, SIGSEGV, SIGTRAP, SI_KERNEL } from '../uapi/signal.js';
import { doGroupExit, exitTask } from './exit.js';
import type { Kernel } from './kernel.js';
import { oops } from './panic.js';
import { afterStep, enterUserTraced, leaveUserTraced, syscallEntryStop, syscallExitStop } from './ptrace.js';
import { faultInfo } from './siginfo.js';
import { forceSignal } from './signal-send.js';
import { prepareReturn } from './signal-deliver.js';
import { REGISTERS_SET, type Result } from './syscall.js';
import type { Task } from './task.js';

/** The vector of page faults: the trap number in a signal frame. */
const PAGE_FAULT = 14;

const isRestart = (result: number): boolean =>
  result <= -ERESTARTSYS.number && result >= -ERESTART_RESTARTBLOCK.number;

export class Traps {
  /** The argument registers of the call being decoded. Handlers get values, so one array serves all. */
  private readonly words = new Int32Array(12);
  private readonly complained = new Set<number>();

  constructor(private readonly kernel: Kernel) {
    kernel.traps = this;
  }

  /** Serves one trap. Afterwards the context runs again, or its task sleeps, is stopped or has ended. */
  serve(context: CpuContext): void {
    const task = context.owner as Task;
    if (task.context !== context) return;
    if (task.tracing !== undefined) leaveUserTraced(task, task.tracing);
    switch (context.trap) {
      case TRAP_SYSCALL:
        this.syscall(task, context.syscallNumber);
        return;
      case TRAP_PAGE_FAULT:
        this.pageFault(task, context.faultAddress, context.faultAccess);
        return;
      case TRAP_EXCEPTION:
        this.exception(task, context);
        return;
      case TRAP_INTERRUPTED:
        this.returnToUser(task);
        return;
      case TRAP_FOREIGN_SYSCALL:
        this.kernel.arch.setResult(task, -ENOSYS.number);
        this.returnToUser(task);
        return;
      case TRAP_DIED:
        // Its host process is gone: killed from outside, or found hostile. Only this guest process is lost.
        doGroupExit(task, SIGKILL);
        this.returnToUser(task);
    }
  }

  private syscall(task: Task, number: number): void {
    task.state = 'kernel';
    task.syscallNumber = number;
    const result = task.tracing === undefined ? this.call(task, number) : this.tracedCall(task);
    if (typeof result === 'number') this.finish(task, result);
    else this.later(task, result);
  }

  /** Decodes and runs; errors that are thrown at once come back as numbers. */
  private call(task: Task, number: number): Result {
    const { arch } = this.kernel;
    const call = arch.syscalls[number];
    if (call === undefined) {
      this.complain(task, number);
      return -ENOSYS.number;
    }
    try {
      arch.readArguments(task, this.words);
      return call.run(task, this.words);
    } catch (error) {
      return this.errorNumber(task, error);
    }
  }

  /** A system call of a traced task. The tracer may change its number and arguments, and its result. */
  private async tracedCall(task: Task): Promise<number> {
    const { arch } = this.kernel;
    // What the tracer finds as the result so far.
    arch.setResult(task, -ENOSYS.number);
    const emulated = await syscallEntryStop(task);
    if (task.dying !== undefined) return REGISTERS_SET;
    if (!emulated && task.syscallNumber !== -1) {
      const result = await this.settled(task, task.syscallNumber);
      if (task.context === undefined) return REGISTERS_SET;
      if (result !== REGISTERS_SET) arch.setResult(task, result);
      if (isRestart(result)) task.workPending = true;
    }
    await syscallExitStop(task);
    return REGISTERS_SET;
  }

  /** As `call`, but also errors that come later come back as numbers. */
  private async settled(task: Task, number: number): Promise<number> {
    try {
      return await this.call(task, number);
    } catch (error) {
      return this.errorNumber(task, error);
    }
  }

  private later(task: Task, result: Promise<number>): void {
    const { scheduler } = this.kernel;
    if (task.sleeping === undefined) scheduler.stir(task);
    result.then(
      (value) => {
        scheduler.settle(task);
        this.finish(task, value);
      },
      (error: unknown) => {
        scheduler.settle(task);
        this.finish(task, this.errorNumber(task, error));
      },
    );
  }

  private finish(task: Task, result: number): void {
    if (task.context === undefined) return;
    if (result !== REGISTERS_SET) this.kernel.arch.setResult(task, result);
    // An interrupted call is repeated or fails, even when its signal has been taken by another thread.
    if (isRestart(result)) task.workPending = true;
    this.returnToUser(task);
  }

  private errorNumber(task: Task, error: unknown): number {
    if (error instanceof Errno) return -error.number;
    const name = this.kernel.arch.syscallNames[task.syscallNumber] ?? String(task.syscallNumber);
    oops(this.kernel, `in system call ${name} of ${task.comm}[${task.tid}]`, error);
    doGroupExit(task, SIGSEGV);
    return -ENOSYS.number;
  }

  private exception(task: Task, { signal, signalCode, trapNumber }: CpuContext): void {
    task.lastTrap = { number: trapNumber, error: 0, address: task.lastTrap.address };
    const info = faultInfo(signal, signalCode, this.kernel.arch.instructionPointer(task));
    const told = signal === SIGTRAP && task.tracing !== undefined ? afterStep(task, info) : info;
    if (told !== undefined) forceSignal(task, told);
    this.returnToUser(task);
  }

  private pageFault(task: Task, address: number, access: number): void {
    const { mm } = task;
    if (mm === undefined) return;
    // The error code of a fault in user mode: bit 1 write, bit 2 user, bit 4 instruction fetch.
    const error = 4 | (access === HOST_WRITE ? 2 : 0) | (access === HOST_EXEC ? 16 : 0);
    task.lastTrap = { number: PAGE_FAULT, error, address };
    try {
      const outcome = mm.fault(task, address, access);
      if (outcome !== 'resolved') forceSignal(task, faultInfo(outcome.signal, outcome.code, address));
    } catch (error) {
      if (error instanceof Errno) forceSignal(task, faultInfo(SIGBUS, SI_KERNEL, address));
      else {
        oops(this.kernel, `in a page fault of ${task.comm}[${task.tid}] at 0x${address.toString(16)}`, error);
        doGroupExit(task, SIGSEGV);
      }
    }
    this.returnToUser(task);
  }

  /** Lets a task run guest code, after what is pending for it: an exit, signals, stops. */
  returnToUser(task: Task): void {
    if (task.workPending || task.signalPending()) {
      try {
        const wait = prepareReturn(task);
        if (wait !== undefined) {
          this.prepareLater(task, wait);
          return;
        }
      } catch (error) {
        oops(this.kernel, `on the way of ${task.comm}[${task.tid}] to user mode`, error);
        doGroupExit(task, SIGSEGV);
      }
    }
    this.enterUser(task);
  }

  private prepareLater(task: Task, wait: Promise<void>): void {
    const { scheduler } = this.kernel;
    if (task.sleeping === undefined) scheduler.stir(task);
    wait.then(
      () => {
        scheduler.settle(task);
        this.enterUser(task);
      },
      (error: unknown) => {
        scheduler.settle(task);
        oops(this.kernel, `on the way of ${task.comm}[${task.tid}] to user mode`, error);
        doGroupExit(task, SIGSEGV);
        this.enterUser(task);
      },
    );
  }

  private enterUser(task: Task): void {
    if (task.dying !== undefined) {
      exitTask(task);
      return;
    }
    const { context } = task;
    if (context === undefined) return;
    task.syscallNumber = -1;
    task.state = 'user';
    if (task.tracing !== undefined) enterUserTraced(task, task.tracing);
    context.resume();
  }

  /** An unknown system call is logged once each, with the program that wanted it. */
  private complain(task: Task, number: number): void {
    if (this.complained.has(number)) return;
    this.complained.add(number);
    const name = this.kernel.arch.syscallNames[number] ?? '?';
    this.kernel.log.info(`${task.comm}[${task.tid}]: system call ${number} (${name}) is not implemented`);
  }
}
