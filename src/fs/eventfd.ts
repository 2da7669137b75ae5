/** eventfd(2): a counter of 64 bits that can be waited for. */
import { type Result, flags, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { WaitQueue } from '../kernel/wait.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { TWO32, Word64 } from '../lib/word64.js';
import { EAGAIN, EFAULT, EINVAL } from '../uapi/errno.js';
import { EPOLLERR, EPOLLIN, EPOLLOUT } from '../uapi/epoll.js';
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, eventfdFlags } from '../uapi/eventfd.js';
import { O_RDWR } from '../uapi/fcntl.js';
import { AnonymousFile } from './anon-inode.js';
import { descriptorLimit } from './file-calls.js';
import type { PollTable } from './file.js';

const WORD = 8;

/** The largest value that a write may leave: all ones is reserved. */
const isFull = (count: Word64): boolean => count.equals(Word64.ONES);
const isMaximum = (count: Word64): boolean => count.hi === -1 && (count.lo === -1 || count.lo === -2);

/** The sum, or undefined when it would be more than the largest value. */
function sum(a: Word64, b: Word64): Word64 | undefined {
  const low = (a.lo >>> 0) + (b.lo >>> 0);
  const high = (a.hi >>> 0) + (b.hi >>> 0) + (low >= TWO32 ? 1 : 0);
  const total = new Word64(low, high);
  return high >= TWO32 || isFull(total) ? undefined : total;
}

export class EventFile extends AnonymousFile {
  private readonly changed = new WaitQueue();

  constructor(
    task: Task,
    private count: Word64,
    private readonly semaphore: boolean,
    openFlags: number,
  ) {
    super(task.kernel, task.credentials, openFlags, 'anon_inode:[eventfd]');
  }

  override read(task: Task, to: IoBuffer): Result {
    if (to.remaining < WORD) throw EINVAL;
    if (!this.count.isZero) return this.take(to);
    if (this.nonBlocking) throw EAGAIN;
    return this.readLater(task, to);
  }

  private async readLater(task: Task, to: IoBuffer): Promise<number> {
    while (this.count.isZero) await this.changed.sleep(task);
    return this.take(to);
  }

  private take(to: IoBuffer): number {
    const { count } = this;
    const taken = this.semaphore ? Word64.from(1) : count;
    // Subtracting 1 borrows from the high half if the low one is 0.
    this.count = this.semaphore
      ? new Word64(count.lo - 1, count.lo === 0 ? count.hi - 1 : count.hi)
      : Word64.ZERO;
    this.changed.wake(EPOLLOUT);
    // The count is gone even if it could not be stored.
    const bytes = new Uint8Array(new Int32Array([taken.lo, taken.hi]).buffer);
    if (to.put(bytes) < WORD) throw EFAULT;
    return WORD;
  }

  override get writesVectors(): boolean {
    return false;
  }

  override write(task: Task, from: IoBuffer): Result {
    // Unlike a read, it wants no more bytes either.
    if (from.remaining !== WORD) throw EINVAL;
    const bytes = new Uint8Array(WORD);
    if (from.get(bytes) < WORD) throw EFAULT;
    const view = new DataView(bytes.buffer);
    const more = new Word64(view.getInt32(0, true), view.getInt32(4, true));
    if (isFull(more)) throw EINVAL;
    const total = sum(this.count, more);
    if (total !== undefined) return this.give(total);
    if (this.nonBlocking) throw EAGAIN;
    return this.writeLater(task, more);
  }

  private async writeLater(task: Task, more: Word64): Promise<number> {
    for (;;) {
      const total = sum(this.count, more);
      if (total !== undefined) return this.give(total);
      await this.changed.sleep(task);
    }
  }

  private give(total: Word64): number {
    this.count = total;
    this.changed.wake(EPOLLIN);
    return WORD;
  }

  /** Adds 1 from inside the kernel (completions, overruns); at the limit the counter shows an error: EPOLLERR. */
  signal(): void {
    this.count = sum(this.count, Word64.from(1)) ?? Word64.ONES;
    this.changed.wake(EPOLLIN);
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.changed);
    const { count } = this;
    let events = 0;
    if (!count.isZero) events |= EPOLLIN;
    if (isFull(count)) events |= EPOLLERR;
    if (!isMaximum(count)) events |= EPOLLOUT;
    return events;
  }

  override showFdInfo(): string {
    const { hi, lo } = this.count;
    const text = hi === 0 ? (lo >>> 0).toString(16) : this.count.toHex().replace(/^0+/, '');
    return `eventfd-count: ${text.padStart(16)}\neventfd-semaphore: ${this.semaphore ? 1 : 0}\n`;
  }
}

function create(task: Task, initial: number, createFlags: number): number {
  const openFlags = O_RDWR | (createFlags & EFD_NONBLOCK);
  const file = new EventFile(task, Word64.from(initial), (createFlags & EFD_SEMAPHORE) !== 0, openFlags);
  return task.files.installNew(file, (createFlags & EFD_CLOEXEC) !== 0, descriptorLimit(task));
}

export const sys_eventfd = syscall([uint], (task, initial) => create(task, initial, 0));

export const sys_eventfd2 = syscall([uint, flags(eventfdFlags)], create);
