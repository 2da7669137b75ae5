/** ext2, ext3 and ext4: one code, three names. Linux's ext4 with CONFIG_EXT4_USE_FOR_EXT2. */
import type { Disk } from '../../block/device.js';
import type { Name } from '../../lib/names.js';
import { EINVAL } from '../../uapi/errno.js';
import { MS_RDONLY } from '../../uapi/mount.js';
import { S_ISDIR } from '../../uapi/stat.js';
import { mountDisk } from '../block-mount.js';
import { Dentry } from '../dentry.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { EXT4_ROOT_INO, COMPAT_HAS_JOURNAL, INCOMPAT_64BIT, INCOMPAT_EXTENTS } from './layout.js';
import { parseOptions } from './options.js';
import { Ext4SuperBlock } from './super.js';
import { Volume } from './volume.js';

/** Pages are not smaller than blocks. */
const MOST_BLOCK_SIZE = 4096;

class Ext4Type extends FileSystemType {
  override readonly needsDevice = true;

  constructor(override readonly name: Name) {
    super();
  }

  override mount(request: MountRequest): SuperBlock {
    return mountDisk(this, request, (disk) => this.mountOn(request, disk));
  }

  /** Mounts what is on a device. */
  mountOn(
    { kernel, flags, data }: Pick<MountRequest, 'kernel' | 'flags' | 'data'>,
    disk: Disk,
  ): Ext4SuperBlock {
    const options = parseOptions(kernel, this.name, data);
    // What programs have written to the device is to be seen here.
    void disk.pages.sync();
    const volume = new Volume(kernel, disk);
    this.checkName(volume);
    if (volume.blockSize > MOST_BLOCK_SIZE) throw EINVAL;
    const superBlock = new Ext4SuperBlock(this, kernel, disk, volume, options, (flags & MS_RDONLY) !== 0);
    try {
      superBlock.start();
      const root = superBlock.found(EXT4_ROOT_INO);
      if (!S_ISDIR(root.mode)) superBlock.damaged('corrupt root inode, run e2fsck');
      superBlock.root = new Dentry(undefined, '', root, superBlock);
    } catch (error) {
      superBlock.abandon();
      throw error;
    }
    superBlock.log(6, `mounted filesystem${superBlock.readOnly ? ' ro' : ' r/w'} with ordered data mode.`);
    return superBlock;
  }

  /** An ext2 has no journal, and an ext3 no extents. */
  private checkName(volume: Volume): void {
    const isExt4 = volume.has(INCOMPAT_EXTENTS) || volume.has(INCOMPAT_64BIT);
    if (this.name !== 'ext4' && isExt4) throw EINVAL;
    if (this.name === 'ext2' && volume.hasCompatible(COMPAT_HAS_JOURNAL)) throw EINVAL;
    if (this.name === 'ext3' && !volume.hasCompatible(COMPAT_HAS_JOURNAL)) throw EINVAL;
  }
}

export const ext2: FileSystemType = new Ext4Type('ext2');
export const ext3: FileSystemType = new Ext4Type('ext3');
export const ext4 = new Ext4Type('ext4');
