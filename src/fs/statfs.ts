/** statfs(2), fstatfs(2). */
import { address, fd, path, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RELATIME,
  MS_SYNCHRONOUS,
} from '../uapi/mount.js';
import {
  ST_NOATIME,
  ST_NODEV,
  ST_NODIRATIME,
  ST_NOEXEC,
  ST_NOSUID,
  ST_NOSYMFOLLOW,
  ST_RDONLY,
  ST_RELATIME,
  ST_SYNCHRONOUS,
  ST_VALID,
  statfs as layout,
} from '../uapi/statfs.js';
import type { Mount } from './mount.js';
import { filePath, lookupPath } from './namei.js';
import { isReadOnly } from './permission.js';

const pairs: readonly (readonly [ms: number, st: number])[] = [
  [MS_NOSUID, ST_NOSUID],
  [MS_NODEV, ST_NODEV],
  [MS_NOEXEC, ST_NOEXEC],
  [MS_NOATIME, ST_NOATIME],
  [MS_NODIRATIME, ST_NODIRATIME],
  [MS_RELATIME, ST_RELATIME],
  [MS_NOSYMFOLLOW, ST_NOSYMFOLLOW],
];

function flagsOf(mount: Mount): number {
  let flags = ST_VALID | (isReadOnly(mount) ? ST_RDONLY : 0);
  for (const [ms, st] of pairs) if ((mount.flags & ms) !== 0) flags |= st;
  if ((mount.superBlock.flags & MS_SYNCHRONOUS) !== 0) flags |= ST_SYNCHRONOUS;
  return flags;
}

function put(task: Task, mount: Mount, buffer: number): number {
  const { superBlock } = mount;
  const { type, bsize, blocks, bfree, bavail, files, ffree, namelen } = superBlock.statfs();
  task.memory.copyOut(
    buffer,
    layout.encode({
      f_type: type,
      f_bsize: bsize,
      f_blocks: blocks,
      f_bfree: bfree,
      f_bavail: bavail,
      f_files: files,
      f_ffree: ffree,
      f_fsid: superBlock.fsid,
      f_namelen: namelen,
      f_frsize: bsize,
      f_flags: flagsOf(mount),
    }),
  );
  return 0;
}

export const sys_statfs = syscall([path, address], (task, name, buffer) =>
  put(task, lookupPath(task, name).mount, buffer),
);

export const sys_fstatfs = syscall([fd, address], (task, at, buffer) =>
  put(task, filePath(task.files.get(at)).mount, buffer),
);
