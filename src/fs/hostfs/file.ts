/** An open regular file of hostfs: reads and writes go through the page cache, and to the host when the file is closed. */
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import type { Mappable } from '../../mm/mappable.js';
import { EFAULT, EINVAL, ENODEV, ENXIO } from '../../uapi/errno.js';
import { File } from '../file.js';
import type { OpenContext } from '../inode.js';
import type { HostInode } from './inode.js';

export class HostFile extends File {
  constructor(
    private readonly host: HostInode,
    context: OpenContext,
  ) {
    super(context.mount, context.dentry, host, context.flags, context.task.credentials);
  }

  override read(_task: Task, to: IoBuffer, position: number): Result {
    const { pages } = this.host;
    if (pages === undefined) throw EINVAL;
    const count = pages.read(position, to);
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }

  override write(_task: Task, from: IoBuffer, position: number): Result {
    const { host } = this;
    const { pages } = host;
    if (pages === undefined) throw EINVAL;
    const start = host.sb.append ? host.size : position;
    host.dirty = true;
    const oldSize = host.size;
    // The pages must know the size first: what they hold beyond it is not written back.
    host.size = Math.max(oldSize, start + from.remaining);
    const count = pages.write(start, from);
    host.size = Math.max(oldSize, start + count);
    if (count === 0 && from.fault) throw EFAULT;
    host.mtime = host.ctime = host.sb.kernel.host.clock.read(0);
    return count;
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    this.host.refresh();
    const { size } = this.host;
    let target: number;
    switch (whence) {
      case 0:
        target = offset;
        break;
      case 1:
        target = this.position + offset;
        break;
      case 2:
        target = size + offset;
        break;
      case 3: // SEEK_DATA
        if (offset < 0 || offset >= size) throw ENXIO;
        target = offset;
        break;
      case 4: // SEEK_HOLE
        if (offset < 0 || offset >= size) throw ENXIO;
        target = size;
        break;
      default:
        throw EINVAL;
    }
    if (target < 0) throw EINVAL;
    this.position = target;
    return target;
  }

  override mappable(_protection: number, _shared: boolean): Mappable {
    const { pages } = this.host;
    if (pages === undefined) throw ENODEV;
    return pages;
  }

  override release(): void {
    this.host.relinquish();
  }
}
