/**
 * Changing a task's credentials. All changes come through `commit`, which draws the consequences that every one has;
 * a change of user IDs besides changes capabilities. capabilities(7), "Effect of user ID changes on capabilities".
 */
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
} from '../uapi/capability.js';
import { RLIMIT_NPROC } from '../uapi/resource.js';
import { SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from '../uapi/securebits.js';
import { intersection, isSubset, single, union, without } from './capability-set.js';
import { type CapabilitySet, type Credentials, noCapabilities } from './credentials.js';
import type { Task } from './task.js';

/** Those that the file-system user ID stands for. */
const fileSystemCapabilities = [
  CAP_CHOWN,
  CAP_MKNOD,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
].reduce<CapabilitySet>((set, capability) => union(set, single(capability)), noCapabilities);

/** Gives a task new credentials. */
export function commit(task: Task, changed: Credentials): void {
  const old = task.credentials;
  task.credentials = changed;
  if (
    old.euid !== changed.euid ||
    old.egid !== changed.egid ||
    old.fsuid !== changed.fsuid ||
    old.fsgid !== changed.fsgid ||
    !isSubset(changed.permitted, old.permitted)
  ) {
    // Its memory may hold what its new identity must not see, or the other way round: ptrace(2), prctl(2) PR_SET_DUMPABLE.
    task.process.dumpable = 0;
    task.parentDeathSignal = 0;
  }
}

/** As `commit`, for calls that change the real, effective or saved user ID. */
export function commitUser(task: Task, changed: Credentials): void {
  commit(task, fixCapabilities(task.credentials, changed));
  if (changed.uid === 0) task.processesExceeded = false;
  else if (task.kernel.pids.countOfUser(changed.uid) > task.process.rlimits[RLIMIT_NPROC].soft)
    // Many programs don't check setuid's result: it succeeds, and the next execve fails.
    task.processesExceeded = true;
}

/** Root's capabilities come and go with user ID 0. */
export function fixCapabilities(old: Credentials, changed: Credentials): Credentials {
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return changed;
  let { permitted, effective, ambient } = changed;
  const wasRoot = old.uid === 0 || old.euid === 0 || old.suid === 0;
  const isRoot = changed.uid === 0 || changed.euid === 0 || changed.suid === 0;
  if (wasRoot && !isRoot) {
    if ((old.securebits & SECBIT_KEEP_CAPS) === 0) permitted = effective = noCapabilities;
    ambient = noCapabilities;
  }
  if (old.euid === 0 && changed.euid !== 0) effective = noCapabilities;
  if (old.euid !== 0 && changed.euid === 0) effective = permitted;
  return { ...changed, permitted, effective, ambient };
}

/** The same for the file-system user ID alone: setfsuid(2). */
export function fixFileSystemCapabilities(old: Credentials, changed: Credentials): Credentials {
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return changed;
  const { effective, permitted } = changed;
  if (old.fsuid === 0 && changed.fsuid !== 0)
    return { ...changed, effective: without(effective, fileSystemCapabilities) };
  if (old.fsuid !== 0 && changed.fsuid === 0)
    return { ...changed, effective: union(effective, intersection(permitted, fileSystemCapabilities)) };
  return changed;
}
