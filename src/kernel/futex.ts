/** futex(2): waiting and waking. Locks with an owner are in futex-pi.ts, lists of robust ones in robust-list.ts. */
import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOSYS,
  ERESTARTSYS,
  ERESTART_RESTARTBLOCK,
  ETIMEDOUT,
} from '../uapi/errno.js';
import {
  FUTEX_32,
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMP_REQUEUE,
  FUTEX_CMP_REQUEUE_PI,
  FUTEX_LOCK_PI,
  FUTEX_LOCK_PI2,
  FUTEX_OP_ADD,
  FUTEX_OP_ANDN,
  FUTEX_OP_CMP_EQ,
  FUTEX_OP_CMP_GE,
  FUTEX_OP_CMP_GT,
  FUTEX_OP_CMP_LE,
  FUTEX_OP_CMP_LT,
  FUTEX_OP_CMP_NE,
  FUTEX_OP_OPARG_SHIFT,
  FUTEX_OP_OR,
  FUTEX_OP_SET,
  FUTEX_OP_XOR,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_TRYLOCK_PI,
  FUTEX_UNLOCK_PI,
  FUTEX_WAIT,
  FUTEX_WAITV_MAX,
  FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
  futex_waitv,
  futexOperations,
} from '../uapi/futex.js';
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from '../uapi/time.js';
import { exitLocks, lockPi, requeuePi, unlockPi, waitRequeuePi } from './futex-pi.js';
import { type FutexQueue, FutexWaiter, wakeOne, wakeWaiters } from './futex-queue.js';
import { exitRobustList } from './robust-list.js';
import { type Argument, type Result, address, int, syscall, uint } from './syscall.js';
import type { RestartBlock, Task } from './task.js';
import { deadlineOf, isValidTime, readTimespec, toNs } from './timespec.js';

/** Which operations take a time; for others its argument is a number. */
const timed = [FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI];

/** A time for an operation, as a deadline in kernel time. FUTEX_WAIT's is a span, all others are points of a clock. */
function readDeadline(task: Task, operation: number, at: number, realtime: boolean): number {
  if (at === 0) return Infinity;
  const time = readTimespec(task, at);
  if (!isValidTime(time)) throw EINVAL;
  if (operation === FUTEX_WAIT) return task.kernel.host.clock.now() + toNs(time);
  return deadlineOf(task.kernel, realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, time);
}

const operationArgument: Argument<number> = {
  decode: (_task, lo) => lo,
  format: (value) => futexOperations.format(value),
};

/** futex(2). */
export const sys_futex = syscall(
  [address, operationArgument, int, address, address, uint],
  (task, at, flags, value, timeAt, secondAt, third) => {
    const operation = flags & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    const shared = (flags & FUTEX_PRIVATE_FLAG) === 0;
    const realtime = (flags & FUTEX_CLOCK_REALTIME) !== 0;
    const clockChoice =
      operation === FUTEX_WAIT_BITSET || operation === FUTEX_WAIT_REQUEUE_PI || operation === FUTEX_LOCK_PI2;
    const deadline = timed.includes(operation)
      ? readDeadline(task, operation, timeAt, realtime || operation === FUTEX_LOCK_PI)
      : Infinity;
    if (realtime && !clockChoice) throw ENOSYS;
    const second = timeAt | 0;
    switch (operation) {
      case FUTEX_WAIT:
        return wait(task, at, shared, value, deadline, FUTEX_BITSET_MATCH_ANY);
      case FUTEX_WAIT_BITSET:
        return wait(task, at, shared, value, deadline, third);
      case FUTEX_WAKE:
        return wake(task, at, shared, value, FUTEX_BITSET_MATCH_ANY);
      case FUTEX_WAKE_BITSET:
        return wake(task, at, shared, value, third);
      case FUTEX_REQUEUE:
        return requeue(task, at, secondAt, shared, value, second, undefined);
      case FUTEX_CMP_REQUEUE:
        return requeue(task, at, secondAt, shared, value, second, third);
      case FUTEX_WAKE_OP:
        return wakeOperation(task, at, secondAt, shared, value, second, third);
      case FUTEX_LOCK_PI:
      case FUTEX_LOCK_PI2:
        return lockPi(task, at, shared, deadline, true);
      case FUTEX_TRYLOCK_PI:
        return lockPi(task, at, shared, Infinity, false);
      case FUTEX_UNLOCK_PI:
        return unlockPi(task, at, shared);
      case FUTEX_WAIT_REQUEUE_PI:
        return waitRequeuePi(task, at, shared, value, deadline, FUTEX_BITSET_MATCH_ANY, secondAt);
      case FUTEX_CMP_REQUEUE_PI:
        if (value !== 1) throw EINVAL;
        return requeueToLock(task, at, secondAt, shared, second, third);
      default:
        throw ENOSYS;
    }
  },
);

