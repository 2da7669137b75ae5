import { beforeEach, describe, expect, test } from 'vitest';
import { EFLAGS, R12, RDI, RDX, RSI, RSP } from '../host/cpu.js';
import { USER } from '../fs/testing.js';
import { setRegister } from '../arch/x86/registers.js';
import {
  CLD_CONTINUED,
  CLD_STOPPED,
  SA_NOCLDSTOP,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_SIGINFO,
  SIGALRM,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGUSR1,
  SIGUSR2,
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  sigaction,
  siginfo_rt,
  stack_t,
  ucontext,
} from '../uapi/signal.js';
import { Word64 } from '../lib/word64.js';
import { SignalSet } from './signal-set.js';
import type { Task } from './task.js';
import { kernelInfo } from './siginfo.js';
import { sendToProcess, sendToTask } from './signal-send.js';
import { CODE, GuestMachine, RESTORER, STACK } from './testing.js';

const HANDLER = 0x40_5000;
const SIGRT1 = 34;
const SIGRT2 = 35;
const EINTR = -4;

let machine: GuestMachine;
let task: Task;

beforeEach(() => {
  machine = new GuestMachine();
  task = machine.newGuest();
});

const self = (signal: number): Promise<void> => machine.enter(task, 'kill', task.process.pid, signal);
const infoField = (name: 'si_pid' | 'si_uid' | 'si_code' | 'si_signo'): number => {
  const at = machine.register(task, RSI);
  return siginfo_rt.decode(task.memory.copyIn(at, 128))[name];
};
const setMask = (how: number, ...signals: number[]): Promise<void> => {
  const set = SignalSet.of(...signals);
  task.memory.putU32(USER, set.lo);
  task.memory.putU32(USER + 4, set.hi);
  return machine.enter(task, 'rt_sigprocmask', how, USER, 0, 8);
};

