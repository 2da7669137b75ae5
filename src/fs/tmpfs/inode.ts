/** Inodes of tmpfs: everything is in memory, file contents in page-cache pages that no store stands behind. */
import { rootCredentials, type Credentials } from '../../kernel/credentials.js';
import type { Name } from '../../lib/names.js';
import { PageCache, type PageStore } from '../../mm/page-cache.js';
import { ENODATA, ENOTEMPTY, ENXIO, EEXIST, EOPNOTSUPP } from '../../uapi/errno.js';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../uapi/fcntl.js';
import {
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  FS_NOATIME_FL,
  FS_NODUMP_FL,
  RENAME_EXCHANGE,
  RENAME_WHITEOUT,
} from '../../uapi/fs.js';
import { S_IFCHR, S_IFLNK, S_ISDIR, S_ISREG } from '../../uapi/stat.js';
import {
  XATTR_CREATE,
  XATTR_NAME_CAPS,
  XATTR_REPLACE,
  XATTR_SECURITY_PREFIX,
  XATTR_TRUSTED_PREFIX,
  XATTR_USER_PREFIX,
} from '../../uapi/xattr.js';
import type { File } from '../file.js';
import { GenericFile } from '../generic-file.js';
import { initializeAcl, initializeOwner } from '../inode-owner.js';
import { currentTime, touchModified } from '../inode-times.js';
import { Inode, type AttributeChange, type OpenContext } from '../inode.js';
import type { AccessControl } from '../posix-acl.js';
import { DirectoryTable, TableDirectoryFile, type TabledInode } from '../libfs.js';
import type { TmpfsSuperBlock } from './super.js';

/** What a directory grows by with each entry: a number of Linux's own invention. */
const ENTRY_SIZE = 20;

const attributePrefixes = [XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX];

/** What all have: extended attributes and a place in the count of inodes. Device nodes, FIFOs and sockets are no more. */
export class TmpfsInode extends Inode {
  private attributes: Map<Name, Uint8Array> | undefined;

  constructor(
    override readonly superBlock: TmpfsSuperBlock,
    directory: Inode | undefined,
    mode: number,
    owner: Credentials,
  ) {
    superBlock.takeInode();
    super(superBlock, superBlock.newIno());
    initializeOwner(this, directory, mode, owner);
    initializeAcl(this, directory);
    this.atime = this.mtime = this.ctime = this.btime = currentTime(superBlock.kernel);
  }

  override get blocks(): number {
    return 0;
  }

  override evict(): void {
    if (this.nlink === 0) this.dispose();
  }

  /** Gives back what it takes. */
  dispose(): void {
    this.superBlock.returnInode();
  }

  override setAcl(acl: AccessControl | undefined): void {
    this.acl = acl;
  }

  override get hasFlags(): boolean {
    return S_ISREG(this.mode) || S_ISDIR(this.mode);
  }
  override setFlags(flags: number): void {
    if ((flags & ~(FS_NODUMP_FL | FS_APPEND_FL | FS_IMMUTABLE_FL | FS_NOATIME_FL)) !== 0) throw EOPNOTSUPP;
    this.flags = flags;
    this.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
  }

  override getxattr(name: Name): Uint8Array {
    const value = this.attributes?.get(name);
    if (value === undefined) throw isAttribute(name) ? ENODATA : EOPNOTSUPP;
    return value;
  }
  override setxattr(name: Name, value: Uint8Array, flags: number): void {
    if (!isAttribute(name)) throw EOPNOTSUPP;
    const exists = this.attributes?.has(name) === true;
    if (exists && (flags & XATTR_CREATE) !== 0) throw EEXIST;
    if (!exists && (flags & XATTR_REPLACE) !== 0) throw ENODATA;
    (this.attributes ??= new Map()).set(name, value);
    this.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
  }
  override listxattr(): Name[] {
    return [...(this.attributes?.keys() ?? [])];
  }
  override removexattr(name: Name): void {
    if (!isAttribute(name)) throw EOPNOTSUPP;
    if (this.attributes?.delete(name) !== true) throw ENODATA;
    this.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
  }
  override get hasFileCapabilities(): boolean {
    return this.attributes !== undefined && this.attributes.has(XATTR_NAME_CAPS);
  }
}

const isAttribute = (name: Name): boolean => attributePrefixes.some((prefix) => name.startsWith(prefix));

export class TmpfsSymlink extends TmpfsInode {
  constructor(
    superBlock: TmpfsSuperBlock,
    directory: Inode,
    private readonly target: Name,
    owner: Credentials,
  ) {
    super(superBlock, directory, S_IFLNK | 0o777, owner);
    this.size = target.length;
  }
  override readlink(): Name {
    return this.target;
  }
}

export class TmpfsFile extends TmpfsInode implements PageStore {
  readonly reclaimable = false;
  /** Made with the first byte: most new files are looked at before they are written. */
  private cache: PageCache | undefined;

  override get pages(): PageCache {
    return (this.cache ??= new PageCache(this.superBlock.kernel.memory, this));
  }

  override get blocks(): number {
    return this.cache === undefined ? 0 : this.cache.residentPages * 8;
  }

  override open(context: OpenContext): File {
    return new GenericFile(context, this);
  }

  override setAttributes(change: AttributeChange): void {
    const { size, ...rest } = change;
    super.setAttributes(rest);
    if (size === undefined) return;
    const old = this.size;
    this.size = size;
    if (size < old) this.cache?.truncate(size);
    else this.cache?.extend(old);
  }

