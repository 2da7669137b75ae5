/** The ioctls of block devices: linux/fs.h, linux/hdreg.h. Linux: block/ioctl.c. */
import { SECTOR_SIZE } from '../block/device.js';
import { capable } from '../kernel/credentials.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EACCES, EBADF, EFBIG, EINVAL, ENOTTY, EOPNOTSUPP, EPERM } from '../uapi/errno.js';
import { HDIO_GETGEO, hd_geometry } from '../uapi/hdreg.js';
import {
  BLKALIGNOFF,
  BLKBSZGET,
  BLKBSZSET,
  BLKDISCARD,
  BLKDISCARDZEROES,
  BLKFLSBUF,
  BLKFRAGET,
  BLKFRASET,
  BLKGETDISKSEQ,
  BLKGETSIZE,
  BLKGETSIZE64,
  BLKIOMIN,
  BLKIOOPT,
  BLKPBSZGET,
  BLKRAGET,
  BLKRASET,
  BLKROGET,
  BLKROSET,
  BLKROTATIONAL,
  BLKRRPART,
  BLKSECDISCARD,
  BLKSECTGET,
  BLKSSZGET,
  BLKZEROOUT,
} from '../uapi/ioctls.js';
import type { BlockFile } from './block-dev.js';

const PAGE_SIZE = 4096;
/** In sectors: 128 KiB. */
const READ_AHEAD = 256;
/** Sectors in one request. */
const MAX_SECTORS = 2560;

function needAdmin(task: Task): void {
  if (!capable(task.credentials, CAP_SYS_ADMIN)) throw EACCES;
}

export function blockIoctl(task: Task, file: BlockFile, request: number, argument: number): Result {
  const { disk } = file;
  const { memory } = task;
  switch (request) {
    case BLKGETSIZE64:
      memory.putU64(argument, disk.size);
      return 0;
    case BLKGETSIZE:
      memory.putU64(argument, disk.size / SECTOR_SIZE);
      return 0;
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKIOMIN:
      memory.putU32(argument, SECTOR_SIZE);
      return 0;
    case BLKBSZGET:
      memory.putU32(argument, PAGE_SIZE);
      return 0;
    case BLKBSZSET:
      return setBlockSize(task, argument);
    case BLKIOOPT:
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
      memory.putU32(argument, 0);
      return 0;
    case BLKROTATIONAL:
      memory.copyOut(argument, new Uint8Array(2));
      return 0;
    case BLKSECTGET:
      memory.copyOut(argument, new Uint8Array([MAX_SECTORS & 0xff, MAX_SECTORS >>> 8]));
      return 0;
    case BLKRAGET:
    case BLKFRAGET:
      memory.putU64(argument, READ_AHEAD);
      return 0;
    case BLKRASET:
    case BLKFRASET:
      needAdmin(task);
      return 0;
    case BLKROGET:
      memory.putU32(argument, disk.readOnly ? 1 : 0);
      return 0;
    case BLKROSET:
      needAdmin(task);
      disk.setReadOnly(memory.getU32(argument) !== 0);
      return 0;
    case BLKFLSBUF:
      needAdmin(task);
      return disk.sync();
    case BLKRRPART:
      needAdmin(task);
      if (disk.whole !== disk) throw EINVAL;
      return after(disk.pages.sync(), () => disk.kernel.disks.scan(disk));
    case BLKDISCARD:
      return changeRange(task, file, argument, (start, length) => disk.discard(start, length));
    case BLKZEROOUT:
      return changeRange(task, file, argument, (start, length) => disk.zero(start, length));
    case BLKSECDISCARD:
      throw EOPNOTSUPP;
    case BLKGETDISKSEQ:
      memory.putU64(argument, disk.whole.minor + 1);
      return 0;
    case HDIO_GETGEO:
      return getGeometry(task, file, argument);
    default:
      return disk.whole.ioctl(task, request, argument);
  }
}

function after(result: Result, action: () => void): Result {
  const finish = (): number => {
    action();
    return 0;
  };
  return typeof result === 'number' ? finish() : result.then(finish);
}

/** The cache has pages whatever the block size is. */
function setBlockSize(task: Task, argument: number): number {
  needAdmin(task);
  const size = task.memory.getU32(argument);
  if (size < SECTOR_SIZE || size > PAGE_SIZE || (size & (size - 1)) !== 0) throw EINVAL;
  return 0;
}

/** BLKDISCARD, BLKZEROOUT: start and length in bytes. What the cache has of the range goes. */
function changeRange(
  task: Task,
  { disk, writable }: BlockFile,
  argument: number,
  change: (start: number, length: number) => void,
): Result {
  if (!writable) throw EBADF;
  if (disk.readOnly) throw EPERM;
  const start = task.memory.getU64(argument);
  const length = task.memory.getU64(argument + 8);
  if (start % SECTOR_SIZE !== 0 || length % SECTOR_SIZE !== 0 || length === 0) throw EINVAL;
  if (start + length > disk.size) throw EINVAL;
  return after(disk.pages.sync(), () => {
    change(start, length);
    disk.pages.invalidate(start, start + length);
  });
}

function getGeometry(task: Task, { disk }: BlockFile, argument: number): number {
  const { geometry } = disk;
  if (geometry === undefined) throw ENOTTY;
  const start = disk.start / SECTOR_SIZE;
  if (start > 0xffff_ffff) throw EFBIG;
  const cylinders = geometry.cylinders & 0xffff;
  task.memory.copyOut(argument, hd_geometry.encode({ ...geometry, cylinders, start }));
  return 0;
}
