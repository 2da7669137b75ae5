/** What lies below a terminal: the other side of a pty, or a console's channel to the host. */
import type { Termios } from './termios.js';
import type { Task } from '../../kernel/task.js';
import type { Tty } from './tty.js';

export abstract class TtyPort {
  /** Takes bytes for output; returns how many it could. When it can take more again it calls `tty.outputReady()`. */
  abstract write(bytes: Uint8Array): number;
  /** How many bytes `write` would take now. */
  abstract room(): number;
  /** Bytes taken but not yet passed on: TIOCOUTQ. */
  pending(): number {
    return 0;
  }
  /** Somebody opens the terminal: what is needed for that, which may take its time (a carrier). May throw. */
  opening(_task: Task): void | Promise<void> {}
  /** The terminal is opened for the first time (again). May throw. */
  opened(_tty: Tty): void {}
  /** The last descriptor is closed. */
  closed(_tty: Tty): void {}
  /** The session has ended whose terminal this was, and nobody has it open. */
  sessionEnded(_tty: Tty): void {}
  /** The terminal can take input again after `Tty.receive` took less than offered. */
  inputRoom(_tty: Tty): void {}
  /** TCOFLUSH: drop output that has not been passed on. */
  flushOutput(): void {}
  settingsChanged(_settings: Termios): void {}
  /** Input was flushed, output was stopped or started (IXON, TCXONC): packet mode tells the master. */
  notice(_what: number): void {}
}
