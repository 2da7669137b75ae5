/**
 * Waiting for children: wait4(2), waitid(2). A child can be waited for when it has exited, stopped or continued; one that
 * exited is reaped thereby. The rules of who waits for whom are those of do_wait() in Linux's kernel/exit.c.
 */
import { EAGAIN, EBADF, ECHILD, EINVAL, ESRCH } from '../uapi/errno.js';
import { O_NONBLOCK } from '../uapi/fcntl.js';
import { rusage } from '../uapi/resource.js';
import { CLD_CONTINUED, CLD_STOPPED, CLD_TRAPPED, SIGCHLD, SIGCONT, siginfo_chld } from '../uapi/signal.js';
import {
  CONTINUED_STATUS,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  stoppedStatus,
  wait4Flags,
  waitidFlags,
} from '../uapi/wait.js';
import { processUsage, taskUsage } from './cputime.js';
import { exitCause, liveThread, reap, releaseTracee } from './exit.js';
import { type Process, type ProcessGroup, Usage } from './process.js';
import { usageRecord } from './rusage.js';
import { address, flags, int, syscall } from './syscall.js';
import type { Task } from './task.js';

/** Which children, and what to wait for. */
interface WaitRequest {
  /** W* flags. */
  readonly options: number;
  readonly matches: (child: Waitable) => boolean;
}

/** A process, or a thread that one traces. */
interface Waitable {
  readonly pid: number;
  readonly group: ProcessGroup;
  readonly process: Process;
}

const asWaitable = (process: Process): Waitable => ({ pid: process.pid, group: process.group, process });

/** What was found: as wait4 and as waitid tell it. */
interface Found {
  readonly pid: number;
  readonly uid: number;
  /** The wait status. */
  readonly status: number;
  /** si_code and si_status. */
  readonly cause: readonly [code: number, status: number];
  readonly usage: Usage;
}

export const sys_wait4 = syscall(
  [int, address, flags(wait4Flags), address],
  async (task, pid, statusAt, options, usageAt) => {
    const found = await wait(task, { options: options | WEXITED, matches: byWait4Pid(task, pid) });
    if (found === undefined) return 0;
    if (statusAt !== 0) task.memory.putU32(statusAt, found.status);
    if (usageAt !== 0) task.memory.copyOut(usageAt, rusage.encode(usageRecord(found.usage)));
    return found.pid;
  },
);

export const sys_waitid = syscall(
  [int, int, address, flags(waitidFlags), address],
  async (task, type, id, infoAt, options, usageAt) => {
    if ((options & (WEXITED | WUNTRACED | WCONTINUED)) === 0) throw EINVAL;
    const [matches, nonBlocking] = byWaitidType(task, type, id);
    const request = { matches, options: nonBlocking ? options | WNOHANG : options };
    let found: Found | undefined;
    try {
      found = await wait(task, request);
    } finally {
      // The structure is written, with zeros, when there is nothing to tell, and also after an error.
      if (found === undefined && infoAt !== 0) writeInfo(task, infoAt, undefined);
    }
    if (found === undefined) {
      if (nonBlocking && (options & WNOHANG) === 0) throw EAGAIN;
      return 0;
    }
    if (usageAt !== 0) task.memory.copyOut(usageAt, rusage.encode(usageRecord(found.usage)));
    if (infoAt !== 0) writeInfo(task, infoAt, found);
    return 0;
  },
);

/** Only these fields of siginfo_t are touched. */
function writeInfo({ memory }: Task, at: number, found: Found | undefined): void {
  const { offset } = siginfo_chld;
  memory.putU32(at + offset.si_signo, found === undefined ? 0 : SIGCHLD);
  memory.putU32(at + offset.si_errno, 0);
  memory.putU32(at + offset.si_code, found?.cause[0] ?? 0);
  memory.putU32(at + offset.si_pid, found?.pid ?? 0);
  memory.putU32(at + offset.si_uid, found?.uid ?? 0);
  memory.putU32(at + offset.si_status, found?.cause[1] ?? 0);
}

/** wait4's argument: a child, a group as a negative number, the caller's group as 0, any child as -1. */
function byWait4Pid({ process }: Task, pid: number): WaitRequest['matches'] {
  if (pid === -0x8000_0000) throw ESRCH;
  if (pid === -1) return () => true;
  if (pid > 0) return (child) => child.pid === pid;
  return inGroup(pid === 0 ? process.group.id : -pid);
}

const inGroup =
  (id: number) =>
  (child: Waitable): boolean =>
    child.group.id === id;

/** Whom waitid's first two arguments name; and whether that is by a descriptor that must not block. */
function byWaitidType(
  { kernel, process, files }: Task,
  type: number,
  id: number,
): [matches: WaitRequest['matches'], nonBlocking: boolean] {
  switch (type) {
    case P_ALL:
      return [() => true, false];
    case P_PID:
      if (id <= 0) throw EINVAL;
      return [(child) => child.pid === id, false];
    case P_PGID:
      if (id < 0) throw EINVAL;
      return [inGroup(id === 0 ? process.group.id : id), false];
    case P_PIDFD: {
      if (id < 0) throw EINVAL;
      const file = files.get(id);
      const target = kernel.pidFiles.processOf(file);
      if (target === undefined) throw EBADF;
      return [
        (child) => child.process === target && child.pid === target.pid,
        (file.flags & O_NONBLOCK) !== 0,
      ];
    }
    default:
      throw EINVAL;
  }
}

