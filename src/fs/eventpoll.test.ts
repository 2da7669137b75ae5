import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import {
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  epoll_event,
} from '../uapi/epoll.js';
import { O_NONBLOCK, O_RDWR } from '../uapi/fcntl.js';
import { SIGUSR1 } from '../uapi/signal.js';
import { Word64 } from '../lib/word64.js';
import { sys_epoll_create, sys_epoll_create1, sys_epoll_ctl, sys_epoll_wait } from './eventpoll.js';
import { sys_close, sys_dup } from './file-calls.js';
import { sys_pipe2 } from './pipe.js';
import { sys_read, sys_write } from './read-write.js';
import { TestMachine, USER } from './testing.js';

const R = 0;
const W = 1;
const E = 2;
const EVENT = USER + 0x100;
const EVENTS = USER + 0x1000;
const BUFFER = USER + 0x2000;

function setUp() {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  call(sys_pipe2, USER, O_NONBLOCK);
  expect(call(sys_epoll_create1, 0)).toBe(E);
  const control = (operation: number, fd: number, events: number, data = fd, epoll = E) => {
    memory.copyOut(EVENT, epoll_event.encode({ events, data: Word64.from(data) }));
    return call(sys_epoll_ctl, epoll, operation, fd, EVENT);
  };
  const read = (count: number): [data: number, events: number][] =>
    Array.from({ length: count }, (_, index) => {
      const at = EVENTS + index * epoll_event.size;
      const { events, data } = epoll_event.decode(memory.copyIn(at, epoll_event.size));
      return [data.signed, events];
    });
  const wait = (max = 10, epoll = E) => {
    const count = call(sys_epoll_wait, epoll, EVENTS, max, 0);
    return typeof count === 'number' ? read(count) : count;
  };
  const waiter = (of: Task, timeoutMs = -1, epoll = E) =>
    machine.start(of, sys_epoll_wait, epoll, EVENTS, 10, timeoutMs);
  const put = (count = 1) => call(sys_write, W, BUFFER, count);
  const take = (count = 1) => call(sys_read, R, BUFFER, count);
  return { machine, task, memory, call, control, wait, waiter, put, take };
}

test('level-triggered: told again and again while it holds', () => {
  const { control, wait, put, take } = setUp();
  expect(control(EPOLL_CTL_ADD, R, EPOLLIN, 77)).toBe(0);
  expect(wait()).toEqual([]);
  put();
  expect(wait()).toEqual([[77, EPOLLIN]]);
  expect(wait()).toEqual([[77, EPOLLIN]]);
  take();
  expect(wait()).toEqual([]);
});

test('edge-triggered: told once for each write', () => {
  const { control, wait, put } = setUp();
  control(EPOLL_CTL_ADD, R, EPOLLIN | EPOLLET);
  put();
  expect(wait()).toEqual([[R, EPOLLIN]]);
  expect(wait()).toEqual([]);
  put();
  expect(wait()).toEqual([[R, EPOLLIN]]);
});

test('one-shot: silent until it is armed again', () => {
  const { control, wait, put } = setUp();
  control(EPOLL_CTL_ADD, R, EPOLLIN | EPOLLONESHOT);
  put();
  expect(wait()).toEqual([[R, EPOLLIN]]);
  put();
  expect(wait()).toEqual([]);
  expect(control(EPOLL_CTL_MOD, R, EPOLLIN | EPOLLONESHOT)).toBe(0);
  expect(wait()).toEqual([[R, EPOLLIN]]);
});

test('what is ready when it is added is told', () => {
  const { control, wait } = setUp();
  control(EPOLL_CTL_ADD, W, EPOLLOUT | EPOLLET);
  expect(wait()).toEqual([[W, EPOLLOUT]]);
  expect(wait()).toEqual([]);
});

test('hang-ups and errors come unasked', () => {
  const { call, control, wait } = setUp();
  control(EPOLL_CTL_ADD, R, 0);
  control(EPOLL_CTL_ADD, W, 0);
  call(sys_dup, R);
  call(sys_close, W);
  expect(wait()).toEqual([[R, EPOLLHUP]]);
  const other = setUp();
  other.control(EPOLL_CTL_ADD, W, 0);
  other.call(sys_close, R);
  expect(other.wait()).toEqual([[W, EPOLLERR]]);
});

test('a wait sleeps until there is an event, its limit, or a signal', async () => {
  const { machine, task, control, waiter, put, take } = setUp();
  control(EPOLL_CTL_ADD, R, EPOLLIN);
  const thread = machine.newThread(task);
  const first = await waiter(thread);
  expect(first.state).toBe('asleep');
  put();
  await machine.settle();
  expect(first.outcome).toBe(1);
  take();
  const second = await waiter(thread, 5);
  await machine.advance(5_000_000);
  expect(second.outcome).toBe(0);
  const third = await waiter(thread);
  await machine.signal(thread, SIGUSR1);
  expect(third.outcome).toBe('EINTR');
});

test('one event wakes one of several waiting threads', async () => {
  const { machine, task, control, waiter, put } = setUp();
  control(EPOLL_CTL_ADD, R, EPOLLIN | EPOLLET);
  const calls = [await waiter(machine.newThread(task)), await waiter(machine.newThread(task))];
  put();
  await machine.settle();
  expect(calls.map((call) => call.state)).toEqual(['done', 'asleep']);
});

