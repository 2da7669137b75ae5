/**
 * File locks: record locks of processes (POSIX) and of open files (OFD), fcntl(2); whole-file locks, flock(2). All are
 * advisory. A record lock's owner is the descriptor table for POSIX locks, the open file for OFD locks; its ranges are
 * disjoint and sorted, and neighbours of one type are one range.
 *
 * Waiting is done by the system calls (fs/fcntl, fs/flock) in a loop around `conflict`.
 */
import { type Sleeper, WaitQueue } from '../kernel/wait.js';
import { EDEADLK } from '../uapi/errno.js';
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../uapi/fcntl.js';
import { majorOf, minorOf } from './char-dev.js';
import { File, type ReleaseListener } from './file.js';
import type { FileTable } from './file-table.js';
import type { Inode } from './inode.js';

export type LockOwner = FileTable | File;

/** A record lock, held or asked for. */
export interface RecordLock {
  readonly owner: LockOwner;
  /** F_RDLCK, F_WRLCK, or F_UNLCK in a request. */
  readonly type: number;
  /** First and last byte; Infinity: to the end of the file, wherever that is. */
  readonly start: number;
  readonly end: number;
  /** The process, for F_GETLK and /proc/locks; -1 for OFD locks. */
  readonly pid: number;
}

interface FileLock {
  readonly type: number;
  readonly pid: number;
}

const overlap = (a: RecordLock, b: RecordLock): boolean => a.start <= b.end && b.start <= a.end;

/** The locks on one inode. */
export class InodeLocks {
  private readonly records = new Map<LockOwner, RecordLock[]>();
  private readonly files = new Map<File, FileLock>();
  /** Woken when a lock has gone or become weaker. */
  readonly changed = new WaitQueue();

  constructor(
    readonly inode: Inode,
    private readonly table: LockTable,
  ) {}

  /** The locks of an inode, made if there are none yet. */
  static of(inode: Inode): InodeLocks {
    return (inode.locks ??= new InodeLocks(inode, inode.superBlock.kernel.locks));
  }

  /** The first record lock of somebody else that a request would conflict with. */
  conflict(request: RecordLock): RecordLock | undefined {
    for (const [owner, locks] of this.records) {
      if (owner === request.owner) continue;
      for (const lock of locks)
        if (overlap(lock, request) && (lock.type === F_WRLCK || request.type === F_WRLCK)) return lock;
    }
    return undefined;
  }

  /** The first of an owner's own locks in a range: F_OFD_GETLK with F_UNLCK. */
  own(request: RecordLock): RecordLock | undefined {
    return this.records.get(request.owner)?.find((lock) => overlap(lock, request));
  }

  /** Sets or clears a record lock, known not to conflict. */
  set(request: RecordLock): void {
    const before = this.records.get(request.owner) ?? [];
    const after: RecordLock[] = [];
    let { start, end } = request;
    let weaker = false;
    for (const lock of before) {
      if (lock.type === request.type) {
        // Touching ranges of one type become one.
        if (lock.start <= end + 1 && start <= lock.end + 1) {
          start = Math.min(start, lock.start);
          end = Math.max(end, lock.end);
        } else after.push(lock);
        continue;
      }
      if (!overlap(lock, request)) {
        after.push(lock);
        continue;
      }
      weaker ||= request.type !== F_WRLCK;
      if (lock.start < request.start) after.push({ ...lock, end: request.start - 1 });
      if (lock.end > request.end) after.push({ ...lock, start: request.end + 1 });
    }
    if (request.type !== F_UNLCK) after.push({ ...request, start, end });
    after.sort((a, b) => a.start - b.start);
    if (after.length === 0) this.records.delete(request.owner);
    else this.records.set(request.owner, after);
    this.table.note(this);
    if (weaker) this.changed.wake();
  }

  /** All record locks of an owner go: a descriptor was closed. */
  dropOwner(owner: LockOwner): void {
    if (!this.records.delete(owner)) return;
    this.table.note(this);
    this.changed.wake();
  }

  /** The type of an open file's flock, or F_UNLCK. */
  fileLock(file: File): number {
    return this.files.get(file)?.type ?? F_UNLCK;
  }

  /** Whether another open file's flock excludes one of this type. */
  fileConflict(file: File, type: number): boolean {
    for (const [other, lock] of this.files)
      if (other !== file && (lock.type === F_WRLCK || type === F_WRLCK)) return true;
    return false;
  }

