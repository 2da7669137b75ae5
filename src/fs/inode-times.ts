/** Access and modification times: when they change, and to what. Linux's touch_atime and file_update_time, in inode.c. */
import type { TimeSpec } from '../host/host.js';
import type { Kernel } from '../kernel/kernel.js';
import { FS_NOATIME_FL } from '../uapi/fs.js';
import { MS_NOATIME, MS_NODIRATIME, MS_RELATIME } from '../uapi/mount.js';
import { S_ISDIR } from '../uapi/stat.js';
import { CLOCK_REALTIME } from '../uapi/time.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { isReadOnly } from './permission.js';

const DAY = 24 * 60 * 60;

/** The time that goes into inodes. Its objects are shared: never changed. */
export const currentTime = (kernel: Kernel): TimeSpec => kernel.host.clock.read(CLOCK_REALTIME);

const isAfter = (a: TimeSpec, b: TimeSpec): boolean => a.sec > b.sec || (a.sec === b.sec && a.nsec > b.nsec);
const isSame = (a: TimeSpec, b: TimeSpec): boolean => a.sec === b.sec && a.nsec === b.nsec;

/** The inode has been read: notes the time if the mount's flags say so. `mount` is undefined for unmounted objects. */
export function touchAtime(mount: Mount | undefined, inode: Inode): void {
  if (mount === undefined || (mount.flags & MS_NOATIME) !== 0 || (inode.flags & FS_NOATIME_FL) !== 0) return;
  if ((mount.flags & MS_NODIRATIME) !== 0 && S_ISDIR(inode.mode)) return;
  if (isReadOnly(mount)) return;
  const now = currentTime(inode.superBlock.kernel);
  const { atime, mtime, ctime } = inode;
  if (isSame(atime, now)) return;
  // relatime: only the first read after a change, and one a day, are noted.
  const stale = !isAfter(atime, mtime) || !isAfter(atime, ctime) || now.sec - atime.sec >= DAY;
  if ((mount.flags & MS_RELATIME) !== 0 && !stale) return;
  inode.updateTimes({ atime: now });
}

/** The contents have changed. */
export function touchModified(inode: Inode): void {
  const now = currentTime(inode.superBlock.kernel);
  inode.updateTimes({ mtime: now, ctime: now });
}
