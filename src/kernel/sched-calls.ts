/**
 * Scheduling calls: sched(7), sched_setscheduler(2), sched_setattr(2), sched_setaffinity(2). The host schedules guest
 * threads; policies, priorities and masks are kept for whoever asks, and checked as Linux does. SCHED_DEADLINE needs a
 * bandwidth that nobody can promise here: EBUSY, as when there is none left.
 */
import { assert } from '../lib/assert.js';
import { CAP_SYS_NICE } from '../uapi/capability.js';
import { E2BIG, EBUSY, EINVAL, EOPNOTSUPP, EPERM, ESRCH } from '../uapi/errno.js';
import { RLIMIT_NICE, RLIMIT_RTPRIO } from '../uapi/resource.js';
import {
  SCHED_ATTR_SIZE_VER0,
  SCHED_ATTR_SIZE_VER1,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_FIFO,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_FLAG_UTIL_CLAMP_MAX,
  SCHED_FLAG_UTIL_CLAMP_MIN,
  SCHED_IDLE,
  SCHED_NORMAL,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
  schedAttrFlags,
  sched_attr,
  sched_param,
} from '../uapi/sched.js';
import { timespec } from '../uapi/time.js';
import { capable } from './credentials.js';
import { address, int, syscall, uint } from './syscall.js';
import type { Task } from './task.js';
import { copyStructIn } from './uaccess.js';

const MAX_RT_PRIO = 99;
/** RR's time slice on Linux, and what a task of the ordinary class is told. */
const RR_SLICE_NS = 100_000_000;
const FAIR_SLICE_NS = 4_000_000;

/** What to change. */
interface Scheduling {
  readonly policy: number;
  readonly priority: number;
  /** Only for the ordinary policies. */
  readonly nice: number;
  readonly resetOnFork: boolean;
}

const isRealTime = (policy: number): boolean => policy === SCHED_FIFO || policy === SCHED_RR;
const isFair = (policy: number): boolean =>
  policy === SCHED_NORMAL || policy === SCHED_BATCH || policy === SCHED_IDLE;

export function findTask(task: Task, tid: number): Task {
  if (tid < 0) throw EINVAL;
  const target = tid === 0 ? task : task.kernel.pids.tasks.get(tid);
  if (target === undefined) throw ESRCH;
  return target;
}

/** Gives way: whoever else has something to do gets it done while the call is served. */
export const sys_sched_yield = syscall([], () => 0);

export const sys_sched_setscheduler = syscall([int, int, address], (task, tid, policy, at) => {
  if (policy < 0 || at === 0) throw EINVAL;
  const target = findTask(task, tid);
  const { sched_priority: priority } = sched_param.decode(task.memory.copyIn(at, sched_param.size));
  change(task, target, {
    policy: policy & ~SCHED_RESET_ON_FORK,
    priority,
    nice: target.nice,
    resetOnFork: (policy & SCHED_RESET_ON_FORK) !== 0,
  });
  return 0;
});

export const sys_sched_setparam = syscall([int, address], (task, tid, at) => {
  if (at === 0) throw EINVAL;
  const target = findTask(task, tid);
  const { sched_priority: priority } = sched_param.decode(task.memory.copyIn(at, sched_param.size));
  change(task, target, {
    policy: target.schedPolicy,
    priority,
    nice: target.nice,
    resetOnFork: target.schedResetOnFork,
  });
  return 0;
});

export const sys_sched_getscheduler = syscall([int], (task, tid) => {
  const { schedPolicy, schedResetOnFork } = findTask(task, tid);
  return schedPolicy | (schedResetOnFork ? SCHED_RESET_ON_FORK : 0);
});

export const sys_sched_getparam = syscall([int, address], (task, tid, at) => {
  if (at === 0) throw EINVAL;
  task.memory.putU32(at, findTask(task, tid).schedPriority);
  return 0;
});

