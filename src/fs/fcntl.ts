/** fcntl(2), but for record locks, which are in fs/fcntl-locks. */
import { capable } from '../kernel/credentials.js';
import { fd, int, long, type Result, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { CAP_LEASE } from '../uapi/capability.js';
import { EACCES, EAGAIN, EBADF, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import {
  FASYNC,
  FD_CLOEXEC,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETLK,
  F_GETOWN,
  F_GETOWNER_UIDS,
  F_GETOWN_EX,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_GET_RW_HINT,
  F_GET_SEALS,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_OWNER_PGRP,
  F_OWNER_PID,
  F_OWNER_TID,
  F_SEAL_SEAL,
  F_SETFD,
  F_SETFL,
  F_SETLEASE,
  F_SETLK,
  F_SETLKW,
  F_SETOWN,
  F_SETOWN_EX,
  F_SETPIPE_SZ,
  F_SETSIG,
  F_SET_RW_HINT,
  F_UNLCK,
  O_APPEND,
  O_DIRECT,
  O_NOATIME,
  O_NONBLOCK,
  O_PATH,
  RWH_WRITE_LIFE_EXTREME,
  f_owner_ex,
  sealFlags,
} from '../uapi/fcntl.js';
import { FS_APPEND_FL } from '../uapi/fs.js';
import { S_ISREG } from '../uapi/stat.js';
import { setAsync } from './fasync.js';
import { getRecordLock, setRecordLock } from './fcntl-locks.js';
import { descriptorLimit } from './file-calls.js';
import type { File } from './file.js';
import { ownerOrCapable } from './permission.js';
import { pipeSize, setPipeSize } from './pipe.js';

// The argument is an address or an int: as a signed number both are exact.
export const sys_fcntl = syscall([fd, int, long], (task, at, command, argument) => {
  const file = task.files.get(at);
  // The low word, where the argument is an int.
  const value = argument | 0;
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      return duplicate(task, file, value, command === F_DUPFD_CLOEXEC);
    case F_GETFD:
      return task.files.getCloseOnExec(at) ? FD_CLOEXEC : 0;
    case F_SETFD:
      task.files.setCloseOnExec(at, (value & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    default:
      if ((file.flags & O_PATH) !== 0) throw EBADF;
      return onOpenFile(task, file, at, command, argument);
  }
});

/** Commands that files opened by O_PATH refuse. */
function onOpenFile(task: Task, file: File, at: number, command: number, argument: number): Result {
  const value = argument | 0;
  switch (command) {
    case F_SETFL:
      return setStatusFlags(task, file, at, value);
    case F_GETLK:
    case F_OFD_GETLK:
      return getRecordLock(task, file, argument, command === F_OFD_GETLK);
    case F_SETLK:
    case F_OFD_SETLK:
    case F_SETLKW:
    case F_OFD_SETLKW:
      return setRecordLock(task, file, at, command, argument);
    case F_SETOWN:
      return setOwner(task, file, value);
    case F_GETOWN:
      return file.ownerType === F_OWNER_PGRP ? -file.owner : file.owner;
    case F_SETOWN_EX:
      return setOwnerEx(task, file, argument);
    case F_GETOWN_EX:
      task.memory.copyOut(argument, f_owner_ex.encode({ type: file.ownerType, pid: file.owner }));
      return 0;
    case F_GETOWNER_UIDS:
      // Needs CONFIG_CHECKPOINT_RESTORE.
      throw EINVAL;
    case F_SETSIG:
      if (value < 0 || value > 64) throw EINVAL;
      file.ownerSignal = value;
      return 0;
    case F_GETSIG:
      return file.ownerSignal;
    case F_GETLEASE:
      return F_UNLCK;
    case F_SETLEASE:
      return setLease(task, file, value);
    case F_SETPIPE_SZ:
      return setPipeSize(task, file, argument >>> 0);
    case F_GETPIPE_SZ:
      return pipeSize(file);
    case F_ADD_SEALS:
      return addSeals(file, value);
    case F_GET_SEALS:
      if (file.inode.seals === undefined) throw EINVAL;
      return file.inode.seals;
    case F_GET_RW_HINT:
      task.memory.putU64(argument, file.inode.writeHint);
      return 0;
    case F_SET_RW_HINT:
      return setWriteHint(task, file, argument);
    default:
      throw EINVAL;
  }
}

function duplicate(task: Task, file: File, from: number, closeOnExec: boolean): number {
  const limit = descriptorLimit(task);
  if (from < 0 || from >= limit) throw EINVAL;
  return task.files.install(file, closeOnExec, limit, from);
}

const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

/** F_SETFL: other flags in `wanted` are ignored. */
function setStatusFlags(task: Task, file: File, at: number, wanted: number): number {
  const { inode, flags } = file;
  // An append-only file stays so for whoever has it open.
  if ((flags & ~wanted & O_APPEND) !== 0 && (inode.flags & FS_APPEND_FL) !== 0) throw EPERM;
  if ((wanted & ~flags & O_NOATIME) !== 0 && !ownerOrCapable(task.credentials, inode)) throw EPERM;
  file.flags = (flags & ~SETTABLE) | (wanted & SETTABLE);
  file.flagsChanged();
  setAsync(task, file, at, (wanted & FASYNC) !== 0);
  return 0;
}

/** F_SETOWN: a process, or as a negative number a process group; 0 for nobody. */
export function setOwner(task: Task, file: File, who: number): number {
  if (who === -0x8000_0000) throw EINVAL;
  const type = who < 0 ? F_OWNER_PGRP : F_OWNER_PID;
  assignOwner(task, file, type, Math.abs(who));
  return 0;
}

function setOwnerEx(task: Task, file: File, at: number): number {
  const { type, pid } = f_owner_ex.decode(task.memory.copyIn(at, f_owner_ex.size));
  if (type !== F_OWNER_TID && type !== F_OWNER_PID && type !== F_OWNER_PGRP) throw EINVAL;
  assignOwner(task, file, type, pid);
  return 0;
}

function assignOwner({ kernel: { pids }, credentials }: Task, file: File, type: number, id: number): void {
  const known = type === F_OWNER_TID ? pids.tasks : type === F_OWNER_PID ? pids.processes : pids.groups;
  if (id !== 0 && !known.has(id)) throw ESRCH;
  file.owner = id;
  file.ownerType = type;
  file.ownerCredentials = credentials;
}

/**
 * Leases are not offered: no file system here tells when another open would break one. Removing one that is not there fails
 * as on Linux.
 */
function setLease(task: Task, file: File, type: number): number {
  const { inode } = file;
  if (inode.uid !== task.credentials.fsuid && !capable(task.credentials, CAP_LEASE)) throw EACCES;
  if (!S_ISREG(inode.mode)) throw EINVAL;
  if (type === F_UNLCK) throw EAGAIN;
  throw EINVAL;
}

/** F_ADD_SEALS: what they forbid is enforced by the file system that has them. */
function addSeals(file: File, seals: number): number {
  const { inode } = file;
  if (!file.writable) throw EPERM;
  if (sealFlags.unknown(seals) !== 0) throw EINVAL;
  if (inode.seals === undefined) throw EINVAL;
  if ((inode.seals & F_SEAL_SEAL) !== 0) throw EPERM;
  inode.addSeals(seals);
  return 0;
}

function setWriteHint(task: Task, file: File, at: number): number {
  const hint = task.memory.getU64(at);
  if (hint > RWH_WRITE_LIFE_EXTREME) throw EINVAL;
  if (!ownerOrCapable(task.credentials, file.inode)) throw EPERM;
  file.inode.writeHint = hint;
  return 0;
}
