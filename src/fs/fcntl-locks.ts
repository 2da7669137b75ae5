/** Record locks by fcntl(2): F_GETLK, F_SETLK, F_SETLKW and their OFD variants. */
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EAGAIN, EBADF, EINVAL, EOVERFLOW } from '../uapi/errno.js';
import { F_OFD_SETLK, F_OFD_SETLKW, F_RDLCK, F_SETLKW, F_UNLCK, F_WRLCK, flock } from '../uapi/fcntl.js';
import { SEEK_CUR, SEEK_END, SEEK_SET } from '../uapi/fs.js';
import type { File } from './file.js';
import { InodeLocks, type RecordLock } from './locks.js';

/** The largest offset of a file: 2^63 - 1, beyond what a number tells apart. */
const OFFSET_LIMIT = 2 ** 63;

/** Reads a struct flock and resolves its range. */
function readRequest(task: Task, file: File, address: number, ofd: boolean): RecordLock {
  const { l_type, l_whence, l_start, l_len, l_pid } = flock.decode(task.memory.copyIn(address, flock.size));
  if (ofd && l_pid !== 0) throw EINVAL;
  const base = baseOf(file, l_whence);
  let start = base + l_start;
  if (start >= OFFSET_LIMIT) throw EOVERFLOW;
  if (start < 0) throw EINVAL;
  let end = Infinity;
  if (l_len > 0) {
    end = start + l_len - 1;
    if (end >= OFFSET_LIMIT) throw EOVERFLOW;
  } else if (l_len < 0) {
    end = start - 1;
    start += l_len;
    if (start < 0) throw EINVAL;
  }
  if (l_type !== F_RDLCK && l_type !== F_WRLCK && l_type !== F_UNLCK) throw EINVAL;
  return { owner: ofd ? file : task.files, type: l_type, start, end, pid: ofd ? -1 : task.process.pid };
}

function baseOf(file: File, whence: number): number {
  switch (whence) {
    case SEEK_SET:
      return 0;
    case SEEK_CUR:
      return file.position;
    case SEEK_END:
      file.inode.refresh();
      return file.inode.size;
    default:
      throw EINVAL;
  }
}

/** F_GETLK, F_OFD_GETLK: shows a lock that is in the way. F_OFD_GETLK with F_UNLCK: one of the file's own. */
export function getRecordLock(task: Task, file: File, address: number, ofd: boolean): number {
  const request = readRequest(task, file, address, ofd);
  if (!ofd && request.type === F_UNLCK) throw EINVAL;
  const { locks } = file.inode;
  const found = request.type === F_UNLCK ? locks?.own(request) : locks?.conflict(request);
  const view = new DataView(new ArrayBuffer(flock.size));
  if (found === undefined) {
    // Only the type is changed.
    task.memory.copyOut(address, new Uint8Array([F_UNLCK, 0]));
    return 0;
  }
  const { start, end, type, pid } = found;
  const length = end === Infinity ? 0 : end - start + 1;
  flock.write(view, 0, { l_type: type, l_whence: SEEK_SET, l_start: start, l_len: length, l_pid: pid });
  task.memory.copyOut(address, new Uint8Array(view.buffer));
  return 0;
}

/** F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW. */
export function setRecordLock(task: Task, file: File, at: number, command: number, address: number): Result {
  const ofd = command === F_OFD_SETLK || command === F_OFD_SETLKW;
  const request = readRequest(task, file, address, ofd);
  if (request.type === F_UNLCK) {
    file.inode.locks?.set(request);
    return 0;
  }
  if (request.type === F_RDLCK ? !file.readable : !file.writable) throw EBADF;
  const locks = InodeLocks.of(file.inode);
  if (locks.conflict(request) !== undefined) {
    if (command !== F_SETLKW && command !== F_OFD_SETLKW) throw EAGAIN;
    return waitForLock(task, file, at, locks, request);
  }
  locks.set(request);
  if (ofd) file.onRelease(task.kernel.locks);
  return 0;
}

async function waitForLock(
  task: Task,
  file: File,
  at: number,
  locks: InodeLocks,
  request: RecordLock,
): Promise<number> {
  const table = task.kernel.locks;
  file.hold();
  try {
    for (;;) {
      const blocker = locks.conflict(request);
      if (blocker === undefined) break;
      const waiting = table.wait(task, locks, request, blocker);
      try {
        await locks.changed.sleep(task);
      } finally {
        table.stopWaiting(waiting);
      }
    }
    locks.set(request);
    if (request.owner === file) file.onRelease(table);
    // Whoever closed the descriptor meanwhile found no lock to drop.
    else if (task.files.find(at) !== file) {
      locks.set({ ...request, type: F_UNLCK });
      throw EBADF;
    }
    return 0;
  } finally {
    file.drop();
  }
}
