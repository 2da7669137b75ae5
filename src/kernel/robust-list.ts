/** Robust futexes: a thread that dies leaves a list of the locks that it holds. set_robust_list(2), get_robust_list(2). */
import { EFAULT, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import {
  FUTEX_OWNER_DIED,
  FUTEX_TID_MASK,
  FUTEX_WAITERS,
  ROBUST_LIST_LIMIT,
  robust_list_head,
} from '../uapi/futex.js';
import { wakeOne } from './futex-queue.js';
import { mayAccess } from './ptrace-access.js';
import { address, int, size, syscall } from './syscall.js';
import type { Task } from './task.js';

/** set_robust_list(2). */
export const sys_set_robust_list = syscall([address, size], (task, head, length) => {
  if (length !== robust_list_head.size) throw EINVAL;
  task.robustList = head;
  return 0;
});

/** get_robust_list(2). */
export const sys_get_robust_list = syscall([int, address, address], (task, tid, headAt, lengthAt) => {
  const target = tid === 0 ? task : task.kernel.pids.tasks.get(tid);
  if (target === undefined) throw ESRCH;
  if (!mayAccess(task, target)) throw EPERM;
  task.memory.putU64(lengthAt, robust_list_head.size);
  task.memory.putU64(headAt, target.robustList);
  return 0;
});

/** Marks the locks that a task holds as it dies, and wakes one waiter of each. The list is hostile: it may be anything. */
export function exitRobustList(task: Task): void {
  const head = task.robustList;
  task.robustList = 0;
  if (head === 0 || task.mm === undefined) return;
  try {
    walk(task, head);
  } catch (error) {
    // A list that can't be read ends where it can't.
    if (error !== EFAULT && error !== EINVAL) throw error;
  }
}

/** Bit 0 of a link says that its futex is of the PI kind. */
const isPi = (link: number): boolean => link % 2 === 1;
const target = (link: number): number => link - (link % 2);

function walk(task: Task, head: number): void {
  const { memory } = task;
  const {
    list,
    futex_offset: offset,
    list_op_pending: pending,
  } = robust_list_head.decode(memory.copyIn(head, robust_list_head.size));
  let link = list.next;
  for (let limit = ROBUST_LIST_LIMIT; target(link) !== head && limit > 0; limit--) {
    // Read before the lock is given away, with which its memory may go.
    const next = memory.getU64(target(link));
    if (target(link) !== target(pending)) markDead(task, target(link) + offset, isPi(link), false);
    link = next;
  }
  // A lock that it was about to take or to free.
  if (target(pending) !== 0) markDead(task, target(pending) + offset, isPi(pending), true);
}

function markDead(task: Task, at: number, pi: boolean, pending: boolean): void {
  if (at % 4 !== 0) throw EINVAL;
  for (;;) {
    const { words, index } = task.memory.word(at, true);
    const value = Atomics.load(words, index);
    const owner = value & FUTEX_TID_MASK;
    if (pending && !pi && owner === 0) {
      // It has freed the lock but perhaps not yet woken anybody.
      wakeOne(task, at);
      return;
    }
    if (owner !== task.tid) return;
    const dead = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (Atomics.compareExchange(words, index, value, dead) !== value) continue;
    // A PI lock is handed over with the others of its kind.
    if (!pi && (value & FUTEX_WAITERS) !== 0) wakeOne(task, at);
    return;
  }
}
