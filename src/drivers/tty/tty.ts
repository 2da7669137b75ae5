/**
 * A terminal: settings, line discipline, controlling session. What lies below it is a TtyPort; open files of it are in
 * tty-file.ts.
 */
import type { Kernel } from '../../kernel/kernel.js';
import type { ControllingTerminal, ProcessGroup, Session } from '../../kernel/process.js';
import { kernelInfo } from '../../kernel/siginfo.js';
import { sendToGroup, sendToProcess } from '../../kernel/signal-send.js';
import { WaitQueue } from '../../kernel/wait.js';
import type { Name } from '../../lib/names.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../../uapi/epoll.js';
import { SIGCONT, SIGHUP, SIGWINCH } from '../../uapi/signal.js';
import {
  ICANON,
  OPOST,
  TIOCPKT_FLUSHREAD,
  TIOCPKT_FLUSHWRITE,
  TIOCPKT_START,
  TIOCPKT_STOP,
} from '../../uapi/termios.js';
import { type DisciplineHost, NTty } from './n-tty.js';
import type { TtyPort } from './port.js';
import { Termios } from './termios.js';

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
  readonly xPixels: number;
  readonly yPixels: number;
}

/** Input that the discipline had no room for waits here; the port stops offering more. */
const BACKLOG_LIMIT = 65536;

export class Tty implements ControllingTerminal, DisciplineHost {
  termios = new Termios();
  windowSize: WindowSize = { rows: 0, columns: 0, xPixels: 0, yPixels: 0 };
  readonly discipline = new NTty(this);
  /** Number of N_TTY; others are accepted by TIOCSETD but not there. */
  readonly lineDiscipline = 0;
  foreground: ProcessGroup | undefined;
  session: Session | undefined;
  /** Open descriptions. */
  count = 0;
  /** Hung up: files opened before see end-of-file and EIO. Counts, so that each file knows whether it is older. */
  hangups = 0;
  exclusive = false;
  outputStopped = false;
  readonly readers = new WaitQueue();
  readonly writers = new WaitQueue();
  private backlog: Uint8Array[] = [];
  private backlogSize = 0;
  private echoBacklog: number[] = [];
  /** The port has no more input and never will: reads find an end of file. */
  inputEnded = false;

  constructor(
    readonly kernel: Kernel,
    /** As /proc/tty/drivers and ps show it: 'tty1', 'pts/0'. */
    readonly name: Name,
    readonly rdev: number,
    readonly port: TtyPort,
  ) {}

  // Input.

  /** The port brings input. Returns how much was taken; the port offers the rest again after `inputRoom`. */
  receive(bytes: Uint8Array): number {
    if (this.backlogSize > 0) {
      if (this.backlogSize >= BACKLOG_LIMIT) return 0;
      this.store(bytes);
      return bytes.length;
    }
    const taken = this.discipline.receive(bytes);
    if (taken < bytes.length) this.store(bytes.subarray(taken));
    return bytes.length;
  }

  private store(bytes: Uint8Array): void {
    this.backlog.push(bytes.slice());
    this.backlogSize += bytes.length;
  }

  /** How many bytes the port may offer. */
  get inputCapacity(): number {
    return BACKLOG_LIMIT - this.backlogSize;
  }

  /** A reader has made room. */
  drainBacklog(): void {
    while (this.backlog.length > 0) {
      const taken = this.discipline.receive(this.backlog[0]);
      this.backlogSize -= taken;
      if (taken < this.backlog[0].length) {
        this.backlog[0] = this.backlog[0].subarray(taken);
        return;
      }
      this.backlog.shift();
    }
    this.port.inputRoom(this);
  }

  inputReady(): void {
    this.readers.wake(EPOLLIN | EPOLLRDNORM);
  }

  flushInput(): void {
    this.backlog = [];
    this.backlogSize = 0;
    this.discipline.flushInput();
    this.port.notice(TIOCPKT_FLUSHREAD);
    this.port.inputRoom(this);
  }

  // Output.

  echo(bytes: readonly number[]): void {
    if (this.outputStopped || this.echoBacklog.length > 0) this.keepEcho(bytes);
    else {
      const taken = this.port.write(Uint8Array.from(bytes));
      if (taken < bytes.length) this.keepEcho(bytes.slice(taken));
    }
  }

  /** Echo that finds no room waits, up to a screenful; beyond that it is lost, as on Linux. */
  private keepEcho(bytes: readonly number[]): void {
    if (this.echoBacklog.length < 4096) this.echoBacklog.push(...bytes);
  }

