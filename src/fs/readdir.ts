/** getdents(2), getdents64(2). Linux's readdir.c. */
import { address, fd, type Result, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { putName, type Name } from '../lib/names.js';
import { linux_dirent, linux_dirent64 } from '../uapi/dirent.js';
import { EINVAL, ENOENT, ENOTDIR } from '../uapi/errno.js';
import { IN_ACCESS } from '../uapi/inotify.js';
import { S_ISDIR } from '../uapi/stat.js';
import type { DirectorySink } from './file.js';
import { notifyFile } from './notify.js';

/** No call gives more at once, whatever it is asked for. */
const MAX_BUFFER = 1 << 16;

/** Where entries are laid out before they go to user memory: one for a kernel, since making one costs more than filling it. */
export class DirentMemory {
  readonly bytes = new Uint8Array(MAX_BUFFER);
  readonly view = new DataView(this.bytes.buffer);
}

/** Lays entries out one after the other. */
abstract class EntryBuffer implements DirectorySink {
  protected readonly bytes: Uint8Array;
  protected readonly view: DataView;
  private readonly limit: number;
  used = 0;
  /** An entry was offered for which there was no room. */
  refused = false;

  constructor({ kernel }: Task, length: number) {
    const memory = (kernel.direntMemory ??= new DirentMemory());
    this.bytes = memory.bytes;
    this.view = memory.view;
    this.limit = Math.min(length, MAX_BUFFER);
  }
  get filled(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }
  emit(name: Name, ino: number, type: number, next: number): boolean {
    const length = this.lengthFor(name);
    if (this.used + length > this.limit) {
      this.refused = true;
      return false;
    }
    // What an earlier call has left behind the name is nobody's business.
    this.bytes.fill(0, this.used + length - 8, this.used + length);
    this.put(this.used, length, name, ino, type, next);
    this.used += length;
    return true;
  }
  protected abstract lengthFor(name: Name): number;
  protected abstract put(
    at: number,
    length: number,
    name: Name,
    ino: number,
    type: number,
    next: number,
  ): void;
}

const align8 = (length: number): number => (length + 7) & ~7;

class Entries64 extends EntryBuffer {
  protected override lengthFor(name: Name): number {
    return align8(linux_dirent64.size + name.length + 1);
  }
  protected override put(
    at: number,
    length: number,
    name: Name,
    ino: number,
    type: number,
    next: number,
  ): void {
    const { d_ino, d_off, d_reclen, d_type } = linux_dirent64.field;
    d_ino.set(this.view, at, ino);
    d_off.set(this.view, at, next);
    d_reclen.set(this.view, at, length);
    d_type.set(this.view, at, type);
    putName(name, this.bytes, at + linux_dirent64.size);
  }
}

const OLD_NAME = linux_dirent.offset.d_reclen + 2;

class OldEntries extends EntryBuffer {
  /** The type stands in the last byte, after the name's NUL and the padding. */
  protected override lengthFor(name: Name): number {
    return align8(OLD_NAME + name.length + 2);
  }
  protected override put(
    at: number,
    length: number,
    name: Name,
    ino: number,
    type: number,
    next: number,
  ): void {
    const { d_ino, d_off, d_reclen } = linux_dirent.field;
    d_ino.set(this.view, at, ino);
    d_off.set(this.view, at, next);
    d_reclen.set(this.view, at, length);
    putName(name, this.bytes, at + OLD_NAME);
    this.bytes[at + length - 1] = type;
  }
}

function getdents(task: Task, at: number, user: number, buffer: EntryBuffer): Result {
  const file = task.files.getOpen(at);
  if (!S_ISDIR(file.inode.mode)) throw ENOTDIR;
  if (file.inode.dead) throw ENOENT;
  const before = file.position;
  file.readDirectory(task, buffer);
  notifyFile(file, IN_ACCESS);
  if (buffer.used === 0) {
    if (buffer.refused) throw EINVAL;
    return 0;
  }
  try {
    task.memory.copyOut(user, buffer.filled);
  } catch (error) {
    file.position = before;
    throw error;
  }
  return buffer.used;
}

export const sys_getdents64 = syscall([fd, address, uint], (task, at, user, length) =>
  getdents(task, at, user, new Entries64(task, length)),
);

export const sys_getdents = syscall([fd, address, uint], (task, at, user, length) =>
  getdents(task, at, user, new OldEntries(task, length)),
);
