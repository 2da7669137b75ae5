import { beforeEach, describe, expect, test } from 'vitest';
import { EFLAGS, RDX, RIP, RSI, RSP } from '../../host/cpu.js';
import { SignalSet } from '../../kernel/signal-set.js';
import { faultInfo } from '../../kernel/siginfo.js';
import { forceSignal } from '../../kernel/signal-send.js';
import type { Task } from '../../kernel/task.js';
import { CODE, FakeContext, GuestMachine, RESTORER, XSAVE_SIZE } from '../../kernel/testing.js';
import {
  FP_XSTATE_MAGIC2,
  SA_SIGINFO,
  SIGSEGV,
  SIGUSR1,
  SS_AUTODISARM,
  sigcontext,
  siginfo_fault,
  ucontext,
} from '../../uapi/signal.js';
import { setRegister } from './registers.js';

const HANDLER = 0x40_5000;
const SIGCONTEXT = ucontext.offset.uc_mcontext;

let machine: GuestMachine;
let task: Task;
let context: FakeContext;

beforeEach(() => {
  machine = new GuestMachine();
  task = machine.newGuest();
  context = machine.context(task);
  machine.handle(task, SIGUSR1, HANDLER, SA_SIGINFO);
});

const raise = (): Promise<void> => machine.enter(task, 'kill', task.process.pid, SIGUSR1);
const contextAt = (): number => machine.register(task, RDX);
const savedContext = () => ucontext.decode(task.memory.copyIn(contextAt(), ucontext.size));
const fpuAt = (): number => savedContext().uc_mcontext.fpstate;
const diedOf = (): number | undefined => task.process.exitStatus;

describe('the frame', () => {
  test('is laid out as Linux has it', async () => {
    const before = machine.register(task, RSP);
    await raise();
    const frame = machine.register(task, RSP);
    expect(task.memory.getU64(frame)).toBe(RESTORER);
    expect(contextAt()).toBe(frame + 8);
    expect(machine.register(task, RSI)).toBe(frame + 8 + 304);
    const { uc_flags, uc_mcontext } = savedContext();
    expect(uc_flags).toBe(7);
    expect([uc_mcontext.cs, uc_mcontext.ss]).toEqual([0x33, 0x2b]);
    expect(uc_mcontext.rip.unsigned).toBe(CODE + 2);
    expect(uc_mcontext.rsp.unsigned).toBe(before);
    const fpu = uc_mcontext.fpstate;
    expect(fpu % 64).toBe(0);
    expect(task.memory.getU32(fpu + XSAVE_SIZE)).toBe(FP_XSTATE_MAGIC2);
    // The red zone is not touched.
    expect(fpu + XSAVE_SIZE + 4).toBeLessThanOrEqual(before - 128);
    expect(frame + 440).toBeLessThanOrEqual(fpu);
  });

  test('tells of a fault', async () => {
    machine.handle(task, SIGSEGV, HANDLER, SA_SIGINFO);
    task.lastTrap = { number: 14, error: 6, address: 0x1234 };
    forceSignal(task, faultInfo(SIGSEGV, 1, 0x1234));
    await machine.interrupted(task);
    const { trapno, err, cr2 } = savedContext().uc_mcontext;
    expect([trapno, err, cr2]).toEqual([14, 6, 0x1234]);
    const info = siginfo_fault.decode(task.memory.copyIn(machine.register(task, RSI), 128));
    expect(info).toMatchObject({ si_signo: SIGSEGV, si_code: 1, si_addr: 0x1234 });
  });

  test('starts the handler with clear flags and a fresh FPU', async () => {
    context.gregs[2 * EFLAGS] = 0x1_0747;
    context.fpu[160] = 0x77;
    await raise();
    expect(context.gregs[2 * EFLAGS]).toBe(0x247);
    expect(context.fpu[160]).toBe(0);
    expect(task.memory.getU8(fpuAt() + 160)).toBe(0x77);
    await machine.sigreturn(task);
    expect(context.gregs[2 * EFLAGS] & 0xd5).toBe(0x45);
    expect(context.fpu[160]).toBe(0x77);
  });

  test('needs a restorer', async () => {
    const { actions } = task.process.handlers;
    actions[SIGUSR1] = { ...actions[SIGUSR1], flags: SA_SIGINFO };
    await raise();
    expect(diedOf()).toBe(SIGSEGV);
  });

  test('disarms the alternate stack with SS_AUTODISARM, and arms it again', async () => {
    const stack = { address: 0x3_0000, size: 0x8000, flags: SS_AUTODISARM | 0 };
    task.signals.altStack = stack;
    machine.handle(task, SIGUSR1, HANDLER, 0x800_0000);
    await raise();
    expect(machine.register(task, RSP)).toBeGreaterThan(0x3_0000);
    expect(task.signals.altStack.size).toBe(0);
    await machine.sigreturn(task);
    expect(task.signals.altStack).toEqual(stack);
  });
});

