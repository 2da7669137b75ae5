import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { O_NONBLOCK, O_RDWR } from '../uapi/fcntl.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, pollfd } from '../uapi/poll.js';
import { SIGUSR1 } from '../uapi/signal.js';
import { timespec, timeval } from '../uapi/time.js';
import { sys_close } from './file-calls.js';
import { sys_pipe2 } from './pipe.js';
import { sys_read, sys_write } from './read-write.js';
import { sys_poll, sys_ppoll, sys_pselect6, sys_select } from './select.js';
import { TestMachine, USER } from './testing.js';

const R = 0;
const W = 1;
const BUFFER = USER + 0x1000;
const SETS = USER + 0x2000;
const TIME = USER + 0x3000;
const MASK = USER + 0x4000;

function setUp() {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const other = machine.newThread(task);
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  call(sys_pipe2, USER, O_NONBLOCK);
  const ask = (...wanted: [fd: number, events: number][]) => {
    for (const [index, [fd, events]] of wanted.entries())
      memory.copyOut(BUFFER + index * 8, pollfd.encode({ fd, events, revents: -1 }));
    return wanted.length;
  };
  const found = (index: number) => pollfd.decode(memory.copyIn(BUFFER + index * 8, 8)).revents;
  const setTime = (sec: number, nsec: number) =>
    memory.copyOut(TIME, timespec.encode({ tv_sec: sec, tv_nsec: nsec }));
  return { machine, task, other, memory, call, ask, found, setTime };
}

test('poll reports what is ready, and hang-ups and bad descriptors unasked', () => {
  const { call, ask, found } = setUp();
  expect(call(sys_poll, BUFFER, ask([R, POLLIN], [W, POLLOUT], [-1, POLLIN], [99, 0]), 0)).toBe(2);
  expect([0, 1, 2, 3].map(found)).toEqual([0, POLLOUT, 0, POLLNVAL]);
  call(sys_close, W);
  expect(call(sys_poll, BUFFER, ask([R, 0]), 0)).toBe(1);
  expect(found(0)).toBe(POLLHUP);
});

test('regular files are always ready', () => {
  const { machine, task, call, ask, found } = setUp();
  const fd = machine.openFile(task, O_RDWR);
  expect(call(sys_poll, BUFFER, ask([fd, POLLIN | POLLOUT]), -1)).toBe(1);
  expect(found(0)).toBe(POLLIN | POLLOUT);
});

test('poll waits for an event', async () => {
  const { machine, other, call, ask, found } = setUp();
  const waiting = await machine.start(other, sys_poll, BUFFER, ask([R, POLLIN]), -1);
  expect(waiting.state).toBe('asleep');
  call(sys_write, W, BUFFER + 100, 1);
  await machine.settle();
  expect(waiting.outcome).toBe(1);
  expect(found(0)).toBe(POLLIN);
});

test('poll ends at its time limit', async () => {
  const { machine, other, ask } = setUp();
  const waiting = await machine.start(other, sys_poll, BUFFER, ask([R, POLLIN]), 10);
  await machine.advance(9_999_999);
  expect(waiting.state).toBe('asleep');
  await machine.advance(1);
  expect(waiting.outcome).toBe(0);
});

test('poll without descriptors is a sleep', async () => {
  const { machine, other } = setUp();
  const waiting = await machine.start(other, sys_poll, 0, 0, 10);
  await machine.advance(10_000_000);
  expect(waiting.outcome).toBe(0);
});

test('an interrupted poll goes on with what is left of its time', async () => {
  const { machine, other, ask, found } = setUp();
  const waiting = await machine.start(other, sys_poll, BUFFER, ask([R, POLLIN]), 10);
  await machine.advance(4_000_000);
  await machine.signal(other, SIGUSR1);
  expect(waiting.outcome).toBe('ERESTART_RESTARTBLOCK');
  // What was found is written all the same.
  expect(found(0)).toBe(0);
  const { restartBlock } = other;
  other.dying = undefined;
  other.process.groupExit = undefined;
  other.signals.pending.take(SIGUSR1);
  const again = await machine.run(() => restartBlock?.restart(other) ?? -1);
  await machine.advance(5_999_999);
  expect(again.state).toBe('asleep');
  await machine.advance(1);
  expect(again.outcome).toBe(0);
});

test('too many descriptors: EINVAL; bad memory: EFAULT', () => {
  const { call } = setUp();
  expect(call(sys_poll, BUFFER, 2000, 0)).toBe('EINVAL');
  expect(call(sys_poll, 8, 1, 0)).toBe('EFAULT');
});

