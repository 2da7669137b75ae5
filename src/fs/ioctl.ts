/** ioctl(2): what holds for every file; the rest is the file's own. */
import { capable } from '../kernel/credentials.js';
import { fd, long, type Result, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { CAP_LINUX_IMMUTABLE } from '../uapi/capability.js';
import { EINVAL, ENOTTY, EOPNOTSUPP, EPERM } from '../uapi/errno.js';
import { O_NONBLOCK } from '../uapi/fcntl.js';
import {
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  FS_IOC_FIEMAP,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
} from '../uapi/fs.js';
import { FIGETBSZ, FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, FIOQSIZE } from '../uapi/ioctls.js';
import { S_ISDIR, S_ISLNK, S_ISREG } from '../uapi/stat.js';
import { setAsync } from './fasync.js';
import type { File } from './file.js';
import { checkMountWritable, ownerOrCapable } from './permission.js';

// The argument is an address or an int: as a signed number both are exact.
export const sys_ioctl = syscall([fd, uint, long], (task, at, request, argument) => {
  const file = task.files.getOpen(at);
  const { inode } = file;
  switch (request) {
    case FIOCLEX:
      task.files.setCloseOnExec(at, true);
      return 0;
    case FIONCLEX:
      task.files.setCloseOnExec(at, false);
      return 0;
    case FIONBIO:
      setNonBlocking(file, task.memory.getU32(argument) !== 0);
      return 0;
    case FIOASYNC:
      return setAsyncFlag(task, file, at, task.memory.getU32(argument) !== 0);
    case FIOQSIZE:
      if (!S_ISREG(inode.mode) && !S_ISDIR(inode.mode) && !S_ISLNK(inode.mode)) throw ENOTTY;
      task.memory.putU64(argument, inode.blocks * 512);
      return 0;
    case FIGETBSZ:
      if (inode.superBlock.blockSize === 0) throw EINVAL;
      task.memory.putU32(argument, inode.superBlock.blockSize);
      return 0;
    case FIONREAD:
      if (!S_ISREG(inode.mode)) return file.ioctl(task, request, argument);
      inode.refresh();
      task.memory.putU32(argument, inode.size - file.position);
      return 0;
    case FS_IOC_FIEMAP:
      throw EOPNOTSUPP;
    case FS_IOC_GETFLAGS:
      if (!inode.hasFlags) return file.ioctl(task, request, argument);
      task.memory.putU32(argument, inode.flags);
      return 0;
    case FS_IOC_SETFLAGS:
      if (!inode.hasFlags) return file.ioctl(task, request, argument);
      return setInodeFlags(task, file, task.memory.getU32(argument));
    default:
      return file.ioctl(task, request, argument);
  }
});

function setNonBlocking(file: File, on: boolean): void {
  file.flags = on ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
  file.flagsChanged();
}

function setAsyncFlag(task: Task, file: File, at: number, on: boolean): Result {
  if (on !== (file.notifier !== undefined)) {
    if (!file.asyncCapable) throw ENOTTY;
    setAsync(task, file, at, on);
  }
  return 0;
}

/** chattr(1) */
function setInodeFlags(task: Task, { inode, mount }: File, wanted: number): number {
  if (mount !== undefined) checkMountWritable(mount);
  if (!ownerOrCapable(task.credentials, inode)) throw EPERM;
  const guarded = FS_IMMUTABLE_FL | FS_APPEND_FL;
  if (((inode.flags ^ wanted) & guarded) !== 0 && !capable(task.credentials, CAP_LINUX_IMMUTABLE))
    throw EPERM;
  inode.setFlags(wanted);
  return 0;
}