/** What there is to tell, or undefined with WNOHANG when there is nothing yet. ECHILD when there never can be. */
async function wait(task: Task, request: WaitRequest): Promise<Found | undefined> {
  const { process } = task;
  for (;;) {
    let possible = false;
    for (const child of process.children) {
      if (!isEligible(task, child, request)) continue;
      // Whom the parent itself traces, comes below; whom another does, tells that one first.
      const tracer = child.leader?.tracing?.tracer.process;
      const mine = tracer === process || (tracer !== undefined && child.exitStatus !== undefined);
      const found = mine ? undefined : consider(task, child, request.options);
      if (found !== undefined) return found;
      // A zombie has no more to tell than that it has exited.
      possible ||= child.exitStatus === undefined || mine;
    }
    for (const tracee of traceesOf(task, request)) {
      const found = considerTracee(task, tracee, request.options);
      if (found !== undefined) return found;
      possible = true;
    }
    if (!possible) throw ECHILD;
    if ((request.options & WNOHANG) !== 0) return undefined;
    await process.childChanged.sleep(task);
  }
}

/** The tasks that the threads of a process trace, and that are asked for. __WCLONE does not matter to them. */
function* traceesOf(task: Task, { matches, options }: WaitRequest): Iterable<Task> {
  for (const thread of task.process.threads) {
    if (thread.tracees === undefined || ((options & __WNOTHREAD) !== 0 && thread !== task)) continue;
    for (const tracee of thread.tracees) {
      const { process } = tracee;
      if (matches({ pid: tracee.tid, group: process.group, process })) yield tracee;
    }
  }
}

/** A stop of a traced task, or its end. WUNTRACED does not matter: tracers always want to know. */
function considerTracee(task: Task, tracee: Task, options: number): Found | undefined {
  const { process, tracing } = tracee;
  if (tracing !== undefined && tracing.report !== 0 && tracee.state === 'traced') {
    const status = tracing.report;
    if ((options & WNOWAIT) === 0) tracing.report = 0;
    return tellOf(tracee, (status << 8) | 0x7f, [CLD_TRAPPED, status], taskUsage(tracee));
  }
  if (tracee.state !== 'zombie' || (options & WEXITED) === 0) return undefined;
  const { exitStatus } = process;
  if (tracee.isLeader && exitStatus === undefined) return undefined;
  // A leader stands for its process.
  if (tracee.isLeader && process.parent === task.process)
    return exited(task, process, exitStatus ?? 0, options);
  const status = (tracee.isLeader ? exitStatus : undefined) ?? tracee.exitCode;
  const found = tellOf(tracee, status, exitCause(status), taskUsage(tracee));
  if ((options & WNOWAIT) === 0) releaseTracee(tracee);
  return found;
}

const tellOf = ({ tid, credentials }: Task, status: number, cause: Found['cause'], usage: Usage): Found => ({
  pid: tid,
  uid: credentials.uid,
  status,
  cause,
  usage,
});

function isEligible(task: Task, child: Process, { options, matches }: WaitRequest): boolean {
  if (!matches(asWaitable(child))) return false;
  if ((options & __WNOTHREAD) !== 0 && child.parentTask !== task) return false;
  if ((options & __WALL) !== 0) return true;
  // A "clone" child is one that tells its parent by another signal than SIGCHLD.
  return (child.exitSignal !== SIGCHLD) === ((options & __WCLONE) !== 0);
}

function consider(task: Task, child: Process, options: number): Found | undefined {
  if (child.exitStatus !== undefined)
    return (options & WEXITED) === 0 ? undefined : exited(task, child, child.exitStatus, options);
  if (child.stopReport !== 0 && (options & WUNTRACED) !== 0) return stopped(child, options);
  if (child.continueReport && (options & WCONTINUED) !== 0) return continued(child, options);
  return undefined;
}

function exited({ kernel, process }: Task, child: Process, status: number, options: number): Found {
  const found = tell(child, status, exitCause(status));
  if ((options & WNOWAIT) === 0) {
    process.childUsage.add(found.usage);
    reap(kernel, child);
  }
  return found;
}

function stopped(child: Process, options: number): Found {
  const signal = child.stopReport;
  if ((options & WNOWAIT) === 0) child.stopReport = 0;
  return tell(child, stoppedStatus(signal), [CLD_STOPPED, signal]);
}

function continued(child: Process, options: number): Found {
  if ((options & WNOWAIT) === 0) child.continueReport = false;
  return tell(child, CONTINUED_STATUS, [CLD_CONTINUED, SIGCONT]);
}

function tell(child: Process, status: number, cause: readonly [number, number]): Found {
  const usage = processUsage(child);
  usage.add(child.childUsage);
  const uid = (child.leader ?? liveThread(child))?.credentials.uid ?? 0;
  return { pid: child.pid, uid, status, cause, usage };
}
