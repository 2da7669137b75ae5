/** Sending signals from user space: kill(2), tgkill(2), rt_sigqueueinfo(2). */
import { EAGAIN, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import { SIGCONT, SI_MAX_SIZE, SI_TKILL, _NSIG, siginfo } from '../uapi/signal.js';
import { type Credentials, capable } from './credentials.js';
import type { Process } from './process.js';
import { decodeSiginfo, killInfo, threadKillInfo } from './siginfo.js';
import { isAlive, sendToProcess, sendToTask } from './signal-send.js';
import type { SignalInfo } from './signal-state.js';
import { address, int, syscall } from './syscall.js';
import type { Task } from './task.js';

const CAP_KILL = 5;

/** Whether one may send a signal to processes with these credentials: kill(2). */
function mayKill(sender: Credentials, target: Credentials): boolean {
  const { uid, euid } = sender;
  if (euid === target.suid || euid === target.uid || uid === target.suid || uid === target.uid) return true;
  return capable(sender, CAP_KILL);
}

/** EINVAL for a number that is no signal, EPERM. */
export function checkKillPermission(sender: Task, target: Task, signal: number): void {
  if (signal < 0 || signal > _NSIG) throw EINVAL;
  if (sender.process === target.process || mayKill(sender.credentials, target.credentials)) return;
  // A shell may continue what has changed its identity.
  if (signal === SIGCONT && sender.process.session === target.process.session) return;
  throw EPERM;
}

/** Any task of a process, to know whose it is; a zombie keeps its leader. */
function someTask(process: Process): Task | undefined {
  if (process.leader !== undefined) return process.leader;
  for (const task of process.threads) return task;
  return undefined;
}

/** Sends to one process after checking. ESRCH, EPERM, EINVAL, EAGAIN. */
export function signalProcess(sender: Task, process: Process | undefined, info: SignalInfo): void {
  const target = process === undefined ? undefined : someTask(process);
  if (process === undefined || target === undefined) throw ESRCH;
  checkKillPermission(sender, target, info.signal);
  if (info.signal !== 0 && !sendToProcess(process, info)) throw EAGAIN;
}

/** A process by its number or by that of one of its threads. */
const findProcess = (task: Task, pid: number): Process | undefined =>
  task.kernel.pids.processes.get(pid) ?? task.kernel.pids.tasks.get(pid)?.process;

/** Sends to several; it is enough that one could be sent to. */
function signalMany(sender: Task, processes: Iterable<Process>, info: SignalInfo): number {
  let error: unknown = ESRCH;
  let succeeded = false;
  for (const process of processes) {
    try {
      signalProcess(sender, process, info);
      succeeded = true;
    } catch (caught) {
      error = caught;
    }
  }
  if (!succeeded) throw error;
  return 0;
}

/** Everybody but init and the sender itself. That nobody may be sent to is no error, as long as there is somebody. */
function signalAll(sender: Task, info: SignalInfo): number {
  let count = 0;
  let error: unknown;
  for (const process of sender.kernel.pids.processes.values()) {
    if (process.pid === 1 || process === sender.process) continue;
    count++;
    try {
      signalProcess(sender, process, info);
    } catch (caught) {
      if (caught !== EPERM) error = caught;
    }
  }
  if (count === 0) throw ESRCH;
  if (error !== undefined) throw error;
  return 0;
}

/** kill(2). */
export const sys_kill = syscall([int, int], (task, pid, signal) => {
  const info = killInfo(task, signal);
  if (pid > 0) {
    signalProcess(task, findProcess(task, pid), info);
    return 0;
  }
  if (pid === -1) return signalAll(task, info);
  const group = pid === 0 ? task.process.group : task.kernel.pids.groups.get(-pid);
  if (group === undefined) throw ESRCH;
  return signalMany(task, group.members, info);
});

function signalThread(sender: Task, tgid: number, tid: number, info: SignalInfo): number {
  const target = sender.kernel.pids.tasks.get(tid);
  if (target === undefined || (tgid > 0 && target.process.pid !== tgid)) throw ESRCH;
  checkKillPermission(sender, target, info.signal);
  if (info.signal !== 0 && isAlive(target) && !sendToTask(target, info)) throw EAGAIN;
  return 0;
}

/** tkill(2). */
export const sys_tkill = syscall([int, int], (task, tid, signal) => {
  if (tid <= 0) throw EINVAL;
  return signalThread(task, 0, tid, threadKillInfo(task, signal));
});

/** tgkill(2). */
export const sys_tgkill = syscall([int, int, int], (task, tgid, tid, signal) => {
  if (tid <= 0 || tgid <= 0) throw EINVAL;
  return signalThread(task, tgid, tid, threadKillInfo(task, signal));
});

/** An info made by user space. Only to itself may a process send what looks as if it came from the kernel, or kill(2). */
export function readUserInfo(task: Task, at: number, signal: number, toSelf: boolean): SignalInfo {
  const bytes = task.memory.copyIn(at, SI_MAX_SIZE);
  const { si_code } = siginfo.decode(bytes);
  if ((si_code >= 0 || si_code === SI_TKILL) && !toSelf) throw EPERM;
  return decodeSiginfo(bytes, signal);
}

/** rt_sigqueueinfo(2). */
export const sys_rt_sigqueueinfo = syscall([int, int, address], (task, pid, signal, at) => {
  const info = readUserInfo(task, at, signal, pid === task.process.pid);
  signalProcess(task, findProcess(task, pid), info);
  return 0;
});

/** rt_tgsigqueueinfo(2). */
export const sys_rt_tgsigqueueinfo = syscall([int, int, int, address], (task, tgid, tid, signal, at) => {
  if (tid <= 0 || tgid <= 0) throw EINVAL;
  return signalThread(task, tgid, tid, readUserInfo(task, at, signal, tid === task.tid));
});