  /** The port can take output again. */
  outputReady(): void {
    if (this.echoBacklog.length > 0 && !this.outputStopped) {
      const waiting = this.echoBacklog;
      this.echoBacklog = [];
      this.echo(waiting);
    }
    if (this.port.room() > 0) this.writers.wake(EPOLLOUT | EPOLLWRNORM);
  }

  /** Sends what fits, through output processing. Returns how many bytes of `bytes` are done. */
  send(bytes: Uint8Array): number {
    if (this.outputStopped || this.echoBacklog.length > 0) return 0;
    if ((this.termios.oflag & OPOST) === 0) return this.port.write(bytes);
    const room = this.port.room();
    const out: number[] = [];
    let done = 0;
    // A tab becomes at most eight characters.
    while (done < bytes.length && out.length + 8 <= room) this.discipline.process(bytes[done++], out);
    if (out.length > 0) this.port.write(Uint8Array.from(out));
    return done;
  }

  stopOutput(): void {
    if (this.outputStopped) return;
    this.outputStopped = true;
    this.port.notice(TIOCPKT_STOP);
  }

  startOutput(): void {
    if (!this.outputStopped) return;
    this.outputStopped = false;
    this.port.notice(TIOCPKT_START);
    this.outputReady();
  }

  flushOutput(): void {
    this.echoBacklog = [];
    this.port.flushOutput();
    this.port.notice(TIOCPKT_FLUSHWRITE);
    this.outputReady();
  }

  // Signals and sessions.

  signalForeground(signal: number): void {
    if (this.foreground !== undefined) sendToGroup(this.foreground, kernelInfo(signal));
  }

  flushForSignal(): void {
    this.backlog = [];
    this.backlogSize = 0;
    this.flushOutput();
    this.port.inputRoom(this);
  }

  setWindowSize(size: WindowSize): void {
    const old = this.windowSize;
    if (
      old.rows === size.rows &&
      old.columns === size.columns &&
      old.xPixels === size.xPixels &&
      old.yPixels === size.yPixels
    )
      return;
    this.windowSize = size;
    this.signalForeground(SIGWINCH);
  }

  setTermios(next: Termios): void {
    const wasCanonical = (this.termios.lflag & ICANON) !== 0;
    this.termios = next;
    this.discipline.modeChanged(wasCanonical);
    this.port.settingsChanged(next);
    if (this.discipline.available > 0) this.inputReady();
    this.writers.wake(EPOLLOUT | EPOLLWRNORM);
  }

  /** The carrier is lost, or vhangup(2): the session is told, and open files are cut off. */
  hangup(): void {
    this.hangups++;
    const { session, foreground } = this;
    this.detachSession();
    if (session !== undefined) {
      for (const group of session.groups)
        for (const process of group.members)
          if (process.pid === session.id) {
            sendToProcess(process, kernelInfo(SIGHUP));
            sendToProcess(process, kernelInfo(SIGCONT));
          }
      if (foreground !== undefined) {
        sendToGroup(foreground, kernelInfo(SIGHUP));
        sendToGroup(foreground, kernelInfo(SIGCONT));
      }
    }
    this.flushInput();
    this.echoBacklog = [];
    this.outputStopped = false;
    this.readers.wake(EPOLLIN | EPOLLHUP | EPOLLERR);
    this.writers.wake(EPOLLOUT | EPOLLHUP | EPOLLERR);
  }

  attachSession(session: Session): void {
    this.session = session;
    session.controllingTerminal = this;
  }

  detachSession(): void {
    if (this.session?.controllingTerminal === this) this.session.controllingTerminal = undefined;
    this.session = undefined;
    this.foreground = undefined;
  }

  leaderExited(session: Session): void {
    if (this.session !== session) return;
    const { foreground } = this;
    this.detachSession();
    if (foreground !== undefined) {
      sendToGroup(foreground, kernelInfo(SIGHUP));
      sendToGroup(foreground, kernelInfo(SIGCONT));
    }
    if (this.count === 0) this.port.sessionEnded(this);
  }

  // Opens and closes, by tty-file.

  opened(): void {
    if (this.count === 0) this.port.opened(this);
    this.count++;
  }

  closed(): void {
    if (--this.count > 0) return;
    this.exclusive = false;
    this.outputStopped = false;
    this.port.closed(this);
  }
}
