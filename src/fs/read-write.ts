/**
 * read(2), write(2) and their relatives, and lseek(2). What they have in common is here: checks, limits, the file's
 * position, O_APPEND, O_SYNC and telling watches; a File only moves bytes.
 *
 * Nothing here is async: a File that does not have to wait costs no promise.
 */
import { sendToTask } from '../kernel/signal-send.js';
import { killInfo } from '../kernel/siginfo.js';
import { address, fd, int, long, type Result, size, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { type UserRange, userBuffer, userRanges, userVector } from '../mm/uio.js';
import { EBADF, EFBIG, EINVAL, ENXIO, EOPNOTSUPP, ESPIPE } from '../uapi/errno.js';
import { O_APPEND, O_DSYNC, O_NONBLOCK, O_SYNC } from '../uapi/fcntl.js';
import {
  RWF_APPEND,
  RWF_DSYNC,
  RWF_NOAPPEND,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
  rwFlags,
} from '../uapi/fs.js';
import { IN_ACCESS, IN_MODIFY } from '../uapi/inotify.js';
import { RLIMIT_FSIZE } from '../uapi/resource.js';
import { SIGXFSZ } from '../uapi/signal.js';
import { S_IFMT, S_IFREG } from '../uapi/stat.js';
import { removePrivileges } from './attr.js';
import type { File } from './file.js';
import { notifyFile } from './notify.js';

/** Positions are exact up to here, which is as large as a file gets. */
const MAX_POSITION = Number.MAX_SAFE_INTEGER;

/** Reads at `position`, or at the file's own, which then moves. */
export function readFile(task: Task, file: File, to: IoBuffer, position?: number): Result {
  const at = position ?? file.position;
  const result = file.read(task, to, at);
  if (typeof result === 'number') return haveRead(file, at, position, result);
  return readLater(file, at, position, result);
}

async function readLater(
  file: File,
  at: number,
  position: number | undefined,
  result: Promise<number>,
): Promise<number> {
  // Another thread may close the descriptor meanwhile.
  file.hold();
  try {
    return haveRead(file, at, position, await result);
  } finally {
    file.drop();
  }
}

function haveRead(file: File, at: number, position: number | undefined, count: number): number {
  if (count > 0) {
    if (position === undefined && file.seekable) file.position = at + count;
    notifyFile(file, IN_ACCESS);
  }
  return count;
}

/** Writes at `position`, or at the file's own, which then moves. `status`: O_APPEND, O_DSYNC, O_SYNC that hold. */
export function writeFile(
  task: Task,
  file: File,
  from: IoBuffer,
  position?: number,
  status = file.flags,
): Result {
  const at = placeWrite(task, file, from, position ?? file.position, status);
  const result = file.write(task, from, at);
  if (typeof result === 'number') return haveWritten(task, file, at, position, status, result);
  return writeLater(task, file, at, position, status, result);
}

async function writeLater(
  task: Task,
  file: File,
  at: number,
  position: number | undefined,
  status: number,
  result: Promise<number>,
): Promise<number> {
  file.hold();
  try {
    return await haveWritten(task, file, at, position, status, await result);
  } finally {
    file.drop();
  }
}

/** What precedes a write to a regular file: Linux's generic_write_checks(). Returns where to write. */
function placeWrite(task: Task, file: File, from: IoBuffer, position: number, status: number): number {
  const { inode } = file;
  if ((inode.mode & S_IFMT) !== S_IFREG || from.remaining === 0) return position;
  let at = position;
  if ((status & O_APPEND) !== 0) {
    inode.refresh();
    at = inode.size;
  }
  const limit = task.process.rlimits[RLIMIT_FSIZE].soft;
  if (limit !== Infinity) {
    if (at >= limit) {
      sendToTask(task, killInfo(task, SIGXFSZ));
      throw EFBIG;
    }
    from.remaining = Math.min(from.remaining, limit - at);
  }
  if (at >= MAX_POSITION) throw EFBIG;
  from.remaining = Math.min(from.remaining, MAX_POSITION - at);
  removePrivileges(task.credentials, inode);
  return at;
}

function haveWritten(
  task: Task,
  file: File,
  at: number,
  position: number | undefined,
  status: number,
  count: number,
): Result {
  if (count <= 0) return count;
  if (position === undefined && file.seekable) file.position = at + count;
  notifyFile(file, IN_MODIFY);
  return (status & O_DSYNC) === 0 ? count : written(file.fsync(task, (status & O_SYNC) !== O_SYNC), count);
}

function written(synced: Result, count: number): Result {
  return typeof synced === 'number' ? count : synced.then(() => count);
}

function readable(task: Task, fd: number): File {
  const file = task.files.get(fd);
  if (!file.readable) throw EBADF;
  return file;
}

function writable(task: Task, fd: number): File {
  const file = task.files.get(fd);
  if (!file.writable) throw EBADF;
  return file;
}

export const sys_read = syscall([fd, address, size], (task, from, at, count) => {
  const file = readable(task, from);
  return readFile(task, file, userBuffer(task.memory, at, count));
});

export const sys_write = syscall([fd, address, size], (task, to, at, count) => {
  const file = writable(task, to);
  return writeFile(task, file, userBuffer(task.memory, at, count));
});

/** Checks a position given by the caller, and that the file has positions. */
function positioned(file: File): File {
  if (!file.seekable) throw ESPIPE;
  return file;
}

function checkPosition(position: number): void {
  if (position < 0) throw EINVAL;
}

export const sys_pread64 = syscall([fd, address, size, long], (task, from, at, count, position) => {
  checkPosition(position);
  const file = positioned(task.files.getOpen(from));
  if (!file.readable) throw EBADF;
  return readFile(task, file, userBuffer(task.memory, at, count), position);
});

export const sys_pwrite64 = syscall([fd, address, size, long], (task, to, at, count, position) => {
  checkPosition(position);
  const file = positioned(task.files.getOpen(to));
  if (!file.writable) throw EBADF;
  return writeFile(task, file, userBuffer(task.memory, at, count), position);
});

/** The vector is looked at before the file's mode is. Vectors without bytes do nothing at all. */
function readVector(task: Task, file: File, vector: number, count: number, position?: number): Result {
  const to = userVector(task.memory, vector, count);
  if (!file.readable) throw EBADF;
  return to.remaining === 0 ? 0 : readFile(task, file, to, position);
}

function writeVector(
  task: Task,
  file: File,
  vector: number,
  count: number,
  position?: number,
  status?: number,
): Result {
  if (!file.writesVectors) return writeRanges(task, file, userRanges(task.memory, vector, count));
  const from = userVector(task.memory, vector, count);
  if (!file.writable) throw EBADF;
  return from.remaining === 0 ? 0 : writeFile(task, file, from, position, status);
}

async function writeRanges(task: Task, file: File, ranges: readonly UserRange[]): Promise<number> {
  let total = 0;
  try {
    for (const { address: at, length } of ranges) {
      const count = await writeFile(task, file, task.memory.buffer(at, length));
      total += count;
      if (count < length) break;
    }
  } catch (error) {
    if (total === 0) throw error;
  }
  return total;
}

export const sys_readv = syscall([fd, address, size], (task, from, vector, count) =>
  readVector(task, task.files.getOpen(from), vector, count),
);

export const sys_writev = syscall([fd, address, size], (task, to, vector, count) =>
  writeVector(task, task.files.getOpen(to), vector, count),
);

// The fifth argument of these is the high half of the position on machines with 32 bits, and unused on others.

export const sys_preadv = syscall([fd, address, size, long], (task, from, vector, count, position) => {
  checkPosition(position);
  return readVector(task, positioned(task.files.getOpen(from)), vector, count, position);
});

export const sys_pwritev = syscall([fd, address, size, long], (task, to, vector, count, position) => {
  checkPosition(position);
  return writeVector(task, positioned(task.files.getOpen(to)), vector, count, position);
});

function checkRwFlags(flags: number): void {
  if (!rwFlags.has(flags)) throw EOPNOTSUPP;
  if ((flags & RWF_APPEND) !== 0 && (flags & RWF_NOAPPEND) !== 0) throw EINVAL;
}

/** RWF_NOWAIT: the call must not wait, whatever the file's own O_NONBLOCK. */
function withFlags(file: File, flags: number, transfer: () => Result): Result {
  checkRwFlags(flags);
  if ((flags & RWF_NOWAIT) === 0 || file.nonBlocking) return transfer();
  // Until the first await nobody else sees the flag, and with it set there is none.
  file.flags |= O_NONBLOCK;
  try {
    return transfer();
  } finally {
    file.flags &= ~O_NONBLOCK;
  }
}

/** The file's status flags as a call's RWF_* flags change them. */
function statusWith(file: File, flags: number): number {
  let status = file.flags;
  if ((flags & RWF_DSYNC) !== 0) status |= O_DSYNC;
  if ((flags & RWF_SYNC) !== 0) status |= O_SYNC;
  if ((flags & RWF_APPEND) !== 0) status |= O_APPEND;
  if ((flags & RWF_NOAPPEND) !== 0) status &= ~O_APPEND;
  return status;
}

/** Position -1 is the file's own: preadv2(2). */
function positionOf(file: File, position: number): number | undefined {
  if (position === -1) return undefined;
  positioned(file);
  return position;
}

export const sys_preadv2 = syscall(
  [fd, address, size, long, long, int],
  (task, from, vector, count, position, _high, flags) => {
    if (position !== -1) checkPosition(position);
    const file = task.files.getOpen(from);
    const at = positionOf(file, position);
    return withFlags(file, flags, () => readVector(task, file, vector, count, at));
  },
);

export const sys_pwritev2 = syscall(
  [fd, address, size, long, long, int],
  (task, to, vector, count, position, _high, flags) => {
    if (position !== -1) checkPosition(position);
    const file = task.files.getOpen(to);
    const at = positionOf(file, position);
    return withFlags(file, flags, () => writeVector(task, file, vector, count, at, statusWith(file, flags)));
  },
);

export const sys_lseek = syscall([fd, long, uint], (task, at, offset, whence) => {
  const file = task.files.getOpen(at);
  if (whence > SEEK_HOLE) throw EINVAL;
  return file.seek(task, offset, whence);
});

/** File.seek for whatever has a size: regular files, block devices. It has no holes. */
export function genericSeek(file: File, offset: number, whence: number, size?: number): number {
  let end = size;
  if (end === undefined) {
    if (whence >= SEEK_END) file.inode.refresh();
    end = file.inode.size;
  }
  return setPosition(file, target(file.position, offset, whence, end));
}

function target(position: number, offset: number, whence: number, end: number): number {
  switch (whence) {
    case SEEK_SET:
      return offset;
    case SEEK_CUR:
      return position + offset;
    case SEEK_END:
      return end + offset;
    case SEEK_DATA:
      if (offset < 0 || offset >= end) throw ENXIO;
      return offset;
    case SEEK_HOLE:
      if (offset < 0 || offset >= end) throw ENXIO;
      return end;
    default:
      throw EINVAL;
  }
}

/** File.seek for lists and texts made as they are read: they have positions, but nobody knows their end. */
export function seekWithoutEnd(file: File, offset: number, whence: number): number {
  if (whence !== SEEK_SET && whence !== SEEK_CUR) throw EINVAL;
  return setPosition(file, whence === SEEK_SET ? offset : file.position + offset);
}

/** Moves the file's position. EINVAL when no file reaches there. */
export function setPosition(file: File, position: number): number {
  if (position < 0 || position > MAX_POSITION) throw EINVAL;
  file.position = position;
  return position;
}
