/** An instance of tmpfs: what it may take of memory, and has taken. */
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { EINVAL, ENOSPC } from '../../uapi/errno.js';
import { RAMFS_MAGIC, TMPFS_MAGIC } from '../../uapi/statfs.js';
import { SuperBlock, type FileSystemStatistics, type FileSystemType } from '../super-block.js';
import type { TmpfsDirectory } from './inode.js';
import { parseTmpfsOptions, type TmpfsOptions } from './options.js';

const PAGE_SIZE = 4096;

export class TmpfsSuperBlock extends SuperBlock {
  /** Limits; Infinity for none. */
  maxPages: number;
  maxInodes: number;
  usedPages = 0;
  usedInodes = 0;
  private nextIno = 1;
  private readonly defaultPages: number;
  private readonly defaultInodes: number;

  constructor(
    type: FileSystemType,
    kernel: Kernel,
    /** ramfs: the same without limits. */
    private readonly limited: boolean,
    private readonly options: TmpfsOptions,
  ) {
    super(type, kernel, kernel.devices.anonymous());
    this.posixAcl = true;
    // Half of memory, as on Linux, and as many inodes as that is pages.
    const half = limited ? Math.floor(kernel.frames.total / 2) : Infinity;
    this.defaultPages = half;
    this.defaultInodes = half;
    this.maxPages = limited ? (options.pages ?? half) : Infinity;
    this.maxInodes = limited ? (options.inodes ?? half) : Infinity;
  }

  /** Names found absent are found absent again just as quickly. */
  override get cachesNegative(): boolean {
    return false;
  }

  newIno(): number {
    return this.nextIno++;
  }

  /** A new inode or one more name: each costs memory. ENOSPC. */
  takeInode(): void {
    if (this.usedInodes >= this.maxInodes) throw ENOSPC;
    this.usedInodes++;
  }
  returnInode(): void {
    this.usedInodes--;
  }

  /** Pages come (ENOSPC) or go. */
  charge(count: number): void {
    if (count > 0 && this.usedPages + count > this.maxPages) throw ENOSPC;
    this.usedPages += count;
  }

  override statfs(): FileSystemStatistics {
    const known = (limit: number): number => (limit === Infinity ? 0 : limit);
    const free = this.maxPages === Infinity ? 0 : this.maxPages - this.usedPages;
    return {
      type: this.limited ? TMPFS_MAGIC : RAMFS_MAGIC,
      bsize: PAGE_SIZE,
      blocks: known(this.maxPages),
      bfree: free,
      bavail: free,
      files: known(this.maxInodes),
      ffree: this.maxInodes === Infinity ? 0 : this.maxInodes - this.usedInodes,
      namelen: this.nameMax,
    };
  }

  override showOptions(): Name {
    const { mode, uid, gid } = this.options;
    const octal = (bits: number): string => bits.toString(8).padStart(3, '0');
    if (!this.limited) return mode === undefined || mode === 0o755 ? '' : `mode=${octal(mode)}`;
    const shown: string[] = [];
    const known = (limit: number): number => (limit === Infinity ? 0 : limit);
    if (this.maxPages !== this.defaultPages) shown.push(`size=${known(this.maxPages) * 4}k`);
    if (this.maxInodes !== this.defaultInodes) shown.push(`nr_inodes=${known(this.maxInodes)}`);
    if (mode !== undefined && mode !== 0o1777) shown.push(`mode=${octal(mode)}`);
    if (uid !== undefined && uid !== 0) shown.push(`uid=${uid}`);
    if (gid !== undefined && gid !== 0) shown.push(`gid=${gid}`);
    shown.push('inode64');
    return shown.join(',');
  }

  /** Limits can change, but not below what is used, nor between "none" and "some". */
  override remount(_flags: number, data: Name): void {
    const { pages, inodes } = parseTmpfsOptions(this.kernel, data);
    if (!this.limited) return;
    if (pages !== undefined) checkLimit(this.maxPages, pages, this.usedPages);
    if (inodes !== undefined) checkLimit(this.maxInodes, inodes, this.usedInodes);
    this.maxPages = pages ?? this.maxPages;
    this.maxInodes = inodes ?? this.maxInodes;
  }

  override unmount(): void {
    (this.root.inode as TmpfsDirectory).disposeTree();
  }
}

function checkLimit(old: number, wanted: number, used: number): void {
  if (old === Infinity ? wanted !== Infinity : wanted !== Infinity && wanted < used) throw EINVAL;
}
