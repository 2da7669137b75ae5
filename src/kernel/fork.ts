/**
 * New threads and processes: fork(2), vfork(2), clone(2), clone3(2). One function makes them all; what the child shares with
 * its parent and what it gets a copy of is a matter of flags.
 *
 * There are no cgroups to start a child in: CLONE_INTO_CGROUP answers EINVAL.
 */
import type { CpuContext } from '../host/cpu.js';
import { or } from '../lib/word64.js';
import type { AddressSpace } from '../mm/address-space.js';
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from '../uapi/capability.js';
import { EAGAIN, EFAULT, EINVAL, EPERM, ERESTARTNOINTR, Errno } from '../uapi/errno.js';
import {
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_VFORK,
  PTRACE_EVENT_VFORK_DONE,
} from '../uapi/ptrace.js';
import { RLIMIT_NOFILE, RLIMIT_NPROC } from '../uapi/resource.js';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_CLEAR_SIGHAND,
  CLONE_DETACHED,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_PTRACE,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_UNTRACED,
  CLONE_VFORK,
  CLONE_VM,
  SCHED_FIFO,
  SCHED_NORMAL,
  SCHED_RR,
} from '../uapi/sched.js';
import { SIGCHLD } from '../uapi/signal.js';
import { type CloneRequest, clone3Arguments, cloneArguments, hasHighFlag } from './clone-args.js';
import { startCpuLimit } from './cpu-timers.js';
import { capable } from './credentials.js';
import type { Namespaces } from './namespaces.js';
import { endContext, reap } from './exit.js';
import { enterCopy, leaveNamespaces, newNamespaces } from './nsproxy.js';
import { ptraceEvent, traceChild, wantsEvent } from './ptrace.js';
import { Process } from './process.js';
import { address, syscall, ulong } from './syscall.js';
import { Task } from './task.js';
import { Completion } from './wait.js';

/** How long a refused fork takes, for each task that there is. */
const REFUSAL_NS = 100_000;

const plain: CloneRequest = {
  flags: 0,
  exitSignal: SIGCHLD,
  stack: 0,
  tls: 0,
  pidfd: 0,
  parentTid: 0,
  childTid: 0,
  tid: undefined,
};

export const sys_fork = syscall([], (task) => clone(task, plain));

export const sys_vfork = syscall([], (task) => clone(task, { ...plain, flags: or(CLONE_VFORK, CLONE_VM) }));

/** clone(2), with the order of arguments that x86-64 has. */
export const sys_clone = syscall(
  [ulong, address, address, address, address],
  (task, flags, stack, parentTid, childTid, tls) =>
    clone(task, cloneArguments(flags, stack, parentTid, childTid, tls)),
);

export const sys_clone3 = syscall([address, ulong], (task, args, size) =>
  clone(task, clone3Arguments(task, args, size)),
);

/** set_tid_address(2). */
export const sys_set_tid_address = syscall([address], (task, at) => {
  task.clearChildTid = at;
  return task.tid;
});

/** Makes a child, lets it run, and returns its number; after a vfork, once it has its own program or is gone. */
function clone(task: Task, request: CloneRequest): number | Promise<number> {
  // So that a signal for the whole group reaches either the parent before, or both.
  if (task.signalPending()) throw ERESTARTNOINTR;
  let child: Task;
  try {
    child = copyProcess(task, request);
  } catch (error) {
    if (error !== EAGAIN) throw error;
    return refused(task);
  }
  const { tid } = child;
  const { flags } = request;
  if ((flags & CLONE_PARENT_SETTID) !== 0) putTid(task.mm, request.parentTid, tid);
  if ((flags & CLONE_CHILD_SETTID) !== 0) putTid(child.mm, request.childTid, tid);
  if ((flags & CLONE_VFORK) !== 0) child.vforkDone = new Completion();
  const event = task.tracing === undefined ? 0 : tracedEvent(task, request);
  if (event !== 0 || (flags & CLONE_PTRACE) !== 0) traceChild(task, child);
  const { vforkDone } = child;
  start(child);
  return event === 0 && vforkDone === undefined ? tid : finishClone(task, tid, event, vforkDone);
}

/**
 * There are too many tasks. What asks for more again and again, as fork bombs do, waits the longer the more there are of
 * it: so there is time for others, who would be one among thousands.
 */
