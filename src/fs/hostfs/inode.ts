/**
 * A file of the host. It is reached by (parent directory, name), as the host knows it; an inode with several names keeps
 * the one that it was found by last. The host's attributes are the truth, and are asked for anew before they are shown.
 */
import { type HostStat } from '../../host/files.js';
import type { TimeSpec } from '../../host/host.js';
import type { Credentials } from '../../kernel/credentials.js';
import type { Result } from '../../kernel/syscall.js';
import type { Name } from '../../lib/names.js';
import { PageCache, type PageStore } from '../../mm/page-cache.js';
import {
  EACCES,
  EINVAL,
  ENODATA,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  Errno,
  check,
  errnoOf,
} from '../../uapi/errno.js';
import { AT_REMOVEDIR, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } from '../../uapi/fcntl.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../uapi/stat.js';
import type { File } from '../file.js';
import { type AttributeChange, Inode, type OpenContext } from '../inode.js';
import { HostDirectoryFile } from './directory-file.js';
import { HostFile } from './file.js';
import type { HostSuperBlock } from './super-block.js';

const UTIME_OMIT = 0x3fff_fffe;

export class HostInode extends Inode implements PageStore {
  /** The directory that holds it; undefined for the exported directory itself. */
  parent: HostInode | undefined;
  name: Name;
  /** Host time of the last look, in kernel ns. */
  seenAt = 0;
  /** Further names that the guest has given it by link(2). */
  private otherNames: { readonly parent: HostInode; readonly name: Name }[] = [];
  /** The host's /proc: it shows the memory of the kernel's own process, so that to a guest it is an empty directory. */
  sealed = false;
  readonly hostDev: number;
  readonly hostIno: number;
  private hostBlocks = 0;
  private cache: PageCache | undefined;
  /** The descriptor for input and output, while the file is open in the guest. */
  private fd = -1;
  private fdWritable = false;
  private opens = 0;

  constructor(
    readonly sb: HostSuperBlock,
    parent: HostInode | undefined,
    name: Name,
    stat: HostStat,
  ) {
    super(sb, sb.inodeNumber(stat));
    this.parent = parent;
    this.name = name;
    this.hostDev = stat.dev;
    this.hostIno = stat.ino;
    this.take(stat);
  }

  /** Its path below the exported directory, without a leading slash; '' for that directory. */
  hostPath(): Name {
    if (this.parent === undefined) return '';
    const above = this.parent.hostPath();
    return above === '' ? this.name : `${above}/${this.name}`;
  }

  /** Takes over what the host says. A file that has changed behind our back loses its cached pages. */
  take(stat: HostStat): void {
    const changed =
      stat.mtime !== this.mtime.sec || stat.mtimeNsec !== this.mtime.nsec || stat.size !== this.size;
    this.mode = stat.mode;
    this.nlink = stat.nlink;
    this.uid = stat.uid;
    this.gid = stat.gid;
    this.rdev = stat.rdev;
    this.hostBlocks = stat.blocks;
    this.atime = { sec: stat.atime, nsec: stat.atimeNsec };
    this.ctime = { sec: stat.ctime, nsec: stat.ctimeNsec };
    this.btime = { sec: stat.btime, nsec: stat.btimeNsec };
    this.seenAt = this.sb.kernel.host.clock.now();
    // While the guest writes, the pages are ahead of the host; the host's size and time follow at write-back.
    if (this.dirty) return;
    if (changed && this.cache !== undefined) this.cache.invalidate(0, Infinity);
    this.mtime = { sec: stat.mtime, nsec: stat.mtimeNsec };
    this.size = stat.size;
  }

  /** Written by the guest, not yet by the host. */
  dirty = false;

  override get blocks(): number {
    return this.hostBlocks;
  }

  override get pages(): PageCache | undefined {
    if ((this.mode & S_IFMT) !== S_IFREG) return undefined;
    return (this.cache ??= new PageCache(this.sb.kernel.memory, this));
  }

