/** Waiting until one of several files is ready, with a deadline: what select(2) and poll(2) share. */
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Waiter, WaitQueue } from '../kernel/wait.js';
import { ERESTARTNOHAND } from '../uapi/errno.js';
import type { PollTable } from './file.js';

/** Asks files whether they are ready. */
export interface PollScan {
  /** The events that any of the files is asked for: a wake-up for others is not worth another look. */
  readonly wanted: number;
  /** Notes what is ready and returns how much that is. The queues of what is not go to `table` if there is one. */
  scan(task: Task, table: PollTable | undefined): number;
}

/** Wakes a task when any of the queues is woken. It stays in them from the first look to the end of the wait. */
class PollWaiter implements Waiter, PollTable {
  private readonly queues: WaitQueue[] = [];

  constructor(
    private readonly task: Task,
    private readonly wanted: number,
  ) {}

  wait(queue: WaitQueue): void {
    queue.add(this);
    this.queues.push(queue);
  }

  woken(_queue: WaitQueue, key: number): void {
    if (key === 0 || (key & this.wanted) !== 0) this.task.wake();
  }

  leave(): void {
    for (const queue of this.queues) queue.remove(this);
  }
}

/** Waits until a scan finds something: how much, or 0 at the deadline (kernel time). ERESTARTNOHAND for a signal. */
export function pollWait(task: Task, scan: PollScan, deadline: number): Result {
  const passed = deadline !== Infinity && deadline <= task.kernel.host.clock.now();
  const waiter = passed ? undefined : new PollWaiter(task, scan.wanted);
  let sleeps = false;
  try {
    const count = scan.scan(task, waiter);
    if (count > 0) return count;
    if (task.signalPending()) throw ERESTARTNOHAND;
    if (waiter === undefined) return 0;
    sleeps = true;
    return waitLater(task, scan, deadline, waiter);
  } finally {
    if (!sleeps) waiter?.leave();
  }
}

async function waitLater(task: Task, scan: PollScan, deadline: number, waiter: PollWaiter): Promise<number> {
  try {
    for (;;) {
      await task.park('interruptible', deadline);
      const count = scan.scan(task, undefined);
      if (count > 0) return count;
      if (task.signalPending()) throw ERESTARTNOHAND;
      if (deadline <= task.kernel.host.clock.now()) return 0;
    }
  } finally {
    waiter.leave();
  }
}
