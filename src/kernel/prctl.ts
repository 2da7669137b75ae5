/** prctl(2): settings of a thread or process that have no call of their own. Operations on credentials are in prctl-cred.ts. */
import { EINVAL } from '../uapi/errno.js';
import {
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_CAP_AMBIENT,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_KEEPCAPS,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_GET_SECUREBITS,
  PR_GET_THP_DISABLE,
  PR_GET_TID_ADDRESS,
  PR_GET_TIMERSLACK,
  PR_GET_TIMING,
  PR_GET_TSC,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_MM,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_SECUREBITS,
  PR_SET_THP_DISABLE,
  PR_SET_TIMERSLACK,
  PR_SET_TIMING,
  PR_SET_TSC,
  PR_TIMING_STATISTICAL,
  PR_TSC_ENABLE,
  SUID_DUMP_DISABLE,
  SUID_DUMP_USER,
  TASK_COMM_LEN,
} from '../uapi/prctl.js';
import { SIGRTMAX } from '../uapi/signal.js';
import { nameFromBytes, nameToBytes } from '../lib/names.js';
import {
  ambient,
  boundingDrop,
  boundingHas,
  keepCapabilities,
  setKeepCapabilities,
  setNoNewPrivileges,
  setSecurebits,
} from './prctl-cred.js';
import { setMemoryLayout } from './prctl-mm.js';
import { int, syscall, ulong } from './syscall.js';
import type { Task } from './task.js';

/** One operation, with the arguments after its code. */
type Operation = (task: Task, a: number, b: number, c: number, d: number) => number;

/** Arguments that an operation does not use must be 0 in most of the newer ones. */
function unused(...values: readonly number[]): void {
  if (values.some((value) => value !== 0)) throw EINVAL;
}

const operations: Readonly<Record<number, Operation>> = {
  [PR_SET_PDEATHSIG]: (task, signal) => {
    if (signal > SIGRTMAX) throw EINVAL;
    task.parentDeathSignal = signal;
    return 0;
  },
  [PR_GET_PDEATHSIG]: (task, at) => put(task, at, task.parentDeathSignal),
  [PR_GET_DUMPABLE]: (task) => task.process.dumpable,
  [PR_SET_DUMPABLE]: (task, value) => {
    if (value !== SUID_DUMP_DISABLE && value !== SUID_DUMP_USER) throw EINVAL;
    task.process.dumpable = value;
    return 0;
  },
  [PR_SET_NAME]: setName,
  [PR_GET_NAME]: getName,
  [PR_GET_TIMING]: () => PR_TIMING_STATISTICAL,
  [PR_SET_TIMING]: (_task, value) => {
    if (value !== PR_TIMING_STATISTICAL) throw EINVAL;
    return 0;
  },
  // Guest code reads the host's time stamp counter, and nothing can stop it.
  [PR_GET_TSC]: (task, at) => put(task, at, PR_TSC_ENABLE),
  [PR_SET_TSC]: (_task, value) => {
    if (value !== PR_TSC_ENABLE) throw EINVAL;
    return 0;
  },
  [PR_GET_TIMERSLACK]: (task) => Math.min(task.timerSlackNs, 0x7fff_ffff),
  [PR_SET_TIMERSLACK]: (task, value) => {
    const reset = value === 0 || value >= 2 ** 63;
    task.timerSlackNs = reset ? task.defaultTimerSlackNs : value;
    return 0;
  },
  [PR_SET_CHILD_SUBREAPER]: (task, value) => {
    task.process.childSubreaper = value !== 0;
    return 0;
  },
  [PR_GET_CHILD_SUBREAPER]: (task, at) => put(task, at, task.process.childSubreaper ? 1 : 0),
  [PR_SET_NO_NEW_PRIVS]: (task, value, b, c, d) => {
    unused(b, c, d);
    if (value !== 1) throw EINVAL;
    return setNoNewPrivileges(task);
  },
  [PR_GET_NO_NEW_PRIVS]: (task, ...rest) => {
    unused(...rest);
    return task.credentials.noNewPrivileges ? 1 : 0;
  },
  [PR_GET_TID_ADDRESS]: (task, at) => {
    task.memory.putU64(at, task.clearChildTid);
    return 0;
  },
  // Huge pages are not made anyway.
  [PR_SET_THP_DISABLE]: (task, value, b, c, d) => {
    unused(b, c, d);
    task.process.hugePagesDisabled = value !== 0;
    return 0;
  },
  [PR_GET_THP_DISABLE]: (task, ...rest) => {
    unused(...rest);
    return task.process.hugePagesDisabled ? 1 : 0;
  },
  [PR_SET_MM]: setMemoryLayout,
  [PR_GET_KEEPCAPS]: (task) => (keepCapabilities(task) ? 1 : 0),
  [PR_SET_KEEPCAPS]: setKeepCapabilities,
  [PR_GET_SECUREBITS]: (task) => task.credentials.securebits,
  [PR_SET_SECUREBITS]: setSecurebits,
  [PR_CAPBSET_READ]: boundingHas,
  [PR_CAPBSET_DROP]: boundingDrop,
  [PR_CAP_AMBIENT]: ambient,
};

function put(task: Task, at: number, value: number): number {
  task.memory.putU32(at, value);
  return 0;
}

/** Cut to 15 bytes. */
function setName(task: Task, at: number): number {
  const length = TASK_COMM_LEN - 1;
  const name = task.memory.readString(at, length);
  task.comm = name ?? nameFromBytes(task.memory.copyIn(at, length));
  return 0;
}

function getName(task: Task, at: number): number {
  const bytes = new Uint8Array(TASK_COMM_LEN);
  bytes.set(nameToBytes(task.comm));
  task.memory.copyOut(at, bytes);
  return 0;
}

/**
 * Not there, and EINVAL as on a Linux that is built without them: seccomp, core scheduling, Yama's PR_SET_PTRACER, names of
 * anonymous memory, control of speculation, machine-check policies, system call user dispatch.
 */
export const sys_prctl = syscall([int, ulong, ulong, ulong, ulong], (task, code, a, b, c, d) => {
  const operation = operations[code];
  if (operation === undefined) throw EINVAL;
  return operation(task, a, b, c, d);
});
