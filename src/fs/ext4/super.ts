/**
 * A mounted ext2, ext3 or ext4. Operations change inodes, groups and blocks in memory; a commit brings the records up to
 * date and writes the blocks that have changed: through the journal, or to their places where there is none. Operations
 * are atomic (nothing waits in them), and commits come between them, so that every commit is a whole state.
 */
import type { Disk } from '../../block/device.js';
import { rootCredentials, type Credentials } from '../../kernel/credentials.js';
import type { Kernel } from '../../kernel/kernel.js';
import { panic } from '../../kernel/panic.js';
import type { Result } from '../../kernel/syscall.js';
import type { TimerTarget } from '../../kernel/timers.js';
import type { Name } from '../../lib/names.js';
import { EIO, ENOSPC, EROFS, EUCLEAN, Errno } from '../../uapi/errno.js';
import { FS_EXTENT_FL } from '../../uapi/fs.js';
import { MS_RDONLY } from '../../uapi/mount.js';
import { S_ISDIR, S_ISLNK, S_ISREG } from '../../uapi/stat.js';
import { unmountDisk } from '../block-mount.js';
import { initializeAcl, initializeOwner } from '../inode-owner.js';
import { currentTime } from '../inode-times.js';
import { SuperBlock, type FileSystemStatistics, type FileSystemType } from '../super-block.js';
import { Allocator } from './allocator.js';
import { Ext4Directory } from './directory.js';
import { Ext4RegularFile } from './file.js';
import { Groups } from './groups.js';
import { Ext4Inode, inodeChecksum } from './inode.js';
import { Journal } from './journal.js';
import {
  COMPAT_HAS_JOURNAL,
  EXT4_ERROR_FS,
  EXT4_ERRORS_PANIC,
  EXT4_ERRORS_RO,
  EXT4_ROOT_INO,
  EXT4_SUPER_MAGIC,
  EXT4_VALID_FS,
  INCOMPAT_EXTENTS,
  INCOMPAT_INLINE_DATA,
  INCOMPAT_RECOVER,
  SMALL_INODE_SIZE,
  SUPER_OFFSET,
  SUPER_SIZE,
  ext4_inode,
  ext4_super_block,
} from './layout.js';
import { MetaBlocks } from './meta-blocks.js';
import type { Ext4Options } from './options.js';
import { Ext4Symlink } from './symlink.js';
import { Volume } from './volume.js';

const { field } = ext4_super_block;
const COMMIT_INTERVAL = 5_000_000_000;
/** Room that operations find before they begin, so that they do not fail half-way. */
const SPARE_BLOCKS = 16;
/** Changed blocks beyond which an operation is preceded by a commit. */
const MOST_CHANGED = 2048;
/** Extra fields that new inodes have: i_extra_isize. */
const EXTRA_SIZE = 32;

export class Ext4SuperBlock extends SuperBlock implements TimerTarget {
  volume: Volume;
  readonly meta: MetaBlocks;
  groups: Groups;
  allocator: Allocator;
  private journal: Journal | undefined;
  private readonly inodes = new Map<number, Ext4Inode>();
  private readonly changedInodes = new Set<Ext4Inode>();
  /** Inodes without a name that are in use, as the list on disk has them: the last one is its head. */
  private readonly orphans: Ext4Inode[] = [];
  private timer = 0;
  private nextGeneration: number;
  /** The super block is to be written with the next commit. */
  private superChanged = false;
  private hasFailed = false;
  private checksReported = true;

  constructor(
    type: FileSystemType,
    kernel: Kernel,
    readonly disk: Disk,
    volume: Volume,
    private readonly options: Ext4Options,
    readOnly: boolean,
  ) {
    super(type, kernel, disk.rdev);
    this.volume = volume;
    this.blockSize = volume.blockSize;
    this.posixAcl = true;
    this.meta = new MetaBlocks(disk, volume.blockSize);
    this.readOnly = readOnly;
    this.nextGeneration = currentTime(kernel).sec | 0;
    this.checksReported = !volume.has(INCOMPAT_RECOVER);
    this.groups = this.loadGroups();
    this.allocator = new Allocator(volume, this.groups, (what) => this.damaged(what));
  }

  private loadGroups(): Groups {
    return new Groups(this.volume, this.meta, (what) => {
      if (this.checksReported) this.report(what);
    });
  }

  /** Replays the journal and gets ready to write. Throws what mount(2) says. */
  start(): void {
    if (this.volume.hasCompatible(COMPAT_HAS_JOURNAL)) this.startJournal();
    if (!this.readOnly) this.startWriting();
  }

