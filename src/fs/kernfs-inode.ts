/** Inodes and open files over the entries of /proc (and of /sys, which is made the same way). */
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { type Name, nameFromBytes, nameToBytes } from '../lib/names.js';
import { DT_DIR, DT_LNK, DT_REG } from '../uapi/dirent.js';
import { EPOLLERR, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDNORM, EPOLLWRNORM } from '../uapi/epoll.js';
import { EFAULT, EINVAL, EPERM } from '../uapi/errno.js';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../uapi/stat.js';
import { type DirectorySink, File, type PollTable } from './file.js';
import { type AttributeChange, Inode, type OpenContext } from './inode.js';
import type { Path } from './mount.js';
import { seekWithoutEnd } from './read-write.js';
import type { SuperBlock } from './super-block.js';
import type { Entry } from './kernfs.js';

const typeBits = (entry: Entry): number =>
  entry.kind === 'directory' ? S_IFDIR : entry.kind === 'link' ? S_IFLNK : S_IFREG;

function permissions(entry: Entry): number {
  if (entry.mode !== undefined) return entry.mode;
  return entry.kind === 'directory' ? 0o555 : 0o777;
}

export class EntryInode extends Inode {
  constructor(
    superBlock: SuperBlock,
    ino: number,
    readonly entry: Entry,
    private readonly numbers: () => number,
  ) {
    super(superBlock, ino);
    this.mode = typeBits(entry) | permissions(entry);
    this.nlink = entry.kind === 'directory' ? 2 : 1;
    this.atime = this.mtime = this.ctime = superBlock.kernel.host.clock.read(0);
    this.refresh();
  }

  override refresh(): void {
    const owner = this.entry.owner?.();
    if (owner === undefined) return;
    this.uid = owner.uid;
    this.gid = owner.gid;
  }

  override get blocks(): number {
    return 0;
  }

  override lookup(name: Name): Inode | undefined {
    if (this.entry.kind !== 'directory') return undefined;
    const entry = this.entry.find(name);
    return entry && new EntryInode(this.superBlock, this.numbers(), entry, this.numbers);
  }

  override readlink(reader?: Task): Name {
    if (this.entry.kind !== 'link') throw EINVAL;
    return this.entry.target(reader);
  }

  override followMagic(task: Task): Path | undefined {
    return this.entry.kind === 'link' ? this.entry.follow?.(task) : undefined;
  }

  override setAttributes(change: AttributeChange): void {
    // Opening for writing truncates; there is nothing to cut.
    if (change.mode !== undefined || change.uid !== undefined || change.gid !== undefined) throw EPERM;
  }

  override open(context: OpenContext): File {
    const { entry } = this;
    switch (entry.kind) {
      case 'directory':
        return new EntryDirectoryFile(this, context);
      case 'text':
        return new TextFile(this, context);
      case 'file':
        return entry.open(context);
      case 'link':
        throw EINVAL;
      default:
        return entry satisfies never;
    }
  }
}

class TextFile extends File {
  private bytes: Uint8Array | undefined;
  private seen = false;

  constructor(
    private readonly node: EntryInode,
    context: OpenContext,
  ) {
    super(context.mount, context.dentry, node, context.flags, context.task.credentials);
  }

  override read(task: Task, to: IoBuffer, position: number): Result {
    const { entry } = this.node;
    if (entry.kind !== 'text') throw EINVAL;
    if (this.bytes === undefined || position === 0) {
      const shown = entry.show(task);
      this.bytes = typeof shown === 'string' ? nameToBytes(shown) : shown;
      this.seen = true;
    }
    if (position >= this.bytes.length) return 0;
    const count = to.put(this.bytes.subarray(position));
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }

  override write(task: Task, from: IoBuffer): Result {
    const { entry } = this.node;
    if (entry.kind !== 'text' || entry.write === undefined) throw EINVAL;
    const bytes = new Uint8Array(Math.min(from.remaining, 65536));
    const count = from.get(bytes);
    if (count < bytes.length) throw EFAULT;
    entry.write(task, nameFromBytes(bytes));
    return count;
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    return seekWithoutEnd(this, offset, whence);
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    const { entry } = this.node;
    const always = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
    if (entry.kind !== 'text' || entry.changed === undefined) return always;
    table?.wait(entry.changed);
    return this.seen ? EPOLLIN | EPOLLRDNORM : always | EPOLLERR | EPOLLPRI;
  }
}

class EntryDirectoryFile extends File {
  private entries: (readonly [Name, Entry])[] | undefined;

  constructor(
    private readonly node: EntryInode,
    context: OpenContext,
  ) {
    super(context.mount, context.dentry, node, context.flags, context.task.credentials);
  }

  override readDirectory(task: Task, sink: DirectorySink): void {
    const { entry } = this.node;
    if (entry.kind !== 'directory') throw EINVAL;
    if (this.entries === undefined || this.position === 0) this.entries = [...entry.list(task)];
    const { entries } = this;
    while (this.position < entries.length + 2) {
      const at = this.position;
      const [name, child] = at < 2 ? [at === 0 ? '.' : '..', entry] : entries[at - 2];
      const type = child.kind === 'directory' ? DT_DIR : child.kind === 'link' ? DT_LNK : DT_REG;
      if (!sink.emit(name, at < 2 ? this.node.ino : at + 100, type, at + 1)) return;
      this.position++;
    }
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    return seekWithoutEnd(this, offset, whence);
  }
}