export const sys_sched_setattr = syscall([int, address, uint], (task, tid, at, flags) => {
  if (at === 0 || tid < 0 || flags !== 0) throw EINVAL;
  const attr = readAttr(task, at);
  if ((attr.sched_policy | 0) < 0) throw EINVAL;
  const target = findTask(task, tid);
  const keepsParameters = (attr.sched_flags & SCHED_FLAG_KEEP_PARAMS) !== 0;
  change(task, target, {
    policy: (attr.sched_flags & SCHED_FLAG_KEEP_POLICY) === 0 ? attr.sched_policy : target.schedPolicy,
    priority: keepsParameters ? target.schedPriority : attr.sched_priority,
    nice: keepsParameters ? target.nice : clampNice(attr.sched_nice),
    resetOnFork: (attr.sched_flags & SCHED_FLAG_RESET_ON_FORK) !== 0,
  });
  return 0;
});

/** The caller tells the size that it knows; when that is not ours, it gets ours and E2BIG. */
function readAttr(task: Task, at: number): ReturnType<typeof sched_attr.decode> {
  const size = task.memory.getU32(at) || SCHED_ATTR_SIZE_VER0;
  try {
    if (size < SCHED_ATTR_SIZE_VER0 || size > 4096) throw E2BIG;
    const attr = sched_attr.decode(copyStructIn(task, at, size, sched_attr.size));
    checkAttrFlags(attr.sched_flags, size);
    return attr;
  } catch (error) {
    if (error === E2BIG) task.memory.putU32(at, sched_attr.size);
    throw error;
  }
}

function checkAttrFlags(flags: number, size: number): void {
  const clamps = (flags & (SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX)) !== 0;
  if ((clamps && size < SCHED_ATTR_SIZE_VER1) || !schedAttrFlags.has(flags)) throw EINVAL;
  if (clamps) throw EOPNOTSUPP;
}

export const sys_sched_getattr = syscall([int, address, uint, uint], (task, tid, at, size, flags) => {
  if (at === 0 || tid < 0 || size > 4096 || size < SCHED_ATTR_SIZE_VER0 || flags !== 0) throw EINVAL;
  const { schedPolicy, schedResetOnFork, schedPriority, nice } = findTask(task, tid);
  const length = Math.min(size, sched_attr.size);
  const bytes = sched_attr.encode({
    size: length,
    sched_policy: schedPolicy,
    sched_flags: schedResetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0,
    sched_nice: isFair(schedPolicy) ? nice : 0,
    sched_priority: schedPriority,
  });
  task.memory.copyOut(at, bytes.subarray(0, length));
  return 0;
});

const clampNice = (nice: number): number => Math.max(-20, Math.min(19, nice));

/** __sched_setscheduler() of Linux: the checks, then the change. */
function change(task: Task, target: Task, wanted: Scheduling): void {
  const { policy, priority } = wanted;
  if (!isFair(policy) && !isRealTime(policy) && policy !== SCHED_DEADLINE) throw EINVAL;
  if (priority < 0 || priority > MAX_RT_PRIO) throw EINVAL;
  if (isRealTime(policy) !== (priority !== 0)) throw EINVAL;
  if (!capable(task.credentials, CAP_SYS_NICE)) checkUnprivileged(task, target, wanted);
  if (policy === SCHED_DEADLINE) throw EBUSY;
  target.schedPolicy = policy;
  target.schedPriority = priority;
  target.schedResetOnFork = wanted.resetOnFork;
  if (isFair(policy)) target.nice = wanted.nice;
}

/** What RLIMIT_NICE and RLIMIT_RTPRIO allow those without CAP_SYS_NICE. */
function checkUnprivileged(
  task: Task,
  target: Task,
  { policy, priority, nice, resetOnFork }: Scheduling,
): void {
  const { rlimits } = target.process;
  if (policy === SCHED_DEADLINE) throw EPERM;
  if (isFair(policy) && nice < target.nice && !mayHaveNice(target, nice)) throw EPERM;
  if (isRealTime(policy)) {
    const limit = rlimits[RLIMIT_RTPRIO].soft;
    if (policy !== target.schedPolicy && limit === 0) throw EPERM;
    if (priority > target.schedPriority && priority > limit) throw EPERM;
  }
  // Leaving SCHED_IDLE is as good as a better nice value.
  if (target.schedPolicy === SCHED_IDLE && policy !== SCHED_IDLE && !mayHaveNice(target, target.nice))
    throw EPERM;
  if (!ownsTask(task, target)) throw EPERM;
  if (target.schedResetOnFork && !resetOnFork) throw EPERM;
}

/** RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20). */
export const mayHaveNice = ({ process }: Task, nice: number): boolean =>
  20 - nice <= process.rlimits[RLIMIT_NICE].soft;

/** check_same_owner() of Linux. */
export const ownsTask = ({ credentials }: Task, target: Task): boolean =>
  credentials.euid === target.credentials.euid || credentials.euid === target.credentials.uid;

export const sys_sched_get_priority_max = syscall([int], (_task, policy) => limitOf(policy, MAX_RT_PRIO));
export const sys_sched_get_priority_min = syscall([int], (_task, policy) => limitOf(policy, 1));

function limitOf(policy: number, realTime: number): number {
  if (isRealTime(policy)) return realTime;
  if (isFair(policy) || policy === SCHED_DEADLINE) return 0;
  throw EINVAL;
}

export const sys_sched_rr_get_interval = syscall([int, address], (task, tid, at) => {
  const { schedPolicy } = findTask(task, tid);
  const slice = schedPolicy === SCHED_RR ? RR_SLICE_NS : schedPolicy === SCHED_FIFO ? 0 : FAIR_SLICE_NS;
  task.memory.copyOut(at, timespec.encode({ tv_sec: 0, tv_nsec: slice }));
  return 0;
});

/** Bytes of a mask of all CPUs: whole longs. */
const maskSize = ({ kernel }: Task): number => Math.ceil(kernel.params.cpuCount / 64) * 8;

/** The words of a mask of all CPUs that there are. */
export function possibleCpus(count: number): number[] {
  return Array.from({ length: Math.ceil(count / 64) * 2 }, (_, index) => {
    const bits = Math.min(32, Math.max(0, count - index * 32));
    return bits === 32 ? 0xffff_ffff : (1 << bits) - 1;
  });
}

export const sys_sched_setaffinity = syscall([int, uint, address], (task, tid, size, at) => {
  const bytes = new Uint8Array(maskSize(task));
  bytes.set(task.memory.copyIn(at, Math.min(size, bytes.length)));
  const target = findTask(task, tid);
  if (!ownsTask(task, target) && !capable(task.credentials, CAP_SYS_NICE)) throw EPERM;
  const wanted = new Uint32Array(bytes.buffer);
  const mask = possibleCpus(task.kernel.params.cpuCount).map((word, index) => (word & wanted[index]) >>> 0);
  if (mask.every((word) => word === 0)) throw EINVAL;
  target.affinity = mask;
  return 0;
});

export const sys_sched_getaffinity = syscall([int, uint, address], (task, tid, size, at) => {
  const { cpuCount } = task.kernel.params;
  if (size * 8 < cpuCount || size % 8 !== 0) throw EINVAL;
  const { affinity } = findTask(task, tid);
  const mask = possibleCpus(cpuCount).map((word, index) => (word & (affinity[index] ?? 0xffff_ffff)) >>> 0);
  const bytes = new Uint8Array(Uint32Array.from(mask).buffer);
  task.memory.copyOut(at, bytes);
  return bytes.length;
});

/** getcpu(2). Which processor it really is, only the vDSO knows; this is one that the task may be on. */
export const sys_getcpu = syscall([address, address, address], (task, cpuAt, nodeAt) => {
  const word = task.affinity.findIndex((bits) => bits !== 0);
  assert(word >= 0, 'a task may be on some processor');
  const bits = task.affinity[word];
  if (cpuAt !== 0) task.memory.putU32(cpuAt, word * 32 + 31 - Math.clz32(bits & -bits));
  if (nodeAt !== 0) task.memory.putU32(nodeAt, 0);
  return 0;
});