  private startJournal(): void {
    const { volume, disk } = this;
    const needsRecovery = volume.has(INCOMPAT_RECOVER);
    if (this.readOnly && !needsRecovery) return;
    if (needsRecovery && disk.readOnly) {
      this.log(3, 'write access unavailable, cannot proceed (try mounting with noload)');
      throw EROFS;
    }
    const number = field.s_journal_inum.get(volume.view, 0);
    const inode = this.inode(number);
    const journal = new Journal(disk, volume, inode.map.runs, (level, text) => this.log(level, text));
    if (needsRecovery) {
      if (this.readOnly) this.log(6, 'recovery required on readonly filesystem');
      journal.recover();
      this.reload();
      this.log(6, 'recovery complete');
    }
    this.journal = journal;
  }

  /** The disk has changed: what has been read is read again. */
  private reload(): void {
    this.inodes.clear();
    this.meta.clear();
    this.checksReported = true;
    this.volume = new Volume(this.kernel, this.disk);
    this.groups = this.loadGroups();
    this.allocator = new Allocator(this.volume, this.groups, (what) => this.damaged(what));
    this.volume.setFeature(INCOMPAT_RECOVER, false);
    this.writeSuper();
  }

  private startWriting(): void {
    const { volume } = this;
    volume.checkWritable();
    if (volume.has(INCOMPAT_INLINE_DATA)) {
      this.log(4, 'inline data is read, not written: mounting read-only');
      this.readOnly = true;
      return;
    }
    const state = field.s_state.get(volume.view, 0);
    if ((state & EXT4_VALID_FS) === 0)
      this.log(4, 'warning: mounting unchecked fs, running e2fsck is recommended');
    else if ((state & EXT4_ERROR_FS) !== 0)
      this.log(4, 'warning: mounting fs with errors, running e2fsck is recommended');
    if (this.journal === undefined) field.s_state.set(volume.view, 0, state & ~EXT4_VALID_FS);
    else {
      this.journal.start();
      volume.setFeature(INCOMPAT_RECOVER, true);
    }
    field.s_mnt_count.set(volume.view, 0, (field.s_mnt_count.get(volume.view, 0) + 1) & 0xffff);
    field.s_mtime.set(volume.view, 0, currentTime(this.kernel).sec);
    this.writeSuper();
    this.cleanOrphans();
  }

  /** Inodes that lost their last name while they were open when the machine went down. */
  private cleanOrphans(): void {
    let number = field.s_last_orphan.get(this.volume.view, 0);
    const seen = new Set<number>();
    while (number !== 0 && !seen.has(number)) {
      seen.add(number);
      const inode = this.inode(number, true);
      number = inode.dtime;
      inode.dtime = 0;
      if (inode.nlink === 0) this.destroy(inode);
      else if (S_ISREG(inode.mode)) inode.shrink(Math.ceil(inode.size / this.blockSize), Infinity);
      this.forget(inode);
    }
    if (seen.size === 0) return;
    field.s_last_orphan.set(this.volume.view, 0, 0);
    this.superChanged = true;
    this.commit();
    this.log(6, `${seen.size} orphan inode${seen.size === 1 ? '' : 's'} deleted`);
  }

  log(level: number, text: Name): void {
    this.kernel.log.write(level, `EXT4-fs (${this.disk.name}): ${text}`);
  }

  // Errors.

  /** Something on the volume is wrong: said once, and acted upon as errors= says. */
  private report(what: string): void {
    this.kernel.log.write(2, `EXT4-fs error (device ${this.disk.name}): ${what}`);
    const { view } = this.volume;
    field.s_state.set(view, 0, field.s_state.get(view, 0) | EXT4_ERROR_FS);
    field.s_error_count.set(view, 0, field.s_error_count.get(view, 0) + 1);
    this.superChanged = true;
    const policy = this.options.errors ?? field.s_errors.get(view, 0);
    if (policy === EXT4_ERRORS_PANIC)
      panic(this.kernel, `EXT4-fs (device ${this.disk.name}): panic forced after error`);
    else if (policy === EXT4_ERRORS_RO && !this.readOnly) {
      this.log(2, 'Remounting filesystem read-only');
      this.fail();
    }
  }
  damaged(what: string): never {
    this.report(what);
    throw EUCLEAN;
  }

  /** Nothing is written any more. */
  private fail(): void {
    this.readOnly = true;
    this.hasFailed = true;
    this.disarm();
  }

  // Inodes.

