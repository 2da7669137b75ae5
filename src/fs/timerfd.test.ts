import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { EPOLLIN } from '../uapi/epoll.js';
import { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, itimerspec } from '../uapi/time.js';
import { TFD_NONBLOCK, TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET } from '../uapi/timerfd.js';
import { sys_read } from './read-write.js';
import { TestMachine, USER } from './testing.js';
import { sys_timerfd_create, sys_timerfd_gettime, sys_timerfd_settime } from './timerfd.js';

const SECOND = 1_000_000_000;
const SPEC = USER + 0x100;
const OLD = USER + 0x200;

function setUp(clock = CLOCK_MONOTONIC, flags = TFD_NONBLOCK) {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  expect(call(sys_timerfd_create, clock, flags)).toBe(0);
  const set = (value: number, interval = 0, how = 0, old = 0) => {
    const spec = (ns: number) => ({ tv_sec: Math.floor(ns / SECOND), tv_nsec: ns % SECOND });
    memory.copyOut(SPEC, itimerspec.encode({ it_value: spec(value), it_interval: spec(interval) }));
    return call(sys_timerfd_settime, 0, how, SPEC, old);
  };
  const read = () => {
    const result = call(sys_read, 0, USER, 8);
    return result === 8 ? memory.getU64(USER) : result;
  };
  const show = (at: number) => {
    const { it_value, it_interval } = itimerspec.decode(memory.copyIn(at, itimerspec.size));
    return [it_value.tv_sec * SECOND + it_value.tv_nsec, it_interval.tv_sec * SECOND + it_interval.tv_nsec];
  };
  const get = () => {
    expect(call(sys_timerfd_gettime, 0, OLD)).toBe(0);
    return show(OLD);
  };
  const poll = () => task.files.get(0).poll(task, undefined);
  return { machine, task, memory, call, set, read, show, get, poll };
}

test('expires once', async () => {
  const { machine, set, read, get, poll } = setUp();
  expect(set(100)).toBe(0);
  expect(get()).toEqual([100, 0]);
  expect(read()).toBe('EAGAIN');
  await machine.advance(100);
  expect(poll()).toBe(EPOLLIN);
  expect(get()).toEqual([0, 0]);
  expect(read()).toBe(1);
  expect(poll()).toBe(0);
});

test('a periodic timer counts what nobody read', async () => {
  const { machine, set, read, get } = setUp();
  set(100, 10);
  await machine.advance(100);
  expect(read()).toBe(1);
  await machine.advance(35);
  expect(read()).toBe(3);
  expect(get()).toEqual([5, 10]);
  await machine.advance(25);
  expect(get()).toEqual([10, 10]);
  expect(read()).toBe(3);
});

test('an absolute time in the past has expired', () => {
  const { set, read } = setUp();
  set(1, 0, TFD_TIMER_ABSTIME);
  expect(read()).toBe(1);
});

test('a periodic timer that began in the past has expired as often as it would have', () => {
  const { set, read } = setUp();
  // It is one second past the start.
  set(500_000_000, 100_000_000, TFD_TIMER_ABSTIME);
  expect(read()).toBe(6);
});

test('settime tells the old setting and disarms by 0', async () => {
  const { machine, set, show, get } = setUp();
  set(100, 7);
  await machine.advance(40);
  set(0, 0, 0, OLD);
  expect(show(OLD)).toEqual([60, 7]);
  expect(get()).toEqual([0, 0]);
});

test('a reader waits for the expiration', async () => {
  const { machine, task, set } = setUp(CLOCK_MONOTONIC, 0);
  set(100);
  const reading = await machine.start(machine.newThread(task), sys_read, 0, USER, 8);
  expect(reading.state).toBe('asleep');
  await machine.advance(100);
  expect(reading.outcome).toBe(8);
});

test('an absolute real-time timer follows the clock; with TFD_TIMER_CANCEL_ON_SET a jump is an error', async () => {
  const { machine, set, read } = setUp(CLOCK_REALTIME);
  const { clock, kernel } = machine;
  const at = clock.read(CLOCK_REALTIME).sec * SECOND + 2 * SECOND;
  set(at, 0, TFD_TIMER_ABSTIME);
  clock.realTimeOffset -= 5;
  kernel.clockSet.wake();
  await machine.advance(2 * SECOND);
  expect(read()).toBe('EAGAIN');
  await machine.advance(5 * SECOND);
  expect(read()).toBe(1);
  set(at + 100 * SECOND, 0, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
  clock.realTimeOffset += 1;
  kernel.clockSet.wake();
  expect(read()).toBe('ECANCELED');
  expect(read()).toBe('EAGAIN');
});

test('errors', () => {
  const { call, set, task, machine } = setUp();
  expect(call(sys_timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0)).toBe('EINVAL');
  expect(call(sys_timerfd_create, CLOCK_MONOTONIC, 1)).toBe('EINVAL');
  expect(set(1, 0, 8)).toBe('EINVAL');
  expect(call(sys_timerfd_settime, 0, 0, 8, 0)).toBe('EFAULT');
  expect(call(sys_timerfd_gettime, 9, OLD)).toBe('EBADF');
  expect(call(sys_timerfd_gettime, machine.openFile(task, 0), OLD)).toBe('EINVAL');
  expect(call(sys_read, 0, USER, 4)).toBe('EINVAL');
});

test('fdinfo shows the setting', async () => {
  const { machine, task, set } = setUp();
  set(1_000_000_005, 7);
  await machine.advance(5);
  expect(task.files.get(0).showFdInfo()).toBe(
    'clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (1, 0)\nit_interval: (0, 7)\n',
  );
});