  setFileLock(file: File, type: number, pid: number): void {
    this.files.set(file, { type, pid });
    file.onRelease(this.table);
    this.table.note(this);
  }

  dropFileLock(file: File): void {
    if (!this.files.delete(file)) return;
    this.table.note(this);
    this.changed.wake();
  }

  get empty(): boolean {
    return this.records.size === 0 && this.files.size === 0;
  }

  *recordLocks(): IterableIterator<RecordLock> {
    for (const locks of this.records.values()) yield* locks;
  }
  fileLocks(): IterableIterator<FileLock> {
    return this.files.values();
  }
}

/** A task that waits for a record lock. */
interface Waiting {
  readonly sleeper: Sleeper;
  readonly locks: InodeLocks;
  readonly request: RecordLock;
  /** The lock in the way. */
  readonly blocker: RecordLock;
}

/** How far a chain of waiting owners is followed before it is taken to have no cycle, as on Linux. */
const MAX_DEADLOCK_ITERATIONS = 10;

/** All locks of the machine. */
export class LockTable implements ReleaseListener {
  private readonly inodes = new Set<InodeLocks>();
  private readonly waiting = new Set<Waiting>();

  /** Keeps track of which inodes have locks. */
  note(locks: InodeLocks): void {
    if (locks.empty) this.inodes.delete(locks);
    else this.inodes.add(locks);
  }

  /** The last reference to an open file is gone: its locks go. */
  released(file: File): void {
    file.inode.locks?.dropFileLock(file);
    file.inode.locks?.dropOwner(file);
  }

  /**
   * Notes that a task is about to wait for `blocker` to go; the result ends with the wait. EDEADLK when the blocker's owner
   * waits, through others, for this one. OFD locks belong to no process, so nothing can be said of them.
   */
  wait(sleeper: Sleeper, locks: InodeLocks, request: RecordLock, blocker: RecordLock): Waiting {
    if (!(request.owner instanceof File) && this.wouldDeadlock(request.owner, blocker)) throw EDEADLK;
    const waiting: Waiting = { sleeper, locks, request, blocker };
    this.waiting.add(waiting);
    return waiting;
  }

  stopWaiting(waiting: Waiting): void {
    this.waiting.delete(waiting);
  }

  private wouldDeadlock(owner: LockOwner, blocker: RecordLock): boolean {
    let next: RecordLock | undefined = blocker;
    for (let step = 0; step <= MAX_DEADLOCK_ITERATIONS; step++) {
      next = this.blockerOf(next.owner);
      if (next === undefined) return false;
      if (next.owner === owner) return true;
    }
    return false;
  }

  private blockerOf(owner: LockOwner): RecordLock | undefined {
    for (const { request, blocker } of this.waiting) if (request.owner === owner) return blocker;
    return undefined;
  }

  /** The text of /proc/locks. */
  show(): string {
    const lines: string[] = [];
    let id = 0;
    for (const locks of this.inodes) {
      for (const lock of locks.recordLocks()) {
        id++;
        lines.push(`${id}: ${recordText(lock, locks.inode)}`);
        for (const { blocker, request } of this.waiting)
          if (blocker === lock) lines.push(`${id}: -> ${recordText(request, locks.inode)}`);
      }
      for (const { type, pid } of locks.fileLocks())
        lines.push(`${++id}: FLOCK  ADVISORY  ${lockText(type, pid, locks.inode, 0, Infinity)}`);
    }
    return lines.map((line) => line + '\n').join('');
  }
}

function recordText(lock: RecordLock, inode: Inode): string {
  const kind = lock.owner instanceof File ? 'OFDLCK' : 'POSIX ';
  return `${kind} ADVISORY  ${lockText(lock.type, lock.pid, inode, lock.start, lock.end)}`;
}

function lockText(type: number, pid: number, inode: Inode, start: number, end: number): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  const { dev } = inode.superBlock;
  const kind = type === F_WRLCK ? 'WRITE' : type === F_RDLCK ? 'READ ' : 'UNLCK';
  const place = `${hex(majorOf(dev))}:${hex(minorOf(dev))}:${inode.ino}`;
  return `${kind} ${pid} ${place} ${start} ${end === Infinity ? 'EOF' : end}`;
}