  private place(ino: number): { block: number; at: number } {
    const { volume } = this;
    const group = this.groups.list[Math.floor((ino - 1) / volume.inodesPerGroup)];
    const byte = ((ino - 1) % volume.inodesPerGroup) * volume.inodeSize;
    return { block: group.inodeTable + Math.floor(byte / this.blockSize), at: byte % this.blockSize };
  }

  /** The inode that a directory names. */
  found(ino: number): Ext4Inode {
    const { volume } = this;
    if ((ino < volume.firstInode && ino !== EXT4_ROOT_INO) || ino > volume.inodes)
      this.damaged(`bad inode number: ${ino}`);
    const inode = this.inode(ino);
    if (inode.nlink === 0 && inode.dtime !== 0) this.damaged(`deleted inode referenced: ${ino}`);
    return inode;
  }

  private inode(ino: number, isOrphan = false): Ext4Inode {
    const known = this.inodes.get(ino);
    if (known !== undefined) return known;
    if (ino < 1 || ino > this.volume.inodes) this.damaged(`bad inode number: ${ino}`);
    const { block, at } = this.place(ino);
    const image = this.meta.get(block).bytes.slice(at, at + this.volume.inodeSize);
    const inode = this.makeInode(ino, image);
    this.verifyInode(inode);
    if (inode.nlink === 0 && !isOrphan) this.damaged(`deleted inode referenced: ${ino}`);
    this.inodes.set(ino, inode);
    return inode;
  }

  private makeInode(ino: number, image: Uint8Array<ArrayBuffer>): Ext4Inode {
    const mode = ext4_inode.field.i_mode.get(new DataView(image.buffer), 0);
    if (S_ISREG(mode)) return new Ext4RegularFile(this, ino, image);
    if (S_ISDIR(mode)) return new Ext4Directory(this, ino, image);
    if (S_ISLNK(mode)) return new Ext4Symlink(this, ino, image);
    return new Ext4Inode(this, ino, image);
  }

  private verifyInode(inode: Ext4Inode): void {
    if (!this.volume.metadataChecksums) return;
    const crc = inodeChecksum(inode.image, inode.seed);
    const { i_checksum_lo, i_checksum_hi, i_extra_isize } = ext4_inode.field;
    const wide = inode.image.length > SMALL_INODE_SIZE && i_extra_isize.get(inode.view, 0) >= 4;
    if (
      i_checksum_lo.get(inode.view, 0) !== (crc & 0xffff) ||
      (wide && i_checksum_hi.get(inode.view, 0) !== crc >>> 16)
    )
      inode.damaged('iget: checksum invalid');
  }

  /** A new inode that has no name yet. ENOSPC. */
  newInode(directory: Ext4Inode, mode: number, owner: Credentials | undefined): Ext4Inode {
    const { volume } = this;
    const ino = this.allocator.allocateInode(directory.ino, S_ISDIR(mode));
    const image = new Uint8Array(volume.inodeSize);
    const view = new DataView(image.buffer);
    if (volume.inodeSize > SMALL_INODE_SIZE) ext4_inode.field.i_extra_isize.set(view, 0, EXTRA_SIZE);
    ext4_inode.field.i_generation.set(view, 0, this.nextGeneration++ >>> 0);
    ext4_inode.field.i_mode.set(view, 0, mode);
    ext4_inode.field.i_links_count.set(view, 0, 1);
    const inode = this.makeInode(ino, image);
    const hasBlocks = S_ISREG(mode) || S_ISDIR(mode);
    if (hasBlocks && volume.has(INCOMPAT_EXTENTS)) inode.flags = FS_EXTENT_FL;
    if (hasBlocks) inode.startMap();
    initializeOwner(inode, directory, mode, owner ?? rootCredentials);
    initializeAcl(inode, directory);
    inode.atime = inode.mtime = inode.ctime = inode.btime = currentTime(this.kernel);
    this.inodes.set(ino, inode);
    if (inode.acl !== undefined) inode.storeAcl(inode.acl);
    this.inodeChanged(inode);
    return inode;
  }

  inodeChanged(inode: Ext4Inode): void {
    if (this.readOnly) return;
    this.changedInodes.add(inode);
    this.arm();
  }

  /** The inode leaves memory. */
  forget(inode: Ext4Inode): void {
    if (this.changedInodes.delete(inode) && !this.readOnly) this.storeInode(inode);
    if (this.inodes.get(inode.ino) === inode) this.inodes.delete(inode.ino);
  }

  private storeInode(inode: Ext4Inode): void {
    inode.prepare();
    inode.encode();
    const { block, at } = this.place(inode.ino);
    const table = this.meta.get(block);
    table.bytes.set(inode.image, at);
    this.meta.changed(table);
    this.arm();
  }

