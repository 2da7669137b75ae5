/**
 * Directories of ext4. The first look-up reads the whole directory and remembers where each name is. Blocks are changed in
 * place. The index (htree) is not kept up: the first new name turns an indexed directory into a linear one, which is what
 * its blocks look like to those who do not know of indexes.
 */
import type { Credentials } from '../../kernel/credentials.js';
import type { Task } from '../../kernel/task.js';
import { crc32c } from '../../lib/crc32c.js';
import { nameFromBytes, nameToBytes, putName, type Name } from '../../lib/names.js';
import { EINVAL, EMLINK, ENAMETOOLONG, ENOENT, ENOTEMPTY } from '../../uapi/errno.js';
import { FS_INDEX_FL, RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../uapi/fs.js';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_ISDIR } from '../../uapi/stat.js';
import type { DirectorySink, File } from '../file.js';
import { currentTime, touchAtime, touchModified } from '../inode-times.js';
import type { Inode, OpenContext } from '../inode.js';
import { DirectoryFile } from '../libfs.js';
import { Ext4Inode } from './inode.js';
import {
  BLOCK_AREA,
  DIR_HEAD,
  DIR_TAIL,
  DIR_TAIL_TYPE,
  EXT4_ROOT_INO,
  INCOMPAT_FILETYPE,
  RO_COMPAT_DIR_NLINK,
} from './layout.js';
import type { MetaBlock } from './meta-blocks.js';

const LINK_MAX = 65000;
/** By file_type: unknown, regular, directory, character and block device, FIFO, socket, link. DT_*. */
const directoryTypes = [0, 8, 4, 2, 6, 1, 12, 10];
const fileTypeOf = (mode: number): number => directoryTypes.indexOf((mode & S_IFMT) >>> 12);

interface Entry {
  /** Within the block. */
  at: number;
  ino: number;
  length: number;
  nameLength: number;
  type: number;
}

const sizeFor = (nameLength: number): number => (DIR_HEAD + nameLength + 3) & ~3;

export class Ext4Directory extends Ext4Inode {
  /** Where entries are, in bytes from the start: all but '.' and '..'. */
  private names: Map<Name, number> | undefined;
  /** The largest entry that fits into each block. */
  private readonly room: number[] = [];
  /** Blocks whose checksum is to be made. */
  private readonly unsealed = new Set<number>();

  // Reading.

  private get tailSize(): number {
    return this.volume.metadataChecksums ? DIR_TAIL : 0;
  }
  private get blockTotal(): number {
    return Math.floor(this.size / this.volume.blockSize);
  }

  /** A block of entries; undefined for a hole. */
  private block(logical: number): MetaBlock | undefined {
    const number = this.physical(logical);
    if (number === 0) return undefined;
    return this.meta.get(number, (block) => this.verify(logical, block));
  }

  private verify(logical: number, { bytes, view }: MetaBlock): void {
    if (!this.volume.metadataChecksums) return;
    const indexed = (this.flags & FS_INDEX_FL) !== 0;
    const isNode = view.getUint32(0, true) === 0 && view.getUint16(4, true) === bytes.length;
    if (indexed && (logical === 0 || isNode)) return;
    const tail = bytes.length - DIR_TAIL;
    if (view.getUint32(tail + 8, true) !== crc32c(this.seed, bytes, 0, tail))
      this.damaged(`directory block ${logical}: checksum`);
  }

  /** The entries of a block, empty ones too. Throws if they do not make sense. */
  private *entries({ view, bytes }: MetaBlock): IterableIterator<Entry> {
    const withType = this.volume.has(INCOMPAT_FILETYPE);
    for (let at = 0; at < bytes.length;) {
      if (at + DIR_HEAD > bytes.length) this.damaged('bad entry in directory');
      const ino = view.getUint32(at, true);
      const length = view.getUint16(at + 4, true);
      const nameLength = bytes[at + 6];
      if (length < DIR_HEAD || length % 4 !== 0 || at + length > bytes.length)
        this.damaged('bad entry in directory: rec_len');
      if (ino !== 0 && (nameLength === 0 || sizeFor(nameLength) > length || ino > this.volume.inodes))
        this.damaged('bad entry in directory');
      yield { at, ino, length, nameLength, type: withType ? bytes[at + 7] : 0 };
      at += length;
    }
  }

  private index(): Map<Name, number> {
    if (this.names !== undefined) return this.names;
    const names = new Map<Name, number>();
    for (const { name, position } of this.all()) if (name !== '.' && name !== '..') names.set(name, position);
    return (this.names = names);
  }

  private *all(): IterableIterator<{ name: Name; ino: number; position: number }> {
    if (this.isInline) {
      for (const entry of this.inlineEntries()) yield entry;
      return;
    }
    const { blockSize } = this.volume;
    for (const run of this.map.runs)
      for (
        let logical = run.logical;
        logical < Math.min(run.logical + run.count, this.blockTotal);
        logical++
      ) {
        const block = this.block(logical);
        if (block === undefined) continue;
        for (const { at, ino, nameLength } of this.entries(block)) {
          if (ino === 0) continue;
          const start = at + DIR_HEAD;
          const name = nameFromBytes(block.bytes, start, start + nameLength);
          yield { name, ino, position: logical * blockSize + at };
        }
        this.measure(logical, block);
      }
  }

  /** A small directory inside the inode: the number of '..', then entries, which go on in an attribute. */
  private *inlineEntries(): IterableIterator<{ name: Name; ino: number; position: number; type: number }> {
    const parent = new DataView(this.image.buffer, this.area.byteOffset, 4).getUint32(0, true);
    yield { name: '.', ino: this.ino, position: 0, type: 2 };
    yield { name: '..', ino: parent, position: 4, type: 2 };
    const more = this.attributes.get('system.data') ?? new Uint8Array(0);
    let base = 16;
    for (const part of [this.area.slice(4, BLOCK_AREA), more.slice()]) {
      if (part.length === 0) continue;
      const view = new DataView(part.buffer, part.byteOffset, part.length);
      for (const { at, ino, nameLength, type } of this.entries({ view, bytes: part } as MetaBlock))
        if (ino !== 0)
          yield {
            name: nameFromBytes(part, at + DIR_HEAD, at + DIR_HEAD + nameLength),
            ino,
            position: base + at,
            type,
          };
      base += part.length;
    }
  }

  override lookup(name: Name): Inode | undefined {
    this.superBlock.trim();
    if (name.length > 255) throw ENAMETOOLONG;
    const position = this.index().get(name);
    if (position === undefined) return undefined;
    if (this.isInline) {
      for (const entry of this.inlineEntries())
        if (entry.name === name) return this.superBlock.found(entry.ino);
      return undefined;
    }
    const { blockSize } = this.volume;
    const block = this.block(Math.floor(position / blockSize));
    return block === undefined
      ? undefined
      : this.superBlock.found(block.view.getUint32(position % blockSize, true));
  }

  override open(context: OpenContext): File {
    return new Ext4DirectoryFile(context, this);
  }

  /** Offers entries from a position on; returns where it stopped. */
  emit(sink: DirectorySink, from: number): number {
    if (this.isInline) {
      let position = from;
      for (const entry of this.inlineEntries()) {
        if (entry.position < from) continue;
        if (!sink.emit(entry.name, entry.ino, directoryTypes[entry.type] ?? 0, entry.position + 1))
          return position;
        position = entry.position + 1;
      }
      return position;
    }
    const { blockSize } = this.volume;
    let position = from;
    for (let logical = Math.floor(from / blockSize); logical < this.blockTotal;) {
      const block = this.block(logical);
      if (block === undefined) {
        // A damaged directory may claim to be huge.
        const next = this.map.from(logical);
        if (next === undefined) return this.size;
        logical = Math.max(logical + 1, next.logical);
        continue;
      }
      for (const { at, ino, length, nameLength, type } of this.entries(block)) {
        const here = logical * blockSize + at;
        if (here < from || ino === 0) continue;
        const name = nameFromBytes(block.bytes, at + DIR_HEAD, at + DIR_HEAD + nameLength);
        const next = here + length;
        if (!sink.emit(name, ino, directoryTypes[type] ?? 0, next)) return position;
        position = next;
      }
      logical++;
    }
    return position;
  }

  // Changing.

  private measure(logical: number, block: MetaBlock): void {
    let room = 0;
    for (const { at, ino, length, nameLength } of this.entries(block)) {
      // The checksum looks like an empty entry, but no name goes there, however short.
      if (at >= block.bytes.length - this.tailSize) continue;
      room = Math.max(room, ino === 0 ? length : length - sizeFor(nameLength));
    }
    this.room[logical] = room;
  }

  private touch(logical: number, block: MetaBlock): void {
    this.meta.changed(block);
    this.unsealed.add(logical);
    this.changed();
  }

  override prepare(): void {
    if (this.tailSize > 0)
      for (const logical of this.unsealed) {
        const number = this.physical(logical);
        if (number === 0) continue;
        const { bytes, view } = this.meta.get(number);
        const tail = bytes.length - DIR_TAIL;
        view.setUint32(tail + 8, crc32c(this.seed, bytes, 0, tail), true);
      }
    this.unsealed.clear();
  }

  private putTail({ view, bytes }: MetaBlock): void {
    if (this.tailSize === 0) return;
    const tail = bytes.length - DIR_TAIL;
    view.setUint32(tail, 0, true);
    view.setUint16(tail + 4, DIR_TAIL, true);
    view.setUint16(tail + 6, DIR_TAIL_TYPE << 8, true);
  }

  /** The blocks of the index become empty blocks of a linear directory. */
  private dropIndex(): void {
    if ((this.flags & FS_INDEX_FL) === 0) return;
    for (let logical = 0; logical < this.blockTotal; logical++) {
      const block = this.block(logical);
      if (block === undefined) continue;
      const { view, bytes } = block;
      const isNode = view.getUint32(0, true) === 0 && view.getUint16(4, true) === bytes.length;
      if (logical > 0 && !isNode) continue;
      // The root has '.' and '..' before the index.
      const start = logical === 0 ? 24 : DIR_HEAD;
      const owner = logical === 0 ? 12 : 0;
      bytes.fill(0, start);
      view.setUint16(owner + 4, bytes.length - owner - this.tailSize, true);
      this.putTail(block);
      this.measure(logical, block);
      this.touch(logical, block);
    }
    this.flags &= ~FS_INDEX_FL;
  }

  private put(block: MetaBlock, at: number, name: Name, ino: number, type: number, length: number): void {
    const { view, bytes } = block;
    view.setUint32(at, ino, true);
    view.setUint16(at + 4, length, true);
    bytes[at + 6] = name.length;
    bytes[at + 7] = this.volume.has(INCOMPAT_FILETYPE) ? type : 0;
    putName(name, bytes, at + DIR_HEAD);
  }

  /** Adds a name. ENOSPC: then nothing has changed. */
  private insert(name: Name, inode: Ext4Inode): void {
    const names = this.index();
    this.dropIndex();
    const need = sizeFor(name.length);
    const { blockSize } = this.volume;
    let logical = this.room.findIndex((room) => room >= need);
    if (logical < 0) {
      logical = this.blockTotal;
      this.addBlock(logical);
    }
    const block = this.block(logical) as MetaBlock;
    for (const { at, ino, length, nameLength } of this.entries(block)) {
      if (at >= block.bytes.length - this.tailSize) continue;
      const used = ino === 0 ? 0 : sizeFor(nameLength);
      if (length - used < need) continue;
      if (used > 0) block.view.setUint16(at + 4, used, true);
      this.put(block, at + used, name, inode.ino, fileTypeOf(inode.mode), length - used);
      names.set(name, logical * blockSize + at + used);
      break;
    }
    this.measure(logical, block);
    this.touch(logical, block);
  }

  private addBlock(logical: number): void {
    const { physical } = this.grow(logical, 1, false);
    const block = this.meta.fresh(physical);
    block.view.setUint16(4, block.bytes.length - this.tailSize, true);
    this.putTail(block);
    this.measure(logical, block);
    this.size += block.bytes.length;
    this.touch(logical, block);
  }

  private find(name: Name): { logical: number; block: MetaBlock; at: number } {
    const position = this.index().get(name);
    if (position === undefined) throw ENOENT;
    const { blockSize } = this.volume;
    const logical = Math.floor(position / blockSize);
    const block = this.block(logical);
    if (block === undefined) throw ENOENT;
    return { logical, block, at: position % blockSize };
  }

  private remove(name: Name): void {
    const { logical, block, at } = this.find(name);
    let before = -1;
    for (const entry of this.entries(block)) {
      if (entry.at === at) {
        if (before < 0) block.view.setUint32(at, 0, true);
        else block.view.setUint16(before + 4, at + entry.length - before, true);
        break;
      }
      before = entry.at;
    }
    this.index().delete(name);
    this.measure(logical, block);
    this.touch(logical, block);
  }

  private replace(name: Name, inode: Ext4Inode): void {
    const { logical, block, at } = this.find(name);
    block.view.setUint32(at, inode.ino, true);
    if (this.volume.has(INCOMPAT_FILETYPE)) block.bytes[at + 7] = fileTypeOf(inode.mode);
    this.touch(logical, block);
  }

  /** What '..' is. */
  private set parentNumber(ino: number) {
    const block = this.block(0);
    if (block === undefined) this.damaged('no first block');
    const second = block.view.getUint16(4, true);
    if (second + 12 > block.bytes.length) this.damaged('bad first entry');
    block.view.setUint32(second, ino, true);
    this.touch(0, block);
  }

  private addLink(): void {
    if (this.nlink >= LINK_MAX - 1) {
      if (!this.volume.hasReadOnly(RO_COMPAT_DIR_NLINK)) throw EMLINK;
      this.nlink = 1;
    } else if (this.nlink !== 1) this.nlink++;
    this.changed();
  }
  private dropLink(): void {
    // 1 stands for "too many to count".
    if (this.nlink > 2) this.nlink--;
    this.changed();
  }

  /** Makes an inode and gives it a name. */
  private add(name: Name, mode: number, owner: Credentials, fill?: (inode: Ext4Inode) => void): Inode {
    const { superBlock } = this;
    superBlock.begin();
    this.checkEntry(name);
    const inode = superBlock.newInode(this, mode, owner);
    try {
      fill?.(inode);
      this.insert(name, inode);
    } catch (error) {
      inode.nlink = 0;
      superBlock.destroy(inode);
      superBlock.forget(inode);
      throw error;
    }
    touchModified(this);
    return inode;
  }
  private checkEntry(name: Name): void {
    if (name.length > 255) throw ENAMETOOLONG;
    if (this.nlink === 0) throw ENOENT;
  }

  override create(name: Name, mode: number, owner: Credentials): Inode {
    return this.add(name, mode, owner);
  }
  override mkdir(name: Name, mode: number, owner: Credentials): Inode {
    if (this.nlink >= LINK_MAX - 1 && !this.volume.hasReadOnly(RO_COMPAT_DIR_NLINK)) throw EMLINK;
    const inode = this.add(name, (mode & ~S_IFMT) | S_IFDIR, owner, (made) =>
      (made as Ext4Directory).initialize(this.ino),
    );
    this.addLink();
    return inode;
  }
  /** The first block: '.' and '..'. */
  private initialize(parent: number): void {
    this.nlink = 2;
    this.names = new Map();
    this.addBlock(0);
    const block = this.block(0) as MetaBlock;
    this.put(block, 0, '.', this.ino, 2, 12);
    this.put(block, 12, '..', parent, 2, block.bytes.length - 12 - this.tailSize);
    this.measure(0, block);
  }
  override mknod(name: Name, mode: number, rdev: number, owner: Credentials): Inode {
    return this.add(name, mode, owner, (inode) => inode.setDevice(rdev));
  }
  override symlink(name: Name, target: Name, owner: Credentials): Inode {
    if (target.length >= this.volume.blockSize) throw ENAMETOOLONG;
    return this.add(name, S_IFLNK | 0o777, owner, (inode) => inode.setTarget(nameToBytes(target)));
  }
  override tmpfile(mode: number, owner: Credentials): Inode {
    this.superBlock.begin();
    const inode = this.superBlock.newInode(this, mode, owner);
    inode.nlink = 0;
    this.superBlock.addOrphan(inode);
    return inode;
  }

  override link(name: Name, target: Inode): void {
    const inode = target as Ext4Inode;
    this.superBlock.begin();
    this.checkEntry(name);
    if (inode.nlink >= LINK_MAX) throw EMLINK;
    this.insert(name, inode);
    if (inode.nlink === 0) this.superBlock.removeOrphan(inode);
    inode.nlink++;
    inode.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    touchModified(this);
  }

  override unlink(name: Name, target: Inode): void {
    this.superBlock.begin();
    this.remove(name);
    this.unlinked(target as Ext4Inode);
    touchModified(this);
  }
  private unlinked(inode: Ext4Inode): void {
    inode.nlink = S_ISDIR(inode.mode) ? 0 : Math.max(0, inode.nlink - 1);
    inode.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    if (inode.nlink === 0) this.superBlock.addOrphan(inode);
  }

  override rmdir(name: Name, target: Inode): void {
    if ((target as Ext4Directory).index().size > 0) throw ENOTEMPTY;
    this.superBlock.begin();
    this.remove(name);
    this.unlinked(target as Ext4Inode);
    this.dropLink();
    touchModified(this);
  }

  override rename(
    name: Name,
    moved: Inode,
    to: Inode,
    toName: Name,
    replaced: Inode | undefined,
    how: number,
  ): void {
    const inode = moved as Ext4Inode;
    const target = to as Ext4Directory;
    const other = replaced as Ext4Inode | undefined;
    if ((how & RENAME_WHITEOUT) !== 0 && (how & RENAME_EXCHANGE) !== 0) throw EINVAL;
    // What takes a file's place should not be empty after a crash: its contents go first.
    if (other !== undefined) inode.flushPages();
    this.superBlock.begin();
    target.checkEntry(toName);
    if ((how & RENAME_EXCHANGE) !== 0 && other !== undefined)
      this.exchange(name, inode, target, toName, other);
    else this.move(name, inode, target, toName, other, how);
    const ctime = currentTime(this.superBlock.kernel);
    inode.updateTimes({ ctime });
    touchModified(this);
    if (target !== this) touchModified(target);
  }

  private move(
    name: Name,
    inode: Ext4Inode,
    target: Ext4Directory,
    toName: Name,
    other: Ext4Inode | undefined,
    how: number,
  ): void {
    const isDirectory = S_ISDIR(inode.mode);
    if (other !== undefined && S_ISDIR(other.mode) && (other as Ext4Directory).index().size > 0)
      throw ENOTEMPTY;
    const whiteout = (how & RENAME_WHITEOUT) !== 0 ? this.makeWhiteout() : undefined;
    if (other === undefined) target.insert(toName, inode);
    else {
      target.replace(toName, inode);
      this.unlinked(other);
      if (S_ISDIR(other.mode)) target.dropLink();
    }
    if (whiteout === undefined) this.remove(name);
    else this.replace(name, whiteout);
    if (!isDirectory || target === this) return;
    (inode as Ext4Directory).parentNumber = target.ino;
    this.dropLink();
    target.addLink();
  }

  /** RENAME_WHITEOUT: what overlayfs leaves behind in its upper layer. */
  private makeWhiteout(): Ext4Inode {
    const inode = this.superBlock.newInode(this, S_IFCHR, undefined);
    inode.setDevice(0);
    return inode;
  }

  private exchange(
    name: Name,
    inode: Ext4Inode,
    target: Ext4Directory,
    toName: Name,
    other: Ext4Inode,
  ): void {
    this.replace(name, other);
    target.replace(toName, inode);
    other.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    if (target === this) return;
    if (S_ISDIR(inode.mode)) {
      (inode as Ext4Directory).parentNumber = target.ino;
      this.dropLink();
      target.addLink();
    }
    if (S_ISDIR(other.mode)) {
      (other as Ext4Directory).parentNumber = this.ino;
      target.dropLink();
      this.addLink();
    }
  }

  get isRoot(): boolean {
    return this.ino === EXT4_ROOT_INO;
  }
}

class Ext4DirectoryFile extends DirectoryFile {
  constructor(
    context: OpenContext,
    private readonly directory: Ext4Directory,
  ) {
    super(context, directory);
  }
  override readDirectory(_task: Task, sink: DirectorySink): void {
    touchAtime(this.mount, this.inode);
    this.position = this.directory.emit(sink, this.position);
  }
}
