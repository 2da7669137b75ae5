/**
 * Futexes with an owner: FUTEX_LOCK_PI and its family, futex(2). The lock word holds the owner's thread number; user space
 * takes a free lock and frees an uncontended one by itself. The kernel comes in when there are waiters (FUTEX_WAITERS is
 * set): then it alone changes the word, and hands the lock over to the longest waiter.
 *
 * Priorities are not inherited, since the host schedules the guest's threads; owners, hand-over, detection of deadlocks and
 * of dead owners are as on Linux.
 */
import { EAGAIN, EDEADLK, EFAULT, EINVAL, EPERM, ERESTARTNOINTR, ESRCH, ETIMEDOUT } from '../uapi/errno.js';
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from '../uapi/futex.js';
import { type FutexQueue, FutexWaiter } from './futex-queue.js';
import { isAlive } from './signal-send.js';
import type { Result } from './syscall.js';
import type { Task } from './task.js';

const WAITERS = FUTEX_WAITERS | 0;

/** A lock word of a task. */
class LockWord {
  private readonly words: Int32Array;
  private readonly index: number;

  constructor(task: Task, address: number) {
    ({ words: this.words, index: this.index } = task.memory.word(address, true));
  }
  get value(): number {
    return Atomics.load(this.words, this.index);
  }
  /** False when the word was no longer `from`: user space has been faster. */
  change(from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, this.index, from, to) === from;
  }
}

/**
 * Takes a lock for `task` if it is free; else notes in the word that somebody waits, and whose it is in the queue.
 * EDEADLK, ESRCH when the owner does not exist, EINVAL when word and queue contradict each other.
 */
function tryLock(task: Task, word: LockWord, queue: FutexQueue, markContended: boolean): boolean {
  for (;;) {
    const value = word.value;
    const tid = value & FUTEX_TID_MASK;
    if (tid === task.tid) throw EDEADLK;
    if (queue.first !== undefined) {
      checkOwner(queue, value);
      return false;
    }
    if (tid === 0) {
      // A dead owner's mark stays for user space to see.
      const taken = (value & FUTEX_OWNER_DIED) | task.tid | (markContended ? WAITERS : 0);
      if (word.change(value, taken)) return true;
    } else {
      const owner = task.kernel.pids.tasks.get(tid);
      if (!word.change(value, value | WAITERS)) continue;
      if (owner === undefined || !isAlive(owner)) throw ESRCH;
      if (owner.mm === undefined) throw EPERM;
      queue.setOwner(owner);
      return false;
    }
  }
}

function checkOwner(queue: FutexQueue, value: number): void {
  const tid = value & FUTEX_TID_MASK;
  if (queue.first?.forLock !== true) throw EINVAL;
  if ((value & FUTEX_OWNER_DIED) !== 0 && tid === 0) return;
  if (queue.owner === undefined || queue.owner.tid !== tid) throw EINVAL;
}

/** Whether `task` would wait for itself, through any number of owners that wait themselves. */
function wouldDeadlock(task: Task, queue: FutexQueue): boolean {
  for (let { owner } = queue; owner !== undefined; owner = owner.lockWait?.queue?.owner)
    if (owner === task) return true;
  return false;
}

/** FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_TRYLOCK_PI. */
export function lockPi(
  task: Task,
  address: number,
  shared: boolean,
  deadline: number,
  wait: boolean,
): Result {
  const queue = task.kernel.futexes.obtain(task, address, shared).hold();
  try {
    const word = new LockWord(task, address);
    if (tryLock(task, word, queue, false)) {
      queue.setOwner(undefined);
      return 0;
    }
    if (!wait) throw EAGAIN;
    if (wouldDeadlock(task, queue)) throw EDEADLK;
    const waiter = new FutexWaiter(task, -1);
    queueForLock(waiter, queue, address);
    return waitForLock(task, waiter, deadline);
  } finally {
    queue.release();
  }
}

function queueForLock(waiter: FutexWaiter, queue: FutexQueue, address: number): void {
  waiter.forLock = true;
  waiter.lockAddress = address;
  waiter.task.lockWait = waiter;
  queue.add(waiter);
}

async function waitForLock(task: Task, waiter: FutexWaiter, deadline: number): Promise<number> {
  const { clock } = task.kernel.host;
  try {
    while (waiter.queue !== undefined) {
      if (clock.now() >= deadline) throw ETIMEDOUT;
      if (task.signalPending()) throw ERESTARTNOINTR;
      await task.park('interruptible', deadline);
    }
    return 0;
  } finally {
    waiter.leave();
    task.lockWait = undefined;
  }
}

