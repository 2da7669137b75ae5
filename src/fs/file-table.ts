/** A process's descriptors: Linux's files_struct. Shared by CLONE_FILES. */
import type { Task } from '../kernel/task.js';
import { EBADF, EMFILE } from '../uapi/errno.js';
import { O_PATH } from '../uapi/fcntl.js';
import type { File } from './file.js';

interface Slot {
  readonly file: File;
  closeOnExec: boolean;
}

export class FileTable {
  private slots: (Slot | undefined)[] = [];
  /** No free number below it. */
  private lowest = 0;
  /** Tasks that share the table. */
  users = 1;

  /** The open file of a descriptor. EBADF. O_PATH files included: calls that refuse them check. */
  get(fd: number): File {
    const slot = this.slots[fd];
    if (slot === undefined) throw EBADF;
    return slot.file;
  }

  /** As `get`, for calls that use the file and not only its place: O_PATH descriptors are EBADF. */
  getOpen(fd: number): File {
    const file = this.get(fd);
    if ((file.flags & O_PATH) !== 0) throw EBADF;
    return file;
  }

  find(fd: number): File | undefined {
    return this.slots[fd]?.file;
  }

  /** EMFILE when there is no free descriptor: before a call does what it could not undo. */
  checkRoom(limit: number): void {
    let fd = this.lowest;
    while (this.slots[fd] !== undefined) fd++;
    this.lowest = fd;
    if (fd >= limit) throw EMFILE;
  }

  /** Puts a file at the lowest free descriptor from `from` on; takes a reference. EMFILE at the limit (RLIMIT_NOFILE). */
  install(file: File, closeOnExec: boolean, limit: number, from = 0): number {
    let fd = Math.max(from, this.lowest);
    while (this.slots[fd] !== undefined) fd++;
    if (fd >= limit) throw EMFILE;
    if (from <= this.lowest) this.lowest = fd + 1;
    this.slots[fd] = { file: file.hold(), closeOnExec };
    return fd;
  }

  /** As `install`, of a file that has just been made: without a descriptor it is released again. */
  installNew(file: File, closeOnExec: boolean, limit: number): number {
    try {
      return this.install(file, closeOnExec, limit);
    } catch (error) {
      file.abandon();
      throw error;
    }
  }

  /** Puts a file at `fd`, closing what was there: dup2(2). EBADF when fd is out of bounds. */
  replace(task: Task, fd: number, file: File, closeOnExec: boolean, limit: number): void {
    if (fd < 0 || fd >= limit) throw EBADF;
    const old = this.slots[fd];
    this.slots[fd] = { file: file.hold(), closeOnExec };
    if (old !== undefined) this.letGo(task, old.file);
  }

  /** close(2). */
  close(task: Task, fd: number): void {
    const slot = this.slots[fd];
    if (slot === undefined) throw EBADF;
    this.slots[fd] = undefined;
    if (fd < this.lowest) this.lowest = fd;
    this.letGo(task, slot.file);
  }

  /** A descriptor of `file` is gone. With any of them go all of the process's record locks on the file: fcntl(2). */
  private letGo(task: Task, file: File): void {
    file.flush(task);
    if (file.inode.locks !== undefined && (file.flags & O_PATH) === 0) file.inode.locks.dropOwner(this);
    file.drop();
  }

  getCloseOnExec(fd: number): boolean {
    const slot = this.slots[fd];
    if (slot === undefined) throw EBADF;
    return slot.closeOnExec;
  }

  setCloseOnExec(fd: number, on: boolean): void {
    const slot = this.slots[fd];
    if (slot === undefined) throw EBADF;
    slot.closeOnExec = on;
  }

  /** A copy for fork. */
  clone(): FileTable {
    const copy = new FileTable();
    copy.lowest = this.lowest;
    copy.slots = this.slots.map((slot) => slot && { file: slot.file.hold(), closeOnExec: slot.closeOnExec });
    return copy;
  }

  /** execve: closes what is marked. */
  closeOnExec(task: Task): void {
    for (const [fd, slot] of this.slots.entries()) if (slot?.closeOnExec) this.close(task, fd);
  }

  /** A task lets go of the table; the last one closes all. */
  leave(task: Task): void {
    if (--this.users > 0) return;
    for (const [fd, slot] of this.slots.entries()) if (slot !== undefined) this.close(task, fd);
    this.slots = [];
  }

  /** Descriptors in use, in order. */
  *entries(): IterableIterator<[number, File]> {
    for (const [fd, slot] of this.slots.entries()) if (slot !== undefined) yield [fd, slot.file];
  }

  /** Linux's max_fds: select(2) ignores descriptors from here on, and /proc/PID/status shows it as FDSize. */
  get capacity(): number {
    if (this.slots.length <= 64) return 64;
    let size = 128;
    while (size < this.slots.length) size *= 2;
    return size;
  }

  /** One more than the highest descriptor that was ever in use. */
  get length(): number {
    return this.slots.length;
  }
}
