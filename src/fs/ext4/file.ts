/** Regular files of ext4: blocks are allocated when pages are written back, so that files end up in few pieces. */
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { PageCache, type PageStore } from '../../mm/page-cache.js';
import { EFBIG, ENXIO, EOPNOTSUPP, Errno, ENOSPC } from '../../uapi/errno.js';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../uapi/fcntl.js';
import { FS_EXTENT_FL } from '../../uapi/fs.js';
import type { File } from '../file.js';
import { GenericFile } from '../generic-file.js';
import { touchModified } from '../inode-times.js';
import type { OpenContext } from '../inode.js';
import { Ext4Inode } from './inode.js';
import { BLOCK_AREA } from './layout.js';

const PAGE_SIZE = 4096;

export class Ext4RegularFile extends Ext4Inode implements PageStore {
  readonly reclaimable = true;
  private cache: PageCache | undefined;
  /** Pages for whose blocks room has been promised. */
  private readonly promised = new Set<number>();

  override get pages(): PageCache {
    return (this.cache ??= new PageCache(this.superBlock.kernel.memory, this));
  }
  override open(context: OpenContext): File {
    return new Ext4File(context, this);
  }
  get describe(): { dev: number; ino: number } {
    return { dev: this.superBlock.dev, ino: this.ino };
  }

  // PageStore.

  fill(start: number, into: Uint8Array): void {
    if (this.isInline) {
      this.fillInline(start, into);
      return;
    }
    const { blockSize } = this.volume;
    for (let done = 0; done < into.length;) {
      const logical = (start + done) / blockSize;
      const left = (into.length - done) / blockSize;
      const run = this.map.from(logical);
      if (run === undefined || run.logical > logical) {
        const hole = Math.min(left, (run?.logical ?? Infinity) - logical);
        into.fill(0, done, done + hole * blockSize);
        done += hole * blockSize;
        continue;
      }
      const count = Math.min(left, run.logical + run.count - logical);
      const part = into.subarray(done, done + count * blockSize);
      if (run.unwritten) part.fill(0);
      else this.superBlock.disk.read((run.physical + logical - run.logical) * blockSize, part);
      done += count * blockSize;
    }
    // What is behind the end in its block is nobody's.
    if (start + into.length > this.size) into.fill(0, Math.max(0, this.size - start));
  }

  private fillInline(start: number, into: Uint8Array): void {
    into.fill(0);
    const more = this.attributes.get('system.data') ?? new Uint8Array(0);
    const all = new Uint8Array(BLOCK_AREA + more.length);
    all.set(this.area);
    all.set(more, BLOCK_AREA);
    into.set(all.subarray(start, Math.min(this.size, start + into.length)));
  }

  writeBack(start: number, from: Uint8Array): Result {
    const { volume, superBlock } = this;
    const { blockSize } = volume;
    superBlock.begin();
    const first = start / blockSize;
    const end = first + Math.ceil(from.length / blockSize);
    this.keepPromises(start, from.length);
    for (let logical = first; logical < end;) {
      let run = this.map.from(logical);
      let isNew = false;
      if (run === undefined || run.logical > logical) {
        run = this.grow(logical, Math.min(end, run?.logical ?? Infinity) - logical, true);
        isNew = true;
      }
      const count = Math.min(end, run.logical + run.count) - logical;
      const at = (logical - first) * blockSize;
      this.writeBlocks(run.physical + logical - run.logical, from.subarray(at, at + count * blockSize));
      // Only now may the blocks be seen: what they had before is somebody else's.
      if (isNew || run.unwritten) this.written(logical, count);
      logical += count;
    }
    return 0;
  }

  private writeBlocks(physical: number, bytes: Uint8Array): void {
    const { disk } = this.superBlock;
    const { blockSize } = this.volume;
    const whole = bytes.length - (bytes.length % blockSize);
    if (whole > 0) disk.write(physical * blockSize, bytes.subarray(0, whole));
    if (whole < bytes.length) {
      const last = new Uint8Array(blockSize);
      last.set(bytes.subarray(whole));
      disk.write(physical * blockSize + whole, last);
    }
    disk.pages.invalidate(physical * blockSize, physical * blockSize + bytes.length);
  }

  /** Room for the blocks of [start, end) that are not there yet. ENOSPC. */
  promise(start: number, end: number): void {
    const { blockSize } = this.volume;
    const perPage = PAGE_SIZE / blockSize;
    const added: number[] = [];
    for (let page = Math.floor(start / PAGE_SIZE); page * PAGE_SIZE < end; page++) {
      if (this.promised.has(page)) continue;
      const run = this.map.at(page * perPage);
      if (run !== undefined && run.logical + run.count >= (page + 1) * perPage) continue;
      try {
        this.superBlock.reserve(perPage);
      } catch (error) {
        for (const one of added) this.breakPromises(one, one + 1);
        throw error;
      }
      added.push(page);
      this.promised.add(page);
    }
  }
  private keepPromises(start: number, length: number): void {
    for (let page = Math.floor(start / PAGE_SIZE); page * PAGE_SIZE < start + length; page++)
      if (this.promised.delete(page)) this.superBlock.reserve(-PAGE_SIZE / this.volume.blockSize);
  }
  /** Pages of [first, last) are gone. */
  private breakPromises(first: number, last: number): void {
    for (const page of this.promised)
      if (page >= first && page < last) {
        this.promised.delete(page);
        this.superBlock.reserve(-PAGE_SIZE / this.volume.blockSize);
      }
  }

