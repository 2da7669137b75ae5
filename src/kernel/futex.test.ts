import { beforeEach, describe, expect, test } from 'vitest';
import { USER } from '../fs/testing.js';
import {
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMP_REQUEUE,
  FUTEX_CMP_REQUEUE_PI,
  FUTEX_LOCK_PI,
  FUTEX_OWNER_DIED,
  FUTEX_PRIVATE_FLAG,
  FUTEX_TRYLOCK_PI,
  FUTEX_UNLOCK_PI,
  FUTEX_WAIT,
  FUTEX_WAITERS,
  FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
  futex_waitv,
  robust_list_head,
} from '../uapi/futex.js';
import { SIGCONT, SIGSTOP, SIGUSR1 } from '../uapi/signal.js';
import { GuestMachine } from './testing.js';
import type { Task } from './task.js';

const WORD = USER + 0x100;
const OTHER = USER + 0x104;
const TIME = USER + 0x200;
const P = FUTEX_PRIVATE_FLAG;
const EAGAIN = -11;
const EINVAL = -22;
const ETIMEDOUT = -110;

let machine: GuestMachine;
let task: Task;
let threads: Task[];

beforeEach(() => {
  machine = new GuestMachine();
  task = machine.newGuest();
  threads = [1, 2, 3].map(() => machine.newGuestThread(task));
});

const futex = async (who: Task, ...values: number[]): Promise<number> => {
  await machine.enter(who, 'futex', ...values);
  return machine.rax(who);
};
const asleep = (who: Task): boolean => !machine.context(who).running;
const word = (at = WORD): number => task.memory.getU32(at);
const putTime = (sec: number, nsec = 0): void => {
  task.memory.putU64(TIME, sec);
  task.memory.putU64(TIME + 8, nsec);
};

describe('waiting', () => {
  test('only while the word holds the value', async () => {
    expect(await futex(task, WORD, FUTEX_WAIT | P, 1, 0)).toBe(EAGAIN);
    await futex(task, WORD, FUTEX_WAIT | P, 0, 0);
    expect(asleep(task)).toBe(true);
    expect(await futex(threads[0], WORD, FUTEX_WAKE | P, 1)).toBe(1);
    expect(asleep(task)).toBe(false);
    expect(machine.rax(task)).toBe(0);
    expect(await futex(threads[0], WORD, FUTEX_WAKE | P, 1)).toBe(0);
  });

  test('private and shared waits do not meet', async () => {
    await futex(task, WORD, FUTEX_WAIT, 0, 0);
    expect(await futex(threads[0], WORD, FUTEX_WAKE | P, 1)).toBe(0);
    expect(await futex(threads[0], WORD, FUTEX_WAKE, 1)).toBe(1);
  });

  test('the longest waiters are woken first, as many as asked for', async () => {
    for (const thread of threads) await futex(thread, WORD, FUTEX_WAIT | P, 0, 0);
    expect(await futex(task, WORD, FUTEX_WAKE | P, 2)).toBe(2);
    expect(threads.map(asleep)).toEqual([false, false, true]);
  });

  test('bitsets choose', async () => {
    await futex(threads[0], WORD, FUTEX_WAIT_BITSET | P, 0, 0, 0, 1);
    await futex(threads[1], WORD, FUTEX_WAIT_BITSET | P, 0, 0, 0, 2);
    expect(await futex(task, WORD, FUTEX_WAKE_BITSET | P, 10, 0, 0, 6)).toBe(1);
    expect(threads.slice(0, 2).map(asleep)).toEqual([true, false]);
    expect(await futex(task, WORD, FUTEX_WAIT_BITSET | P, 0, 0, 0, 0)).toBe(EINVAL);
  });

  test('times out', async () => {
    putTime(0, 5000);
    await futex(task, WORD, FUTEX_WAIT | P, 0, TIME);
    await machine.advance(5000);
    expect(machine.rax(task)).toBe(ETIMEDOUT);
    putTime(1_000_000_001, 6000);
    await futex(task, WORD, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME | P, 0, TIME, 0, 1);
    await machine.advance(500);
    expect(asleep(task)).toBe(true);
    await machine.advance(500);
    expect(machine.rax(task)).toBe(ETIMEDOUT);
  });

  test('an interrupted wait with a time goes on with the old deadline', async () => {
    putTime(1);
    await futex(task, WORD, FUTEX_WAIT | P, 0, TIME);
    await machine.signal(task, SIGSTOP);
    await machine.interrupted(...threads);
    await machine.advance(9e8);
    await machine.signal(task, SIGCONT);
    await machine.repeat(task);
    expect(asleep(task)).toBe(true);
    await machine.advance(1e8);
    expect(machine.rax(task)).toBe(ETIMEDOUT);
  });

  test('a wait leaves nothing behind when a signal ends it', async () => {
    machine.handle(task, SIGUSR1, 0x5000);
    await futex(task, WORD, FUTEX_WAIT | P, 0, 0);
    await machine.signal(task, SIGUSR1);
    expect(await futex(threads[0], WORD, FUTEX_WAKE | P, 1)).toBe(0);
    await machine.sigreturn(task);
    expect(machine.rax(task)).toBe(-4);
  });

  test('bad addresses', async () => {
    expect(await futex(task, WORD + 1, FUTEX_WAIT, 0, 0)).toBe(EINVAL);
    expect(await futex(task, WORD + 1, FUTEX_WAKE, 1)).toBe(EINVAL);
    expect(await futex(task, 0, FUTEX_WAIT | P, 0, 0)).toBe(-14);
    expect(await futex(task, 0x7fff_f000_0000, FUTEX_WAKE | P, 1)).toBe(-14);
  });
});

