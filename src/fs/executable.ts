/** The file of a program while it is being executed. */
import type { Task } from '../kernel/task.js';
import { KernelBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import { EACCES, ETXTBSY } from '../uapi/errno.js';
import type { File } from './file.js';
import { openExecutable } from './open.js';
import { MAY_READ, checkPermission } from './permission.js';

/** A program, interpreter or script, open. As long as it is, nobody can open it for writing: ETXTBSY. */
export class Executable {
  private constructor(readonly file: File) {}

  /** Opens by name. The caller must `close` it. */
  static async open(task: Task, dirfd: number, name: Name, atFlags = 0): Promise<Executable> {
    const file = (await openExecutable(task, dirfd, name, atFlags)).hold();
    if (file.inode.writers > 0) {
      file.drop();
      throw ETXTBSY;
    }
    file.inode.writers--;
    return new Executable(file);
  }

  close(): void {
    this.file.inode.writers++;
    this.file.drop();
  }

  /** Bytes from `position` on: fewer than `length` at the end of the file. */
  async read(task: Task, position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    const buffer = new KernelBuffer(bytes);
    while (buffer.remaining > 0) {
      const count = await this.file.read(task, buffer, position + buffer.moved);
      if (count === 0) break;
    }
    return bytes.subarray(0, buffer.moved);
  }

  /** Whether the task may read it. A program that it may only execute must not be seen by way of its memory. */
  isReadable(task: Task): boolean {
    try {
      checkPermission(task.credentials, this.file.inode, MAY_READ);
      return true;
    } catch (error) {
      if (error === EACCES) return false;
      throw error;
    }
  }
}