test('EPOLLEXCLUSIVE: one event reaches one of several instances', async () => {
  const { machine, task, call, control, waiter, put } = setUp();
  call(sys_epoll_create, 1);
  control(EPOLL_CTL_ADD, R, EPOLLIN | EPOLLEXCLUSIVE);
  control(EPOLL_CTL_ADD, R, EPOLLIN | EPOLLEXCLUSIVE, R, E + 1);
  const calls = [await waiter(machine.newThread(task)), await waiter(machine.newThread(task), -1, E + 1)];
  put();
  await machine.settle();
  expect(calls.map(({ state }) => state)).toEqual(['done', 'asleep']);
  expect(control(EPOLL_CTL_MOD, R, EPOLLIN)).toBe('EINVAL');
  expect(control(EPOLL_CTL_ADD, W, EPOLLOUT | EPOLLONESHOT | EPOLLEXCLUSIVE)).toBe('EINVAL');
});

test('a full buffer leaves the rest for the next wait, in turn', () => {
  const { call, control, wait } = setUp();
  for (const _ of [0, 1, 2]) call(sys_dup, W);
  for (const fd of [W, 3, 4, 5]) control(EPOLL_CTL_ADD, fd, EPOLLOUT);
  expect(wait(3)).toEqual([
    [W, EPOLLOUT],
    [3, EPOLLOUT],
    [4, EPOLLOUT],
  ]);
  expect(wait(3)).toEqual([
    [5, EPOLLOUT],
    [W, EPOLLOUT],
    [3, EPOLLOUT],
  ]);
});

test('an item lives as long as the open file, whatever becomes of its descriptor', () => {
  const { call, control, wait } = setUp();
  control(EPOLL_CTL_ADD, W, EPOLLOUT);
  expect(call(sys_dup, W)).toBe(3);
  call(sys_close, W);
  expect(wait()).toEqual([[W, EPOLLOUT]]);
  expect(control(EPOLL_CTL_DEL, W, 0)).toBe('EBADF');
  expect(control(EPOLL_CTL_DEL, 3, 0)).toBe('ENOENT');
  call(sys_close, 3);
  expect(wait()).toEqual([]);
});

test('events that could not be stored are not lost', () => {
  const { call, control, wait } = setUp();
  control(EPOLL_CTL_ADD, W, EPOLLOUT | EPOLLET);
  expect(call(sys_epoll_wait, E, USER + (1 << 20), 1, 0)).toBe('EFAULT');
  expect(wait()).toEqual([[W, EPOLLOUT]]);
});

test('registration errors', () => {
  const { machine, task, call, control } = setUp();
  const regular = machine.openFile(task, O_RDWR);
  expect(control(EPOLL_CTL_ADD, R, EPOLLIN)).toBe(0);
  expect(control(EPOLL_CTL_ADD, R, EPOLLIN)).toBe('EEXIST');
  expect(control(EPOLL_CTL_MOD, W, EPOLLIN)).toBe('ENOENT');
  expect(control(EPOLL_CTL_DEL, W, EPOLLIN)).toBe('ENOENT');
  expect(control(EPOLL_CTL_ADD, regular, EPOLLIN)).toBe('EPERM');
  expect(control(EPOLL_CTL_ADD, E, EPOLLIN)).toBe('EINVAL');
  expect(control(EPOLL_CTL_ADD, W, EPOLLIN, 0, R)).toBe('EINVAL');
  expect(control(EPOLL_CTL_ADD, 50, EPOLLIN)).toBe('EBADF');
  expect(control(9, W, EPOLLIN)).toBe('EINVAL');
  expect(call(sys_epoll_ctl, E, EPOLL_CTL_ADD, W, 8)).toBe('EFAULT');
  expect(call(sys_epoll_wait, E, EVENTS, 0, 0)).toBe('EINVAL');
  expect(call(sys_epoll_wait, R, EVENTS, 1, 0)).toBe('EINVAL');
  expect(call(sys_epoll_create, 0)).toBe('EINVAL');
  expect(call(sys_epoll_create1, 1)).toBe('EINVAL');
});

test('instances can watch each other, but not in a circle nor too deep', () => {
  const { call, control, wait, put } = setUp();
  for (let index = 1; index <= 5; index++) call(sys_epoll_create1, 0);
  expect(control(EPOLL_CTL_ADD, R, EPOLLIN, 7, E)).toBe(0);
  for (let index = 1; index <= 4; index++)
    expect(control(EPOLL_CTL_ADD, E + index - 1, EPOLLIN, index, E + index)).toBe(0);
  expect(control(EPOLL_CTL_ADD, E + 4, EPOLLIN, 5, E + 5)).toBe('ELOOP');
  expect(control(EPOLL_CTL_ADD, E + 4, EPOLLIN, 5, E)).toBe('ELOOP');
  expect(wait(10, E + 4)).toEqual([]);
  put();
  expect(wait(10, E + 4)).toEqual([[4, EPOLLIN]]);
});

test('a thread that waits on the outer instance hears of the innermost file', async () => {
  const { machine, task, call, control, waiter, put } = setUp();
  call(sys_epoll_create1, 0);
  control(EPOLL_CTL_ADD, R, EPOLLIN, 7, E);
  control(EPOLL_CTL_ADD, E, EPOLLIN, 8, E + 1);
  const waiting = await waiter(machine.newThread(task), -1, E + 1);
  put();
  await machine.settle();
  expect(waiting.outcome).toBe(1);
});

test('a closed instance leaves no waiters behind', () => {
  const { task, call, control, put } = setUp();
  control(EPOLL_CTL_ADD, R, EPOLLIN);
  call(sys_close, E);
  expect(put()).toBe(1);
  expect(task.files.find(E)).toBeUndefined();
});

test('fdinfo names what is watched', () => {
  const { task, control } = setUp();
  control(EPOLL_CTL_ADD, R, EPOLLIN, 0x1234);
  expect(task.files.get(E).showFdInfo()).toMatch(
    /^tfd: {8}0 events: {7}19 data: {13}1234 {2}pos:0 ino:[0-9a-f]+ sdev:[0-9a-f]+\n$/,
  );
});
