/** prctl(2) on credentials: keep-capabilities, secure bits, bounding and ambient set, no_new_privs. capabilities(7). */
import { CAP_LAST_CAP, CAP_SETPCAP } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import {
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_IS_SET,
  PR_CAP_AMBIENT_LOWER,
  PR_CAP_AMBIENT_RAISE,
} from '../uapi/prctl.js';
import {
  SECBIT_KEEP_CAPS,
  SECBIT_KEEP_CAPS_LOCKED,
  SECBIT_NO_CAP_AMBIENT_RAISE,
  SECURE_ALL_BITS,
  SECURE_ALL_LOCKS,
} from '../uapi/securebits.js';
import { holds, single, union, without } from './capability-set.js';
import { commit } from './cred.js';
import { type Credentials, capable, noCapabilities } from './credentials.js';
import type { Task } from './task.js';

function change(task: Task, changes: Partial<Credentials>): number {
  commit(task, { ...task.credentials, ...changes });
  return 0;
}

export const setNoNewPrivileges = (task: Task): number => change(task, { noNewPrivileges: true });

export const keepCapabilities = ({ credentials }: Task): boolean =>
  (credentials.securebits & SECBIT_KEEP_CAPS) !== 0;

export function setKeepCapabilities(task: Task, value: number): number {
  const { securebits } = task.credentials;
  if (value > 1) throw EINVAL;
  if ((securebits & SECBIT_KEEP_CAPS_LOCKED) !== 0) throw EPERM;
  return change(task, {
    securebits: value === 1 ? securebits | SECBIT_KEEP_CAPS : securebits & ~SECBIT_KEEP_CAPS,
  });
}

/** Locks stay, and what they lock does. */
export function setSecurebits(task: Task, value: number): number {
  const { credentials } = task;
  const old = credentials.securebits;
  const locked = (old & SECURE_ALL_LOCKS) >> 1;
  if (value > (SECURE_ALL_BITS | SECURE_ALL_LOCKS) || (locked & (old ^ value)) !== 0) throw EPERM;
  if ((old & SECURE_ALL_LOCKS & ~value) !== 0 || !capable(credentials, CAP_SETPCAP)) throw EPERM;
  return change(task, { securebits: value });
}

function checkCapability(capability: number): void {
  if (capability > CAP_LAST_CAP) throw EINVAL;
}

export function boundingHas({ credentials }: Task, capability: number): number {
  checkCapability(capability);
  return holds(credentials.bounding, capability) ? 1 : 0;
}

export function boundingDrop(task: Task, capability: number): number {
  const { credentials } = task;
  if (!capable(credentials, CAP_SETPCAP)) throw EPERM;
  checkCapability(capability);
  return change(task, { bounding: without(credentials.bounding, single(capability)) });
}

export function ambient(task: Task, operation: number, capability: number, c: number, d: number): number {
  const { credentials } = task;
  if (c !== 0 || d !== 0) throw EINVAL;
  if (operation === PR_CAP_AMBIENT_CLEAR_ALL) {
    if (capability !== 0) throw EINVAL;
    return change(task, { ambient: noCapabilities });
  }
  checkCapability(capability);
  switch (operation) {
    case PR_CAP_AMBIENT_IS_SET:
      return holds(credentials.ambient, capability) ? 1 : 0;
    case PR_CAP_AMBIENT_RAISE:
      if (!mayRaise(credentials, capability)) throw EPERM;
      return change(task, { ambient: union(credentials.ambient, single(capability)) });
    case PR_CAP_AMBIENT_LOWER:
      return change(task, { ambient: without(credentials.ambient, single(capability)) });
    default:
      throw EINVAL;
  }
}

const mayRaise = ({ permitted, inheritable, securebits }: Credentials, capability: number): boolean =>
  holds(permitted, capability) &&
  holds(inheritable, capability) &&
  (securebits & SECBIT_NO_CAP_AMBIENT_RAISE) === 0;
