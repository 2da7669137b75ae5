/** The ioctls of every terminal: tty_ioctl(4). A pty's master has a few more, in pty.ts. */
import type { ProcessGroup } from '../../kernel/process.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { capable } from '../../kernel/credentials.js';
import { CAP_SYS_ADMIN } from '../../uapi/capability.js';
import { EINVAL, EIO, ENOTTY, EPERM, ESRCH } from '../../uapi/errno.js';
import { FIONREAD } from '../../uapi/ioctls.js';
import {
  TCFLSH,
  TCGETA,
  TCGETS,
  TCGETS2,
  TCIFLUSH,
  TCIOFF,
  TCIOFLUSH,
  TCION,
  TCOFLUSH,
  TCOOFF,
  TCOON,
  TCSBRK,
  TCSBRKP,
  TCSETA,
  TCSETAF,
  TCSETAW,
  TCSETS,
  TCSETS2,
  TCSETSF,
  TCSETSF2,
  TCSETSW,
  TCSETSW2,
  TCXONC,
  TIOCEXCL,
  TIOCGDEV,
  TIOCGETD,
  TIOCGEXCL,
  TIOCGPGRP,
  TIOCGSID,
  TIOCGWINSZ,
  TIOCNOTTY,
  TIOCNXCL,
  TIOCOUTQ,
  TIOCSCTTY,
  TIOCSETD,
  TIOCSPGRP,
  TIOCSTI,
  TIOCSWINSZ,
  TIOCVHANGUP,
  VSTART,
  VSTOP,
  termio,
  termios,
  termios2,
  winsize,
} from '../../uapi/termios.js';
import { checkChange } from './job-control.js';
import type { Termios } from './termios.js';
import type { Tty } from './tty.js';

export function ttyIoctl(task: Task, tty: Tty, request: number, argument: number): Result {
  const { memory } = task;
  switch (request >>> 0) {
    case TCGETS:
      memory.copyOut(argument, tty.termios.encode());
      return 0;
    case TCGETS2:
      memory.copyOut(argument, tty.termios.encode2());
      return 0;
    case TCGETA:
      memory.copyOut(argument, tty.termios.encodeOld());
      return 0;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
      return setTermios(
        task,
        tty,
        tty.termios.decode(memory.copyIn(argument, termios.size)),
        request - TCSETS,
      );
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
      return setTermios(
        task,
        tty,
        tty.termios.decode(memory.copyIn(argument, termios2.size)),
        request - TCSETS2,
      );
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
      return setTermios(
        task,
        tty,
        tty.termios.decodeOld(memory.copyIn(argument, termio.size)),
        request - TCSETA,
      );
    case TIOCGWINSZ: {
      const { rows, columns, xPixels, yPixels } = tty.windowSize;
      memory.copyOut(
        argument,
        winsize.encode({ ws_row: rows, ws_col: columns, ws_xpixel: xPixels, ws_ypixel: yPixels }),
      );
      return 0;
    }
    case TIOCSWINSZ: {
      const size = winsize.decode(memory.copyIn(argument, winsize.size));
      tty.setWindowSize({
        rows: size.ws_row,
        columns: size.ws_col,
        xPixels: size.ws_xpixel,
        yPixels: size.ws_ypixel,
      });
      return 0;
    }
    case TIOCGPGRP:
      if (task.process.session.controllingTerminal !== tty) throw ENOTTY;
      memory.putU32(argument, tty.foreground?.id ?? 0);
      return 0;
    case TIOCSPGRP:
      setForeground(task, tty, memory.getU32(argument) | 0);
      return 0;
    case TIOCGSID:
      if (task.process.session.controllingTerminal !== tty || tty.session === undefined) throw ENOTTY;
      memory.putU32(argument, tty.session.id);
      return 0;
    case TIOCSCTTY:
      setControlling(task, tty, argument);
      return 0;
    case TIOCNOTTY:
      return giveUpControlling(task, tty);
    case TIOCSTI:
      if (task.process.session.controllingTerminal !== tty && !capable(task.credentials, CAP_SYS_ADMIN))
        throw EPERM;
      tty.receive(memory.copyIn(argument, 1));
      return 0;
    case FIONREAD:
      memory.putU32(argument, tty.discipline.available);
      return 0;
    case TIOCOUTQ:
      memory.putU32(argument, tty.port.pending());
      return 0;
    case TCFLSH:
      checkChange(task, tty);
      return flush(tty, argument);
    case TCXONC:
      checkChange(task, tty);
      return flowControl(tty, argument);
    case TCSBRK:
    case TCSBRKP:
      checkChange(task, tty);
      return drain(task, tty);
    case TIOCEXCL:
      tty.exclusive = true;
      return 0;
    case TIOCNXCL:
      tty.exclusive = false;
      return 0;
    case TIOCGEXCL:
      memory.putU32(argument, tty.exclusive ? 1 : 0);
      return 0;
    case TIOCGETD:
      memory.putU32(argument, tty.lineDiscipline);
      return 0;
    case TIOCSETD:
      if (memory.getU32(argument) !== 0) throw EINVAL;
      return 0;
    case TIOCGDEV:
      memory.putU32(argument, tty.rdev);
      return 0;
    case TIOCVHANGUP:
      if (!capable(task.credentials, CAP_SYS_ADMIN)) throw EPERM;
      tty.hangup();
      return 0;
    default:
      throw ENOTTY;
  }
}

