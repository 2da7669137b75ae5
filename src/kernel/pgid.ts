/** Identity, groups and sessions of processes: getpid(2), gettid(2), setpgid(2), getsid(2), setsid(2). */
import { EACCES, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import type { Process, ProcessGroup } from './process.js';
import { joinGroup, makeGroup, makeSession } from './process-group.js';
import { int, syscall } from './syscall.js';
import type { Task } from './task.js';

export const sys_getpid = syscall([], (task) => task.process.pid);
export const sys_gettid = syscall([], (task) => task.tid);
export const sys_getppid = syscall([], (task) => task.process.parent?.pid ?? 0);
export const sys_getpgrp = syscall([], (task) => task.process.group.id);

/** The process of the thread with this number, or the caller's own for 0. ESRCH. */
function processOf(task: Task, pid: number): Process {
  if (pid === 0) return task.process;
  const target = task.kernel.pids.tasks.get(pid);
  if (target === undefined) throw ESRCH;
  return target.process;
}

export const sys_getpgid = syscall([int], (task, pid) => processOf(task, pid).group.id);
export const sys_getsid = syscall([int], (task, pid) => processOf(task, pid).session.id);

const leadsSession = (process: Process): boolean => process.session.id === process.pid;

export const sys_setpgid = syscall([int, int], (task, pid, pgid) => {
  if (pgid < 0 || (pgid === 0 && pid < 0)) throw EINVAL;
  const { kernel, process } = task;
  const target = processOf(task, pid);
  if (pid !== 0 && target.pid !== pid) throw EINVAL;
  if (target.parent === process) {
    if (target.session !== process.session) throw EPERM;
    if (target.hasExeced) throw EACCES;
  } else if (target !== process) throw ESRCH;
  if (leadsSession(target)) throw EPERM;
  const wanted = pgid === 0 ? target.pid : pgid;
  joinGroup(kernel, target, findGroup(task, target, wanted));
  return 0;
});

/** The group to join: one of the caller's session, or the target's own, which may be new. */
function findGroup({ kernel, process }: Task, target: Process, id: number): ProcessGroup {
  const found = kernel.pids.groups.get(id);
  if (id === target.pid) return found ?? makeGroup(kernel, id, target.session);
  if (found === undefined || found.session !== process.session) throw EPERM;
  return found;
}

export const sys_setsid = syscall([], (task) => {
  const { kernel, process } = task;
  const { pid } = process;
  if (leadsSession(process) || kernel.pids.groups.has(pid)) throw EPERM;
  joinGroup(kernel, process, makeGroup(kernel, pid, makeSession(kernel, pid)));
  return pid;
});