async function refused(task: Task): Promise<number> {
  const { host, pids } = task.kernel;
  const deadline = host.clock.now() + pids.tasks.size * REFUSAL_NS;
  while (host.clock.now() < deadline && !task.signalPending()) await task.park('interruptible', deadline);
  throw EAGAIN;
}

/** The event that a tracer is told of, or 0. */
function tracedEvent(task: Task, { flags, exitSignal }: CloneRequest): number {
  if ((flags & CLONE_UNTRACED) !== 0) return 0;
  const vfork = (flags & CLONE_VFORK) !== 0;
  const other = exitSignal === SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
  const event = vfork ? PTRACE_EVENT_VFORK : other;
  return wantsEvent(task, event) ? event : 0;
}

/** What is left to wait for after the child runs: the tracer, and the child of a vfork. */
async function finishClone(
  task: Task,
  tid: number,
  event: number,
  vforkDone: Completion | undefined,
): Promise<number> {
  if (event !== 0) await ptraceEvent(task, event, tid);
  if (vforkDone !== undefined) {
    while (!vforkDone.done) await vforkDone.changed.sleepKillable(task);
    if (task.tracing !== undefined) await ptraceEvent(task, PTRACE_EVENT_VFORK_DONE, tid);
  }
  return tid;
}

function start(child: Task): void {
  startCpuLimit(child.kernel, child.process);
  // Its tracer comes first.
  if (child.workPending) child.kernel.traps.returnToUser(child);
  else {
    child.state = 'user';
    child.context?.resume();
  }
}

/** A bad address is the caller's loss: Linux does not tell either. */
function putTid(mm: AddressSpace | undefined, at: number, tid: number): void {
  try {
    mm?.putU32(at, tid);
  } catch (error) {
    if (error !== EFAULT) throw error;
  }
}

function copyProcess(parent: Task, request: CloneRequest): Task {
  const { flags } = request;
  const { kernel } = parent;
  checkFlags(parent, flags);
  if ((flags & CLONE_SETTLS) !== 0 && request.tls >= kernel.host.cpu.userTop) throw EPERM;
  checkLimits(parent);
  const namespaces = newNamespaces(parent, flags);
  const tid = request.tid ?? kernel.pids.allocate();
  const [mm, context] = copyMemory(parent, flags, namespaces);

  // From here on nothing fails but the descriptor of CLONE_PIDFD.
  const files = (flags & CLONE_FILES) === 0 ? parent.files.clone() : parent.files;
  if (files === parent.files) files.users++;
  const fs = (flags & CLONE_FS) === 0 ? parent.fs.clone() : parent.fs;
  if (fs === parent.fs) fs.users++;
  const process = (flags & CLONE_THREAD) === 0 ? copySignals(parent, tid, request) : parent.process;
  const child = new Task(kernel, tid, process, parent.credentials, files, fs, namespaces);
  kernel.forks++;
  enterCopy(child, parent.namespaces);
  child.mm = mm;
  child.context = context;
  context.owner = child;
  copyTask(parent, child, flags);
  if ((flags & CLONE_CHILD_CLEARTID) !== 0) child.clearChildTid = request.childTid;
  context.copyFrom(parent.context!);
  kernel.arch.startChild(child, request.stack, (flags & CLONE_SETTLS) === 0 ? undefined : request.tls);

  process.leader ??= child;
  process.threads.add(child);
  kernel.pids.tasks.set(tid, child);
  if (process !== parent.process) kernel.pids.processes.set(tid, process);
  if ((flags & CLONE_PIDFD) !== 0) installPidfd(parent, child, request.pidfd);
  return child;
}

/** Which flags go together: the rules at the head of Linux's copy_process(). */
function checkFlags(parent: Task, flags: number): void {
  const all = (wanted: number): boolean => (flags & wanted) === wanted;
  const any = (wanted: number): boolean => (flags & wanted) !== 0;
  if (all(CLONE_NEWNS | CLONE_FS) || all(CLONE_NEWUSER | CLONE_FS)) throw EINVAL;
  if (any(CLONE_THREAD) && !any(CLONE_SIGHAND)) throw EINVAL;
  if (any(CLONE_SIGHAND) && !any(CLONE_VM)) throw EINVAL;
  // Siblings of init would have no reaper.
  if (any(CLONE_PARENT) && parent.process.pid === 1) throw EINVAL;
  if (any(CLONE_THREAD) && any(CLONE_NEWUSER | CLONE_NEWPID)) throw EINVAL;
  if (any(CLONE_PIDFD) && any(CLONE_DETACHED | CLONE_THREAD)) throw EINVAL;
  if (all(CLONE_NEWIPC | CLONE_SYSVSEM)) throw EINVAL;
}

