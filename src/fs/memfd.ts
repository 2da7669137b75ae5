/** memfd_create(2): files in memory that no directory names, with seals that forbid changes: fcntl(2) F_ADD_SEALS. */
import type { Kernel } from '../kernel/kernel.js';
import { path, type Result, syscall, uint } from '../kernel/syscall.js';
import type { Credentials } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import type { Mappable } from '../mm/mappable.js';
import { PageCache, type PageStore } from '../mm/page-cache.js';
import { EBUSY, EFAULT, EINVAL, ENOMEM, ENXIO, EOPNOTSUPP, EPERM } from '../uapi/errno.js';
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_LARGEFILE,
  O_RDWR,
} from '../uapi/fcntl.js';
import { SEEK_DATA, SEEK_HOLE } from '../uapi/fs.js';
import {
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
  memfdFlags,
} from '../uapi/memfd.js';
import { RLIMIT_NOFILE } from '../uapi/resource.js';
import { S_IFREG } from '../uapi/stat.js';
import { PseudoInode } from './anon-inode.js';
import { File } from './file.js';
import type { AttributeChange } from './inode.js';
import { currentTime, touchModified } from './inode-times.js';
import { genericSeek, setPosition } from './read-write.js';

/** The name is shown after "memfd:", and all of it must fit a file name. */
const NAME_MAX = 255 - 'memfd:'.length;
const WRITE_SEALS = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
/** x in any of the permission bits. */
const EXECUTABLE = 0o111;

class MemfdInode extends PseudoInode implements PageStore {
  readonly reclaimable = false;
  private readonly cache: PageCache;
  override seals: number = F_SEAL_SEAL;

  constructor(
    kernel: Kernel,
    readonly label: Name,
    mode: number,
    owner: Credentials,
  ) {
    super(kernel.anonymous.memory, kernel.anonymous.newIno());
    this.mode = S_IFREG | mode;
    this.nlink = 0;
    this.uid = owner.fsuid;
    this.gid = owner.fsgid;
    this.atime = this.mtime = this.ctime = this.btime = currentTime(kernel);
    this.cache = new PageCache(kernel.memory, this);
  }

  override get pages(): PageCache {
    return this.cache;
  }

  override get blocks(): number {
    return this.pages.residentPages * 8;
  }

  override openAgain(task: Task, flags: number): File {
    return new MemfdFile(this, flags, task.credentials);
  }

  override evict(): void {
    this.pages.dispose();
  }

  override addSeals(seals: number): void {
    let added = seals;
    // F_SEAL_EXEC also forbids what could make the contents executable by changing them.
    if ((seals & F_SEAL_EXEC) !== 0 && (this.mode & EXECUTABLE) !== 0)
      added |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    if ((added & F_SEAL_WRITE) !== 0 && (this.seals & F_SEAL_WRITE) === 0 && this.pages.writablyMapped)
      throw EBUSY;
    this.seals |= added;
    if ((this.seals & WRITE_SEALS) !== 0) this.pages.writeSealed = true;
  }

  override setAttributes(change: AttributeChange): void {
    const { size, ...rest } = change;
    if (size !== undefined) this.checkSize(size);
    if (
      rest.mode !== undefined &&
      (this.seals & F_SEAL_EXEC) !== 0 &&
      ((rest.mode ^ this.mode) & EXECUTABLE) !== 0
    )
      throw EPERM;
    super.setAttributes(rest);
    if (size === undefined) return;
    const old = this.size;
    this.size = size;
    if (size < old) this.pages.truncate(size);
    else this.pages.extend(old);
  }

  private checkSize(size: number): void {
    if (size < this.size && (this.seals & F_SEAL_SHRINK) !== 0) throw EPERM;
    if (size > this.size && (this.seals & F_SEAL_GROW) !== 0) throw EPERM;
  }

  override fallocate(mode: number, offset: number, length: number): Result {
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) throw EOPNOTSUPP;
    const end = offset + length;
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      if ((this.seals & WRITE_SEALS) !== 0) throw EPERM;
      this.pages.punch(offset, end);
    } else {
      if ((this.seals & F_SEAL_GROW) !== 0 && end > this.size) throw EPERM;
      this.pages.allocate(offset, end);
      if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > this.size) {
        this.pages.extend(this.size);
        this.size = end;
      }
    }
    touchModified(this);
    return 0;
  }

  override seekData(offset: number): number {
    const data = this.pages.nextResident(offset);
    if (data >= this.size) throw ENXIO;
    return data;
  }
  override seekHole(offset: number): number {
    return Math.min(this.pages.nextAbsent(offset), this.size);
  }

  // PageStore: there is nothing behind the pages.

  fill(_offset: number, into: Uint8Array): void {
    into.fill(0);
  }
  writeBack(): number {
    return 0;
  }
  makeWritable(): void {}
  get describe(): { dev: number; ino: number } {
    return { dev: this.superBlock.dev, ino: this.ino };
  }
}

class MemfdFile extends File {
  constructor(
    override readonly inode: MemfdInode,
    flags: number,
    credentials: Credentials,
  ) {
    super(undefined, undefined, inode, flags, credentials);
  }

  override get label(): Name {
    return `/memfd:${this.inode.label} (deleted)`;
  }

  override read(_task: Task, to: IoBuffer, position: number): Result {
    const count = this.inode.pages.read(position, to);
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }

  override write(_task: Task, from: IoBuffer, position: number): Result {
    const { inode } = this;
    if ((inode.seals & WRITE_SEALS) !== 0) throw EPERM;
    if ((inode.seals & F_SEAL_GROW) !== 0 && position + from.remaining > inode.size) throw EPERM;
    const count = inode.pages.write(position, from);
    if (count === 0 && from.fault) throw EFAULT;
    if (position + count > inode.size) inode.size = position + count;
    if (count > 0) touchModified(inode);
    return count;
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return genericSeek(this, offset, whence);
    const { inode } = this;
    if (offset < 0 || offset >= inode.size) throw ENXIO;
    return setPosition(this, whence === SEEK_DATA ? inode.seekData(offset) : inode.seekHole(offset));
  }

  override mappable(): Mappable {
    return this.inode.pages;
  }
}

/** memfd_create(2). */
export const sys_memfd_create = syscall([path, uint], (task, name, asked) => {
  if (memfdFlags.unknown(asked) !== 0) throw EINVAL;
  // There are no huge pages to be had.
  if ((asked & MFD_HUGETLB) !== 0) throw ENOMEM;
  if ((asked & (MFD_EXEC | MFD_NOEXEC_SEAL)) === (MFD_EXEC | MFD_NOEXEC_SEAL)) throw EINVAL;
  if (name.length > NAME_MAX) throw EINVAL;
  const noExec = (asked & MFD_NOEXEC_SEAL) !== 0;
  const inode = new MemfdInode(task.kernel, name, noExec ? 0o666 : 0o777, task.credentials);
  if (noExec) inode.seals = F_SEAL_EXEC;
  else if ((asked & MFD_ALLOW_SEALING) !== 0) inode.seals = 0;
  const file = new MemfdFile(inode, O_RDWR | O_LARGEFILE, task.credentials);
  return task.files.install(file, (asked & MFD_CLOEXEC) !== 0, task.process.rlimits[RLIMIT_NOFILE].soft);
});
