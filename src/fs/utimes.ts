/** utimensat(2) and its ancestors. Linux's utimes.c. */
import type { TimeSpec } from '../host/host.js';
import { address, fd, flags as flagsArgument, optionalPath, path, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { readTimespec } from '../kernel/timespec.js';
import type { Name } from '../lib/names.js';
import { EFAULT, EINVAL, EPERM } from '../uapi/errno.js';
import { AT_FDCWD, utimensatFlags } from '../uapi/fcntl.js';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../uapi/fs.js';
import { IN_ACCESS, IN_ATTRIB, IN_MODIFY } from '../uapi/inotify.js';
import { UTIME_NOW, UTIME_OMIT } from '../uapi/stat.js';
import { timespec, timeval, utimbuf } from '../uapi/time.js';
import type { AttributeChange, Inode } from './inode.js';
import { currentTime } from './inode-times.js';
import type { Path } from './mount.js';
import { filePath, inodeOf, lookupAt } from './namei.js';
import { notifyDentry } from './notify.js';
import { checkMountWritable, checkPermission, MAY_WRITE, ownerOrCapable } from './permission.js';
import { lookupFlags } from './stat.js';

/** Access and modification time; nanoseconds may be UTIME_NOW or UTIME_OMIT. */
type Times = readonly [TimeSpec, TimeSpec];

const isNow = ({ nsec }: TimeSpec): boolean => nsec === UTIME_NOW;
const isOmitted = ({ nsec }: TimeSpec): boolean => nsec === UTIME_OMIT;

function checkTime(time: TimeSpec): void {
  if (!isNow(time) && !isOmitted(time) && (time.nsec < 0 || time.nsec > 999_999_999)) throw EINVAL;
}

/** Sets times; undefined: both to now, for which write permission is enough. Linux's vfs_utimes. */
function setTimes(task: Task, { mount, dentry }: Path, times: Times | undefined): number {
  times?.forEach(checkTime);
  checkMountWritable(mount);
  const inode = inodeOf(dentry);
  inode.refresh();
  const now = currentTime(task.kernel);
  if (times === undefined || times.every(isNow)) {
    checkTouch(task, inode);
    inode.setAttributes({ atime: now, mtime: now, ctime: now });
  } else {
    if ((inode.flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) !== 0) throw EPERM;
    if (!ownerOrCapable(task.credentials, inode)) throw EPERM;
    const [atime, mtime] = times;
    const change: AttributeChange = { ctime: now };
    if (!isOmitted(atime)) change.atime = isNow(atime) ? now : atime;
    if (!isOmitted(mtime)) change.mtime = isNow(mtime) ? now : mtime;
    inode.setAttributes(change);
  }
  notifyDentry(dentry, eventOf(times));
  return 0;
}

/** One of both times alone looks like what it is the time of. Linux's fsnotify_change. */
function eventOf(times: Times | undefined): number {
  if (times === undefined || times.every((time) => !isOmitted(time))) return IN_ATTRIB;
  return isOmitted(times[0]) ? IN_MODIFY : IN_ACCESS;
}

function checkTouch(task: Task, inode: Inode): void {
  if ((inode.flags & FS_IMMUTABLE_FL) !== 0) throw EPERM;
  if (!ownerOrCapable(task.credentials, inode)) checkPermission(task.credentials, inode, MAY_WRITE);
}

/** No path means the descriptor itself: futimens(3). */
function timesAt(
  task: Task,
  dirfd: number,
  name: Name | undefined,
  times: Times | undefined,
  how: number,
): number {
  if (name !== undefined) return setTimes(task, lookupAt(task, dirfd, name, lookupFlags(how)), times);
  if (dirfd === AT_FDCWD) throw EFAULT;
  if (how !== 0) throw EINVAL;
  return setTimes(task, filePath(task.files.getOpen(dirfd)), times);
}

export const sys_utimensat = syscall(
  [fd, optionalPath, address, flagsArgument(utimensatFlags)],
  (task, dirfd, name, user, how) => {
    if (user === 0) return timesAt(task, dirfd, name, undefined, how);
    const times: Times = [readTimespec(task, user), readTimespec(task, user + timespec.size)];
    // Nothing to do: not even the path is looked at.
    if (times.every(isOmitted)) return 0;
    return timesAt(task, dirfd, name, times, how);
  },
);

/** Microseconds, which must be real ones. */
function readTimevals(task: Task, user: number): Times | undefined {
  if (user === 0) return undefined;
  const read = (at: number): TimeSpec => {
    const { tv_sec, tv_usec } = timeval.decode(task.memory.copyIn(at, timeval.size));
    if (tv_usec < 0 || tv_usec >= 1_000_000) throw EINVAL;
    return { sec: tv_sec, nsec: tv_usec * 1000 };
  };
  return [read(user), read(user + timeval.size)];
}

export const sys_futimesat = syscall([fd, optionalPath, address], (task, dirfd, name, user) =>
  timesAt(task, dirfd, name, readTimevals(task, user), 0),
);

export const sys_utimes = syscall([path, address], (task, name, user) =>
  timesAt(task, AT_FDCWD, name, readTimevals(task, user), 0),
);

export const sys_utime = syscall([path, address], (task, name, user) => {
  if (user === 0) return timesAt(task, AT_FDCWD, name, undefined, 0);
  const { actime, modtime } = utimbuf.decode(task.memory.copyIn(user, utimbuf.size));
  return timesAt(
    task,
    AT_FDCWD,
    name,
    [
      { sec: actime, nsec: 0 },
      { sec: modtime, nsec: 0 },
    ],
    0,
  );
});
