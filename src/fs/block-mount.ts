/** From the first word of mount(2) to a block device, for file systems on one. Linux: lookup_bdev(), get_tree_bdev(). */
import type { Disk } from '../block/device.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EACCES, EBUSY, ENOENT, ENOTBLK, ENXIO } from '../uapi/errno.js';
import { MS_NODEV, MS_RDONLY } from '../uapi/mount.js';
import { S_ISBLK } from '../uapi/stat.js';
import { inodeOf, lookupPath } from './namei.js';
import type { FileSystemType, MountRequest, SuperBlock } from './super-block.js';

/** The device of a number. */
export const findDisk = (kernel: Kernel, rdev: number): Disk | undefined => kernel.disks.find(rdev);

/** The block device that a path names. ENOENT, ENOTBLK; EACCES where nodes mean nothing; ENXIO when there is none. */
export function diskFromPath(task: Task, source: Name): Disk {
  if (source === '') throw ENOENT;
  const { mount, dentry } = lookupPath(task, source);
  const inode = inodeOf(dentry);
  if (!S_ISBLK(inode.mode)) throw ENOTBLK;
  if ((mount.flags & MS_NODEV) !== 0) throw EACCES;
  const disk = findDisk(task.kernel, inode.rdev);
  if (disk === undefined) throw ENXIO;
  return disk;
}

/**
 * Mounts what is on a block device. A device that is mounted as this type already shows the same instance; EBUSY if it is
 * used otherwise, or if one is read-only and the other not. EACCES for writing to a read-only device.
 *
 * `make` reads the file system. The instance must call `unmountDisk` when it is unmounted; until then the device is open,
 * and nobody else can claim it.
 */
export function mountDisk<T extends SuperBlock>(
  type: FileSystemType,
  request: MountRequest,
  make: (disk: Disk) => T,
): SuperBlock {
  const { kernel, task, source, flags } = request;
  if (task === undefined) throw ENXIO;
  const disk = diskFromPath(task, source);
  const readOnly = (flags & MS_RDONLY) !== 0;
  for (const superBlock of kernel.superBlocks) {
    if (superBlock.type !== type || superBlock.dev !== disk.rdev || superBlock.mounts.size === 0) continue;
    if (superBlock.readOnly !== readOnly) throw EBUSY;
    return superBlock;
  }
  disk.acquire();
  try {
    if (disk.readOnly && !readOnly) throw EACCES;
    disk.claim(type);
    return make(disk);
  } catch (error) {
    disk.unclaim(type);
    disk.release();
    throw error;
  }
}

/** What `mountDisk` has taken is free again: call it last in unmount(). */
export function unmountDisk({ type }: SuperBlock, disk: Disk): void {
  disk.unclaim(type);
  disk.release();
}