test('ppoll writes back the time that is left', async () => {
  const { machine, other, memory, call, ask, setTime } = setUp();
  setTime(2, 500);
  const waiting = await machine.start(other, sys_ppoll, BUFFER, ask([R, POLLIN]), TIME, 0, 0);
  await machine.advance(1_000_000_000);
  call(sys_write, W, BUFFER + 100, 1);
  await machine.settle();
  expect(waiting.outcome).toBe(1);
  expect(timespec.decode(memory.copyIn(TIME, 16))).toEqual({ tv_sec: 1, tv_nsec: 500 });
  setTime(0, 1_000_000_000);
  expect(call(sys_ppoll, BUFFER, ask([R, POLLIN]), TIME, 0, 0)).toBe('EINVAL');
});

test('ppoll waits under its own signal mask', async () => {
  const { machine, other, memory, ask } = setUp();
  memory.putU64(MASK, 2 ** (SIGUSR1 - 1));
  const waiting = await machine.start(other, sys_ppoll, BUFFER, ask([R, POLLIN]), 0, MASK, 8);
  await machine.signal(other, SIGUSR1);
  expect(waiting.state).toBe('asleep');
  expect(other.signals.blocked.has(SIGUSR1)).toBe(true);
  await machine
    .start(other, sys_ppoll, BUFFER, 0, 0, MASK, 4)
    .then((call) => expect(call.outcome).toBe('EINVAL'));
});

test('select takes and gives back sets', () => {
  const { call, memory } = setUp();
  call(sys_write, W, BUFFER, 1);
  memory.putU64(SETS, 0b11);
  memory.putU64(SETS + 8, 0b11);
  memory.putU64(SETS + 16, 0b11);
  expect(call(sys_select, 2, SETS, SETS + 8, SETS + 16, 0)).toBe(2);
  expect([0, 8, 16].map((at) => memory.getU64(SETS + at))).toEqual([0b01, 0b10, 0]);
});

test('select: a closed descriptor in a set is EBADF, unless it is beyond the count', () => {
  const { call, memory } = setUp();
  memory.putU64(SETS, 0b100001);
  expect(call(sys_select, 6, SETS, 0, 0, 0)).toBe('EBADF');
  expect(call(sys_select, -1, SETS, 0, 0, 0)).toBe('EINVAL');
  call(sys_write, W, BUFFER, 1);
  expect(call(sys_select, 5, SETS, 0, 0, 0)).toBe(1);
});

test('select writes back time, and clears the sets at the limit', async () => {
  const { machine, other, memory, call } = setUp();
  memory.putU64(SETS, 1);
  memory.copyOut(TIME, timeval.encode({ tv_sec: 1, tv_usec: 500_000 }));
  const waiting = await machine.start(other, sys_select, 1, SETS, 0, 0, TIME);
  await machine.advance(500_000_000);
  call(sys_write, W, BUFFER, 1);
  await machine.settle();
  expect(waiting.outcome).toBe(1);
  expect(timeval.decode(memory.copyIn(TIME, 16))).toEqual({ tv_sec: 1, tv_usec: 0 });
  call(sys_read, R, BUFFER, 1);
  const again = await machine.start(other, sys_select, 1, SETS, 0, 0, TIME);
  await machine.advance(1_000_000_000);
  expect(again.outcome).toBe(0);
  expect(memory.getU64(SETS)).toBe(0);
});

test('an interrupted select leaves the sets alone', async () => {
  const { machine, other, memory } = setUp();
  memory.putU64(SETS, 1);
  const waiting = await machine.start(other, sys_pselect6, 1, SETS, 0, 0, 0, 0);
  await machine.signal(other, SIGUSR1);
  expect(waiting.outcome).toBe('ERESTARTNOHAND');
  expect(memory.getU64(SETS)).toBe(1);
});

test('a wake-up for something else ends no wait', async () => {
  const { machine, other, call, ask } = setUp();
  call(sys_write, W, BUFFER + 100, 60_000);
  const waiting = await machine.start(other, sys_poll, BUFFER, ask([W, POLLERR]), -1);
  call(sys_read, R, BUFFER + 100, 60_000);
  await machine.settle();
  expect(waiting.state).toBe('asleep');
  call(sys_close, R);
  await machine.settle();
  expect(waiting.outcome).toBe(1);
});