test('requeue wakes some and moves others', async () => {
  for (const thread of threads) await futex(thread, WORD, FUTEX_WAIT | P, 0, 0);
  expect(await futex(task, WORD, FUTEX_CMP_REQUEUE | P, 1, 1, OTHER, 5)).toBe(EAGAIN);
  expect(await futex(task, WORD, FUTEX_CMP_REQUEUE | P, 1, 1, OTHER, 0)).toBe(2);
  expect(threads.map(asleep)).toEqual([false, true, true]);
  expect(await futex(task, OTHER, FUTEX_WAKE | P, 10)).toBe(1);
  expect(await futex(task, WORD, FUTEX_WAKE | P, 10)).toBe(1);
});

test('wake-op changes the second word and wakes there by its old value', async () => {
  await futex(threads[0], WORD, FUTEX_WAIT | P, 0, 0);
  await futex(threads[1], OTHER, FUTEX_WAIT | P, 0, 0);
  // ADD 3, then wake if the old value was 0.
  const operation = (1 << 28) | (0 << 24) | (3 << 12) | 0;
  expect(await futex(task, WORD, FUTEX_WAKE_OP | P, 1, 1, OTHER, operation)).toBe(2);
  expect(word(OTHER)).toBe(3);
  expect(await futex(task, WORD, FUTEX_WAKE_OP | P, 1, 1, OTHER, operation)).toBe(0);
  expect(word(OTHER)).toBe(6);
  // OR of 1 << 4, ANDN of 2, SET to -1.
  await futex(task, WORD, FUTEX_WAKE_OP | P, 1, 1, OTHER, (10 << 28) | (4 << 12));
  expect(word(OTHER)).toBe(22);
  await futex(task, WORD, FUTEX_WAKE_OP | P, 1, 1, OTHER, (3 << 28) | (2 << 12));
  expect(word(OTHER)).toBe(20);
  await futex(task, WORD, FUTEX_WAKE_OP | P, 1, 1, OTHER, 0xfff << 12);
  expect(word(OTHER)).toBe(0xffff_ffff);
});

test('waitv tells which of several was woken', async () => {
  const list = USER + 0x300;
  task.memory.copyOut(list, futex_waitv.encode({ uaddr: WORD, flags: 2 | P }));
  task.memory.copyOut(list + futex_waitv.size, futex_waitv.encode({ uaddr: OTHER, flags: 2 | P }));
  await machine.enter(task, 'futex_waitv', list, 2, 0, 0, 0);
  expect(asleep(task)).toBe(true);
  await futex(threads[0], OTHER, FUTEX_WAKE | P, 1);
  expect(machine.rax(task)).toBe(1);
  expect(await futex(threads[0], WORD, FUTEX_WAKE | P, 1)).toBe(0);
});