/** Gives a lock to the longest waiter. `mark` is FUTEX_OWNER_DIED when the owner has died. */
function handOver(queue: FutexQueue, heir: FutexWaiter, mark: number): void {
  // The word keeps FUTEX_WAITERS even if nobody is left: its owner comes to the kernel to unlock, and that clears it.
  const word = new LockWord(heir.task, heir.lockAddress);
  let value: number;
  do value = word.value;
  while (!word.change(value, heir.task.tid | WAITERS | mark));
  // Not before the word is written, which may fail.
  heir.task.lockWait = undefined;
  queue.setOwner(queue.waiters.size > 1 ? heir.task : undefined);
  heir.wake();
}

/** FUTEX_UNLOCK_PI. */
export function unlockPi(task: Task, address: number, shared: boolean): number {
  const word = new LockWord(task, address);
  for (;;) {
    const value = word.value;
    if ((value & FUTEX_TID_MASK) !== task.tid) throw EPERM;
    const queue = task.kernel.futexes.find(task, address, shared);
    const heir = queue?.first;
    if (queue !== undefined && heir !== undefined) {
      if (!heir.forLock || queue.owner !== task) throw EINVAL;
      handOver(queue, heir, 0);
      return 0;
    }
    if (word.change(value, 0)) return 0;
  }
}

/** A task exits, or leaves its memory for a new program: locks that others wait for go to them. */
export function exitLocks(task: Task): void {
  for (const queue of task.ownedLocks ?? []) {
    queue.setOwner(undefined);
    const heir = queue.first;
    if (heir === undefined) continue;
    try {
      handOver(queue, heir, FUTEX_OWNER_DIED);
    } catch (error) {
      // The waiter has unmapped the lock that it waits for; it stays without.
      if (error !== EFAULT) throw error;
    }
  }
}

/** FUTEX_WAIT_REQUEUE_PI: waits on a condition to be moved to the lock at `target`. */
export function waitRequeuePi(
  task: Task,
  address: number,
  shared: boolean,
  value: number,
  deadline: number,
  bitset: number,
  target: number,
): Result {
  if (bitset === 0 || address === target) throw EINVAL;
  const { futexes } = task.kernel;
  const lock = futexes.obtain(task, target, shared).hold();
  try {
    const { words, index } = task.memory.word(address, false);
    if (Atomics.load(words, index) !== (value | 0)) throw EAGAIN;
    const waiter = new FutexWaiter(task, bitset);
    waiter.target = lock;
    waiter.lockAddress = target;
    futexes.obtain(task, address, shared).add(waiter);
    return waitToBeMoved(task, waiter, deadline, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function waitToBeMoved(
  task: Task,
  waiter: FutexWaiter,
  deadline: number,
  lock: FutexQueue,
): Promise<number> {
  const { clock } = task.kernel.host;
  try {
    while (waiter.queue !== undefined) {
      if (clock.now() >= deadline) throw ETIMEDOUT;
      // Once moved, starting again would find another value of the condition: let user space see to it.
      if (task.signalPending()) throw waiter.forLock ? EAGAIN : ERESTARTNOINTR;
      await task.park('interruptible', deadline);
    }
    return 0;
  } finally {
    waiter.leave();
    task.lockWait = undefined;
    lock.release();
  }
}

/** FUTEX_CMP_REQUEUE_PI: gives the first waiter the lock at `target`, or its turn there; moves others behind it. */
export function requeuePi(
  task: Task,
  from: FutexQueue | undefined,
  target: number,
  shared: boolean,
  moveLimit: number,
): number {
  const lock = task.kernel.futexes.obtain(task, target, shared).hold();
  try {
    if (from === lock) throw EINVAL;
    let count = 0;
    const word = new LockWord(task, target);
    for (const waiter of from?.waiters ?? []) {
      if (count > moveLimit) break;
      if (waiter.target !== lock || waiter.forLock) throw EINVAL;
      if (count === 0 && tryLock(waiter.task, word, lock, moveLimit > 0)) {
        lock.setOwner(waiter.task);
        waiter.wake();
      } else {
        if (wouldDeadlock(waiter.task, lock)) throw EDEADLK;
        waiter.leave();
        queueForLock(waiter, lock, waiter.lockAddress);
      }
      count++;
    }
    return count;
  } finally {
    lock.release();
  }
}
