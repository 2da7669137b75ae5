/**
 * Signal-driven input and output: O_ASYNC, fcntl(2) F_SETOWN and F_SETSIG. A notifier watches the queues that a poll of the
 * file would, and sends SIGIO, or the signal asked for, whenever one is woken.
 */
import { capable } from '../kernel/credentials.js';
import { kernelInfo, pollInfo } from '../kernel/siginfo.js';
import { sendToProcess, sendToTask } from '../kernel/signal-send.js';
import type { Process } from '../kernel/process.js';
import type { SignalInfo } from '../kernel/signal-state.js';
import type { Task } from '../kernel/task.js';
import type { Waiter, WaitQueue } from '../kernel/wait.js';
import { CAP_KILL } from '../uapi/capability.js';
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDBAND,
  EPOLLRDNORM,
  EPOLLWRBAND,
  EPOLLWRNORM,
} from '../uapi/epoll.js';
import { FASYNC, F_OWNER_PGRP, F_OWNER_PID } from '../uapi/fcntl.js';
import { POLL_HUP, POLL_IN, POLL_OUT, POLL_PRI, SIGIO } from '../uapi/signal.js';
import type { File, PollTable, ReleaseListener } from './file.js';

/** For each POLL_* code what wakes it, and the si_band that it comes with. The first that fits is sent. */
const bands: readonly (readonly [code: number, wakes: number, band: number])[] = [
  [POLL_IN, EPOLLIN, EPOLLIN | EPOLLRDNORM],
  [POLL_OUT, EPOLLOUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND],
  [POLL_PRI, EPOLLPRI, EPOLLPRI | EPOLLRDBAND],
  [POLL_HUP, EPOLLHUP | EPOLLERR, EPOLLHUP | EPOLLERR],
];

class AsyncNotifier implements Waiter, PollTable, ReleaseListener {
  private readonly queues: WaitQueue[] = [];

  constructor(
    private readonly file: File,
    private readonly fd: number,
    private readonly task: Task,
  ) {}

  wait(queue: WaitQueue): void {
    queue.add(this);
    this.queues.push(queue);
  }

  /** The file is closed, or O_ASYNC is off. */
  released(): void {
    for (const queue of this.queues) queue.remove(this);
    this.queues.length = 0;
  }

  woken(_queue: WaitQueue, key: number): void {
    const events = key === 0 ? this.file.poll(this.task, undefined) : key;
    const found = bands.find(([, wakes]) => (events & wakes) !== 0);
    if (found !== undefined) sendToOwner(this.task, this.file, this.fd, found[0], found[2]);
  }
}

/** Switches O_ASYNC; nothing happens to files that cannot have it. `fd` is what F_SETSIG's signals will tell. */
export function setAsync(task: Task, file: File, fd: number, on: boolean): void {
  if (!file.asyncCapable || on === (file.notifier !== undefined)) return;
  if (on) {
    const notifier = new AsyncNotifier(file, fd, task);
    file.poll(task, notifier);
    file.onRelease(notifier);
    file.notifier = notifier;
    file.flags |= FASYNC;
  } else if (file.notifier !== undefined) {
    file.notifier.released(file);
    file.offRelease(file.notifier);
    file.notifier = undefined;
    file.flags &= ~FASYNC;
  }
}

/** Sends the file's signal to its owner; what it tells is only known to those who chose the signal. */
function sendToOwner({ kernel: { pids } }: Task, file: File, fd: number, code: number, band: number): void {
  const { owner, ownerType, ownerSignal } = file;
  if (owner === 0) return;
  const info = ownerSignal === 0 ? kernelInfo(SIGIO) : pollInfo(ownerSignal, code, band, fd);
  if (ownerType === F_OWNER_PGRP) {
    for (const process of pids.groups.get(owner)?.members ?? []) tell(file, process, info);
  } else if (ownerType === F_OWNER_PID) {
    const process = pids.processes.get(owner);
    if (process !== undefined) tell(file, process, info);
  } else {
    const thread = pids.tasks.get(owner);
    if (thread !== undefined && mayTell(file, thread)) sendToTask(thread, info);
  }
}

function tell(file: File, process: Process, info: SignalInfo): void {
  if (process.leader !== undefined && mayTell(file, process.leader)) sendToProcess(process, info);
}

/** As for kill(2), by those who set the owner. */
function mayTell({ ownerCredentials: from }: File, { credentials: to }: Task): boolean {
  if (from === undefined) return false;
  return (
    from.euid === 0 ||
    capable(from, CAP_KILL) ||
    from.euid === to.suid ||
    from.euid === to.uid ||
    from.uid === to.suid ||
    from.uid === to.uid
  );
}
