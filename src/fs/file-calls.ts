/** System calls on descriptors as such: close(2), close_range(2), dup(2) and its kin. */
import { fd, flags, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EBADF, EINVAL } from '../uapi/errno.js';
import { CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE, closeRangeFlags, dupFlags } from '../uapi/fcntl.js';
import { RLIMIT_NOFILE } from '../uapi/resource.js';

/** Descriptors are below this: RLIMIT_NOFILE. */
export const descriptorLimit = (task: Task): number => task.process.rlimits[RLIMIT_NOFILE].soft;

export const sys_close = syscall([fd], (task, at) => {
  task.files.close(task, at);
  return 0;
});

export const sys_close_range = syscall([uint, uint, flags(closeRangeFlags)], (task, first, last, how) => {
  if (first > last) throw EINVAL;
  if ((how & CLOSE_RANGE_UNSHARE) !== 0 && task.files.users > 1) {
    const own = task.files.clone();
    task.files.leave(task);
    task.files = own;
  }
  const { files } = task;
  const end = Math.min(last, files.length - 1);
  for (let at = first; at <= end; at++) {
    if (files.find(at) === undefined) continue;
    if ((how & CLOSE_RANGE_CLOEXEC) !== 0) files.setCloseOnExec(at, true);
    else files.close(task, at);
  }
  return 0;
});

export const sys_dup = syscall([fd], (task, from) =>
  task.files.install(task.files.get(from), false, descriptorLimit(task)),
);

export const sys_dup2 = syscall([fd, fd], (task, from, to) => {
  const file = task.files.get(from);
  if (from === to) return to;
  task.files.replace(task, to, file, false, descriptorLimit(task));
  return to;
});

/** Like dup2, but equal descriptors are an error, and O_CLOEXEC is a choice. */
export const sys_dup3 = syscall([fd, fd, flags(dupFlags)], (task, from, to, closeOnExec) => {
  if (from === to) throw EINVAL;
  const limit = descriptorLimit(task);
  if (to < 0 || to >= limit) throw EBADF;
  task.files.replace(task, to, task.files.get(from), closeOnExec !== 0, limit);
  return to;
});
