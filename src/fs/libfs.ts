/** Directories of file systems that live in memory. Linux's libfs.c. */
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EINVAL, EISDIR } from '../uapi/errno.js';
import { SEEK_CUR, SEEK_SET } from '../uapi/fs.js';
import { DT_DIR, IFTODT } from '../uapi/dirent.js';
import { File, type DirectorySink } from './file.js';
import type { Inode, OpenContext } from './inode.js';
import { touchAtime } from './inode-times.js';

interface Entry {
  readonly inode: Inode;
  /** Where a reader stands when this entry comes next. Grows with each entry, so that no entry comes twice. */
  readonly cookie: number;
}

/** Positions 0 and 1 are '.' and '..'. */
const FIRST_COOKIE = 2;

/** The names of a directory, in the order in which they were made. */
export class DirectoryTable {
  private readonly entries = new Map<Name, Entry>();
  private nextCookie = FIRST_COOKIE;

  get size(): number {
    return this.entries.size;
  }

  get(name: Name): Inode | undefined {
    return this.entries.get(name)?.inode;
  }

  add(name: Name, inode: Inode): void {
    this.entries.set(name, { inode, cookie: this.nextCookie++ });
  }

  /** Puts another inode under a name, at the same place. */
  replace(name: Name, inode: Inode): void {
    const old = this.entries.get(name);
    this.entries.set(name, { inode, cookie: old?.cookie ?? this.nextCookie++ });
  }

  remove(name: Name): void {
    this.entries.delete(name);
  }

  *[Symbol.iterator](): IterableIterator<[Name, Inode]> {
    for (const [name, { inode }] of this.entries) yield [name, inode];
  }

  /** A walk over the entries from a cookie on. It stays valid while entries come and go. */
  from(cookie: number): TableCursor {
    return new TableCursor(this.entries.entries(), cookie);
  }
}

/** A place in a directory: the entry that comes next, and those behind it. */
class TableCursor {
  private name: Name = '';
  private entry: Entry | undefined;

  constructor(
    private readonly rest: IterableIterator<[Name, Entry]>,
    cookie: number,
  ) {
    do this.advance();
    while (this.entry !== undefined && this.entry.cookie < cookie);
  }

  private advance(): void {
    const next = this.rest.next();
    if (next.done === true) this.entry = undefined;
    else [this.name, this.entry] = next.value;
  }

  /** Offers entries until the sink is full; returns the position at which to go on. */
  emit(sink: DirectorySink, position: number): number {
    let at = position;
    while (this.entry !== undefined) {
      const { inode, cookie } = this.entry;
      if (!sink.emit(this.name, inode.ino, IFTODT(inode.mode), cookie + 1)) return at;
      at = cookie + 1;
      this.advance();
    }
    return at;
  }
}

/** What a directory of `DirectoryFile` is: an inode with a table. */
export interface TabledInode extends Inode {
  readonly table: DirectoryTable;
}

/** Offers '.' and '..' if the file stands before them. False when the sink is full. */
export function emitDots(file: File, sink: DirectorySink): boolean {
  if (file.position === 0) {
    if (!sink.emit('.', file.inode.ino, DT_DIR, 1)) return false;
    file.position = 1;
  }
  if (file.position === 1) {
    const parent = file.dentry?.parent?.inode ?? file.inode;
    if (!sink.emit('..', parent.ino, DT_DIR, 2)) return false;
    file.position = 2;
  }
  return true;
}

/** An open directory: read(2) says EISDIR, lseek(2) goes to positions that getdents(2) has told. */
export abstract class DirectoryFile extends File {
  constructor({ mount, dentry, flags, task }: OpenContext, inode: Inode) {
    super(mount, dentry, inode, flags, task.credentials);
  }
  override read(): number {
    throw EISDIR;
  }
  override seek(_task: Task, offset: number, whence: number): number {
    const position = whence === SEEK_CUR ? this.position + offset : offset;
    if (position < 0 || (whence !== SEEK_SET && whence !== SEEK_CUR)) throw EINVAL;
    this.position = position;
    return position;
  }
}

/** An open directory of a file system in memory. */
export class TableDirectoryFile extends DirectoryFile {
  /** The last call's cursor, good as long as nobody moves the position. */
  private cursor: TableCursor | undefined;
  private cursorPosition = -1;

  constructor(
    context: OpenContext,
    private readonly directory: TabledInode,
  ) {
    super(context, directory);
  }

  override readDirectory(_task: Task, sink: DirectorySink): void {
    touchAtime(this.mount, this.inode);
    if (!emitDots(this, sink)) return;
    if (this.cursor === undefined || this.cursorPosition !== this.position)
      this.cursor = this.directory.table.from(this.position);
    this.position = this.cursor.emit(sink, this.position);
    this.cursorPosition = this.position;
  }
}