  /** An inode without names, which nobody uses, goes with all that it has. */
  destroy(inode: Ext4Inode): void {
    this.removeOrphan(inode);
    inode.clear();
    inode.size = 0;
    inode.dtime = currentTime(this.kernel).sec;
    this.allocator.freeInode(inode.ino, S_ISDIR(inode.mode));
    this.changedInodes.add(inode);
  }

  /** The list of orphans begins in the super block and goes on in i_dtime. */
  addOrphan(inode: Ext4Inode): void {
    if (this.journal === undefined || this.orphans.includes(inode)) return;
    inode.dtime = field.s_last_orphan.get(this.volume.view, 0);
    field.s_last_orphan.set(this.volume.view, 0, inode.ino);
    this.orphans.push(inode);
    this.superChanged = true;
    this.inodeChanged(inode);
  }
  removeOrphan(inode: Ext4Inode): void {
    const index = this.orphans.indexOf(inode);
    if (index < 0) return;
    const before = this.orphans[index + 1];
    if (before === undefined) field.s_last_orphan.set(this.volume.view, 0, inode.dtime);
    else {
      before.dtime = inode.dtime;
      this.inodeChanged(before);
    }
    inode.dtime = 0;
    this.orphans.splice(index, 1);
    this.superChanged = true;
    this.inodeChanged(inode);
  }

  // Blocks.

  /** Frees blocks; `isMeta`: they may be in the journal. */
  freeBlocks(start: number, count: number, isMeta: boolean): void {
    if (isMeta)
      for (let block = start; block < start + count; block++)
        if (this.meta.forget(block)) this.journal?.revoke(block);
    this.allocator.free(start, count);
    this.arm();
  }

  /** Promises blocks to pages, or takes promises back. ENOSPC. */
  reserve(count: number): void {
    if (count > 0 && this.allocator.available < count + SPARE_BLOCKS) {
      if (this.allocator.pending > 0) this.commit();
      if (this.allocator.available < count + SPARE_BLOCKS) throw ENOSPC;
    }
    this.allocator.reserved += count;
  }

  trim(): void {
    this.meta.trim();
  }

  // Commits.

  /** An operation begins that changes something. EROFS. */
  begin(): void {
    if (this.readOnly) throw this.hasFailed ? EIO : EROFS;
    this.meta.trim();
    const isTight = this.allocator.available < SPARE_BLOCKS && this.allocator.pending > 0;
    const most = Math.min(MOST_CHANGED, (this.journal?.capacity ?? Infinity) / 4);
    if (isTight || this.meta.dirty.size > most) this.commit();
    this.arm();
  }

  private arm(): void {
    if (this.timer !== 0 || this.readOnly) return;
    const { clock, timers } = this.kernel.scheduler;
    this.timer = timers.add(clock.now() + COMMIT_INTERVAL, this);
  }
  private disarm(): void {
    if (this.timer !== 0) this.kernel.scheduler.timers.cancel(this.timer);
    this.timer = 0;
  }

  expired(): void {
    this.timer = 0;
    try {
      this.commit();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
    }
  }

  /** Writes what has changed. Afterwards the volume is whole, whatever happens. */
  commit(): void {
    if (this.readOnly) return;
    this.disarm();
    for (const inode of Array.from(this.changedInodes)) {
      this.changedInodes.delete(inode);
      this.storeInode(inode);
    }
    this.groups.store();
    this.disarm();
    if (this.meta.dirty.size > 0 || this.superChanged) this.storeSuper();
    try {
      if (this.journal !== undefined) this.journal.commit(this.meta, currentTime(this.kernel));
      else this.writeAll();
    } catch (error) {
      if (error instanceof Errno) {
        this.log(2, `commit failed: ${error.name}. Remounting filesystem read-only`);
        this.fail();
      }
      throw error;
    }
    this.allocator.committed();
    this.meta.trim();
  }

  private writeAll(): void {
    for (const block of [...this.meta.dirty].toSorted((a, b) => a.number - b.number)) {
      this.meta.writeInPlace(block);
      block.dirty = false;
      this.meta.dirty.delete(block);
    }
  }

  /** Puts the super block into the block that has it. */
  private storeSuper(): void {
    this.sealSuper();
    const number = Math.floor(SUPER_OFFSET / this.blockSize);
    const block = this.meta.get(number);
    block.bytes.set(this.volume.bytes, SUPER_OFFSET % this.blockSize);
    this.meta.changed(block);
    this.superChanged = false;
  }

