/**
 * The open regular file of file systems that keep its bytes in a page cache: tmpfs, hostfs, ext4. What precedes and
 * follows every read and write (limits, O_APPEND, the position) is in fs/read-write.
 */
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { assert } from '../lib/assert.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Mappable } from '../mm/mappable.js';
import type { PageCache } from '../mm/page-cache.js';
import { EFAULT, ENXIO } from '../uapi/errno.js';
import { O_NOATIME } from '../uapi/fcntl.js';
import { SEEK_DATA, SEEK_HOLE } from '../uapi/fs.js';
import { File } from './file.js';
import type { Inode, OpenContext } from './inode.js';
import { touchAtime, touchModified } from './inode-times.js';
import { genericSeek, setPosition } from './read-write.js';

export class GenericFile extends File {
  private readonly pages: PageCache;

  /** `inode`: that whose pages are shown, if the dentry's is not it (overlayfs). */
  constructor(context: OpenContext, inode: Inode | undefined = context.dentry.inode) {
    assert(inode?.pages !== undefined, 'a regular file has pages');
    super(context.mount, context.dentry, inode, context.flags, context.task.credentials);
    this.pages = inode.pages;
  }

  override read(_task: Task, to: IoBuffer, position: number): Result {
    const count = this.pages.read(position, to);
    if (count === 0 && to.fault) throw EFAULT;
    if ((this.flags & O_NOATIME) === 0) touchAtime(this.mount, this.inode);
    return count;
  }

  override write(_task: Task, from: IoBuffer, position: number): Result {
    const { inode } = this;
    const count = this.pages.write(position, from);
    if (count === 0 && from.fault) throw EFAULT;
    if (count > 0) {
      if (position + count > inode.size) inode.size = position + count;
      touchModified(inode);
    }
    return count;
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return genericSeek(this, offset, whence);
    const { inode } = this;
    inode.refresh();
    if (offset < 0 || offset >= inode.size) throw ENXIO;
    return setPosition(this, whence === SEEK_DATA ? inode.seekData(offset) : inode.seekHole(offset));
  }

  override mappable(): Mappable {
    return this.pages;
  }
}
