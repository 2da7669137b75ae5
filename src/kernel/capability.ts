/** capget(2), capset(2): the capability sets of a thread. */
import { makeSet, intersection, isSubset, union } from './capability-set.js';
import {
  CAP_SETPCAP,
  _LINUX_CAPABILITY_VERSION_1,
  _LINUX_CAPABILITY_VERSION_2,
  _LINUX_CAPABILITY_VERSION_3,
  __user_cap_data_struct,
  __user_cap_header_struct,
} from '../uapi/capability.js';
import { EFAULT, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import { commit } from './cred.js';
import { type CapabilitySet, type Credentials, allCapabilities, capable } from './credentials.js';
import { address, syscall } from './syscall.js';
import type { Task } from './task.js';

interface Header {
  readonly pid: number;
  /** Words of each set that the caller's version has. */
  readonly words: 1 | 2;
}

/** The header; an unknown version is answered by the one that we prefer, and no header. */
function readHeader({ memory }: Task, at: number): Header | undefined {
  const { version, pid } = __user_cap_header_struct.decode(memory.copyIn(at, __user_cap_header_struct.size));
  switch (version) {
    case _LINUX_CAPABILITY_VERSION_1:
      return { pid, words: 1 };
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
      return { pid, words: 2 };
    default:
      memory.putU32(at, _LINUX_CAPABILITY_VERSION_3);
      return undefined;
  }
}

const { size } = __user_cap_data_struct;

export const sys_capget = syscall([address, address], (task, headerAt, dataAt) => {
  const header = readHeader(task, headerAt);
  // Asking for the version is no error.
  if (header === undefined && dataAt === 0) return 0;
  if (header === undefined || header.pid < 0) throw EINVAL;
  if (dataAt === 0) return 0;
  const target = header.pid === 0 ? task : task.kernel.pids.tasks.get(header.pid);
  if (target === undefined) throw ESRCH;
  const { effective, permitted, inheritable } = target.credentials;
  const halves = [
    { effective: effective.lo, permitted: permitted.lo, inheritable: inheritable.lo },
    { effective: effective.hi, permitted: permitted.hi, inheritable: inheritable.hi },
  ];
  for (let word = 0; word < header.words; word++)
    task.memory.copyOut(dataAt + word * size, __user_cap_data_struct.encode(halves[word]));
  return 0;
});

export const sys_capset = syscall([address, address], (task, headerAt, dataAt) => {
  const header = readHeader(task, headerAt);
  if (header === undefined) throw EINVAL;
  if (header.pid !== 0 && header.pid !== task.tid) throw EPERM;
  if (dataAt === 0) throw EFAULT;
  const bytes = new Uint8Array(2 * size);
  bytes.set(task.memory.copyIn(dataAt, header.words * size));
  const low = __user_cap_data_struct.decode(bytes);
  const high = __user_cap_data_struct.decode(bytes.subarray(size));
  const set = (name: 'effective' | 'permitted' | 'inheritable'): CapabilitySet =>
    intersection(makeSet(low[name], high[name]), allCapabilities);
  commit(task, changed(task.credentials, set('effective'), set('permitted'), set('inheritable')));
  return 0;
});

/** No set can be given what the permitted or the bounding set does not hold already. */
function changed(
  old: Credentials,
  effective: CapabilitySet,
  permitted: CapabilitySet,
  inheritable: CapabilitySet,
): Credentials {
  if (!capable(old, CAP_SETPCAP) && !isSubset(inheritable, union(old.inheritable, old.permitted)))
    throw EPERM;
  if (!isSubset(inheritable, union(old.inheritable, old.bounding))) throw EPERM;
  if (!isSubset(permitted, old.permitted)) throw EPERM;
  if (!isSubset(effective, permitted)) throw EPERM;
  const ambient = intersection(old.ambient, intersection(permitted, inheritable));
  return { ...old, effective, permitted, inheritable, ambient };
}
