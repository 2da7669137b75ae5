import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Task } from '../kernel/task.js';
import type { SystemCall } from '../kernel/syscall.js';
import {
  F_GETLK,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_RDLCK,
  F_SETLK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_RDONLY,
  O_RDWR,
  flock,
} from '../uapi/fcntl.js';
import { SIGUSR1 } from '../uapi/signal.js';
import { sys_fcntl } from './fcntl.js';
import { sys_close, sys_dup } from './file-calls.js';
import { sys_flock } from './flock.js';
import type { InodeLocks, RecordLock } from './locks.js';
import { TestFile, TestMachine, USER } from './testing.js';

/** Two processes that have one file open, each at its own open file, as descriptor 0. */
function setUp() {
  const machine = new TestMachine();
  const [a, b, c] = [machine.newProcess(), machine.newProcess(), machine.newProcess()];
  machine.openFile(a, O_RDWR);
  const file = a.files.get(0) as TestFile;
  machine.openFile(b, O_RDWR, file);
  machine.openFile(c, O_RDWR, file);
  const put = (task: Task, type: number, start: number, length: number, pid = 0) => {
    const record = { l_type: type, l_whence: 0, l_start: start, l_len: length, l_pid: pid };
    machine.memory(task).copyOut(USER, flock.encode(record));
  };
  const lock = (task: Task, type: number, start: number, length: number, command = F_SETLK) => {
    put(task, type, start, length);
    return machine.call(task, sys_fcntl, 0, command, USER);
  };
  const wait = (task: Task, type: number, start: number, length: number, command = F_SETLKW) => {
    put(task, type, start, length);
    return machine.start(task, sys_fcntl, 0, command, USER);
  };
  const get = (task: Task, type: number, start: number, length: number, command = F_GETLK) => {
    put(task, type, start, length);
    expect(machine.call(task, sys_fcntl, 0, command, USER)).toBe(0);
    return flock.decode(machine.memory(task).copyIn(USER, flock.size));
  };
  const call = (task: Task, to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  return { machine, a, b, c, file, lock, wait, get, call };
}

test('readers share, a writer excludes', () => {
  const { a, b, lock } = setUp();
  expect(lock(a, F_RDLCK, 0, 10)).toBe(0);
  expect(lock(b, F_RDLCK, 5, 10)).toBe(0);
  expect(lock(b, F_WRLCK, 9, 1)).toBe('EAGAIN');
  expect(lock(b, F_WRLCK, 10, 1)).toBe(0);
  expect(lock(a, F_UNLCK, 0, 0)).toBe(0);
  expect(lock(b, F_WRLCK, 0, 0)).toBe(0);
});

test('F_GETLK shows the first lock in the way', () => {
  const { a, b, lock, get } = setUp();
  lock(a, F_WRLCK, 10, 5);
  lock(a, F_RDLCK, 20, 0);
  const found = get(b, F_WRLCK, 0, 0);
  expect(found).toMatchObject({ l_type: F_WRLCK, l_start: 10, l_len: 5, l_pid: a.process.pid });
  expect(get(b, F_WRLCK, 30, 1)).toMatchObject({ l_type: F_RDLCK, l_start: 20, l_len: 0 });
  expect(get(b, F_RDLCK, 30, 1)).toMatchObject({ l_type: F_UNLCK, l_start: 30, l_len: 1 });
  expect(get(a, F_WRLCK, 0, 0).l_type).toBe(F_UNLCK);
});

test('the mode of the open file must allow for the lock', () => {
  const { machine, a, lock, call } = setUp();
  const file = a.files.get(0) as TestFile;
  call(a, sys_close, 0);
  machine.openFile(a, O_RDONLY, file);
  expect(lock(a, F_WRLCK, 0, 1)).toBe('EBADF');
  expect(lock(a, F_RDLCK, 0, 1)).toBe(0);
  expect(lock(a, 7, 0, 1)).toBe('EINVAL');
  expect(lock(a, F_RDLCK, -1, 1)).toBe('EINVAL');
  expect(lock(a, F_RDLCK, 5, -6)).toBe('EINVAL');
  expect(lock(a, F_RDLCK, 5, -5)).toBe(0);
});

test('closing any descriptor of the file drops all locks of the process', () => {
  const { a, b, lock, call } = setUp();
  lock(a, F_WRLCK, 0, 0);
  expect(call(a, sys_dup, 0)).toBe(1);
  expect(lock(b, F_RDLCK, 0, 1)).toBe('EAGAIN');
  call(a, sys_close, 1);
  expect(lock(b, F_RDLCK, 0, 1)).toBe(0);
});

test('OFD locks belong to the open file and go with its last descriptor', () => {
  const { a, b, lock, get, call } = setUp();
  expect(lock(a, F_WRLCK, 0, 0, F_OFD_SETLK)).toBe(0);
  expect(lock(a, F_WRLCK, 0, 0, F_SETLK)).toBe('EAGAIN');
  call(a, sys_dup, 0);
  call(a, sys_close, 0);
  expect(get(b, F_RDLCK, 0, 0, F_OFD_GETLK).l_pid).toBe(-1);
  call(a, sys_close, 1);
  expect(lock(b, F_RDLCK, 0, 0)).toBe(0);
});

test('F_SETLKW waits until the lock is free', async () => {
  const { machine, a, b, lock, wait } = setUp();
  lock(a, F_WRLCK, 0, 10);
  const waiting = await wait(b, F_WRLCK, 5, 1);
  expect(waiting.state).toBe('asleep');
  lock(a, F_UNLCK, 0, 5);
  await machine.settle();
  expect(waiting.state).toBe('asleep');
  lock(a, F_UNLCK, 5, 5);
  await machine.settle();
  expect(waiting.outcome).toBe(0);
});

test('a signal ends the wait, and no lock is left', async () => {
  const { machine, a, b, lock, wait } = setUp();
  lock(a, F_WRLCK, 0, 10);
  const waiting = await wait(b, F_WRLCK, 0, 1);
  await machine.signal(b, SIGUSR1);
  expect(waiting.outcome).toBe('ERESTARTSYS');
  lock(a, F_UNLCK, 0, 0);
  expect(lock(a, F_WRLCK, 0, 0)).toBe(0);
});

test('two processes that would wait for each other: EDEADLK', async () => {
  const { machine, a, b, c, lock, wait } = setUp();
  lock(a, F_WRLCK, 0, 1);
  lock(b, F_WRLCK, 1, 1);
  lock(c, F_WRLCK, 2, 1);
  expect((await wait(a, F_WRLCK, 1, 1)).state).toBe('asleep');
  expect((await wait(b, F_WRLCK, 2, 1)).state).toBe('asleep');
  expect((await wait(c, F_WRLCK, 0, 1)).outcome).toBe('EDEADLK');
  lock(c, F_UNLCK, 0, 0);
  await machine.settle();
  expect(lock(c, F_RDLCK, 2, 1)).toBe('EAGAIN');
});

test('OFD locks are not searched for deadlocks', async () => {
  const { a, b, lock, wait } = setUp();
  lock(a, F_WRLCK, 0, 1, F_OFD_SETLK);
  lock(b, F_WRLCK, 1, 1, F_OFD_SETLK);
  expect((await wait(a, F_WRLCK, 1, 1, F_OFD_SETLKW)).state).toBe('asleep');
  expect((await wait(b, F_WRLCK, 0, 1, F_OFD_SETLKW)).state).toBe('asleep');
});

test('flock: shared and exclusive, shared by dup, dropped with the last descriptor', async () => {
  const { machine, a, b, call } = setUp();
  expect(call(a, sys_flock, 0, LOCK_SH)).toBe(0);
  expect(call(b, sys_flock, 0, LOCK_SH | LOCK_NB)).toBe(0);
  expect(call(a, sys_flock, 0, LOCK_EX | LOCK_NB)).toBe('EAGAIN');
  // The failed conversion has lost the shared lock.
  expect(call(b, sys_flock, 0, LOCK_EX | LOCK_NB)).toBe(0);
  call(b, sys_dup, 0);
  call(b, sys_close, 0);
  const waiting = await machine.start(a, sys_flock, 0, LOCK_EX);
  expect(waiting.state).toBe('asleep');
  call(b, sys_close, 1);
  await machine.settle();
  expect(waiting.outcome).toBe(0);
  expect(call(a, sys_flock, 0, 3)).toBe('EINVAL');
  expect(call(a, sys_flock, 0, LOCK_UN)).toBe(0);
});

test('/proc/locks lists all of them', async () => {
  const { machine, a, b, lock, wait, call, file } = setUp();
  lock(a, F_WRLCK, 0, 10);
  lock(b, F_RDLCK, 20, 0, F_OFD_SETLK);
  await wait(b, F_WRLCK, 5, 1);
  call(a, sys_flock, 0, LOCK_SH);
  const pids = [a.process.pid, b.process.pid];
  const { ino, superBlock } = file.inode;
  const place = `00:0${superBlock.dev & 0xff}:${ino}`;
  expect(machine.kernel.locks.show()).toBe(
    `1: POSIX  ADVISORY  WRITE ${pids[0]} ${place} 0 9\n` +
      `1: -> POSIX  ADVISORY  WRITE ${pids[1]} ${place} 5 5\n` +
      `2: OFDLCK ADVISORY  READ  -1 ${place} 20 EOF\n` +
      `3: FLOCK  ADVISORY  READ  ${pids[0]} ${place} 0 EOF\n`,
  );
});

// The model: who holds what, byte by byte.

const LENGTH = 24;
const request = fc.record({
  who: fc.nat(2),
  type: fc.constantFrom(F_RDLCK, F_WRLCK, F_UNLCK),
  start: fc.nat(LENGTH - 1),
  length: fc.nat(8),
});

test('ranges are split and joined as if each byte had its own locks', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
      const { a, b, c, lock, file } = setUp();
      const tasks = [a, b, c];
      const model = tasks.map(() => new Uint8Array(LENGTH).fill(F_UNLCK));
      for (const { who, type, start, length } of requests) {
        const end = length === 0 ? LENGTH : Math.min(LENGTH, start + length);
        const others = model.filter((_, index) => index !== who);
        const conflict =
          type !== F_UNLCK &&
          others.some((held) =>
            held.subarray(start, end).some((t) => t === F_WRLCK || (t === F_RDLCK && type === F_WRLCK)),
          );
        const outcome = lock(tasks[who], type, start, length === 0 ? 0 : end - start);
        expect(outcome).toBe(conflict ? 'EAGAIN' : 0);
        if (!conflict) model[who].fill(type, start, end);
        check(file.inode.locks, tasks, model);
      }
    }),
    { seed: 1, numRuns: 150 },
  );
});

/** The ranges are what the bytes say, sorted, disjoint, and no two of them could be one. */
function check(locks: InodeLocks | undefined, tasks: readonly Task[], model: readonly Uint8Array[]): void {
  const all = locks === undefined ? [] : [...locks.recordLocks()];
  for (const [index, task] of tasks.entries()) {
    const own = all.filter(({ owner }) => owner === task.files);
    const bytes = new Uint8Array(LENGTH).fill(F_UNLCK);
    let before: RecordLock | undefined;
    for (const range of own) {
      expect(range.end).toBeGreaterThanOrEqual(range.start);
      if (before !== undefined) {
        expect(range.start).toBeGreaterThan(before.end);
        if (range.type === before.type) expect(range.start).toBeGreaterThan(before.end + 1);
      }
      bytes.fill(range.type, range.start, Math.min(range.end + 1, LENGTH));
      before = range;
    }
    expect([...bytes]).toEqual([...model[index]]);
  }
}