describe('handlers', () => {
  test('kill(2) to oneself runs the handler before it returns', async () => {
    machine.handle(task, SIGUSR1, HANDLER, SA_SIGINFO);
    await self(SIGUSR1);
    expect(machine.rip(task)).toBe(HANDLER);
    expect(machine.register(task, RDI)).toBe(SIGUSR1);
    expect(task.memory.getU64(machine.register(task, RSP))).toBe(RESTORER);
    expect(infoField('si_pid')).toBe(task.process.pid);
    expect(machine.context(task).running).toBe(true);
  });

  test('sigreturn puts registers, flags and mask back', async () => {
    machine.handle(task, SIGUSR1, HANDLER, 0, [SIGUSR2]);
    const { gregs } = machine.context(task);
    setRegister(gregs, R12, 0x1234_5678_9abc);
    gregs[2 * EFLAGS] = 0x246;
    await self(SIGUSR1);
    expect(task.signals.blocked).toEqual(SignalSet.of(SIGUSR1, SIGUSR2));
    setRegister(gregs, R12, 0);
    await machine.sigreturn(task);
    expect(machine.register(task, R12)).toBe(0x1234_5678_9abc);
    expect(machine.rip(task)).toBe(CODE + 2);
    expect(machine.register(task, RSP)).toBe(STACK - 0x1000 * (task.tid & 15));
    expect(machine.rax(task)).toBe(0);
    expect(task.signals.blocked.empty).toBe(true);
  });

  test('several signals nest: the first to be taken is the last to return', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    machine.handle(task, SIGUSR2, HANDLER + 0x100);
    await setMask(SIG_SETMASK, SIGUSR1, SIGUSR2);
    await self(SIGUSR2);
    await self(SIGUSR1);
    await setMask(SIG_SETMASK);
    expect(machine.rip(task)).toBe(HANDLER + 0x100);
    await machine.sigreturn(task);
    expect(machine.rip(task)).toBe(HANDLER);
    await machine.sigreturn(task);
    expect(machine.rip(task)).toBe(CODE + 8);
  });

  test('SA_RESETHAND is for once, SA_NODEFER does not block', async () => {
    machine.handle(task, SIGUSR1, HANDLER, SA_RESETHAND | SA_NODEFER);
    await self(SIGUSR1);
    expect(task.signals.blocked.empty).toBe(true);
    await self(SIGUSR1);
    expect(task.process.exitStatus).toBe(SIGUSR1);
  });

  test('real-time signals queue in order of number, then of arrival; others are merged', async () => {
    for (const signal of [SIGUSR1, SIGRT1, SIGRT2]) machine.handle(task, signal, HANDLER, SA_SIGINFO);
    await setMask(SIG_SETMASK, SIGUSR1, SIGRT1, SIGRT2);
    for (const [index, signal] of [SIGRT2, SIGUSR1, SIGRT1, SIGUSR1, SIGRT1].entries())
      sendToTask(task, { ...kernelInfo(signal), code: -1, pid: index });
    await setMask(SIG_SETMASK);
    const seen: [number, number][] = [];
    while (machine.rip(task) === HANDLER) {
      seen.push([machine.register(task, RDI), infoField('si_pid')]);
      await machine.sigreturn(task);
    }
    // All frames but the second of SIGRT1, which the first blocks, are made at once; the one made last runs first.
    expect(seen).toEqual([
      [SIGRT2, 0],
      [SIGRT1, 2],
      [SIGRT1, 4],
      [SIGUSR1, 1],
    ]);
  });

  test('the alternate stack is used from its top, and not changed while in use', async () => {
    const base = USER + 0x2_0000;
    task.memory.copyOut(USER, stack_t.encode({ ss_sp: base, ss_size: 0x4000, ss_flags: 0 }));
    await machine.enter(task, 'sigaltstack', USER, 0);
    expect(machine.rax(task)).toBe(0);
    machine.handle(task, SIGUSR1, HANDLER, SA_ONSTACK);
    await self(SIGUSR1);
    const frame = machine.register(task, RSP);
    expect(frame).toBeGreaterThan(base);
    expect(frame).toBeLessThan(base + 0x4000);
    expect(frame % 16).toBe(8);
    await machine.enter(task, 'sigaltstack', USER, 0);
    expect(machine.rax(task)).toBe(-1);
    await machine.enter(task, 'sigaltstack', 0, USER + 64);
    expect(stack_t.decode(task.memory.copyIn(USER + 64, stack_t.size)).ss_flags).toBe(1);
  });

  test('without room for a frame the process dies of SIGSEGV', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    setRegister(machine.context(task).gregs, RSP, 0x100);
    await self(SIGUSR1);
    expect(task.process.exitStatus).toBe(SIGSEGV);
  });

  test('a frame that names a bad instruction pointer is a SIGSEGV', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    await self(SIGUSR1);
    const rip = machine.register(task, RDX) + ucontext.offset.uc_mcontext + 16 * 8;
    task.memory.putU32(rip + 4, 0x10_0000);
    await machine.sigreturn(task);
    expect(task.process.exitStatus).toBe(SIGSEGV);
  });
});