/** What the word holds, for a caller that will queue before its next await. EFAULT. */
function load(task: Task, at: number): number {
  const { words, index } = task.memory.word(at, false);
  return Atomics.load(words, index);
}

/** Sleeps while the word holds `value`, until woken. */
function wait(
  task: Task,
  at: number,
  shared: boolean,
  value: number,
  deadline: number,
  bitset: number,
): Result {
  if (bitset === 0) throw EINVAL;
  if (at % 4 !== 0) throw EINVAL;
  if (load(task, at) !== (value | 0)) throw EAGAIN;
  const waiter = new FutexWaiter(task, bitset);
  task.kernel.futexes.obtain(task, at, shared).add(waiter);
  return sleepOn(waiter, deadline, new WaitRestart(at, shared, value, deadline, bitset));
}

/** An interrupted wait with a deadline goes on, unless the word has changed. */
class WaitRestart implements RestartBlock {
  constructor(
    private readonly at: number,
    private readonly shared: boolean,
    private readonly value: number,
    private readonly deadline: number,
    private readonly bitset: number,
  ) {}

  restart(task: Task): Result {
    return wait(task, this.at, this.shared, this.value, this.deadline, this.bitset);
  }
}

async function sleepOn(waiter: FutexWaiter, deadline: number, restart: RestartBlock): Promise<number> {
  const { task } = waiter;
  const { clock } = task.kernel.host;
  while (waiter.queue !== undefined) {
    if (deadline !== Infinity && clock.now() >= deadline) {
      waiter.leave();
      throw ETIMEDOUT;
    }
    if (task.signalPending()) {
      waiter.leave();
      if (deadline === Infinity) throw ERESTARTSYS;
      task.restartBlock = restart;
      throw ERESTART_RESTARTBLOCK;
    }
    await task.park('interruptible', deadline);
  }
  return 0;
}

function wake(task: Task, at: number, shared: boolean, limit: number, bitset: number): number {
  if (bitset === 0) throw EINVAL;
  return wakeWaiters(task.kernel.futexes.find(task, at, shared), limit, bitset);
}

/** Wakes some and lets others wait for another futex instead. Unlike FUTEX_WAKE it can wake none. */
function requeue(
  task: Task,
  at: number,
  toAt: number,
  shared: boolean,
  wakeLimit: number,
  moveLimit: number,
  expected: number | undefined,
): number {
  if (wakeLimit < 0 || moveLimit < 0) throw EINVAL;
  const { futexes } = task.kernel;
  const from = futexes.find(task, at, shared);
  const to = futexes.obtain(task, toAt, shared).hold();
  try {
    if (expected !== undefined && load(task, at) !== (expected | 0)) throw EAGAIN;
    if (from === undefined) return 0;
    return moveWaiters(from, to, wakeLimit, moveLimit);
  } finally {
    to.release();
  }
}

function moveWaiters(from: FutexQueue, to: FutexQueue, wakeLimit: number, moveLimit: number): number {
  let count = 0;
  for (const waiter of from.waiters) {
    if (count - wakeLimit >= moveLimit) break;
    if (waiter.forLock || waiter.target !== undefined) throw EINVAL;
    if (count < wakeLimit) waiter.wake();
    else if (from !== to) {
      waiter.leave();
      to.add(waiter);
    }
    count++;
  }
  return count;
}

function requeueToLock(
  task: Task,
  at: number,
  lockAt: number,
  shared: boolean,
  moveLimit: number,
  expected: number,
): number {
  if (at === lockAt || moveLimit < 0) throw EINVAL;
  const from = task.kernel.futexes.find(task, at, shared);
  if (load(task, at) !== (expected | 0)) throw EAGAIN;
  return requeuePi(task, from, lockAt, shared, moveLimit);
}

/** FUTEX_WAKE_OP: changes the second word, wakes at the first, and at the second if its old value meets a condition. */
function wakeOperation(
  task: Task,
  at: number,
  secondAt: number,
  shared: boolean,
  limit: number,
  secondLimit: number,
  encoded: number,
): number {
  const { futexes } = task.kernel;
  const first = futexes.find(task, at, shared);
  const second = futexes.find(task, secondAt, shared);
  const condition = changeWord(task, secondAt, encoded);
  const woken = wakeWaiters(first, limit, FUTEX_BITSET_MATCH_ANY);
  return condition ? woken + wakeWaiters(second, secondLimit, FUTEX_BITSET_MATCH_ANY) : woken;
}