/** `when`: 0 now, 1 after output has drained, 2 also dropping input. */
function setTermios(task: Task, tty: Tty, next: Termios, when: number): Result {
  checkChange(task, tty);
  if (when === 0) {
    tty.setTermios(next);
    return 0;
  }
  return drainThenSet(task, tty, next, when === 2);
}

async function drainThenSet(task: Task, tty: Tty, next: Termios, flushInput: boolean): Promise<number> {
  await drain(task, tty);
  if (flushInput) tty.flushInput();
  tty.setTermios(next);
  return 0;
}

/** tcdrain(3). */
async function drain(task: Task, tty: Tty): Promise<number> {
  while (tty.port.pending() > 0) await tty.writers.sleep(task);
  return 0;
}

function flush(tty: Tty, which: number): number {
  if (which !== TCIFLUSH && which !== TCOFLUSH && which !== TCIOFLUSH) throw EINVAL;
  if (which !== TCOFLUSH) tty.flushInput();
  if (which !== TCIFLUSH) tty.flushOutput();
  return 0;
}

function flowControl(tty: Tty, action: number): number {
  switch (action) {
    case TCOOFF:
      tty.stopOutput();
      return 0;
    case TCOON:
      tty.startOutput();
      return 0;
    case TCIOFF:
      tty.echo([tty.termios.cc[VSTOP]]);
      return 0;
    case TCION:
      tty.echo([tty.termios.cc[VSTART]]);
      return 0;
    default:
      throw EINVAL;
  }
}

/** tcsetpgrp(3). */
function setForeground(task: Task, tty: Tty, id: number): void {
  if (task.process.session.controllingTerminal !== tty) throw ENOTTY;
  checkChange(task, tty);
  if (id < 0) throw EINVAL;
  const group: ProcessGroup | undefined = task.kernel.pids.groups.get(id);
  if (group === undefined) throw ESRCH;
  if (group.session !== task.process.session) throw EPERM;
  tty.foreground = group;
}

/** Makes it the controlling terminal of the calling session leader; `steal` 1 takes it from another session, as root. */
function setControlling(task: Task, tty: Tty, steal: number): void {
  const { process } = task;
  const { session } = process;
  if (session.controllingTerminal === tty && session.id === process.pid) return;
  if (session.id !== process.pid || session.controllingTerminal !== undefined) throw EPERM;
  if (tty.session !== undefined) {
    if (steal !== 1 || !capable(task.credentials, CAP_SYS_ADMIN)) throw EPERM;
    tty.detachSession();
  }
  tty.attachSession(session);
  tty.foreground = process.group;
}

function giveUpControlling(task: Task, tty: Tty): number {
  const { session } = task.process;
  if (session.controllingTerminal !== tty) throw ENOTTY;
  if (session.id === task.process.pid) tty.leaderExited(session);
  else throw EIO;
  return 0;
}
