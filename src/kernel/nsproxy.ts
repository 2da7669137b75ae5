/** New namespaces for a child or for the caller: clone(2), unshare(2), namespaces(7). */
import { CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from '../uapi/sched.js';
import { capable } from './credentials.js';
import { type Namespaces, UtsNamespace } from './namespaces.js';
import type { Task } from './task.js';

/** Those that are not built in. */
const missing = CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;

/**
 * The namespaces that `flags` ask for; the caller's own where they don't. A mount namespace's copy has mounts of its own:
 * whoever gets it must move its root and working directory there.
 */
export function newNamespaces(task: Task, flags: number): Namespaces {
  if ((flags & CLONE_NEWUSER) !== 0) throw EINVAL;
  if ((flags & (missing | CLONE_NEWNS | CLONE_NEWUTS)) === 0) return task.namespaces;
  if (!capable(task.credentials, CAP_SYS_ADMIN)) throw EPERM;
  if ((flags & missing) !== 0) throw EINVAL;
  const { uts, mount } = task.namespaces;
  return {
    mount: (flags & CLONE_NEWNS) === 0 ? mount : copyMounts(),
    uts: (flags & CLONE_NEWUTS) === 0 ? uts : copyUts(uts),
  };
}

function copyUts(from: UtsNamespace): UtsNamespace {
  const copy = new UtsNamespace();
  copy.nodename = from.nodename;
  copy.domainname = from.domainname;
  return copy;
}

function copyMounts(): never {
  throw EINVAL;
}
