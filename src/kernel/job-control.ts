/**
 * Stopping and continuing processes: the stop signals and SIGCONT of signal(7), and what parents hear of it (wait(2)
 * WUNTRACED, WCONTINUED; SIGCHLD).
 *
 * A stop signal that one thread takes makes `stopPending` of all of them; each stops on its way to user mode, and the last
 * tells the parent. SIGCONT lets all go on as it is sent (signal-send.ts); the first thread to run tells the parent.
 */
import { CLD_CONTINUED, CLD_STOPPED, SA_NOCLDSTOP, SIGCHLD, SIGCONT, SIG_IGN } from '../uapi/signal.js';
import { USER_HZ } from '../uapi/time.js';
import { processCpuTime } from './cputime.js';
import type { Process } from './process.js';
import { childInfo } from './siginfo.js';
import { isAlive, kick, retarget, sendToProcess } from './signal-send.js';
import { SignalSet } from './signal-set.js';
import type { Task } from './task.js';

const everySignal = new SignalSet(-1, -1);
const NS_PER_TICK = 1_000_000_000 / USER_HZ;

/** A thread has taken a stop signal: all are to stop. False when that is over already: SIGCONT came, or an exit. */
export function beginStop(task: Task, signal: number): boolean {
  const { process } = task;
  if (!task.signals.stopTaken || process.groupExit !== undefined || process.execing !== undefined)
    return false;
  const { signals } = process;
  if (!signals.stopped) signals.stopSignal = signal;
  signals.toStop = 0;
  for (const thread of process.threads) {
    if (!isAlive(thread) || (thread !== task && thread.state === 'stopped')) continue;
    thread.signals.stopPending = signal;
    signals.toStop++;
    if (thread !== task) kick(thread);
  }
  return true;
}

/** Stops a task whose process is stopping, until SIGCONT or its death. */
export async function stopHere(task: Task): Promise<void> {
  const { process } = task;
  leaveStop(task);
  task.state = 'stopped';
  // SIGCONT and a kill wake it; it waits on no queue.
  if (!task.fatalSignalPending()) await task.park('killable');
  task.state = 'kernel';
  tellIfOwed(process);
}

/** A task exits: a stop of its process does not wait for it, and signals of the process that it was to take go to others. */
export function exitSignals(task: Task): void {
  retarget(task, everySignal);
  leaveStop(task);
}

/** A task stops, or exits while its process stops: the last to do so tells the parent. */
export function leaveStop(task: Task): void {
  const { process } = task;
  if (task.signals.stopPending === 0) return;
  task.signals.stopPending = 0;
  const { signals } = process;
  if (--signals.toStop > 0) return;
  if (signals.stopped) return;
  signals.stopped = true;
  process.stopReport = signals.stopSignal;
  process.continueReport = false;
  tellParent(process, CLD_STOPPED);
}

/** Tells the parent of a stop or continuation that nobody has told it of yet. */
export function tellIfOwed(process: Process): void {
  const { signals } = process;
  if (signals.owedNotice === 0) return;
  const code = signals.owedNotice;
  signals.owedNotice = 0;
  tellParent(process, code);
}

function tellParent(process: Process, code: number): void {
  const { parent, leader } = process;
  if (parent === undefined) return;
  const action = parent.handlers.actions[SIGCHLD];
  if (action.handler !== SIG_IGN && (action.flags & SA_NOCLDSTOP) === 0) {
    const status = code === CLD_CONTINUED ? SIGCONT : process.signals.stopSignal;
    const uid = leader?.credentials.uid ?? 0;
    const ticks = Math.floor(processCpuTime(process) / NS_PER_TICK);
    sendToProcess(parent, childInfo(code, process.pid, uid, status, ticks, 0));
  }
  parent.childChanged.wake();
}
