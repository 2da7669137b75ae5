/**
 * What /proc is made of: a tree of entries, each of which says how it is shown. Inodes and open files over entries are in
 * inode.ts; the entries themselves in the other files of this folder. proc(5).
 */
import type { Task } from '../kernel/task.js';
import type { WaitQueue } from '../kernel/wait.js';
import type { Name } from '../lib/names.js';
import type { File } from './file.js';
import type { OpenContext } from './inode.js';
import type { Path } from './mount.js';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A file whose text is made when it is read. */
export interface TextEntry {
  readonly kind: 'text';
  readonly mode: number;
  /** The whole text, made anew when a reader stands at position 0. Throws an Errno to refuse. */
  show(task: Task): Name | Uint8Array;
  /** A write of the whole text; absent: the file cannot be written. */
  write?(task: Task, text: Name): void;
  /** Woken when the text has changed: poll(2) says EPOLLERR | EPOLLPRI. */
  readonly changed?: WaitQueue;
}

/** A file with an open of its own. */
export interface FileEntry {
  readonly kind: 'file';
  readonly mode: number;
  open(context: OpenContext): File;
}

export interface LinkEntry {
  readonly kind: 'link';
  target(task: Task | undefined): Name;
  /** A magic link: where it leads, whatever its text says. */
  follow?(task: Task): Path | undefined;
  readonly mode?: number;
}

export interface DirectoryEntry {
  readonly kind: 'directory';
  readonly mode?: number;
  /** Everything in it. `task` reads the directory. */
  list(task: Task): Iterable<readonly [Name, Entry]>;
  find(name: Name, task?: Task): Entry | undefined;
}

export type Entry = (TextEntry | FileEntry | LinkEntry | DirectoryEntry) & {
  /** Root, if absent. */
  readonly owner?: () => Owner;
  /** Whether what it tells of is still there; always, if absent. */
  readonly alive?: () => boolean;
};

/** A directory whose entries do not change. */
export function directory(entries: Readonly<Record<Name, Entry>>, mode = 0o555): Entry {
  const map = new Map(Object.entries(entries));
  return { kind: 'directory', mode, list: () => map, find: (name) => map.get(name) };
}

export function text(show: (task: Task) => Name | Uint8Array, mode = 0o444): Entry {
  return { kind: 'text', mode, show };
}

export function link(target: (task: Task | undefined) => Name): Entry {
  return { kind: 'link', target };
}