  override fallocate(mode: number, offset: number, length: number): number {
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) !== 0) throw EOPNOTSUPP;
    const end = offset + length;
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      this.pages.punch(offset, end);
      touchModified(this);
      return 0;
    }
    this.pages.allocate(offset, end);
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > this.size) {
      this.pages.extend(this.size);
      this.size = end;
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

  override dispose(): void {
    this.disposePages();
    super.dispose();
  }

  disposePages(): void {
    this.cache?.dispose();
    this.cache = undefined;
  }

  // PageStore: there is nothing behind the pages.

  fill(_offset: number, into: Uint8Array): void {
    into.fill(0);
  }
  writeBack(): number {
    return 0;
  }
  makeWritable(): void {
    touchModified(this);
  }
  charge(count: number): void {
    this.superBlock.charge(count);
  }
  get describe(): { dev: number; ino: number } {
    return { dev: this.superBlock.dev, ino: this.ino };
  }
}

export class TmpfsDirectory extends TmpfsInode implements TabledInode {
  readonly table = new DirectoryTable();

  constructor(superBlock: TmpfsSuperBlock, directory: Inode | undefined, mode: number, owner: Credentials) {
    super(superBlock, directory, mode, owner);
    this.nlink = 2;
    this.size = 2 * ENTRY_SIZE;
  }

  override open(context: OpenContext): File {
    return new TableDirectoryFile(context, this);
  }

  override lookup(name: Name): Inode | undefined {
    return this.table.get(name);
  }

  override create(name: Name, mode: number, owner: Credentials): Inode {
    return this.enter(name, new TmpfsFile(this.superBlock, this, mode, owner));
  }
  override mkdir(name: Name, mode: number, owner: Credentials): Inode {
    return this.enter(name, new TmpfsDirectory(this.superBlock, this, mode, owner));
  }
  override mknod(name: Name, mode: number, rdev: number, owner: Credentials): Inode {
    const inode = new TmpfsInode(this.superBlock, this, mode, owner);
    inode.rdev = rdev;
    return this.enter(name, inode);
  }
  override symlink(name: Name, target: Name, owner: Credentials): Inode {
    return this.enter(name, new TmpfsSymlink(this.superBlock, this, target, owner));
  }
  override tmpfile(mode: number, owner: Credentials): Inode {
    const inode = new TmpfsFile(this.superBlock, this, mode, owner);
    inode.nlink = 0;
    return inode;
  }

  override link(name: Name, target: Inode): void {
    // Each name takes memory, so that each counts as an inode; an unnamed file has paid for its first.
    if (target.nlink > 0) this.superBlock.takeInode();
    target.nlink++;
    target.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    this.enter(name, target as TmpfsInode);
  }

  override unlink(name: Name, inode: Inode): void {
    if (inode.nlink > 1) this.superBlock.returnInode();
    inode.nlink--;
    inode.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    this.leave(name, inode);
  }

  override rmdir(name: Name, inode: Inode): void {
    if ((inode as TmpfsDirectory).table.size > 0) throw ENOTEMPTY;
    inode.nlink = 0;
    inode.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    this.leave(name, inode);
  }

  override rename(
    name: Name,
    inode: Inode,
    to: Inode,
    toName: Name,
    replaced: Inode | undefined,
    flags: number,
  ): void {
    const target = to as TmpfsDirectory;
    if ((flags & RENAME_EXCHANGE) !== 0 && replaced !== undefined) {
      this.exchange(name, inode, target, toName, replaced);
      return;
    }
    if (replaced !== undefined && S_ISDIR(replaced.mode)) {
      if ((replaced as TmpfsDirectory).table.size > 0) throw ENOTEMPTY;
      target.rmdir(toName, replaced);
    } else if (replaced !== undefined) target.unlink(toName, replaced);
    this.leave(name, inode);
    target.enter(toName, inode as TmpfsInode);
    inode.updateTimes({ ctime: currentTime(this.superBlock.kernel) });
    if ((flags & RENAME_WHITEOUT) !== 0) this.addWhiteout(name);
  }

  /** RENAME_WHITEOUT: what overlayfs leaves behind in its upper layer. */
  private addWhiteout(name: Name): void {
    const owner = { ...rootCredentials, fsuid: this.uid, fsgid: this.gid };
    this.enter(name, new TmpfsInode(this.superBlock, this, S_IFCHR, owner));
  }

  private exchange(name: Name, inode: Inode, target: TmpfsDirectory, toName: Name, other: Inode): void {
    this.table.replace(name, other);
    target.table.replace(toName, inode);
    if (this !== target) {
      const change = Number(S_ISDIR(other.mode)) - Number(S_ISDIR(inode.mode));
      this.nlink += change;
      target.nlink -= change;
    }
    touchModified(this);
    touchModified(target);
    const ctime = currentTime(this.superBlock.kernel);
    inode.updateTimes({ ctime });
    other.updateTimes({ ctime });
  }

  /** Adds an entry. */
  private enter<I extends TmpfsInode>(name: Name, inode: I): I {
    this.table.add(name, inode);
    this.size += ENTRY_SIZE;
    if (S_ISDIR(inode.mode)) this.nlink++;
    touchModified(this);
    return inode;
  }

  /** Takes an entry away. */
  private leave(name: Name, inode: Inode): void {
    this.table.remove(name);
    this.size -= ENTRY_SIZE;
    if (S_ISDIR(inode.mode)) this.nlink--;
    touchModified(this);
  }

  /** The file system goes: gives back all memory. */
  disposeTree(): void {
    for (const [, inode] of this.table) {
      if (inode instanceof TmpfsDirectory) inode.disposeTree();
      else if (inode instanceof TmpfsFile) inode.disposePages();
    }
  }
}
