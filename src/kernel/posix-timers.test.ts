import { beforeEach, describe, expect, test } from 'vitest';
import { RSI } from '../host/cpu.js';
import { USER } from '../fs/testing.js';
import {
  SA_SIGINFO,
  SIGALRM,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SIGEV_THREAD_ID,
  SIGKILL,
  SIGPROF,
  SIGUSR1,
  SIGXCPU,
  sigevent,
  siginfo_timer,
} from '../uapi/signal.js';
import {
  CLOCK_MONOTONIC,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  ITIMER_PROF,
  ITIMER_REAL,
  TIMER_ABSTIME,
  itimerspec,
  itimerval,
} from '../uapi/time.js';
import { Word64 } from '../lib/word64.js';
import { startCpuLimit } from './cpu-timers.js';
import { SignalSet } from './signal-set.js';
import type { Task } from './task.js';
import { GuestMachine } from './testing.js';

const HANDLER = 0x5000;
const EVENT = USER + 0x100;
const SPEC = USER + 0x200;
const OLD = USER + 0x300;
const ID = USER + 0x400;

let machine: GuestMachine;
let task: Task;

beforeEach(() => {
  machine = new GuestMachine();
  task = machine.newGuest();
});

async function create(clock: number, notify: number, signal: number, thread = 0): Promise<number> {
  const event = {
    sigev_value: Word64.from(77),
    sigev_signo: signal,
    sigev_notify: notify,
    sigev_notify_thread_id: thread,
  };
  task.memory.copyOut(EVENT, sigevent.encode(event));
  await machine.enter(task, 'timer_create', clock, EVENT, ID);
  return task.memory.getU32(ID);
}

const split = (ns: number) => ({ tv_sec: Math.floor(ns / 1e9), tv_nsec: ns % 1e9 });
const settime = (id: number, value: number, interval = 0, flags = 0): Promise<void> => {
  task.memory.copyOut(SPEC, itimerspec.encode({ it_value: split(value), it_interval: split(interval) }));
  return machine.enter(task, 'timer_settime', id, flags, SPEC, OLD);
};
const gettime = async (id: number): Promise<number> => {
  await machine.enter(task, 'timer_gettime', id, OLD);
  const { it_value } = itimerspec.decode(task.memory.copyIn(OLD, itimerspec.size));
  return it_value.tv_sec * 1e9 + it_value.tv_nsec;
};
const info = () => siginfo_timer.decode(task.memory.copyIn(machine.register(task, RSI), 128));

describe('POSIX timers', () => {
  test('send their signal with value and number', async () => {
    machine.handle(task, SIGUSR1, HANDLER, SA_SIGINFO);
    const id = await create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
    await settime(id, 5e9);
    await machine.advance(2e9);
    expect(await gettime(id)).toBe(3e9);
    await machine.advance(3e9);
    await machine.interrupted(task);
    expect(machine.rip(task)).toBe(HANDLER);
    expect(info()).toMatchObject({ si_code: -2, si_timerid: id, si_overrun: 0, si_value: Word64.from(77) });
    expect(await gettime(id)).toBe(0);
  });

  test('count what they missed while their signal was blocked', async () => {
    machine.handle(task, SIGUSR1, HANDLER, SA_SIGINFO);
    task.signals.blocked = SignalSet.of(SIGUSR1);
    const id = await create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
    await settime(id, 1e9, 1e9);
    await machine.advance(4.5e9);
    expect(await gettime(id)).toBe(0.5e9);
    task.signals.blocked = new SignalSet();
    await machine.interrupted(task);
    expect(info().si_overrun).toBe(3);
    await machine.enter(task, 'timer_getoverrun', id);
    expect(machine.rax(task)).toBe(3);
    await machine.sigreturn(task);
    await machine.advance(0.5e9);
    await machine.interrupted(task);
    expect(machine.rip(task)).toBe(HANDLER);
    expect(info().si_overrun).toBe(0);
  });

  test('absolute times are of their clock', async () => {
    const id = await create(CLOCK_REALTIME, SIGEV_NONE, 0);
    // The test's clock began in 2001, one second ago.
    await settime(id, (1_000_000_000 + 11) * 1e9, 0, TIMER_ABSTIME);
    expect(await gettime(id)).toBe(10e9);
  });

  test('go to one thread if asked to', async () => {
    const thread = machine.newGuestThread(task);
    machine.handle(task, SIGUSR1, HANDLER);
    const id = await create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, thread.tid);
    await settime(id, 1);
    await machine.advance(1);
    expect(thread.signals.pending.set.has(SIGUSR1)).toBe(true);
    await create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 1);
    expect(machine.rax(task)).toBe(-22);
  });

  test('are not forgotten while their signal is ignored', async () => {
    machine.handle(task, SIGUSR1, 1);
    const id = await create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
    await settime(id, 1e9, 1e9);
    await machine.advance(3.2e9);
    machine.handle(task, SIGUSR1, HANDLER, SA_SIGINFO);
    await machine.advance(0.8e9);
    await machine.interrupted(task);
    expect(machine.rip(task)).toBe(HANDLER);
  });

  test('a deleted or unknown timer is EINVAL', async () => {
    const id = await create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
    await machine.enter(task, 'timer_delete', id);
    expect(machine.rax(task)).toBe(0);
    await machine.enter(task, 'timer_delete', id);
    expect(machine.rax(task)).toBe(-22);
  });

  test('follow CPU time', async () => {
    machine.handle(task, SIGUSR1, HANDLER);
    const id = await create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
    await settime(id, 1e9);
    await machine.advance(2e9);
    expect(machine.context(task).interrupts).toBe(0);
    machine.context(task).cpuTime = 1e9;
    await machine.advance(1e9);
    expect(machine.context(task).interrupts).toBe(1);
  });
});

