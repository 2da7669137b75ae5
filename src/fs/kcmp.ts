/**
 * kcmp(2): whether two processes share something. Things that differ have no order here, so the answer is 0 for the same
 * and 3 for "not the same", which the manual page allows for.
 */
import { mayAccess } from '../kernel/ptrace-access.js';
import { int, syscall, ulong } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EBADF, EINVAL, ENOENT, EPERM, ESRCH } from '../uapi/errno.js';
import {
  KCMP_EPOLL_TFD,
  KCMP_FILE,
  KCMP_FILES,
  KCMP_FS,
  KCMP_IO,
  KCMP_SIGHAND,
  KCMP_SYSVSEM,
  KCMP_VM,
  kcmp_epoll_slot,
} from '../uapi/kcmp.js';
import { EventPoll } from './eventpoll.js';
import type { File } from './file.js';

const SAME = 0;
const DIFFERENT = 3;

const compare = (a: unknown, b: unknown): number => (a === b ? SAME : DIFFERENT);

function fileOf(task: Task, fd: number): File {
  const file = task.files.find(fd);
  if (file === undefined) throw EBADF;
  return file;
}

export const sys_kcmp = syscall([int, int, int, ulong, ulong], (task, pid1, pid2, type, index1, index2) => {
  const { tasks } = task.kernel.pids;
  const [one, two] = [tasks.get(pid1), tasks.get(pid2)];
  if (one === undefined || two === undefined) throw ESRCH;
  if (!mayAccess(task, one) || !mayAccess(task, two)) throw EPERM;
  switch (type) {
    case KCMP_FILE:
      return compare(fileOf(one, index1), fileOf(two, index2));
    case KCMP_VM:
      return compare(one.mm, two.mm);
    case KCMP_FILES:
      return compare(one.files, two.files);
    case KCMP_FS:
      return compare(one.fs, two.fs);
    case KCMP_SIGHAND:
      return compare(one.process.handlers, two.process.handlers);
    case KCMP_IO:
    case KCMP_SYSVSEM:
      // Nobody has an io_context, nor undo operations that would be shared.
      return SAME;
    case KCMP_EPOLL_TFD:
      return compareEpoll(task, one, index1, two, index2);
    default:
      throw EINVAL;
  }
});

/** Whether a file is the one that an epoll instance of the other process watches as its `toff`-th under a number. */
function compareEpoll(task: Task, one: Task, fd: number, two: Task, slot: number): number {
  const { efd, tfd, toff } = kcmp_epoll_slot.decode(task.memory.copyIn(slot, kcmp_epoll_slot.size));
  const file = fileOf(one, fd);
  const epoll = fileOf(two, efd);
  if (!(epoll instanceof EventPoll)) throw EINVAL;
  const target = epoll.watchedAs(tfd)[toff];
  if (target === undefined) throw ENOENT;
  return compare(file, target);
}
