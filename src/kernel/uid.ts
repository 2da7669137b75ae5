/**
 * User and group IDs: setuid(2), setreuid(2), setresuid(2), setfsuid(2), their group counterparts and getters. An ID of -1
 * means "leave it" where a call sets several, and is no ID.
 */
import { CAP_SETGID, CAP_SETUID } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import { commit, commitUser, fixFileSystemCapabilities } from './cred.js';
import { type Credentials, capable } from './credentials.js';
import { address, syscall, uint } from './syscall.js';
import type { Task } from './task.js';

const KEEP = 0xffff_ffff;

export const sys_getuid = syscall([], (task) => task.credentials.uid);
export const sys_geteuid = syscall([], (task) => task.credentials.euid);
export const sys_getgid = syscall([], (task) => task.credentials.gid);
export const sys_getegid = syscall([], (task) => task.credentials.egid);

export const sys_getresuid = syscall([address, address, address], (task, realAt, effectiveAt, savedAt) => {
  const { uid, euid, suid } = task.credentials;
  return putIds(task, [realAt, uid], [effectiveAt, euid], [savedAt, suid]);
});

export const sys_getresgid = syscall([address, address, address], (task, realAt, effectiveAt, savedAt) => {
  const { gid, egid, sgid } = task.credentials;
  return putIds(task, [realAt, gid], [effectiveAt, egid], [savedAt, sgid]);
});

function putIds({ memory }: Task, ...ids: readonly (readonly [at: number, id: number])[]): number {
  for (const [at, id] of ids) memory.putU32(at, id);
  return 0;
}

export const sys_setuid = syscall([uint], (task, id) => {
  const old = task.credentials;
  if (id === KEEP) throw EINVAL;
  if (capable(old, CAP_SETUID)) {
    commitUser(task, { ...old, uid: id, euid: id, suid: id, fsuid: id });
    return 0;
  }
  if (id !== old.uid && id !== old.suid) throw EPERM;
  commitUser(task, { ...old, euid: id, fsuid: id });
  return 0;
});

export const sys_setgid = syscall([uint], (task, id) => {
  const old = task.credentials;
  if (id === KEEP) throw EINVAL;
  if (capable(old, CAP_SETGID)) {
    commit(task, { ...old, gid: id, egid: id, sgid: id, fsgid: id });
    return 0;
  }
  if (id !== old.gid && id !== old.sgid) throw EPERM;
  commit(task, { ...old, egid: id, fsgid: id });
  return 0;
});

/** Real, effective and saved ID of a user or a group. */
type Ids = readonly [real: number, effective: number, saved: number];

/** The rule of setreuid and setregid. */
function setRealEffective(old: Ids, real: number, effective: number, privileged: boolean): Ids {
  const [oldReal, oldEffective, oldSaved] = old;
  if (!privileged) {
    if (real !== KEEP && real !== oldReal && real !== oldEffective) throw EPERM;
    if (effective !== KEEP && !old.includes(effective)) throw EPERM;
  }
  const newReal = real === KEEP ? oldReal : real;
  const newEffective = effective === KEEP ? oldEffective : effective;
  const saves = real !== KEEP || (effective !== KEEP && effective !== oldReal);
  return [newReal, newEffective, saves ? newEffective : oldSaved];
}

/** The rule of setresuid and setresgid: without privilege, each may become any of the three. */
function setAll(old: Ids, wanted: Ids, privileged: boolean): Ids {
  if (!privileged && wanted.some((id) => id !== KEEP && !old.includes(id))) throw EPERM;
  const pick = (index: 0 | 1 | 2): number => (wanted[index] === KEEP ? old[index] : wanted[index]);
  return [pick(0), pick(1), pick(2)];
}

const userIds = ({ uid, euid, suid }: Credentials): Ids => [uid, euid, suid];
const groupIds = ({ gid, egid, sgid }: Credentials): Ids => [gid, egid, sgid];

function commitUserIds(task: Task, [uid, euid, suid]: Ids): number {
  commitUser(task, { ...task.credentials, uid, euid, suid, fsuid: euid });
  return 0;
}

function commitGroupIds(task: Task, [gid, egid, sgid]: Ids): number {
  commit(task, { ...task.credentials, gid, egid, sgid, fsgid: egid });
  return 0;
}

export const sys_setreuid = syscall([uint, uint], (task, real, effective) => {
  const old = task.credentials;
  return commitUserIds(task, setRealEffective(userIds(old), real, effective, capable(old, CAP_SETUID)));
});

export const sys_setregid = syscall([uint, uint], (task, real, effective) => {
  const old = task.credentials;
  return commitGroupIds(task, setRealEffective(groupIds(old), real, effective, capable(old, CAP_SETGID)));
});

export const sys_setresuid = syscall([uint, uint, uint], (task, real, effective, saved) => {
  const old = task.credentials;
  return commitUserIds(task, setAll(userIds(old), [real, effective, saved], capable(old, CAP_SETUID)));
});

export const sys_setresgid = syscall([uint, uint, uint], (task, real, effective, saved) => {
  const old = task.credentials;
  return commitGroupIds(task, setAll(groupIds(old), [real, effective, saved], capable(old, CAP_SETGID)));
});

/** setfsuid(2) has no way to tell an error: it returns what was before. */
export const sys_setfsuid = syscall([uint], (task, id) => {
  const old = task.credentials;
  if (id !== KEEP && ([...userIds(old), old.fsuid].includes(id) || capable(old, CAP_SETUID)))
    commit(task, fixFileSystemCapabilities(old, { ...old, fsuid: id }));
  return old.fsuid;
});

export const sys_setfsgid = syscall([uint], (task, id) => {
  const old = task.credentials;
  if (id !== KEEP && ([...groupIds(old), old.fsgid].includes(id) || capable(old, CAP_SETGID)))
    commit(task, { ...old, fsgid: id });
  return old.fsgid;
});
