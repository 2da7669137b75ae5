/** What signals do that nobody handles: the table of signal(7). */
import {
  SIGABRT,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGQUIT,
  SIGSEGV,
  SIGSTOP,
  SIGSYS,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
  SIGXCPU,
  SIGXFSZ,
} from '../uapi/signal.js';
import { SignalSet } from './signal-set.js';

/** They can't be caught, blocked or ignored. */
export const kernelOnlySignals = SignalSet.of(SIGKILL, SIGSTOP);
/** They stop the process. */
export const stopSignals = SignalSet.of(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
/** They do nothing. */
export const ignoredSignals = SignalSet.of(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
/** They end the process with a core dump, if it may have one. */
export const coreSignals = SignalSet.of(
  SIGQUIT,
  SIGILL,
  SIGTRAP,
  SIGABRT,
  SIGFPE,
  SIGSEGV,
  SIGBUS,
  SIGSYS,
  SIGXCPU,
  SIGXFSZ,
);
/** Raised by an instruction: delivered before others, so that the frame shows that instruction. */
export const synchronousSignals = SignalSet.of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);
