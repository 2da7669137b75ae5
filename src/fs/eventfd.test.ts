import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { EPOLLERR, EPOLLIN, EPOLLOUT } from '../uapi/epoll.js';
import { EFD_NONBLOCK, EFD_SEMAPHORE } from '../uapi/eventfd.js';
import { SEEK_SET } from '../uapi/fs.js';
import { type EventFile, sys_eventfd2 } from './eventfd.js';
import { sys_lseek, sys_pread64, sys_read, sys_write, sys_writev } from './read-write.js';
import { TestMachine, USER } from './testing.js';

function setUp(initial = 0, flags = EFD_NONBLOCK) {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  expect(call(sys_eventfd2, initial, flags)).toBe(0);
  const words = (low: number, high: number) => {
    memory.putU32(USER, low);
    memory.putU32(USER + 4, high);
  };
  const write = (low: number, high = 0) => {
    words(low, high);
    return call(sys_write, 0, USER, 8);
  };
  const read = () => {
    const result = call(sys_read, 0, USER, 8);
    return result === 8 ? [memory.getU32(USER), memory.getU32(USER + 4)] : result;
  };
  const poll = () => task.files.get(0).poll(task, undefined);
  return { machine, task, memory, call, words, write, read, poll };
}

test('adds up what is written and gives it all to one read', () => {
  const { write, read } = setUp(3);
  expect(write(4)).toBe(8);
  expect(read()).toEqual([7, 0]);
  expect(read()).toBe('EAGAIN');
});

test('carries into the high word', () => {
  const { write, read } = setUp(0xffff_ffff);
  write(1);
  expect(read()).toEqual([0, 1]);
});

test('as a semaphore it gives one at a time, borrowing from the high word', () => {
  const { write, read } = setUp(0, EFD_NONBLOCK | EFD_SEMAPHORE);
  write(0, 1);
  expect(read()).toEqual([1, 0]);
  write(0, 0);
  for (let count = 0; count < 3; count++) expect(read()).toEqual([1, 0]);
  const few = setUp(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  expect([few.read(), few.read(), few.read()]).toEqual([[1, 0], [1, 0], 'EAGAIN']);
});

test('never reaches all ones, except by overflow in the kernel', () => {
  const { task, write, poll, read } = setUp();
  expect(write(-1, -1)).toBe('EINVAL');
  expect(write(-2, -1)).toBe(8);
  expect(write(1)).toBe('EAGAIN');
  expect(poll()).toBe(EPOLLIN);
  (task.files.get(0) as EventFile).signal();
  expect(poll()).toBe(EPOLLIN | EPOLLERR);
  expect(read()).toEqual([0xffff_ffff, 0xffff_ffff]);
  expect(poll()).toBe(EPOLLOUT);
});

test('a reader waits for a count, a writer for room', async () => {
  const { machine, task, words, write } = setUp(0, 0);
  const thread = machine.newThread(task);
  const reading = await machine.start(thread, sys_read, 0, USER + 64, 8);
  expect(reading.state).toBe('asleep');
  write(5);
  await machine.settle();
  expect(reading.outcome).toBe(8);
  write(-2, -1);
  words(9, 0);
  const writing = await machine.start(thread, sys_write, 0, USER, 8);
  expect(writing.state).toBe('asleep');
  await machine.start(task, sys_read, 0, USER + 64, 8);
  expect(writing.outcome).toBe(8);
});

test('each range of a vector is a write of its own', async () => {
  const { machine, task, memory, read } = setUp();
  memory.putU64(USER + 64, 5);
  for (const [index, length] of [8, 8, 4].entries()) {
    memory.putU64(USER + index * 16, USER + 64);
    memory.putU64(USER + index * 16 + 8, length);
  }
  expect((await machine.start(task, sys_writev, 0, USER, 3)).outcome).toBe(16);
  expect(read()).toEqual([10, 0]);
});

test('wants eight bytes, and has no positions', () => {
  const { call } = setUp(1);
  expect(call(sys_read, 0, USER, 7)).toBe('EINVAL');
  expect(call(sys_write, 0, USER, 7)).toBe('EINVAL');
  expect(call(sys_pread64, 0, USER, 8, 0)).toBe('ESPIPE');
  expect(call(sys_lseek, 0, 5, SEEK_SET)).toBe(0);
  expect(call(sys_eventfd2, 0, 2)).toBe('EINVAL');
});