  private sealSuper(): void {
    const { view } = this.volume;
    field.s_free_blocks_count_lo.set(view, 0, this.groups.freeBlocks % 2 ** 32);
    field.s_free_blocks_count_hi.set(view, 0, Math.floor(this.groups.freeBlocks / 2 ** 32));
    field.s_free_inodes_count.set(view, 0, this.groups.freeInodes);
    field.s_wtime.set(view, 0, currentTime(this.kernel).sec);
    this.volume.seal();
  }

  /** The super block goes straight to its place. */
  private writeSuper(): void {
    this.sealSuper();
    this.disk.write(SUPER_OFFSET, this.volume.bytes);
    this.disk.pages.invalidate(SUPER_OFFSET, SUPER_OFFSET + SUPER_SIZE);
    const block = this.meta.get(Math.floor(SUPER_OFFSET / this.blockSize));
    block.bytes.set(this.volume.bytes, SUPER_OFFSET % this.blockSize);
  }

  commitAndFlush(): Result {
    if (this.readOnly) {
      if (this.hasFailed) throw EIO;
      return 0;
    }
    this.commit();
    return this.disk.flush();
  }

  override sync(): Result {
    if (this.readOnly) return 0;
    for (const inode of Array.from(this.inodes.values())) inode.flushPages();
    return this.commitAndFlush();
  }

  /** Everything is in its place, and nothing needs to be recovered. */
  private finish(): void {
    if (this.readOnly) return;
    for (const inode of Array.from(this.inodes.values())) inode.flushPages();
    this.commit();
    this.journal?.finish(this.meta);
    this.volume.setFeature(INCOMPAT_RECOVER, false);
    field.s_state.set(this.volume.view, 0, field.s_state.get(this.volume.view, 0) | EXT4_VALID_FS);
    this.writeSuper();
    this.disarm();
  }

  override remount(flags: number, _data: Name): void {
    const readOnly = (flags & MS_RDONLY) !== 0;
    if (readOnly === this.readOnly) return;
    if (readOnly) {
      this.finish();
      return;
    }
    if (this.hasFailed || this.disk.readOnly) throw EROFS;
    // Programs check file systems that are mounted read-only, and repair them.
    void this.disk.pages.sync();
    this.volume.reread();
    this.meta.clear();
    this.groups = this.loadGroups();
    this.allocator = new Allocator(this.volume, this.groups, (what) => this.damaged(what));
    this.readOnly = false;
    try {
      this.start();
    } catch (error) {
      this.readOnly = true;
      throw error;
    }
    if (this.readOnly as boolean) throw EROFS;
  }

  override unmount(): void {
    try {
      this.finish();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      this.log(3, `unmount: ${error.name}`);
    }
    this.disarm();
    const flushed = this.disk.flush();
    const release = (): void => unmountDisk(this, this.disk);
    if (typeof flushed === 'number') release();
    else void flushed.then(release, release);
    this.log(6, 'unmounting filesystem.');
  }

  /** The mount has failed. */
  abandon(): void {
    this.readOnly = true;
    this.disarm();
    this.kernel.superBlocks.delete(this);
  }

  override statfs(): FileSystemStatistics {
    const { volume, groups } = this;
    const reservedForRoot = field.s_r_blocks_count_lo.get(volume.view, 0);
    const free = groups.freeBlocks - this.allocator.reserved;
    return {
      type: EXT4_SUPER_MAGIC,
      bsize: this.blockSize,
      blocks: volume.blocks - this.overhead(),
      bfree: free,
      bavail: Math.max(0, free - reservedForRoot),
      files: volume.inodes,
      ffree: groups.freeInodes,
      namelen: this.nameMax,
    };
  }

  /** Blocks that no file can ever have. */
  private overhead(): number {
    const { volume } = this;
    const table = Math.ceil((volume.inodesPerGroup * volume.inodeSize) / this.blockSize);
    const descriptors = Math.ceil((volume.groups * volume.descriptorSize) / this.blockSize);
    const reserved = field.s_reserved_gdt_blocks.get(volume.view, 0);
    let blocks = volume.firstDataBlock + volume.groups * (table + 2);
    for (let group = 0; group < volume.groups; group++)
      if (volume.hasBackup(group)) blocks += 1 + descriptors + reserved;
    return blocks + (this.journal?.size ?? 0);
  }

  override showOptions(): Name {
    const { errors } = this.options;
    if (errors === undefined) return '';
    return `errors=${errors === EXT4_ERRORS_PANIC ? 'panic' : errors === EXT4_ERRORS_RO ? 'remount-ro' : 'continue'}`;
  }
}
