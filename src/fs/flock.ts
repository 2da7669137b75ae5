/** flock(2): locks on whole files that belong to the open file, so that descriptors made by dup and fork share them. */
import { fd, int, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EAGAIN, EBADF, EINVAL } from '../uapi/errno.js';
import { F_RDLCK, F_WRLCK, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from '../uapi/fcntl.js';
import type { File } from './file.js';
import { InodeLocks } from './locks.js';

export const sys_flock = syscall([fd, int], (task, at, operation) => {
  const type = lockType(operation & ~LOCK_NB);
  const file = task.files.getOpen(at);
  if (type === undefined) {
    file.inode.locks?.dropFileLock(file);
    return 0;
  }
  if (!file.readable && !file.writable) throw EBADF;
  const locks = InodeLocks.of(file.inode);
  const held = locks.fileLock(file);
  if (held === type) return 0;
  // A conversion gives the old lock up first; if the new one cannot be had, both are gone: flock(2).
  locks.dropFileLock(file);
  if (!locks.fileConflict(file, type)) {
    locks.setFileLock(file, type, task.process.pid);
    return 0;
  }
  if ((operation & LOCK_NB) !== 0) throw EAGAIN;
  return waitForLock(task, file, locks, type);
});

/** undefined to unlock. */
function lockType(operation: number): number | undefined {
  switch (operation) {
    case LOCK_SH:
      return F_RDLCK;
    case LOCK_EX:
      return F_WRLCK;
    case LOCK_UN:
      return undefined;
    default:
      throw EINVAL;
  }
}

async function waitForLock(task: Task, file: File, locks: InodeLocks, type: number): Promise<number> {
  file.hold();
  try {
    while (locks.fileConflict(file, type)) await locks.changed.sleep(task);
    locks.setFileLock(file, type, task.process.pid);
    return 0;
  } finally {
    file.drop();
  }
}