describe('interrupted calls', () => {
  test.each([
    [0, EINTR],
    [SA_RESTART, EINTR],
  ])('pause returns EINTR, whatever the flags (%d)', async (flags, result) => {
    machine.handle(task, SIGUSR1, HANDLER, flags);
    await machine.enter(task, 'pause');
    expect(machine.context(task).running).toBe(false);
    await machine.signal(task, SIGUSR1);
    expect(machine.rip(task)).toBe(HANDLER);
    await machine.sigreturn(task);
    expect(machine.rax(task)).toBe(result);
    expect(machine.rip(task)).toBe(CODE + 2);
  });

  test('wait4 restarts with SA_RESTART, and fails with EINTR without', async () => {
    const child = machine.newGuest();
    task.process.children.add(child.process);
    child.process.parent = task.process;
    machine.handle(task, SIGUSR1, HANDLER, SA_RESTART);
    machine.handle(task, SIGUSR2, HANDLER);
    await machine.enter(task, 'wait4', -1, 0, 0, 0);
    await machine.signal(task, SIGUSR1);
    await machine.sigreturn(task);
    expect(machine.rip(task)).toBe(CODE);
    expect(machine.rax(task)).toBe(61);
    await machine.repeat(task);
    expect(machine.context(task).running).toBe(false);
    await machine.signal(task, SIGUSR2);
    await machine.sigreturn(task);
    expect(machine.rax(task)).toBe(EINTR);
  });

  test('nanosleep goes on after a signal that does nothing, and tells the rest after one that does', async () => {
    task.memory.putU64(USER, 10);
    task.memory.putU64(USER + 8, 0);
    await machine.enter(task, 'nanosleep', USER, USER + 16);
    await machine.advance(4e9);
    await machine.signal(task, SIGSTOP);
    expect(task.state).toBe('stopped');
    await machine.signal(task, SIGCONT);
    expect(machine.rax(task)).toBe(219);
    await machine.repeat(task);
    machine.handle(task, SIGUSR1, HANDLER, SA_RESTART);
    await machine.signal(task, SIGUSR1);
    await machine.sigreturn(task);
    expect(machine.rax(task)).toBe(EINTR);
    expect(task.memory.getU64(USER + 16)).toBe(6);
  });

  test('sigsuspend runs the handler under its mask and restores the old one', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    await setMask(SIG_BLOCK, SIGUSR1);
    await self(SIGUSR1);
    task.memory.putU64(USER, 0);
    task.memory.putU32(USER, SignalSet.of(SIGUSR2).lo);
    await machine.enter(task, 'rt_sigsuspend', USER, 8);
    expect(machine.rip(task)).toBe(HANDLER);
    expect(task.signals.blocked).toEqual(SignalSet.of(SIGUSR1, SIGUSR2));
    await machine.sigreturn(task);
    expect(machine.rax(task)).toBe(EINTR);
    expect(task.signals.blocked).toEqual(SignalSet.of(SIGUSR1));
  });

  test('sigtimedwait takes a blocked signal without its handler', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    await setMask(SIG_BLOCK, SIGUSR1);
    task.memory.putU64(USER, SignalSet.of(SIGUSR1).lo);
    await machine.enter(task, 'rt_sigtimedwait', USER, USER + 64, 0, 8);
    expect(machine.context(task).running).toBe(false);
    await machine.signal(task, SIGUSR1);
    expect(machine.rax(task)).toBe(SIGUSR1);
    expect(task.memory.getU32(USER + 64)).toBe(SIGUSR1);
    expect(task.signals.blocked).toEqual(SignalSet.of(SIGUSR1));
  });

  test('sigtimedwait times out with EAGAIN, and an unrelated handler ends it with EINTR', async () => {
    await setMask(SIG_BLOCK, SIGUSR1);
    task.memory.putU64(USER, SignalSet.of(SIGUSR1).lo);
    task.memory.putU64(USER + 8, 1);
    task.memory.putU64(USER + 16, 0);
    await machine.enter(task, 'rt_sigtimedwait', USER, 0, USER + 8, 8);
    await machine.advance(1e9);
    expect(machine.rax(task)).toBe(-11);
    machine.handle(task, SIGUSR2, HANDLER, SA_RESTART);
    await machine.enter(task, 'rt_sigtimedwait', USER, 0, USER + 8, 8);
    await machine.signal(task, SIGUSR2);
    expect(machine.rip(task)).toBe(HANDLER);
    await machine.sigreturn(task);
    expect(machine.rax(task)).toBe(EINTR);
  });
});