describe('locks with an owner', () => {
  test('are taken when free, and handed to the longest waiter', async () => {
    expect(await futex(task, WORD, FUTEX_LOCK_PI | P)).toBe(0);
    expect(word()).toBe(task.tid);
    expect(await futex(threads[0], WORD, FUTEX_TRYLOCK_PI | P)).toBe(EAGAIN);
    await futex(threads[0], WORD, FUTEX_LOCK_PI | P);
    await futex(threads[1], WORD, FUTEX_LOCK_PI | P);
    expect(word()).toBe(FUTEX_WAITERS + task.tid);
    expect(await futex(threads[2], WORD, FUTEX_UNLOCK_PI | P)).toBe(-1);
    expect(await futex(task, WORD, FUTEX_UNLOCK_PI | P)).toBe(0);
    expect(threads.slice(0, 2).map(asleep)).toEqual([false, true]);
    expect(word()).toBe(FUTEX_WAITERS + threads[0].tid);
    await futex(threads[0], WORD, FUTEX_UNLOCK_PI | P);
    await futex(threads[1], WORD, FUTEX_UNLOCK_PI | P);
    expect(word()).toBe(0);
  });

  test('deadlocks are found, one’s own and those of a circle', async () => {
    await futex(task, WORD, FUTEX_LOCK_PI | P);
    expect(await futex(task, WORD, FUTEX_LOCK_PI | P)).toBe(-35);
    await futex(threads[0], OTHER, FUTEX_LOCK_PI | P);
    await futex(threads[0], WORD, FUTEX_LOCK_PI | P);
    expect(await futex(task, OTHER, FUTEX_LOCK_PI | P)).toBe(-35);
  });

  test('an owner that does not exist is ESRCH', async () => {
    task.memory.putU32(WORD, 9999);
    expect(await futex(task, WORD, FUTEX_LOCK_PI | P)).toBe(-3);
  });

  test('a waiter that times out stays without', async () => {
    await futex(task, WORD, FUTEX_LOCK_PI | P);
    putTime(1_000_000_002);
    await futex(threads[0], WORD, FUTEX_LOCK_PI | P, 0, TIME);
    await machine.advance(1e9);
    expect(machine.rax(threads[0])).toBe(ETIMEDOUT);
    expect(await futex(task, WORD, FUTEX_UNLOCK_PI | P)).toBe(0);
    expect(word()).toBe(0);
  });

  test('a dead owner’s lock goes to the waiter, marked', async () => {
    await futex(threads[1], WORD, FUTEX_LOCK_PI | P);
    await futex(task, WORD, FUTEX_LOCK_PI | P);
    await machine.enter(threads[1], 'exit', 0);
    expect(machine.rax(task)).toBe(0);
    expect(word() >>> 0).toBe(((FUTEX_WAITERS | FUTEX_OWNER_DIED) >>> 0) + task.tid);
  });

  test('condition variables move waiters to the lock', async () => {
    await futex(task, OTHER, FUTEX_LOCK_PI | P);
    for (const thread of threads.slice(0, 2))
      await futex(thread, WORD, FUTEX_WAIT_REQUEUE_PI | P, 0, 0, OTHER);
    expect(await futex(task, WORD, FUTEX_WAKE | P, 1)).toBe(EINVAL);
    expect(await futex(task, WORD, FUTEX_CMP_REQUEUE_PI | P, 1, 10, OTHER, 0)).toBe(2);
    expect(threads.slice(0, 2).map(asleep)).toEqual([true, true]);
    await futex(task, OTHER, FUTEX_UNLOCK_PI | P);
    expect(threads.slice(0, 2).map(asleep)).toEqual([false, true]);
    await futex(threads[0], OTHER, FUTEX_UNLOCK_PI | P);
    await futex(threads[1], OTHER, FUTEX_UNLOCK_PI | P);
    expect(word(OTHER)).toBe(0);
  });

  test('a free lock is given to the first waiter at once', async () => {
    await futex(threads[0], WORD, FUTEX_WAIT_REQUEUE_PI | P, 0, 0, OTHER);
    expect(await futex(task, WORD, FUTEX_CMP_REQUEUE_PI | P, 1, 0, OTHER, 0)).toBe(1);
    expect(asleep(threads[0])).toBe(false);
    expect(word(OTHER)).toBe(threads[0].tid);
  });
});

describe('a thread that exits', () => {
  test('clears its word and wakes who joins it', async () => {
    task.memory.putU32(WORD, threads[0].tid);
    threads[0].clearChildTid = WORD;
    await futex(task, WORD, FUTEX_WAIT, threads[0].tid, 0);
    await machine.enter(threads[0], 'exit', 0);
    expect(word()).toBe(0);
    expect(asleep(task)).toBe(false);
  });

  test('marks its robust locks', async () => {
    const head = USER + 0x400;
    const entry = USER + 0x500;
    const owner = threads[0];
    task.memory.copyOut(head, robust_list_head.encode({ list: { next: entry }, futex_offset: WORD - entry }));
    task.memory.putU64(entry, head);
    await machine.enter(owner, 'set_robust_list', head, robust_list_head.size);
    task.memory.putU32(WORD, FUTEX_WAITERS + owner.tid);
    await futex(task, WORD, FUTEX_WAIT, FUTEX_WAITERS + owner.tid, 0);
    await machine.enter(owner, 'exit', 0);
    expect(word()).toBe((FUTEX_WAITERS | FUTEX_OWNER_DIED) >>> 0);
    expect(asleep(task)).toBe(false);
  });

  test('survives a list that goes round in circles', async () => {
    const head = USER + 0x400;
    const entry = USER + 0x500;
    task.memory.copyOut(head, robust_list_head.encode({ list: { next: entry }, futex_offset: WORD - entry }));
    task.memory.putU64(entry, entry);
    await machine.enter(threads[0], 'set_robust_list', head, robust_list_head.size);
    await machine.enter(threads[0], 'exit', 0);
    expect(task.process.threads.has(threads[0])).toBe(false);
  });
});
