/** Block devices as files: reads and writes go through the device's cache. Linux: block/fops.c, block/ioctl.c. */
import type { Disk } from '../block/device.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import type { Mappable } from '../mm/mappable.js';
import { EFAULT, EINVAL, ENOSPC, ENXIO, EPERM } from '../uapi/errno.js';
import { O_DIRECT, O_EXCL } from '../uapi/fcntl.js';
import { PROT_WRITE } from '../uapi/mman.js';
import { blockIoctl } from './block-ioctl.js';
import { BlockDriver } from './char-dev.js';
import { File } from './file.js';
import type { Inode, OpenContext } from './inode.js';
import { genericSeek } from './read-write.js';

const PAGE_SIZE = 4096;

export class BlockFile extends File {
  private readonly claimed: boolean;

  constructor(
    readonly disk: Disk,
    inode: Inode,
    { mount, dentry, flags, task }: OpenContext,
  ) {
    disk.acquire();
    const claimed = (flags & O_EXCL) !== 0;
    const holder = {};
    try {
      if (claimed) disk.claim(holder);
    } catch (error) {
      disk.release();
      throw error;
    }
    super(mount, dentry, inode, flags, task.credentials);
    this.claimed = claimed;
    this.holder = holder;
  }

  private readonly holder: object;

  override read(_task: Task, to: IoBuffer, position: number): Result {
    const count = this.disk.pages.read(position, to);
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }

  override write(_task: Task, from: IoBuffer, position: number): Result {
    const { disk } = this;
    if (disk.readOnly) throw EPERM;
    if (from.remaining === 0) return 0;
    if (position >= disk.size) throw ENOSPC;
    from.remaining = Math.min(from.remaining, disk.size - position);
    const count = disk.pages.write(position, from);
    if (count === 0 && from.fault) throw EFAULT;
    if ((this.flags & O_DIRECT) === 0) return count;
    const first = Math.floor(position / PAGE_SIZE);
    const written = disk.pages.syncRange(first, Math.ceil((position + count) / PAGE_SIZE) - first);
    return typeof written === 'number' ? count : written.then(() => count);
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    return genericSeek(this, offset, whence, this.disk.size);
  }

  override mappable(protection: number, shared: boolean): Mappable {
    if (this.disk.readOnly && shared && (protection & PROT_WRITE) !== 0) throw EINVAL;
    return this.disk.pages;
  }

  override fsync(): Result {
    return this.disk.sync();
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    return blockIoctl(task, this, request >>> 0, argument);
  }

  override release(): void {
    if (this.claimed) this.disk.unclaim(this.holder);
    this.disk.release();
  }
}

/** The minors of a major that are disks, whole or in part. */
export class DiskDriver extends BlockDriver {
  override readonly minors = [0, 1 << 20] as const;

  constructor(
    override readonly name: Name,
    override readonly major: number,
  ) {
    super();
  }

  override open(inode: Inode, _minor: number, context: OpenContext): File {
    const disk = context.task.kernel.disks.find(inode.rdev);
    if (disk === undefined) throw ENXIO;
    return new BlockFile(disk, inode, context);
  }
}