  override refresh(): void {
    const { stat, files } = this.sb;
    const result = this.fd >= 0 ? files.stat(this.fd, '', stat) : this.statByName(stat);
    if (result === 0) this.take(stat);
  }

  private statByName(stat: HostStat): number {
    const { files, handles } = this.sb;
    if (this.parent === undefined) return files.stat(handles.root, '', stat);
    try {
      return files.stat(handles.directory(this.parent), this.name, stat);
    } catch (error) {
      if (error instanceof Errno) return -error.number;
      throw error;
    }
  }

  // Directories.

  override lookup(name: Name): Inode | undefined {
    if (this.sealed) return undefined;
    const { stat, files, handles } = this.sb;
    const result = files.stat(handles.directory(this), name, stat);
    if (result === -ENOENT.number) return undefined;
    check(result);
    const crosses = stat.dev !== this.hostDev;
    const inode = this.sb.inode(this, name, stat);
    if (crosses && (inode.mode & S_IFMT) === S_IFDIR) inode.sealed = this.sb.isProc(inode);
    return inode;
  }

  override create(name: Name, mode: number, owner: Credentials): Inode {
    const { files, handles } = this.sb;
    const fd = check(
      files.open(handles.directory(this), name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode & 0o7777, 0),
    );
    files.close(fd);
    return this.made(name, mode, owner);
  }

  override mkdir(name: Name, mode: number, owner: Credentials): Inode {
    check(this.sb.files.mkdir(this.sb.handles.directory(this), name, mode & 0o7777));
    return this.made(name, mode, owner);
  }

  override mknod(name: Name, mode: number, rdev: number, owner: Credentials): Inode {
    check(this.sb.files.mknod(this.sb.handles.directory(this), name, mode, rdev));
    return this.made(name, mode, owner);
  }

  override symlink(name: Name, target: Name, owner: Credentials): Inode {
    check(this.sb.files.symlink(target, this.sb.handles.directory(this), name));
    return this.made(name, S_IFLNK | 0o777, owner);
  }

  /** What has just been made gets the guest's owner and exact mode (the host's umask has cut it), where the host permits. */
  private made(name: Name, mode: number, owner: Credentials): Inode {
    const { files, handles } = this.sb;
    const directory = handles.directory(this);
    const setGid = (this.mode & 0o2000) !== 0;
    if (this.sb.privileged) files.chown(directory, name, owner.fsuid, setGid ? this.gid : owner.fsgid);
    if ((mode & S_IFMT) !== S_IFLNK) files.chmod(directory, name, mode & 0o7777);
    const inode = this.lookup(name);
    if (inode === undefined) throw ENOENT;
    this.refresh();
    return inode;
  }

  override link(name: Name, target: Inode): void {
    const inode = target as HostInode;
    if (inode.parent === undefined) throw EPERM;
    const { files, handles } = this.sb;
    // Both descriptors must be open at once: the second look-up must not close the first, so the table holds many.
    const from = handles.directory(inode.parent);
    check(files.link(from, inode.name, handles.directory(this), name, 0));
    inode.otherNames.push({ parent: this, name });
    inode.refresh();
  }

  override unlink(name: Name, inode: Inode): void {
    if (this.sb.append) throw EPERM;
    check(this.sb.files.unlink(this.sb.handles.directory(this), name, 0));
    (inode as HostInode).unlinked(this, name);
  }

  override rmdir(name: Name, inode: Inode): void {
    check(this.sb.files.unlink(this.sb.handles.directory(this), name, AT_REMOVEDIR));
    (inode as HostInode).unlinked(this, name);
    this.refresh();
  }

  private unlinked(parent: HostInode, name: Name): void {
    this.nlink = Math.max(0, this.nlink - ((this.mode & S_IFMT) === S_IFDIR ? 2 : 1));
    if (this.nlink === 0) {
      this.dirty = false;
      this.sb.forget(this);
      return;
    }
    this.otherNames = this.otherNames.filter((other) => other.parent !== parent || other.name !== name);
    if (this.parent !== parent || this.name !== name) return;
    // It is reached by another of its names from now on.
    const other = this.otherNames.pop();
    if (other !== undefined) [this.parent, this.name] = [other.parent, other.name];
  }

