/** The arguments of clone(2) and clone3(2), checked and in one form. */
import { andNot, lo } from '../lib/word64.js';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from '../uapi/capability.js';
import { E2BIG, EEXIST, EINVAL, EPERM } from '../uapi/errno.js';
import {
  CLONE_ARGS_SIZE_VER0,
  CLONE_CLEAR_SIGHAND,
  CLONE_DETACHED,
  CLONE_INTO_CGROUP,
  CLONE_NEWTIME,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CSIGNAL,
  clone_args,
} from '../uapi/sched.js';
import { _NSIG } from '../uapi/signal.js';
import { capable } from './credentials.js';
import { copyStructIn } from './uaccess.js';
import type { Task } from './task.js';

/** What to make: Linux's struct kernel_clone_args. */
export interface CloneRequest {
  /** CLONE_*, without the signal; also those above 32 bits: `hasHighFlag`. */
  readonly flags: number;
  readonly exitSignal: number;
  /** The initial stack pointer; 0: the parent's. */
  readonly stack: number;
  readonly tls: number;
  /** Where the descriptor of CLONE_PIDFD is stored. */
  readonly pidfd: number;
  readonly parentTid: number;
  readonly childTid: number;
  /** The number that the child is to have; undefined: any. */
  readonly tid: number | undefined;
}

/** For flags above 32 bits, which bit operators do not see. */
export const hasHighFlag = (flags: number, flag: number): boolean => Math.floor(flags / flag) % 2 === 1;

export function cloneArguments(
  flags: number,
  stack: number,
  parentTid: number,
  childTid: number,
  tls: number,
): CloneRequest {
  // CLONE_PIDFD stores its descriptor where CLONE_PARENT_SETTID stores the number.
  if ((flags & CLONE_PIDFD) !== 0 && (flags & CLONE_PARENT_SETTID) !== 0) throw EINVAL;
  return {
    flags: (lo(flags) & ~CSIGNAL) >>> 0,
    exitSignal: flags & CSIGNAL,
    stack,
    tls,
    pidfd: parentTid,
    parentTid,
    childTid,
    tid: undefined,
  };
}

/** Of PID namespaces, there is one, so one number at most can be chosen. */
const NAMESPACE_LEVELS = 1;
const MAX_PID_NS_LEVEL = 32;
const HIGHEST_FLAG = CLONE_INTO_CGROUP;

export function clone3Arguments(task: Task, at: number, size: number): CloneRequest {
  if (size > 4096) throw E2BIG;
  if (size < CLONE_ARGS_SIZE_VER0) throw EINVAL;
  const args = clone_args.decode(copyStructIn(task, at, size, clone_args.size));
  if (args.set_tid_size > MAX_PID_NS_LEVEL) throw EINVAL;
  if ((args.set_tid === 0) !== (args.set_tid_size === 0)) throw EINVAL;
  if (args.exit_signal > _NSIG) throw EINVAL;
  const tid = args.set_tid === 0 ? undefined : chosenTid(task, args.set_tid, args.set_tid_size);
  checkClone3(task, args.flags, args.exit_signal, args.stack, args.stack_size);
  return {
    flags: args.flags,
    exitSignal: args.exit_signal,
    stack: args.stack === 0 ? 0 : args.stack + args.stack_size,
    tls: args.tls,
    pidfd: args.pidfd,
    parentTid: args.parent_tid,
    childTid: args.child_tid,
    tid,
  };
}

/** clone3_args_valid() of Linux; and no cgroups to start in. */
function checkClone3(task: Task, flags: number, exitSignal: number, stack: number, stackSize: number): void {
  if (flags >= 2 * HIGHEST_FLAG || hasHighFlag(flags, CLONE_INTO_CGROUP)) throw EINVAL;
  if ((flags & (CLONE_DETACHED | andNot(CSIGNAL, CLONE_NEWTIME))) !== 0) throw EINVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && hasHighFlag(flags, CLONE_CLEAR_SIGHAND)) throw EINVAL;
  if ((flags & (CLONE_THREAD | CLONE_PARENT)) !== 0 && exitSignal !== 0) throw EINVAL;
  if ((stack === 0) !== (stackSize === 0)) throw EINVAL;
  if (stack + stackSize > task.kernel.host.cpu.userTop) throw EINVAL;
}

/** set_tid: for checkpoint and restore. */
function chosenTid(task: Task, at: number, count: number): number {
  const { kernel, credentials } = task;
  const tid = task.memory.getU32(at) | 0;
  if (count > NAMESPACE_LEVELS || tid < 1 || tid >= kernel.pids.max) throw EINVAL;
  if (!capable(credentials, CAP_CHECKPOINT_RESTORE) && !capable(credentials, CAP_SYS_ADMIN)) throw EPERM;
  if (kernel.pids.inUse(tid)) throw EEXIST;
  return tid;
}
