import { beforeEach, describe, expect, test } from 'vitest';
import { RAX, RDI } from '../host/cpu.js';
import { USER } from '../fs/testing.js';
import { readUserRegisters } from '../arch/x86/user-registers.js';
import {
  PTRACE_ATTACH,
  PTRACE_CONT,
  PTRACE_DETACH,
  PTRACE_EVENT_STOP,
  PTRACE_GETREGS,
  PTRACE_GETSIGINFO,
  PTRACE_INTERRUPT,
  PTRACE_LISTEN,
  PTRACE_O_EXITKILL,
  PTRACE_O_TRACESYSGOOD,
  PTRACE_SEIZE,
  PTRACE_SETOPTIONS,
  PTRACE_SETREGS,
  PTRACE_SYSCALL,
  user_regs_struct,
} from '../uapi/ptrace.js';
import { SIGCONT, SIGKILL, SIGSTOP, SIGTRAP, SIGUSR1 } from '../uapi/signal.js';
import { kernelInfo } from './siginfo.js';
import { sendToProcess } from './signal-send.js';
import type { Task } from './task.js';
import { GuestMachine } from './testing.js';

const HANDLER = 0x5000;
const STATUS = USER + 0x100;
const REGISTERS = USER + 0x400;
const WNOHANG = 1;

let machine: GuestMachine;
let tracer: Task;
let task: Task;

beforeEach(() => {
  machine = new GuestMachine();
  tracer = machine.newGuest();
  task = machine.newGuest();
});

const ptrace = async (request: number, address = 0, data = 0): Promise<number> => {
  await machine.enter(tracer, 'ptrace', request, task.tid, address, data);
  return machine.rax(tracer);
};
/** The stop that wait4 tells of, or undefined when there is none. */
const waited = async (): Promise<number | undefined> => {
  await machine.enter(tracer, 'wait4', task.tid, STATUS, WNOHANG, 0);
  return machine.rax(tracer) === task.tid ? tracer.memory.getU32(STATUS) >>> 8 : undefined;
};
const attached = async (): Promise<void> => {
  await ptrace(PTRACE_ATTACH);
  await machine.interrupted(task);
  expect(await waited()).toBe(SIGSTOP);
};
const sent = async (signal: number): Promise<void> => {
  sendToProcess(task.process, kernelInfo(signal));
  if (machine.context(task).running) await machine.interrupted(task);
  await machine.settle();
};

test('a tracee is told of once, and stays stopped until it is resumed', async () => {
  await attached();
  expect(await waited()).toBeUndefined();
  expect(task.state).toBe('traced');
  await ptrace(PTRACE_CONT);
  expect(task.state).toBe('user');
  expect(await ptrace(PTRACE_CONT)).toBe(-3);
});

test('signals come to the tracer first, which drops, changes or passes them', async () => {
  machine.handle(task, SIGUSR1, HANDLER);
  await attached();
  await ptrace(PTRACE_CONT);
  await sent(SIGUSR1);
  expect(await waited()).toBe(SIGUSR1);
  await ptrace(PTRACE_CONT);
  expect(machine.rip(task)).not.toBe(HANDLER);
  await sent(SIGCONT);
  expect(await waited()).toBe(SIGCONT);
  await ptrace(PTRACE_CONT, 0, SIGUSR1);
  expect(machine.rip(task)).toBe(HANDLER);
});

test('SIGKILL asks nobody', async () => {
  await attached();
  await sent(SIGKILL);
  expect(task.state).toBe('zombie');
  await machine.enter(tracer, 'wait4', task.tid, STATUS, 0, 0);
  expect(tracer.memory.getU32(STATUS)).toBe(SIGKILL);
});