describe('sigreturn from a forged frame', () => {
  const field = (name: keyof typeof sigcontext.offset): number =>
    contextAt() + SIGCONTEXT + sigcontext.offset[name];

  test('cannot change flags that are not the program’s', async () => {
    await raise();
    task.memory.putU32(field('eflags'), 0xffff_ffff);
    await machine.sigreturn(task);
    expect(context.gregs[2 * EFLAGS]).toBe(0x5_0dd5);
  });

  test('cannot block SIGKILL and SIGSTOP', async () => {
    await raise();
    const mask = contextAt() + ucontext.offset.uc_sigmask;
    task.memory.putU32(mask, 0xffff_ffff);
    task.memory.putU32(mask + 4, 0xffff_ffff);
    await machine.sigreturn(task);
    expect(task.signals.blocked).toEqual(new SignalSet(~((1 << 8) | (1 << 18)), -1));
  });

  test.each([0x8000_0000_0000, 0xffff_8000_0000_0000])(
    'dies of an instruction pointer of %d',
    async (rip) => {
      await raise();
      task.memory.putU64(field('rip'), rip);
      await machine.sigreturn(task);
      expect(diedOf()).toBe(SIGSEGV);
      expect(machine.context(task)).toBeUndefined();
    },
  );

  test.each([
    ['reserved bits of mxcsr', 24, 0x1_0000],
    ['unknown state components', 516, 0x4000_0000],
    ['a compacted format', 524, 0x8000_0000],
    ['reserved header bytes', 536, 1],
  ])('dies of %s', async (_what, offset, value) => {
    await raise();
    task.memory.putU32(fpuAt() + offset, value);
    await machine.sigreturn(task);
    expect(diedOf()).toBe(SIGSEGV);
  });

  test.each([
    ['misaligned', 8],
    ['missing', 0x4000_0000],
  ])('dies of an FPU state that is %s', async (_what, distance) => {
    await raise();
    task.memory.putU64(field('fpstate'), fpuAt() + distance);
    await machine.sigreturn(task);
    expect(diedOf()).toBe(SIGSEGV);
  });

  test('without magic words loads the legacy state only', async () => {
    await raise();
    task.memory.putU32(fpuAt() + 464, 0);
    task.memory.putU32(fpuAt() + 160, 0x5555);
    task.memory.putU32(fpuAt() + 576, 0x5555);
    await machine.sigreturn(task);
    expect(context.fpu[160]).toBe(0x55);
    expect(context.fpu[512]).toBe(3);
    expect(context.fpu[576]).toBe(0);
  });

  test('keeps the host’s own words in the FPU state', async () => {
    await raise();
    const words = context.fpu.slice(464, 512);
    for (let at = 480; at < 512; at += 4) task.memory.putU32(fpuAt() + at, 0xdead_beef);
    await machine.sigreturn(task);
    expect(context.fpu.slice(464, 512)).toEqual(words);
  });

  test('with no frame at all dies', async () => {
    setRegister(context.gregs, RSP, 0x7000);
    await machine.enter(task, 'rt_sigreturn');
    expect(diedOf()).toBe(SIGSEGV);
  });

  test('does not repeat a call, whatever rax is', async () => {
    await raise();
    task.memory.putU64(field('rax'), -512);
    await machine.sigreturn(task);
    expect(machine.register(task, RIP)).toBe(CODE + 2);
    expect(machine.rax(task)).toBe(-512);
  });
});
