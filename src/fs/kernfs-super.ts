/** A mounted tree of entries: proc and sysfs. */
import type { Kernel } from '../kernel/kernel.js';
import type { Name } from '../lib/names.js';
import { Dentry } from './dentry.js';
import { type FileSystemStatistics, type FileSystemType, SuperBlock } from './super-block.js';
import type { Entry } from './kernfs.js';
import { EntryInode } from './kernfs-inode.js';

export class EntrySuperBlock extends SuperBlock {
  private lastNumber = 1;

  constructor(
    type: FileSystemType,
    kernel: Kernel,
    root: Entry,
    private readonly magic: number,
    private readonly options: Name = '',
  ) {
    super(type, kernel, kernel.devices.anonymous());
    const inode = new EntryInode(this, 1, root, () => ++this.lastNumber);
    this.root = new Dentry(undefined, '', inode, this);
  }

  override revalidate(dentry: Dentry): boolean {
    const inode = dentry.inode as EntryInode | undefined;
    return inode !== undefined && (inode.entry.alive === undefined || inode.entry.alive());
  }

  override get cachesNegative(): boolean {
    return false;
  }

  override showOptions(): Name {
    return this.options;
  }

  override statfs(): FileSystemStatistics {
    return {
      type: this.magic,
      bsize: 4096,
      blocks: 0,
      bfree: 0,
      bavail: 0,
      files: 0,
      ffree: 0,
      namelen: 255,
    };
  }
}
