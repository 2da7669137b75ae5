/** Job control: who may use a terminal, and what happens to those who may not. credentials(7), termios(3) TOSTOP. */
import { isOrphaned } from '../../kernel/process-group.js';
import type { ProcessGroup } from '../../kernel/process.js';
import { kernelInfo } from '../../kernel/siginfo.js';
import { sendToGroup } from '../../kernel/signal-send.js';
import type { Task } from '../../kernel/task.js';
import { EIO, ERESTARTSYS } from '../../uapi/errno.js';
import { SIGTTIN, SIGTTOU, SIG_IGN } from '../../uapi/signal.js';
import type { Tty } from './tty.js';

function ignoredOrBlocked(task: Task, signal: number): boolean {
  return task.signals.blocked.has(signal) || task.process.handlers.actions[signal].handler === SIG_IGN;
}

function inBackground(task: Task, tty: Tty): ProcessGroup | undefined {
  const { group, session } = task.process;
  if (session.controllingTerminal !== tty || tty.foreground === undefined || tty.foreground === group)
    return undefined;
  return group;
}

/** Before a read. A background process is stopped, or gets EIO where that cannot be. */
export function checkRead(task: Task, tty: Tty): void {
  const group = inBackground(task, tty);
  if (group === undefined) return;
  if (ignoredOrBlocked(task, SIGTTIN) || isOrphaned(group, undefined)) throw EIO;
  sendToGroup(group, kernelInfo(SIGTTIN));
  throw ERESTARTSYS;
}

/** Before a change of the terminal's settings, and before a write with TOSTOP. */
export function checkChange(task: Task, tty: Tty): void {
  const group = inBackground(task, tty);
  if (group === undefined || ignoredOrBlocked(task, SIGTTOU)) return;
  if (isOrphaned(group, undefined)) throw EIO;
  sendToGroup(group, kernelInfo(SIGTTOU));
  throw ERESTARTSYS;
}
