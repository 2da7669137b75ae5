/** An open regular file of hostfs: reads and writes go through the page cache, and to the host when the file is closed. */
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { GenericFile } from '../generic-file.js';
import type { OpenContext } from '../inode.js';
import type { HostInode } from './inode.js';

export class HostFile extends GenericFile {
  constructor(
    private readonly host: HostInode,
    context: OpenContext,
  ) {
    super(context, host);
  }

  override write(task: Task, from: IoBuffer, position: number): Result {
    const { host } = this;
    host.dirty = true;
    return super.write(task, from, host.sb.append ? host.size : position);
  }

  override release(): void {
    this.host.relinquish();
  }
}