test('system calls stop at both ends, where number and result can be changed', async () => {
  await attached();
  await ptrace(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACESYSGOOD);
  await ptrace(PTRACE_SYSCALL);
  await machine.enter(task, 'getppid', 7);
  expect(await waited()).toBe(SIGTRAP | 0x80);
  await ptrace(PTRACE_GETREGS, 0, REGISTERS);
  const { offset } = user_regs_struct;
  const register = (at: number): number => tracer.memory.getU64(REGISTERS + at);
  expect(register(offset.orig_rax)).toBe(110);
  expect(register(offset.rdi)).toBe(7);
  tracer.memory.putU64(REGISTERS + offset.orig_rax, 39);
  await ptrace(PTRACE_SETREGS, 0, REGISTERS);
  await ptrace(PTRACE_SYSCALL);
  expect(await waited()).toBe(SIGTRAP | 0x80);
  expect(machine.register(task, RAX)).toBe(task.process.pid);
  await ptrace(PTRACE_GETREGS, 0, REGISTERS);
  tracer.memory.putU64(REGISTERS + offset.rax, 1234);
  await ptrace(PTRACE_SETREGS, 0, REGISTERS);
  await ptrace(PTRACE_CONT);
  expect(machine.register(task, RAX)).toBe(1234);
  expect(machine.register(task, RDI)).toBe(7);
});

describe('a seized tracee', () => {
  beforeEach(() => ptrace(PTRACE_SEIZE));

  test('runs until it is interrupted, also out of a sleep that then goes on', async () => {
    expect(task.state).toBe('user');
    await machine.enter(task, 'pause');
    await ptrace(PTRACE_INTERRUPT);
    expect(await waited()).toBe(SIGTRAP | (PTRACE_EVENT_STOP << 8));
    await ptrace(PTRACE_CONT);
    expect(machine.rax(task)).toBe(34);
    await machine.repeat(task);
    expect(machine.context(task).running).toBe(false);
  });

  test('listens to job control', async () => {
    await sent(SIGSTOP);
    expect(await waited()).toBe(SIGSTOP);
    await ptrace(PTRACE_CONT, 0, SIGSTOP);
    expect(await waited()).toBe(SIGSTOP | (PTRACE_EVENT_STOP << 8));
    expect(await ptrace(PTRACE_LISTEN)).toBe(0);
    expect(await waited()).toBeUndefined();
    expect(await ptrace(PTRACE_GETSIGINFO, 0, REGISTERS)).toBe(-3);
    await sent(SIGCONT);
    expect(await waited()).toBe(SIGTRAP | (PTRACE_EVENT_STOP << 8));
  });

  test('stays stopped when its tracer lets go of a stopped process', async () => {
    await sent(SIGSTOP);
    await ptrace(PTRACE_CONT, 0, SIGSTOP);
    await ptrace(PTRACE_DETACH);
    expect(task.state).toBe('stopped');
    await sent(SIGCONT);
    expect(task.state).toBe('user');
  });
});

test.each([
  [0, 'user'],
  [PTRACE_O_EXITKILL, 'zombie'],
])('with option %d a tracee whose tracer exits is %s', async (option, state) => {
  await ptrace(PTRACE_SEIZE, 0, option);
  await machine.enter(task, 'pause');
  // Somebody has to reap it.
  task.process.parent = machine.newGuest().process;
  await machine.enter(tracer, 'exit_group', 0);
  await machine.settle();
  expect(task.state).toBe(state === 'user' ? 'kernel' : 'zombie');
  expect(task.tracing).toBeUndefined();
});

test('only one may trace, and nobody himself', async () => {
  expect(await ptrace(PTRACE_SEIZE)).toBe(0);
  expect(await ptrace(PTRACE_SEIZE)).toBe(-1);
  await machine.enter(tracer, 'ptrace', PTRACE_ATTACH, tracer.tid, 0, 0);
  expect(machine.rax(tracer)).toBe(-1);
});

test('registers that a debugger may not change', async () => {
  await attached();
  const { offset } = user_regs_struct;
  await ptrace(PTRACE_GETREGS, 0, REGISTERS);
  tracer.memory.putU64(REGISTERS + offset.fs_base, 0x7fff_ffff_f000);
  expect(await ptrace(PTRACE_SETREGS, 0, REGISTERS)).toBe(-5);
  await ptrace(PTRACE_GETREGS, 0, REGISTERS);
  tracer.memory.putU64(REGISTERS + offset.eflags, 0x3200);
  tracer.memory.putU64(REGISTERS + offset.cs, 0x23);
  await ptrace(PTRACE_SETREGS, 0, REGISTERS);
  const words = readUserRegisters(task);
  expect(words[(2 * offset.eflags) / 8] & 0x3000).toBe(0);
  expect(words[(2 * offset.cs) / 8]).toBe(0x33);
});
