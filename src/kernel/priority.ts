/** Nice values and I/O priorities of threads, groups and users: getpriority(2), setpriority(2), ioprio_set(2). */
import { CAP_SYS_ADMIN, CAP_SYS_NICE } from '../uapi/capability.js';
import { EACCES, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import {
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
  IOPRIO_CLASS_NONE,
  IOPRIO_CLASS_RT,
  IOPRIO_CLASS_SHIFT,
  IOPRIO_WHO_PGRP,
  IOPRIO_WHO_PROCESS,
  IOPRIO_WHO_USER,
} from '../uapi/ioprio.js';
import { PRIO_PGRP, PRIO_PROCESS, PRIO_USER } from '../uapi/resource.js';
import { type Credentials, capable } from './credentials.js';
import { mayHaveNice } from './sched-calls.js';
import { int, syscall } from './syscall.js';
import type { Task } from './task.js';

/** Whom a call is about: one thread, all of a process group, or all of a user. */
type Whom = 'thread' | 'group' | 'user';

const priorityWhom: Readonly<Record<number, Whom>> = {
  [PRIO_PROCESS]: 'thread',
  [PRIO_PGRP]: 'group',
  [PRIO_USER]: 'user',
};

const ioWhom: Readonly<Record<number, Whom>> = {
  [IOPRIO_WHO_PROCESS]: 'thread',
  [IOPRIO_WHO_PGRP]: 'group',
  [IOPRIO_WHO_USER]: 'user',
};

/** The threads meant; 0 is the caller, its group, its user. ESRCH when there are none. */
function tasksOf(task: Task, whom: Whom | undefined, id: number): Task[] {
  const { pids } = task.kernel;
  const found: Task[] = [];
  switch (whom) {
    case 'thread': {
      const target = id === 0 ? task : pids.tasks.get(id);
      if (target !== undefined) found.push(target);
      break;
    }
    case 'group': {
      const group = id === 0 ? task.process.group : pids.groups.get(id);
      for (const member of group?.members ?? []) found.push(...member.threads);
      break;
    }
    case 'user': {
      const uid = id === 0 ? task.credentials.uid : id >>> 0;
      for (const other of pids.tasks.values()) if (other.credentials.uid === uid) found.push(other);
      break;
    }
    default:
      throw EINVAL;
  }
  if (found.length === 0) throw ESRCH;
  return found;
}

/** The result counts from 40 (nice -20) to 1 (nice 19), so that it is no error. */
export const sys_getpriority = syscall([int, int], (task, which, who) =>
  Math.max(...tasksOf(task, priorityWhom[which], who).map(({ nice }) => 20 - nice)),
);

export const sys_setpriority = syscall([int, int, int], (task, which, who, value) => {
  const nice = Math.max(-20, Math.min(19, value));
  return forEach(tasksOf(task, priorityWhom[which], who), (target) => {
    if (!mayChange(task.credentials, target)) throw EPERM;
    if (nice < target.nice && !mayHaveNice(target, nice) && !capable(task.credentials, CAP_SYS_NICE))
      throw EACCES;
    target.nice = nice;
  });
});

/** Each that can be changed is; the first error is told all the same. */
function forEach(targets: readonly Task[], action: (target: Task) => void): number {
  let failure: { readonly error: unknown } | undefined;
  for (const target of targets) {
    try {
      action(target);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return 0;
}

const mayChange = (credentials: Credentials, { credentials: target }: Task): boolean =>
  target.uid === credentials.euid || target.euid === credentials.euid || capable(credentials, CAP_SYS_NICE);

const LEVELS = 8;

export const sys_ioprio_set = syscall([int, int, int], (task, which, who, value) => {
  checkIoPriority(task.credentials, value);
  return forEach(tasksOf(task, ioWhom[which], who), (target) => {
    const { uid, euid } = task.credentials;
    const owned = target.credentials.uid === euid || target.credentials.uid === uid;
    if (!owned && !capable(task.credentials, CAP_SYS_NICE)) throw EPERM;
    target.ioPriority = value;
  });
});

function checkIoPriority(credentials: Credentials, value: number): void {
  const level = value & (LEVELS - 1);
  switch (value >> IOPRIO_CLASS_SHIFT) {
    case IOPRIO_CLASS_RT:
      if (!capable(credentials, CAP_SYS_ADMIN) && !capable(credentials, CAP_SYS_NICE)) throw EPERM;
      return;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
      return;
    case IOPRIO_CLASS_NONE:
      if (level !== 0) throw EINVAL;
      return;
    default:
      throw EINVAL;
  }
}

/** Of several, the best: a class with a smaller number, or a smaller level in it; none set counts as the middle of BE. */
export const sys_ioprio_get = syscall([int, int], (task, which, who) => {
  const targets = tasksOf(task, ioWhom[which], who);
  if (which === IOPRIO_WHO_PROCESS) return targets[0].ioPriority;
  return Math.min(...targets.map(({ ioPriority, nice }) => ioPriority || fromNice(nice)));
});

const fromNice = (nice: number): number =>
  (IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT) | Math.floor((nice + 20) / 5);