describe('interval timers', () => {
  const set = (which: number, value: number, interval: number): Promise<void> => {
    const micro = (us: number) => ({ tv_sec: Math.floor(us / 1e6), tv_usec: us % 1e6 });
    task.memory.copyOut(SPEC, itimerval.encode({ it_value: micro(value), it_interval: micro(interval) }));
    return machine.enter(task, 'setitimer', which, SPEC, OLD);
  };

  test('ITIMER_REAL goes on at its interval', async () => {
    machine.handle(task, SIGALRM, HANDLER);
    await set(ITIMER_REAL, 1000, 500);
    for (const ns of [1_000_000, 500_000, 500_000]) {
      await machine.advance(ns);
      await machine.interrupted(task);
      expect(machine.rip(task)).toBe(HANDLER);
      await machine.sigreturn(task);
    }
    await set(ITIMER_REAL, 0, 0);
    expect(itimerval.decode(task.memory.copyIn(OLD, itimerval.size))).toMatchObject({
      it_value: { tv_usec: 500 },
      it_interval: { tv_usec: 500 },
    });
  });

  test('ITIMER_PROF rests while nobody runs', async () => {
    machine.handle(task, SIGPROF, HANDLER);
    await set(ITIMER_PROF, 10_000, 0);
    await machine.enter(task, 'pause');
    const { timers } = machine.kernel.scheduler;
    for (let i = 0; i < 3; i++) await machine.advance(1e9);
    expect(timers.next()).toBe(Infinity);
    machine.handle(task, SIGUSR1, HANDLER);
    await machine.signal(task, SIGUSR1);
    expect(timers.next()).toBeLessThan(Infinity);
    machine.context(task).cpuTime = 20e6;
    await machine.advance(1e9);
    expect(task.process.signals.set.has(SIGPROF)).toBe(true);
  });
});

test('RLIMIT_CPU: SIGXCPU at the soft limit and later, SIGKILL at the hard one', async () => {
  machine.handle(task, SIGXCPU, HANDLER);
  task.process.rlimits = task.process.rlimits.with(0, { soft: 1, hard: 3 });
  startCpuLimit(machine.kernel, task.process);
  for (const [seconds, expected] of [
    [1, SIGXCPU],
    [2, SIGXCPU],
  ] as const) {
    machine.context(task).cpuTime = seconds * 1e9;
    await machine.advance(1e9);
    expect(task.process.signals.take(expected)?.info.signal).toBe(expected);
  }
  machine.context(task).cpuTime = 3e9;
  await machine.advance(1e9);
  expect(task.process.groupExit).toBe(SIGKILL);
});
