/**
 * Who waits on which futex. A futex is a word of user memory; tasks that wait on it are in the queue of its key: for a private
 * one the address space and the address, for a shared one what is mapped there (AddressSpace.futexKey). futex(2)
 */
import type { AddressSpace } from '../mm/address-space.js';
import { EFAULT, EINVAL } from '../uapi/errno.js';
import type { Task } from './task.js';

/** One wait of a task on one futex. */
export class FutexWaiter {
  /** Where it waits; undefined when it has been woken, or has given up. */
  queue: FutexQueue | undefined;
  /** It waits for a lock with an owner (FUTEX_LOCK_PI), which is handed over to it. */
  forLock = false;
  /** FUTEX_WAIT_REQUEUE_PI: the lock that it wants to be moved to. */
  target: FutexQueue | undefined;
  /** Where the lock word is in its memory. */
  lockAddress = 0;

  constructor(
    readonly task: Task,
    readonly bitset: number,
  ) {}

  leave(): void {
    this.queue?.remove(this);
  }

  /** Wakes the task. */
  wake(): void {
    this.leave();
    this.task.wake();
  }
}

/** The tasks that wait on one futex, longest first. Exists only while there are some, or while it is held. */
export class FutexQueue {
  readonly waiters = new Set<FutexWaiter>();
  /** The owner, when this is the queue of a lock that others wait for. */
  owner: Task | undefined;
  private holders = 0;

  constructor(
    private readonly home: Map<number | string, FutexQueue>,
    private readonly key: number | string,
  ) {}

  add(waiter: FutexWaiter): void {
    waiter.queue = this;
    this.waiters.add(waiter);
  }

  remove(waiter: FutexWaiter): void {
    waiter.queue = undefined;
    this.waiters.delete(waiter);
    this.collect();
  }

  /** Keeps it in the table although nobody waits. */
  hold(): this {
    this.holders++;
    return this;
  }

  release(): void {
    this.holders--;
    this.collect();
  }

  get first(): FutexWaiter | undefined {
    for (const waiter of this.waiters) return waiter;
    return undefined;
  }

  setOwner(owner: Task | undefined): void {
    this.owner?.ownedLocks?.delete(this);
    this.owner = owner;
    if (owner !== undefined) (owner.ownedLocks ??= new Set()).add(this);
  }

  private collect(): void {
    if (this.waiters.size > 0 || this.holders > 0) return;
    this.setOwner(undefined);
    this.home.delete(this.key);
  }
}

export class FutexTable {
  private readonly shared = new Map<number | string, FutexQueue>();
  private readonly private = new WeakMap<AddressSpace, Map<number | string, FutexQueue>>();

  /** The queue of a futex, if anybody waits there. EINVAL for an address out of line, EFAULT. */
  find(task: Task, address: number, shared: boolean): FutexQueue | undefined {
    check(task, address);
    const { memory } = task;
    if (shared) return this.shared.size === 0 ? undefined : this.shared.get(memory.futexKey(address, false));
    return this.private.get(memory)?.get(address);
  }

  /** The queue of a futex, made if need be: the caller adds a waiter, or holds it. */
  obtain(task: Task, address: number, shared: boolean): FutexQueue {
    check(task, address);
    const { memory } = task;
    const home = shared ? this.shared : this.privateOf(memory);
    const key = shared ? memory.futexKey(address, false) : address;
    let queue = home.get(key);
    if (queue === undefined) home.set(key, (queue = new FutexQueue(home, key)));
    return queue;
  }

  private privateOf(space: AddressSpace): Map<number | string, FutexQueue> {
    let queues = this.private.get(space);
    if (queues === undefined) this.private.set(space, (queues = new Map()));
    return queues;
  }
}

function check(task: Task, address: number): void {
  if (address % 4 !== 0) throw EINVAL;
  if (address >= task.kernel.host.cpu.userTop) throw EFAULT;
}

/** Wakes up to `limit` waiters (at least one) whose bitset meets `bitset`. EINVAL when one of them waits for a lock. */
export function wakeWaiters(queue: FutexQueue | undefined, limit: number, bitset: number): number {
  if (queue === undefined) return 0;
  let woken = 0;
  for (const waiter of queue.waiters) {
    if (waiter.forLock || waiter.target !== undefined) throw EINVAL;
    if ((waiter.bitset & bitset) === 0) continue;
    waiter.wake();
    if (++woken >= limit) break;
  }
  return woken;
}

/** Wakes one that waits for a word which the kernel itself has changed. */
export function wakeOne(task: Task, address: number): void {
  wakeWaiters(task.kernel.futexes.find(task, address, true), 1, -1);
}