  override rename(
    name: Name,
    inode: Inode,
    to: Inode,
    toName: Name,
    replaced: Inode | undefined,
    flags: number,
  ): void {
    const target = to as HostInode;
    const { files, handles } = this.sb;
    const from = handles.directory(this);
    check(files.rename(from, name, handles.directory(target), toName, flags));
    const moved = inode as HostInode;
    moved.otherNames = moved.otherNames.filter((other) => other.parent !== this || other.name !== name);
    moved.parent = target;
    moved.name = toName;
    if (replaced !== undefined) {
      if ((flags & 2) !== 0) {
        (replaced as HostInode).parent = this;
        (replaced as HostInode).name = name;
      } else (replaced as HostInode).unlinked(target, toName);
    }
    this.refresh();
    if (target !== this) target.refresh();
  }

  // Everything.

  override readlink(): Name {
    if (this.parent === undefined) throw EINVAL;
    const result = this.sb.files.readLink(this.sb.handles.directory(this.parent), this.name);
    if (typeof result === 'number') throw errnoOf(-result);
    return result;
  }

  override setAttributes(change: AttributeChange): void {
    const { files } = this.sb;
    if (change.size !== undefined && !this.sb.append) this.resize(change.size);
    const [at, path] = this.place();
    if (change.uid !== undefined || change.gid !== undefined)
      check(files.chown(at, path, change.uid ?? -1, change.gid ?? -1));
    if (change.mode !== undefined) check(files.chmod(at, path, change.mode & 0o7777));
    if (change.atime !== undefined || change.mtime !== undefined) {
      // Write-back would set the time again.
      if (this.dirty) this.writeOut();
      const omit: TimeSpec = { sec: 0, nsec: UTIME_OMIT };
      const atime = change.atime ?? omit;
      const mtime = change.mtime ?? omit;
      check(files.utimes(at, path, atime.sec, atime.nsec, mtime.sec, mtime.nsec));
    }
    this.refresh();
  }

  private resize(size: number): void {
    if (size > this.size) this.cache?.extend(this.size);
    else this.cache?.truncate(size);
    this.withDescriptor(true, (fd) => check(this.sb.files.truncate(fd, size)));
    this.size = size;
  }

  /** How *at calls reach it. */
  private place(): [at: number, path: Name] {
    if (this.fd >= 0) return [this.fd, ''];
    if (this.parent === undefined) return [this.sb.handles.root, ''];
    return [this.sb.handles.directory(this.parent), this.name];
  }

  override open(context: OpenContext): File {
    if ((this.mode & S_IFMT) === S_IFDIR) return new HostDirectoryFile(this, context);
    const file = new HostFile(this, context);
    this.acquire(file.writable);
    return file;
  }

  override sync(dataOnly: boolean): Result {
    this.writeOut();
    if ((this.mode & S_IFMT) !== S_IFREG) return 0;
    this.withDescriptor(false, (fd) => check(this.sb.files.fsync(fd, dataOnly)));
    return 0;
  }

  override fallocate(mode: number, offset: number, length: number): Result {
    this.writeOut();
    this.withDescriptor(true, (fd) => check(this.sb.files.fallocate(fd, mode, offset, length)));
    this.cache?.invalidate(0, Infinity);
    this.refresh();
    return 0;
  }

  /** Only what can be opened has a descriptor to ask; links and device nodes have no user attributes anyway. */
  private get hasAttributes(): boolean {
    const type = this.mode & S_IFMT;
    return this.sb.attributes && (type === S_IFREG || type === S_IFDIR);
  }

  override getxattr(name: Name): Uint8Array {
    if (!this.hasAttributes) throw ENODATA;
    const value = new Uint8Array(65536);
    const count = this.withDescriptor(false, (fd) => this.sb.files.getxattr(fd, name, value));
    return value.subarray(0, check(count));
  }

