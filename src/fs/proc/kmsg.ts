/** /proc/kmsg: the log as syslog(2) reads it; a reader waits for the next line. */
import type { Kernel } from '../../kernel/kernel.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { nameToBytes } from '../../lib/names.js';
import { EAGAIN, EFAULT } from '../../uapi/errno.js';
import { EPOLLIN, EPOLLRDNORM } from '../../uapi/epoll.js';
import { File, type PollTable } from '../file.js';
import type { OpenContext } from '../inode.js';
import type { Entry } from '../kernfs.js';

class KmsgFile extends File {
  private next = 0;

  constructor(
    private readonly kernel: Kernel,
    context: OpenContext,
  ) {
    if (context.dentry.inode === undefined) throw new Error('an open file has an inode');
    super(context.mount, context.dentry, context.dentry.inode, context.flags, context.task.credentials);
  }

  override get seekable(): boolean {
    return false;
  }

  override async read(task: Task, to: IoBuffer): Promise<number> {
    const { log } = this.kernel;
    let record = log.records.find(({ sequence }) => sequence >= this.next);
    while (record === undefined) {
      if (this.nonBlocking) throw EAGAIN;
      await log.changed.sleep(task);
      record = log.records.find(({ sequence }) => sequence >= this.next);
    }
    const stamp = (record.time / 1e9).toFixed(6).padStart(12);
    const count = to.put(nameToBytes(`<${record.facility * 8 + record.level}>[${stamp}] ${record.text}\n`));
    if (count === 0) throw EFAULT;
    this.next = record.sequence + 1;
    return count;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    const { log } = this.kernel;
    table?.wait(log.changed);
    const last = log.records.at(-1);
    return last !== undefined && last.sequence >= this.next ? EPOLLIN | EPOLLRDNORM : 0;
  }
}

export const kmsgEntry = (kernel: Kernel): Entry => ({
  kind: 'file',
  mode: 0o400,
  open: (context) => new KmsgFile(kernel, context),
});
