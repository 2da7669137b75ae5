/** One hostfs mount: a directory of the host, which nothing in it can lead out of. */
import type { HostFiles, HostStat, HostStatFs } from '../../host/files.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Result } from '../../kernel/syscall.js';
import type { Name } from '../../lib/names.js';
import { EPERM, check } from '../../uapi/errno.js';
import { MS_RDONLY } from '../../uapi/mount.js';
import { HOSTFS_SUPER_MAGIC, PROC_SUPER_MAGIC } from '../../uapi/statfs.js';
import { Dentry } from '../dentry.js';
import { type FileSystemStatistics, type FileSystemType, SuperBlock } from '../super-block.js';
import { HostHandles } from './handles.js';
import { HostInode } from './inode.js';

/** How long a name that was found is believed without asking the host again, in nanoseconds. */
const TRUSTED_FOR = 1_000_000_000;
const INO_BITS = 2 ** 48;

const emptyStatFs = (): HostStatFs => ({
  type: 0,
  bsize: 0,
  blocks: 0,
  bfree: 0,
  bavail: 0,
  files: 0,
  ffree: 0,
  namelen: 255,
  frsize: 0,
});

export const emptyStat = (): HostStat => ({
  dev: 0,
  ino: 0,
  mode: 0,
  nlink: 0,
  uid: 0,
  gid: 0,
  rdev: 0,
  size: 0,
  blksize: 0,
  blocks: 0,
  atime: 0,
  atimeNsec: 0,
  mtime: 0,
  mtimeNsec: 0,
  ctime: 0,
  ctimeNsec: 0,
  btime: 0,
  btimeNsec: 0,
});

export class HostSuperBlock extends SuperBlock {
  readonly files: HostFiles;
  readonly handles: HostHandles;
  /** Filled by each look at the host. */
  readonly stat = emptyStat();
  /** The kernel process may chown. */
  readonly privileged: boolean;
  /** Extended attributes are passed through; the copy-on-write root has its own. */
  readonly attributes = true;
  /** Live inodes by host identity. */
  private readonly inodes = new Map<string, HostInode>();
  /** Host devices seen, in order: the first has plain inode numbers. */
  private readonly devices: number[] = [];

  constructor(
    type: FileSystemType,
    kernel: Kernel,
    /** The directory's path, for /proc/mounts. */
    readonly directory: Name,
    rootDescriptor: number,
    /** Data can only be added: the switch `hostfs=DIR,append`. */
    readonly append: boolean,
  ) {
    super(type, kernel, kernel.devices.anonymous());
    this.files = kernel.host.files;
    this.handles = new HostHandles(this.files, rootDescriptor);
    this.privileged = kernel.host.machine.uid === 0;
    this.blockSize = 4096;
    check(this.files.stat(rootDescriptor, '', this.stat));
    const inode = new HostInode(this, undefined, '', this.stat);
    this.inodes.set(this.key(this.stat), inode);
    this.root = new Dentry(undefined, '', inode, this);
  }

  private key(stat: { readonly dev: number; readonly ino: number }): string {
    return `${stat.dev}:${stat.ino}`;
  }

  /** The inode that a look-up of `name` in `parent` has found. */
  inode(parent: HostInode, name: Name, stat: HostStat): HostInode {
    const key = this.key(stat);
    let inode = this.inodes.get(key);
    if (inode === undefined) {
      inode = new HostInode(this, parent, name, stat);
      this.inodes.set(key, inode);
    } else {
      if (inode.parent !== undefined) {
        inode.parent = parent;
        inode.name = name;
      }
      inode.take(stat);
    }
    return inode;
  }

  /** Whether a directory lies on a proc file system of the host. */
  isProc(directory: HostInode): boolean {
    const host = emptyStatFs();
    return this.files.statfs(this.handles.directory(directory), host) === 0 && host.type === PROC_SUPER_MAGIC;
  }

  forget(inode: HostInode): void {
    const key = `${inode.hostDev}:${inode.hostIno}`;
    if (this.inodes.get(key) === inode) this.inodes.delete(key);
  }

  /** The host may show several file systems below one directory: their inode numbers are kept apart. */
  inodeNumber(stat: HostStat): number {
    let index = this.devices.indexOf(stat.dev);
    if (index < 0) index = this.devices.push(stat.dev) - 1;
    return (stat.ino % INO_BITS) + index * INO_BITS;
  }

  override revalidate(dentry: Dentry): boolean {
    const inode = dentry.inode as HostInode | undefined;
    if (inode === undefined) return false;
    if (inode.parent === undefined || this.kernel.host.clock.now() - inode.seenAt < TRUSTED_FOR) return true;
    const result = this.files.stat(this.handles.directory(inode.parent), dentry.name, this.stat);
    if (result !== 0 || this.stat.dev !== inode.hostDev || this.stat.ino !== inode.hostIno) return false;
    inode.take(this.stat);
    return true;
  }

  override get cachesNegative(): boolean {
    return false;
  }

  override statfs(): FileSystemStatistics {
    const host = emptyStatFs();
    check(this.files.statfs(this.handles.root, host));
    return { ...host, type: HOSTFS_SUPER_MAGIC };
  }

  override showOptions(): Name {
    return this.directory + (this.append ? ',append' : '');
  }

  override sync(): Result {
    for (const inode of this.inodes.values()) if (inode.dirty) void inode.sync(false);
    return 0;
  }

  override remount(flags: number): void {
    if (this.kernel.params.hostfsSealed && this.readOnly && (flags & MS_RDONLY) === 0) throw EPERM;
  }

  override unmount(): void {
    const inodes = [...this.inodes.values()];
    for (const inode of inodes) inode.evict();
    this.handles.closeAll();
  }
}