  override setxattr(name: Name, value: Uint8Array, flags: number): void {
    if (!this.hasAttributes) throw EOPNOTSUPP;
    this.withDescriptor(false, (fd) => check(this.sb.files.setxattr(fd, name, value, flags)));
  }

  override listxattr(): Name[] {
    if (!this.hasAttributes) return [];
    const list = new Uint8Array(65536);
    try {
      const count = check(this.withDescriptor(false, (fd) => this.sb.files.listxattr(fd, list)));
      const names = String.fromCharCode(...list.subarray(0, count)).split('\0');
      names.pop();
      return names;
    } catch (error) {
      if (error === EACCES || error === ENODATA) return [];
      throw error;
    }
  }

  override removexattr(name: Name): void {
    if (!this.hasAttributes) throw ENODATA;
    this.withDescriptor(false, (fd) => check(this.sb.files.removexattr(fd, name)));
  }

  override evict(): void {
    this.writeOut();
    this.cache?.dispose();
    this.cache = undefined;
    this.sb.forget(this);
    this.sb.handles.forget(this);
  }

  // Its descriptor.

  /** The guest has opened it: the descriptor stays until the last `relinquish`. EACCES, EROFS, ... from the host. */
  acquire(writable: boolean): void {
    if (writable && this.sb.readOnly) throw EROFS;
    if (this.fd < 0 || (writable && !this.fdWritable)) this.replaceDescriptor(writable);
    this.opens++;
  }

  relinquish(): void {
    if (--this.opens > 0) return;
    this.writeOut();
    const { fd } = this;
    this.fd = -1;
    if (this.nlink > 0 && !this.fdWritable) this.sb.handles.park(this, fd);
    else this.sb.files.close(fd);
    this.fdWritable = false;
  }

  private replaceDescriptor(writable: boolean): void {
    const { handles, files } = this.sb;
    const parked = writable ? undefined : handles.unpark(this);
    const fd = parked ?? handles.open(this, writable ? O_RDWR : O_RDONLY);
    if (this.fd >= 0) files.close(this.fd);
    this.fd = fd;
    this.fdWritable = writable;
  }

  /** Runs `use` with a descriptor for the file, opened for the purpose if it is not open. */
  private withDescriptor<T>(writable: boolean, use: (fd: number) => T): T {
    if (this.fd >= 0 && (this.fdWritable || !writable)) return use(this.fd);
    const { handles, files } = this.sb;
    const parked = writable ? undefined : handles.unpark(this);
    const fd = parked ?? handles.open(this, writable ? O_RDWR : O_RDONLY);
    try {
      return use(fd);
    } finally {
      if (writable || (this.mode & S_IFMT) !== S_IFREG) files.close(fd);
      else handles.park(this, fd);
    }
  }

  private writeOut(): void {
    if (!this.dirty) return;
    // The store writes at once, so this never waits.
    void this.cache?.sync();
    this.dirty = false;
    this.refresh();
  }

  // The page cache's store.

  fill(offset: number, into: Uint8Array): void {
    const count = this.withDescriptor(false, (fd) => {
      let done = 0;
      while (done < into.length) {
        const step = check(this.sb.files.pread(fd, done === 0 ? into : into.subarray(done), offset + done));
        if (step === 0) break;
        done += step;
      }
      return done;
    });
    if (count < into.length) into.fill(0, count);
  }

  writeBack(offset: number, from: Uint8Array): Result {
    const bytes = offset + from.length > this.size ? from.subarray(0, Math.max(0, this.size - offset)) : from;
    this.withDescriptor(true, (fd) => {
      for (let done = 0; done < bytes.length;)
        done += check(this.sb.files.pwrite(fd, bytes.subarray(done), offset + done));
    });
    return 0;
  }

  makeWritable(): void {
    this.dirty = true;
  }

  readonly reclaimable = true;

  get describe(): { readonly dev: number; readonly ino: number } {
    return { dev: this.sb.dev, ino: this.ino };
  }
}
