/** Listing a directory of overlayfs: the entries of all its layers, each name once. Linux's readdir.c of overlayfs. */
import type { Task } from '../../kernel/task.js';
import { assert } from '../../lib/assert.js';
import type { Name } from '../../lib/names.js';
import { O_DIRECTORY, O_RDONLY } from '../../uapi/fcntl.js';
import { DT_CHR } from '../../uapi/dirent.js';
import type { DirectorySink } from '../file.js';
import type { Inode, OpenContext } from '../inode.js';
import { touchAtime } from '../inode-times.js';
import { DirectoryFile, emitDots } from '../libfs.js';
import type { OverlayDirectory } from './directory.js';
import type { OverlaySuperBlock } from './super.js';
import { isWhiteout } from './upper.js';

export interface ListedEntry {
  readonly name: Name;
  readonly ino: number;
  readonly type: number;
}

class Collector implements DirectorySink {
  readonly entries: ListedEntry[] = [];
  emit(name: Name, ino: number, type: number): boolean {
    if (name !== '.' && name !== '..') this.entries.push({ name, ino, type });
    return true;
  }
}

/** All entries of one directory of a layer. */
export function listLayer(superBlock: OverlaySuperBlock, directory: Inode): ListedEntry[] {
  const file = directory.open(superBlock.layerContext(directory, O_RDONLY | O_DIRECTORY));
  assert(!(file instanceof Promise), 'a layer of an overlay does not make one wait');
  file.hold();
  const all = new Collector();
  try {
    file.readDirectory(superBlock.mounter, all);
  } finally {
    file.drop();
  }
  return all.entries;
}

/** The merged entries, in the order of the layers. */
export function listOverlay(directory: OverlayDirectory): ListedEntry[] {
  const { superBlock, upper, lowers } = directory;
  // What is hidden is remembered, too: it hides what is below.
  const found = new Map<Name, ListedEntry | undefined>();
  if (upper !== undefined)
    for (const { name, type } of listLayer(superBlock, upper)) {
      const inode = upper.lookup(name);
      const shown = inode !== undefined && !isWhiteout(inode);
      found.set(name, shown ? { name, type, ino: directory.numberOf(name, inode) } : undefined);
    }
  for (const { layer, inode } of lowers)
    for (const entry of listLayer(superBlock, inode)) {
      if (found.has(entry.name)) continue;
      const hidden = entry.type === DT_CHR && isHidden(inode, entry.name);
      found.set(entry.name, hidden ? undefined : { ...entry, ino: superBlock.number(layer, entry.ino) });
    }
  return [...found.values()].filter((entry) => entry !== undefined);
}

function isHidden(directory: Inode, name: Name): boolean {
  const inode = directory.lookup(name);
  return inode !== undefined && isWhiteout(inode);
}

export class OverlayDirectoryFile extends DirectoryFile {
  private entries: readonly ListedEntry[] | undefined;

  constructor(
    context: OpenContext,
    private readonly directory: OverlayDirectory,
  ) {
    super(context, directory);
  }

  /** Positions count entries of the list that the first read, or one after a rewind, has made. */
  override readDirectory(_task: Task, sink: DirectorySink): void {
    touchAtime(this.mount, this.inode);
    if (this.position === 0) this.entries = undefined;
    const entries = (this.entries ??= this.directory.entries());
    if (!emitDots(this, sink)) return;
    for (let index = this.position - 2; index < entries.length; index++) {
      const { name, ino, type } = entries[index];
      if (!sink.emit(name, ino, type, index + 3)) return;
      this.position = index + 3;
    }
  }
}