describe('sending', () => {
  test('an ignored signal is not queued, a blocked one is even if ignored', async () => {
    machine.handle(task, SIGUSR1, 1);
    sendToTask(task, kernelInfo(SIGUSR1));
    expect(task.signals.pending.set.empty).toBe(true);
    await setMask(SIG_BLOCK, SIGUSR1);
    sendToTask(task, kernelInfo(SIGUSR1));
    expect(task.signals.pending.set.has(SIGUSR1)).toBe(true);
    await setMask(SIG_UNBLOCK, SIGUSR1);
    expect(task.signals.pending.set.empty).toBe(true);
    expect(machine.rip(task)).toBe(CODE + 4);
  });

  test('sigaction to SIG_IGN discards what is pending, and drops unknown flags', async () => {
    await setMask(SIG_BLOCK, SIGUSR1);
    sendToTask(task, kernelInfo(SIGUSR1));
    sendToProcess(task.process, kernelInfo(SIGUSR1));
    const record = {
      sa_handler: 1,
      sa_flags: new Word64(SA_RESTART | 0x400 | 0x4000, -1),
      sa_restorer: 0,
      sa_mask: Word64.ONES,
    };
    task.memory.copyOut(USER, sigaction.encode(record));
    await machine.enter(task, 'rt_sigaction', SIGUSR1, USER, 0, 8);
    expect(machine.rax(task)).toBe(0);
    expect(task.signalPending()).toBe(false);
    expect(task.process.signals.set.empty).toBe(true);
    await machine.enter(task, 'rt_sigaction', SIGUSR1, 0, USER, 8);
    const read = sigaction.decode(task.memory.copyIn(USER, sigaction.size));
    expect(read.sa_flags).toEqual(new Word64(SA_RESTART, 0));
    expect(read.sa_mask).toEqual(new Word64(~((1 << 8) | (1 << 18)), -1));
  });

  test('a thread that runs guest code is interrupted', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    sendToProcess(task.process, kernelInfo(SIGUSR1));
    expect(machine.context(task).interrupts).toBe(1);
    await machine.interrupted(task);
    expect(machine.rip(task)).toBe(HANDLER);
  });

  test('a thread that does not block a signal takes it; blocking it hands it over', async () => {
    const other = machine.newGuestThread(task);
    machine.handle(task, SIGUSR1, HANDLER);
    await setMask(SIG_BLOCK, SIGUSR1);
    sendToProcess(task.process, kernelInfo(SIGUSR1));
    expect(machine.context(task).interrupts).toBe(0);
    await machine.interrupted(other);
    expect(machine.rip(other)).toBe(HANDLER);
  });

  test('a fatal signal ends all threads', async () => {
    const other = machine.newGuestThread(task);
    await machine.enter(task, 'pause');
    sendToProcess(task.process, kernelInfo(SIGTERM));
    await machine.settle();
    await machine.interrupted(other);
    expect(task.process.exitStatus).toBe(SIGTERM);
  });

  test('init survives what it has no handler for', async () => {
    task.process.unkillable = true;
    for (const signal of [SIGTERM, SIGKILL, SIGSTOP]) await self(signal);
    expect(task.state).toBe('user');
    machine.handle(task, SIGTERM, HANDLER);
    await self(SIGTERM);
    expect(machine.rip(task)).toBe(HANDLER);
  });

  test('a full queue fails for sigqueue, not for kill', async () => {
    await setMask(SIG_BLOCK, SIGRT1);
    task.process.rlimits = task.process.rlimits.with(11, { soft: 1, hard: 1 });
    expect(sendToTask(task, { ...kernelInfo(SIGRT1), code: -1 })).toBe(true);
    expect(sendToTask(task, { ...kernelInfo(SIGRT1), code: -1 })).toBe(false);
    await self(SIGRT1);
    expect(machine.rax(task)).toBe(0);
  });

  test('errors of kill', async () => {
    await machine.enter(task, 'kill', 9999, SIGUSR1);
    expect(machine.rax(task)).toBe(-3);
    await machine.enter(task, 'kill', task.process.pid, 65);
    expect(machine.rax(task)).toBe(-22);
    const stranger = machine.newGuest();
    stranger.credentials = { ...task.credentials, uid: 1000, euid: 1000, effective: { lo: 0, hi: 0 } };
    await machine.enter(stranger, 'kill', task.process.pid, 0);
    expect(machine.rax(stranger)).toBe(-1);
    await machine.enter(task, 'kill', stranger.process.pid, 0);
    expect(machine.rax(task)).toBe(0);
    await machine.enter(task, 'tgkill', task.process.pid, stranger.tid, 0);
    expect(machine.rax(task)).toBe(-3);
  });
});

