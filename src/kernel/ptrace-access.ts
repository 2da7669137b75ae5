/** Who may look into another process, or take control of it: ptrace(2), "Ptrace access mode checking". */
import { CAP_SYS_PTRACE } from '../uapi/capability.js';
import { type CapabilitySet, type Credentials, capable } from './credentials.js';
import type { Task } from './task.js';

/** PTRACE_MODE_*_REALCREDS: the caller's real identity must be all of the target's. */
function sameIdentity({ uid, gid }: Credentials, target: Credentials): boolean {
  return (
    uid === target.euid &&
    uid === target.suid &&
    uid === target.uid &&
    gid === target.egid &&
    gid === target.sgid &&
    gid === target.gid
  );
}

const includes = (all: CapabilitySet, some: CapabilitySet): boolean =>
  (some.lo & ~all.lo) === 0 && (some.hi & ~all.hi) === 0;

/** Whether `task` may trace `target`, or see what only its owner may. */
export function mayAccess(task: Task, target: Task): boolean {
  if (task.process === target.process) return true;
  const { credentials } = task;
  if (capable(credentials, CAP_SYS_PTRACE)) return true;
  return (
    sameIdentity(credentials, target.credentials) &&
    target.process.dumpable === 1 &&
    includes(credentials.permitted, target.credentials.permitted)
  );
}