/** RLIMIT_NPROC: of processes and threads with the same real user, root's aside. */
function checkLimits({ kernel, process, credentials }: Task): void {
  const limit = process.rlimits[RLIMIT_NPROC].soft;
  if (limit === Infinity || credentials.uid === 0) return;
  if (capable(credentials, CAP_SYS_RESOURCE) || capable(credentials, CAP_SYS_ADMIN)) return;
  if (kernel.pids.countOfUser(credentials.uid) >= limit) throw EAGAIN;
}

/** The child's address space, and a context in it. */
function copyMemory(parent: Task, flags: number, namespaces: Namespaces): [AddressSpace, CpuContext] {
  const { memory } = parent;
  try {
    const share = (flags & CLONE_VM) !== 0;
    const mm = share ? memory : memory.fork();
    if (share) mm.users++;
    const context = mm.host.createContext();
    if (context !== undefined) return [mm, context];
    mm.leave();
    throw EAGAIN;
  } catch (error) {
    leaveNamespaces(parent, namespaces);
    throw error;
  }
}

/** What the threads of the new process will share. */
function copySignals(parent: Task, pid: number, request: CloneRequest): Process {
  const { flags } = request;
  const from = parent.process;
  const sibling = (flags & CLONE_PARENT) !== 0;
  const process = new Process(pid, undefined, sibling ? from.parent : from, from.group);
  process.parentTask = sibling ? from.parentTask : parent;
  process.exitSignal = sibling ? from.exitSignal : request.exitSignal;
  process.handlers = (flags & CLONE_SIGHAND) === 0 ? from.handlers.clone() : from.handlers;
  if (hasHighFlag(flags, CLONE_CLEAR_SIGHAND)) process.handlers.resetForExec();
  process.rlimits = from.rlimits;
  process.dumpable = from.dumpable;
  process.hugePagesDisabled = from.hugePagesDisabled;
  return process;
}

/** What each thread has for itself. */
function copyTask(parent: Task, child: Task, flags: number): void {
  child.comm = parent.comm;
  child.signals.blocked = parent.signals.blocked.clone();
  // A thread that runs beside its parent can't use the same alternate stack.
  if ((flags & (CLONE_VM | CLONE_VFORK)) !== CLONE_VM) child.signals.altStack = parent.signals.altStack;
  child.personality = parent.personality;
  child.timerSlackNs = child.defaultTimerSlackNs = parent.timerSlackNs;
  child.ioPriority = parent.ioPriority;
  child.affinity = parent.affinity;
  child.nice = parent.nice;
  child.schedPolicy = parent.schedPolicy;
  child.schedPriority = parent.schedPriority;
  if (parent.schedResetOnFork) resetScheduling(child);
}

function resetScheduling(child: Task): void {
  if (child.schedPolicy === SCHED_FIFO || child.schedPolicy === SCHED_RR) {
    child.schedPolicy = SCHED_NORMAL;
    child.schedPriority = 0;
    child.nice = 0;
  } else child.nice = Math.max(0, child.nice);
}

/** A bad address or a full table undoes the child: it has not run. */
function installPidfd(parent: Task, child: Task, at: number): void {
  const { kernel, files, process } = parent;
  try {
    const fd = files.install(
      kernel.pidFiles.open(parent, child.process, 0),
      true,
      process.rlimits[RLIMIT_NOFILE].soft,
    );
    try {
      parent.memory.putU32(at, fd);
    } catch (error) {
      files.close(parent, fd);
      throw error;
    }
  } catch (error) {
    if (error instanceof Errno) undo(child);
    throw error;
  }
}

function undo(child: Task): void {
  endContext(child);
  child.mm?.leave();
  child.mm = undefined;
  child.files.leave(child);
  child.fs.leave();
  reap(child.kernel, child.process);
  leaveNamespaces(child, child.namespaces);
}
