/** copy_file_range(2): regular files of one file system. */
import { address, fd, size, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { MAX_RW_COUNT, readLoff } from '../mm/uio.js';
import { EBADF, EINVAL, EISDIR, EOVERFLOW, EPERM, EXDEV } from '../uapi/errno.js';
import { O_APPEND } from '../uapi/fcntl.js';
import { FS_IMMUTABLE_FL } from '../uapi/fs.js';
import { S_ISDIR, S_ISREG } from '../uapi/stat.js';
import type { File } from './file.js';
import { copyBytes } from './splice.js';

export const sys_copy_file_range = syscall(
  [fd, address, fd, address, size, uint],
  (task, fdIn, offsetIn, fdOut, offsetOut, wanted, flags) => {
    const input = task.files.getOpen(fdIn);
    const output = task.files.getOpen(fdOut);
    const from = offsetIn === 0 ? input.position : readLoff(task.memory, offsetIn);
    const to = offsetOut === 0 ? output.position : readLoff(task.memory, offsetOut);
    if (flags !== 0) throw EINVAL;
    checkFiles(input, output);
    if (wraps(from, wanted) || wraps(to, wanted)) throw EOVERFLOW;
    if (from < 0 || to < 0) throw EINVAL;
    const length = limit(input, output, from, to, Math.min(wanted, MAX_RW_COUNT));
    if (length === 0) return 0;
    return copy(task, input, output, { from, to, offsetIn, offsetOut, length });
  },
);

/** Whether position and length, taken as unsigned words of 64 bits, overflow when added. */
const wraps = (position: number, length: number): boolean =>
  position < 0 ? position + length >= 0 : position > 0 && position + length >= 2 ** 64;

function checkFiles(input: File, output: File): void {
  const [one, two] = [input.inode, output.inode];
  if (S_ISDIR(one.mode) || S_ISDIR(two.mode)) throw EISDIR;
  if (!S_ISREG(one.mode) || !S_ISREG(two.mode)) throw EINVAL;
  if (!input.readable || !output.writable || (output.flags & O_APPEND) !== 0) throw EBADF;
  if (one.superBlock !== two.superBlock) throw EXDEV;
  if ((two.flags & FS_IMMUTABLE_FL) !== 0) throw EPERM;
}

/** Nothing is copied from beyond the end, and no range onto itself. */
function limit(input: File, output: File, from: number, to: number, wanted: number): number {
  input.inode.refresh();
  const length = Math.max(0, Math.min(wanted, input.inode.size - from));
  if (input.inode === output.inode && from < to + length && to < from + length) throw EINVAL;
  return length;
}

interface Request {
  readonly from: number;
  readonly to: number;
  /** User addresses of the offsets; 0: the file's own position is used, and moves. */
  readonly offsetIn: number;
  readonly offsetOut: number;
  readonly length: number;
}

async function copy(task: Task, input: File, output: File, request: Request): Promise<number> {
  const { from, to, offsetIn, offsetOut, length } = request;
  input.hold();
  output.hold();
  try {
    const count = await copyBytes(task, input, from, output, to, length);
    if (offsetIn === 0) input.position = from + count;
    else task.memory.putU64(offsetIn, from + count);
    if (offsetOut === 0) output.position = to + count;
    else task.memory.putU64(offsetOut, to + count);
    return count;
  } finally {
    output.drop();
    input.drop();
  }
}
