/** Supplementary groups: getgroups(2), setgroups(2). */
import { CAP_SETGID } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import { commit } from './cred.js';
import { capable } from './credentials.js';
import { address, int, syscall } from './syscall.js';

const NGROUPS_MAX = 65536;

export const sys_getgroups = syscall([int, address], (task, size, at) => {
  const { groups } = task.credentials;
  if (size < 0) throw EINVAL;
  if (size === 0) return groups.length;
  if (groups.length > size) throw EINVAL;
  task.memory.copyOut(at, new Uint8Array(Uint32Array.from(groups).buffer));
  return groups.length;
});

export const sys_setgroups = syscall([int, address], (task, size, at) => {
  const { credentials } = task;
  if (!capable(credentials, CAP_SETGID)) throw EPERM;
  if (size < 0 || size > NGROUPS_MAX) throw EINVAL;
  const groups = new Uint32Array(task.memory.copyIn(at, size * 4).slice().buffer);
  if (groups.includes(0xffff_ffff)) throw EINVAL;
  commit(task, { ...credentials, groups: Array.from(groups.toSorted()) });
  return 0;
});