describe('job control', () => {
  let parent: Task;
  beforeEach(() => {
    parent = task;
    task = machine.newGuest();
    task.process.parent = parent.process;
    parent.process.children.add(task.process);
  });

  test('SIGSTOP stops all threads, SIGCONT continues them, and the parent hears of both', async () => {
    const other = machine.newGuestThread(task);
    machine.handle(parent, SIGCHLD, HANDLER, SA_SIGINFO);
    await machine.enter(other, 'pause');
    sendToProcess(task.process, kernelInfo(SIGSTOP));
    await machine.interrupted(task);
    expect([task.state, other.state]).toEqual(['stopped', 'stopped']);
    expect(task.process.stopReport).toBe(SIGSTOP);
    const told = parent.process.signals.take(SIGCHLD)?.info;
    expect(told).toMatchObject({ code: CLD_STOPPED, pid: task.process.pid, status: SIGSTOP });
    sendToProcess(task.process, kernelInfo(SIGCONT));
    await machine.settle();
    expect(task.state).toBe('user');
    expect(other.state).toBe('user');
    expect(task.process).toMatchObject({ stopReport: 0, continueReport: true });
    expect(parent.process.signals.take(SIGCHLD)?.info).toMatchObject({
      code: CLD_CONTINUED,
      status: SIGCONT,
    });
  });

  test('a stopped process dies of SIGKILL', async () => {
    sendToProcess(task.process, kernelInfo(SIGSTOP));
    await machine.interrupted(task);
    sendToProcess(task.process, kernelInfo(SIGKILL));
    await machine.settle();
    expect(task.process.exitStatus).toBe(SIGKILL);
  });

  test('SA_NOCLDSTOP: the parent gets no signal but can wait', async () => {
    machine.handle(parent, SIGCHLD, HANDLER, SA_NOCLDSTOP);
    sendToProcess(task.process, kernelInfo(SIGSTOP));
    await machine.interrupted(task);
    expect(parent.process.signals.set.has(SIGCHLD)).toBe(false);
    await machine.enter(parent, 'wait4', -1, USER, 2, 0);
    expect(machine.rax(parent)).toBe(task.process.pid);
    expect(parent.memory.getU32(USER)).toBe((SIGSTOP << 8) | 0x7f);
  });

  test('a stop signal and SIGCONT take each other away', async () => {
    await setMask(SIG_BLOCK, SIGTSTP, SIGCONT);
    sendToTask(task, kernelInfo(SIGCONT));
    machine.handle(task, SIGCONT, HANDLER);
    sendToTask(task, kernelInfo(SIGCONT));
    expect(task.signals.pending.set.has(SIGCONT)).toBe(true);
    sendToTask(task, kernelInfo(SIGTSTP));
    expect(task.signals.pending.set.has(SIGCONT)).toBe(false);
    sendToProcess(task.process, kernelInfo(SIGCONT));
    expect(task.signals.pending.set.has(SIGTSTP)).toBe(false);
    expect(task.process.signals.set.has(SIGCONT)).toBe(true);
  });

  test('SIGTSTP does nothing in an orphaned group', async () => {
    sendToProcess(task.process, kernelInfo(SIGTSTP));
    await machine.interrupted(task);
    expect(task.state).toBe('user');
  });
});

test('alarm sends SIGALRM once, and tells what was left', async () => {
  machine.handle(task, SIGALRM, HANDLER);
  await machine.enter(task, 'alarm', 10);
  await machine.advance(3.6e9);
  await machine.enter(task, 'alarm', 2);
  expect(machine.rax(task)).toBe(6);
  await machine.enter(task, 'pause');
  await machine.advance(2e9);
  expect(machine.rip(task)).toBe(HANDLER);
});
