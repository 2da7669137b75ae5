/** /dev/null, zero, full, random, urandom and kmsg: null(4), full(4), random(4). */
import { CharDriver, type Devices, makeDevice } from '../../fs/char-dev.js';
import { File, type PollTable } from '../../fs/file.js';
import type { Inode, OpenContext } from '../../fs/inode.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { type Name, nameFromBytes, nameToBytes } from '../../lib/names.js';
import type { Mappable } from '../../mm/mappable.js';
import { SharedMemory } from '../../mm/shmem.js';
import { EAGAIN, EFAULT, EINVAL, ENOSPC, ENOTTY, ENXIO, EPIPE } from '../../uapi/errno.js';
import { EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../../uapi/epoll.js';
import { S_IFCHR } from '../../uapi/stat.js';

/** What all have in common: an open that needs nothing, and a position that means nothing. */
abstract class MemoryDevice extends File {
  protected readonly kernel: Kernel;

  constructor(inode: Inode, { mount, dentry, flags, task }: OpenContext) {
    super(mount, dentry, inode, flags, task.credentials);
    this.kernel = task.kernel;
  }

  override seek(_task: Task, _offset: number, _whence: number): Result {
    this.position = 0;
    return 0;
  }

  /** Takes everything and forgets it. */
  override write(_task: Task, from: IoBuffer): Result {
    return from.remaining;
  }
}

class NullFile extends MemoryDevice {
  override read(): Result {
    return 0;
  }
}

/** More than any mapping can show: user space ends below it. */
const ENDLESS = 2 ** 47;

class ZeroFile extends MemoryDevice {
  override read(_task: Task, to: IoBuffer): Result {
    const count = to.putZeros(to.remaining);
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }

  /** Zeros without end, to share or to copy on write. */
  override mappable(): Mappable {
    return new SharedMemory(this.kernel.memory, ENDLESS, false);
  }
}

class FullFile extends ZeroFile {
  override write(_task: Task, from: IoBuffer): Result {
    if (from.remaining === 0) return 0;
    throw ENOSPC;
  }
}

const RNDGETENTCNT = 0x8004_5200;

class RandomFile extends MemoryDevice {
  override read(task: Task, to: IoBuffer): Result {
    const chunk = new Uint8Array(Math.min(to.remaining, 4096));
    let done = 0;
    while (to.remaining > 0) {
      const part = chunk.subarray(0, Math.min(chunk.length, to.remaining));
      task.kernel.host.random(part);
      const count = to.put(part);
      done += count;
      if (count < part.length) break;
    }
    if (done === 0 && to.fault) throw EFAULT;
    return done;
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    if (request >>> 0 !== RNDGETENTCNT) throw ENOTTY;
    task.memory.putU32(argument, 256);
    return 0;
  }
}

/** One record at a read: `level,sequence,microseconds,-;text`. Documentation/ABI/testing/dev-kmsg. */
class KmsgFile extends MemoryDevice {
  private next: number;

  constructor(inode: Inode, context: OpenContext) {
    super(inode, context);
    this.next = context.task.kernel.log.records.at(0)?.sequence ?? 0;
  }

  override async read(task: Task, to: IoBuffer): Promise<number> {
    const { log } = task.kernel;
    const first = log.records.at(0)?.sequence ?? 0;
    if (this.next < first) {
      this.next = first;
      throw EPIPE;
    }
    const find = (): (typeof log.records)[number] | undefined =>
      log.records.find(({ sequence }) => sequence >= this.next);
    let record = find();
    while (record === undefined) {
      if (this.nonBlocking) throw EAGAIN;
      await log.changed.sleep(task);
      record = find();
    }
    const { level, facility, sequence, time, text } = record;
    const line = nameToBytes(
      `${facility * 8 + level},${sequence},${Math.floor(time / 1000)},-;${escape(text)}\n`,
    );
    if (line.length > to.remaining) throw EINVAL;
    if (to.put(line) < line.length) throw EFAULT;
    this.next = sequence + 1;
    return line.length;
  }

  override write(task: Task, from: IoBuffer): Result {
    const bytes = new Uint8Array(Math.min(from.remaining, 1024));
    const count = from.get(bytes);
    if (count < bytes.length) throw EFAULT;
    const text = nameFromBytes(bytes).replace(/\n+$/, '');
    const prefix = /^<(\d+)>/.exec(text);
    const code = prefix === null ? 12 : Number(prefix[1]);
    // User space cannot speak as the kernel: facility 0 becomes 1.
    task.kernel.log.write(code & 7, text.slice(prefix?.[0].length ?? 0), code >>> 3 || 1);
    return count;
  }

  override seek(task: Task, offset: number, whence: number): Result {
    if (offset !== 0) throw EINVAL;
    const { records } = task.kernel.log;
    if (whence === 0 || whence === 3) this.next = records.at(0)?.sequence ?? 0;
    else if (whence === 2) this.next = (records.at(-1)?.sequence ?? -1) + 1;
    else throw EINVAL;
    return 0;
  }

  override poll(task: Task, table: PollTable | undefined): number {
    const { log } = task.kernel;
    table?.wait(log.changed);
    const last = log.records.at(-1);
    return last !== undefined && last.sequence >= this.next
      ? EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM
      : EPOLLOUT | EPOLLWRNORM;
  }
}

const escape = (text: Name): Name =>
  text.replace(/[^\x20-\x7e]|\\/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

interface MemoryNode {
  readonly minor: number;
  readonly name: Name;
  readonly mode: number;
  readonly make: new (inode: Inode, context: OpenContext) => File;
}

const nodes: readonly MemoryNode[] = [
  { minor: 3, name: 'null', mode: 0o666, make: NullFile },
  { minor: 5, name: 'zero', mode: 0o666, make: ZeroFile },
  { minor: 7, name: 'full', mode: 0o666, make: FullFile },
  { minor: 8, name: 'random', mode: 0o666, make: RandomFile },
  { minor: 9, name: 'urandom', mode: 0o666, make: RandomFile },
  { minor: 11, name: 'kmsg', mode: 0o644, make: KmsgFile },
];

export class MemoryDevices extends CharDriver {
  override readonly name = 'mem';
  override readonly major = 1;
  override readonly minors = [0, 256] as const;

  constructor(devices: Devices) {
    super();
    for (const { minor, name, mode } of nodes)
      devices.addNode({ name, mode: S_IFCHR | mode, rdev: makeDevice(1, minor) });
  }

  override open(inode: Inode, minor: number, context: OpenContext): File {
    const node = nodes.find((candidate) => candidate.minor === minor);
    if (node === undefined) throw ENXIO;
    return new node.make(inode, context);
  }
}
