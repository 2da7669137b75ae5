/** sync(2), fsync(2), syncfs(2), sync_file_range(2). */
import type { Kernel } from '../kernel/kernel.js';
import { fd, long, type Result, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EINVAL, ESPIPE } from '../uapi/errno.js';
import { syncFileRangeFlags } from '../uapi/fs.js';
import { S_ISBLK, S_ISDIR, S_ISLNK, S_ISREG } from '../uapi/stat.js';
import { Errno } from '../uapi/errno.js';
import type { SuperBlock } from './super-block.js';

/** sync(2) tells nobody of errors. Linux's file systems keep them for the fsync(2) of whoever has the file open. */
function syncQuietly(superBlock: SuperBlock): Result {
  try {
    const result = superBlock.sync();
    return typeof result === 'number' ? result : result.catch(ignoreErrno);
  } catch (error) {
    return ignoreErrno(error);
  }
}

function ignoreErrno(error: unknown): number {
  if (error instanceof Errno) return 0;
  throw error;
}

/** Everything to stable storage, file systems first: sync(2), and the kernel's own at shutdown. */
export function syncAll({ superBlocks, disks }: Kernel): Result {
  const synced = syncFileSystems(superBlocks);
  return typeof synced === 'number' ? disks.sync() : synced.then(() => disks.sync());
}

function syncFileSystems(superBlocks: Iterable<SuperBlock>): Result {
  const waiting: Promise<number>[] = [];
  for (const superBlock of superBlocks) {
    if (superBlock.readOnly) continue;
    const result = syncQuietly(superBlock);
    if (typeof result !== 'number') waiting.push(result);
  }
  return waiting.length === 0 ? 0 : Promise.all(waiting).then(() => 0);
}

export const sys_sync = syscall([], (task) => syncAll(task.kernel));

export const sys_syncfs = syscall([fd], (task, at) => task.files.getOpen(at).inode.superBlock.sync());

function fsync(task: Task, at: number, dataOnly: boolean): Result {
  const file = task.files.getOpen(at);
  const { mode } = file.inode;
  if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode)) throw EINVAL;
  return file.fsync(task, dataOnly);
}

export const sys_fsync = syscall([fd], (task, at) => fsync(task, at, false));
export const sys_fdatasync = syscall([fd], (task, at) => fsync(task, at, true));

/** It promises nothing of metadata, so writing the data is all there is to it, whatever the range. */
export const sys_sync_file_range = syscall(
  [fd, long, long, uint],
  (task, at, offset, length, flags): Result => {
    const file = task.files.getOpen(at);
    if (!syncFileRangeFlags.has(flags) || offset < 0 || length < 0) throw EINVAL;
    const { mode } = file.inode;
    if (!S_ISREG(mode) && !S_ISBLK(mode) && !S_ISDIR(mode) && !S_ISLNK(mode)) throw ESPIPE;
    if (flags === 0) return 0;
    return file.fsync(task, true);
  },
);