  makeWritable(index: number): void {
    this.superBlock.begin();
    this.promise(index * PAGE_SIZE, (index + 1) * PAGE_SIZE);
    touchModified(this);
  }

  // Sizes and holes.

  /** The end of what its block map can tell of. EFBIG. */
  checkSize(size: number): void {
    const { blockSize } = this.volume;
    const perBlock = blockSize / 4;
    const most =
      (this.flags & FS_EXTENT_FL) !== 0 ? 2 ** 32 - 1 : 12 + perBlock + perBlock ** 2 + perBlock ** 3;
    if (size > most * blockSize) throw EFBIG;
  }

  protected override resize(size: number): void {
    this.checkSize(size);
    const { blockSize } = this.volume;
    const old = this.size;
    if (size < old) {
      // The rest of the last block becomes zeros on the disk as well.
      if (size % blockSize !== 0 && this.physical(Math.floor(size / blockSize)) !== 0)
        this.pages.punch(size, Math.ceil(size / PAGE_SIZE) * PAGE_SIZE);
      this.size = size;
      this.cache?.truncate(size);
      this.breakPromises(Math.ceil(size / PAGE_SIZE), Infinity);
      this.shrink(Math.ceil(size / blockSize), Infinity);
    } else {
      this.size = size;
      this.cache?.extend(old);
      // Blocks beyond the old end, from fallocate(2), stay.
    }
    touchModified(this);
  }

  override fallocate(mode: number, start: number, length: number): Result {
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) throw EOPNOTSUPP;
    const { superBlock, volume } = this;
    superBlock.begin();
    const { blockSize } = volume;
    const end = start + length;
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      const stop = Math.min(end, Math.ceil(this.size / PAGE_SIZE) * PAGE_SIZE);
      if (start < stop) {
        this.promise(start, Math.min(stop, start + 1));
        this.promise(Math.max(start, stop - 1), stop);
        this.pages.punch(start, stop);
        this.breakPromises(Math.ceil(start / PAGE_SIZE), Math.floor(stop / PAGE_SIZE));
        this.shrink(
          Math.ceil(start / PAGE_SIZE) * (PAGE_SIZE / blockSize),
          Math.floor(end / PAGE_SIZE) * (PAGE_SIZE / blockSize),
        );
      }
      touchModified(this);
      return 0;
    }
    if ((this.flags & FS_EXTENT_FL) === 0) throw EOPNOTSUPP;
    this.checkSize(end);
    const last = Math.ceil(end / blockSize);
    for (let logical = Math.floor(start / blockSize); logical < last;) {
      const run = this.map.from(logical);
      if (run !== undefined && run.logical <= logical) {
        logical = run.logical + run.count;
        continue;
      }
      if (superBlock.allocator.available <= 0) throw ENOSPC;
      const wanted = Math.min(last, run?.logical ?? Infinity) - logical;
      logical += this.grow(logical, Math.min(wanted, superBlock.allocator.available), true).count;
    }
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > this.size) {
      const old = this.size;
      this.size = end;
      this.cache?.extend(old);
    }
    touchModified(this);
    return 0;
  }

  override seekData(from: number): number {
    const { blockSize } = this.volume;
    if (this.isInline) return from;
    void this.cache?.sync();
    for (let logical = Math.floor(from / blockSize); ;) {
      const run = this.map.from(logical);
      if (run === undefined || run.logical * blockSize >= this.size) throw ENXIO;
      if (!run.unwritten) return Math.max(from, run.logical * blockSize);
      logical = run.logical + run.count;
    }
  }
  override seekHole(from: number): number {
    const { blockSize } = this.volume;
    if (this.isInline) return this.size;
    void this.cache?.sync();
    let logical = Math.floor(from / blockSize);
    for (;;) {
      const run = this.map.at(logical);
      if (run === undefined || run.unwritten) break;
      logical = run.logical + run.count;
    }
    return Math.min(Math.max(from, logical * blockSize), this.size);
  }

  override sync(_dataOnly: boolean): Result {
    const written = this.cache?.sync() ?? 0;
    if (typeof written === 'number') return this.superBlock.commitAndFlush();
    return written.then(() => this.superBlock.commitAndFlush());
  }

  /** Errors stay with the pages, for fsync(2). */
  override flushPages(): void {
    if (this.cache === undefined) return;
    try {
      void this.cache.sync();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      this.cache.writeError = error;
    }
  }

  protected override leaveMemory(): void {
    if (this.nlink > 0 && !this.superBlock.readOnly) this.flushPages();
    this.cache?.dispose();
    this.cache = undefined;
    this.breakPromises(0, Infinity);
  }
}

class Ext4File extends GenericFile {
  constructor(
    context: OpenContext,
    private readonly file: Ext4RegularFile,
  ) {
    super(context, file);
  }

  override write(task: Task, from: IoBuffer, position: number): Result {
    const { file } = this;
    const end = position + from.remaining;
    file.checkSize(end);
    file.superBlock.begin();
    file.promise(position, end);
    const count = super.write(task, from, position);
    file.changed();
    return count;
  }
}
