/** /proc/PID/mem: the memory of a process as a file, for debuggers. */
import { mayAccess } from '../../kernel/ptrace-access.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { readForced, writeForced } from '../../mm/remote.js';
import { EACCES, EINVAL, EIO, ESRCH } from '../../uapi/errno.js';
import { File } from '../file.js';
import type { OpenContext } from '../inode.js';

class MemFile extends File {
  constructor(
    private readonly target: Task,
    context: OpenContext,
  ) {
    if (context.dentry.inode === undefined) throw ESRCH;
    super(context.mount, context.dentry, context.dentry.inode, context.flags, context.task.credentials);
  }

  override read(_task: Task, to: IoBuffer, position: number): Result {
    const { mm } = this.target;
    if (mm === undefined) return 0;
    const bytes = new Uint8Array(Math.min(to.remaining, 65536));
    const count = readForced(mm, position, bytes);
    if (count === 0 && bytes.length > 0) throw EIO;
    return to.put(bytes.subarray(0, count));
  }

  override write(_task: Task, from: IoBuffer, position: number): Result {
    const { mm } = this.target;
    if (mm === undefined) return 0;
    const bytes = new Uint8Array(Math.min(from.remaining, 65536));
    const taken = from.get(bytes);
    const count = writeForced(mm, position, bytes.subarray(0, taken));
    if (count === 0 && taken > 0) throw EIO;
    return count;
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    if (whence > 1) throw EINVAL;
    this.position = whence === 0 ? offset : this.position + offset;
    return this.position;
  }
}

export function memFile(target: Task, context: OpenContext): File {
  if (!mayAccess(context.task, target)) throw EACCES;
  return new MemFile(target, context);
}