/** The operation of FUTEX_WAKE_OP on its word, and whether its comparison holds. */
function changeWord(task: Task, at: number, encoded: number): boolean {
  const operation = (encoded >>> 28) & 7;
  const comparison = (encoded >>> 24) & 15;
  // Two signed numbers of 12 bits.
  const given = (encoded << 8) >> 20;
  const compared = (encoded << 20) >> 20;
  const argument = ((encoded >>> 28) & FUTEX_OP_OPARG_SHIFT) !== 0 ? 1 << (given & 31) : given;
  const { words, index } = task.memory.word(at, true);
  const old = applyOperation(words, index, operation, argument);
  switch (comparison) {
    case FUTEX_OP_CMP_EQ:
      return old === compared;
    case FUTEX_OP_CMP_NE:
      return old !== compared;
    case FUTEX_OP_CMP_LT:
      return old < compared;
    case FUTEX_OP_CMP_LE:
      return old <= compared;
    case FUTEX_OP_CMP_GT:
      return old > compared;
    case FUTEX_OP_CMP_GE:
      return old >= compared;
    default:
      throw ENOSYS;
  }
}

function applyOperation(words: Int32Array, index: number, operation: number, argument: number): number {
  switch (operation) {
    case FUTEX_OP_SET:
      return Atomics.exchange(words, index, argument);
    case FUTEX_OP_ADD:
      return Atomics.add(words, index, argument);
    case FUTEX_OP_OR:
      return Atomics.or(words, index, argument);
    case FUTEX_OP_ANDN:
      return Atomics.and(words, index, ~argument);
    case FUTEX_OP_XOR:
      return Atomics.xor(words, index, argument);
    default:
      throw ENOSYS;
  }
}

/** futex_waitv(2): waits on several; returns which one was woken. */
export const sys_futex_waitv = syscall(
  [address, uint, uint, address, int],
  (task, at, count, flags, timeAt, clock) => {
    if (flags !== 0) throw EINVAL;
    if (count === 0 || count > FUTEX_WAITV_MAX || at === 0) throw EINVAL;
    let deadline = Infinity;
    if (timeAt !== 0) {
      if (clock !== CLOCK_MONOTONIC && clock !== CLOCK_REALTIME) throw EINVAL;
      const time = readTimespec(task, timeAt);
      if (!isValidTime(time)) throw EINVAL;
      deadline = deadlineOf(task.kernel, clock, time);
    }
    const bytes = task.memory.copyIn(at, count * futex_waitv.size);
    const wanted = Array.from({ length: count }, (_, index) =>
      futex_waitv.decode(bytes.subarray(index * futex_waitv.size)),
    );
    for (const { flags: one, __reserved } of wanted) {
      if ((one & ~(FUTEX_PRIVATE_FLAG | FUTEX_32)) !== 0 || __reserved !== 0) throw EINVAL;
      if ((one & FUTEX_32) === 0) throw EINVAL;
    }
    const waiters: FutexWaiter[] = [];
    try {
      for (const { uaddr, val, flags: one } of wanted) {
        const queue = task.kernel.futexes.obtain(task, uaddr, (one & FUTEX_PRIVATE_FLAG) === 0).hold();
        try {
          if (load(task, uaddr) !== (val | 0)) throw EAGAIN;
          const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
          queue.add(waiter);
          waiters.push(waiter);
        } finally {
          queue.release();
        }
      }
    } catch (error) {
      for (const waiter of waiters) waiter.leave();
      throw error;
    }
    return sleepOnAny(task, waiters, deadline);
  },
);

async function sleepOnAny(task: Task, waiters: readonly FutexWaiter[], deadline: number): Promise<number> {
  const { clock } = task.kernel.host;
  try {
    for (;;) {
      const woken = waiters.findLastIndex(({ queue }) => queue === undefined);
      if (woken >= 0) return woken;
      if (clock.now() >= deadline) throw ETIMEDOUT;
      if (task.signalPending()) throw ERESTARTSYS;
      await task.park('interruptible', deadline);
    }
  } finally {
    for (const waiter of waiters) waiter.leave();
  }
}

/**
 * A task lets go of its memory, at exit or execve: its locks are passed on, and the word that it was asked to clear
 * (CLONE_CHILD_CLEARTID: what pthread_join waits for) is cleared.
 */
export function mmRelease(task: Task): void {
  const { mm, clearChildTid } = task;
  if (mm === undefined) return;
  exitRobustList(task);
  exitLocks(task);
  task.clearChildTid = 0;
  // Alone in its memory, nobody is there to see it.
  if (clearChildTid === 0 || mm.users <= 1) return;
  try {
    mm.putU32(clearChildTid, 0);
    wakeOne(task, clearChildTid);
  } catch (error) {
    if (error !== EFAULT && error !== EINVAL) throw error;
  }
}
