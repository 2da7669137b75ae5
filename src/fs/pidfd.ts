/** Files that stand for processes: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2). */
import type { PidFiles as PidFilesContract } from '../kernel/kernel.js';
import { readUserInfo, signalProcess } from '../kernel/kill.js';
import type { Process } from '../kernel/process.js';
import { mayAccess } from '../kernel/ptrace-access.js';
import { killInfo } from '../kernel/siginfo.js';
import type { SignalInfo } from '../kernel/signal-state.js';
import { address, fd, int, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EBADF, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import { EPOLLIN, EPOLLRDNORM } from '../uapi/epoll.js';
import { O_RDWR } from '../uapi/fcntl.js';
import { PIDFD_NONBLOCK } from '../uapi/pidfd.js';
import { SI_MAX_SIZE, siginfo } from '../uapi/signal.js';
import { AnonymousFile } from './anon-inode.js';
import { descriptorLimit } from './file-calls.js';
import type { File, PollTable } from './file.js';

class PidFile extends AnonymousFile {
  constructor(
    task: Task,
    readonly process: Process,
    openFlags: number,
  ) {
    super(task.kernel, task.credentials, O_RDWR | openFlags, 'anon_inode:[pidfd]');
  }

  /** The process has ended and has been waited for: its number may be another's. */
  get reaped(): boolean {
    return this.inode.superBlock.kernel.pids.processes.get(this.process.pid) !== this.process;
  }

  /** Readable once the process has ended, be it still a zombie. */
  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.process.changed);
    return this.process.exitStatus === undefined ? 0 : EPOLLIN | EPOLLRDNORM;
  }

  override showFdInfo(): string {
    const pid = this.reaped ? -1 : this.process.pid;
    return `Pid:\t${pid}\nNSpid:\t${pid}\n`;
  }
}

/** What fork and wait need of them. */
export class PidFiles implements PidFilesContract {
  open(task: Task, process: Process, openFlags: number): File {
    return new PidFile(task, process, openFlags & PIDFD_NONBLOCK);
  }
  processOf(file: File): Process | undefined {
    return file instanceof PidFile ? file.process : undefined;
  }
}

/** PIDFD_THREAD came with Linux 6.9. */
export const sys_pidfd_open = syscall([int, uint], (task, pid, openFlags) => {
  if ((openFlags & ~PIDFD_NONBLOCK) !== 0 || pid <= 0) throw EINVAL;
  const { processes, tasks } = task.kernel.pids;
  const process = processes.get(pid);
  // A number that only a thread has names no process.
  if (process === undefined) throw tasks.has(pid) ? EINVAL : ESRCH;
  const file = new PidFile(task, process, openFlags);
  return task.files.installNew(file, true, descriptorLimit(task));
});

function pidFile(task: Task, at: number): PidFile {
  const file = task.files.getOpen(at);
  if (!(file instanceof PidFile)) throw EBADF;
  return file;
}

/** Flags are for future use. */
export const sys_pidfd_send_signal = syscall([fd, int, address, uint], (task, at, signal, info, flags) => {
  if (flags !== 0) throw EINVAL;
  const file = pidFile(task, at);
  const sent = info === 0 ? killInfo(task, signal) : userInfo(task, info, signal, file.process);
  signalProcess(task, file.reaped ? undefined : file.process, sent);
  return 0;
});

function userInfo(task: Task, at: number, signal: number, to: Process): SignalInfo {
  const { si_signo } = siginfo.decode(task.memory.copyIn(at, SI_MAX_SIZE));
  if (si_signo !== signal) throw EINVAL;
  return readUserInfo(task, at, signal, to === task.process);
}

/** A copy of another process's descriptor. */
export const sys_pidfd_getfd = syscall([fd, fd, uint], (task, at, wanted, flags) => {
  if (flags !== 0) throw EINVAL;
  const { process, reaped } = pidFile(task, at);
  const target = process.leader;
  if (reaped || target === undefined || process.exitStatus !== undefined) throw ESRCH;
  if (!mayAccess(task, target)) throw EPERM;
  return task.files.install(target.files.get(wanted), true, descriptorLimit(task));
});
