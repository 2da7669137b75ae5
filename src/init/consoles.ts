/**
 * The first terminal, and where the kernel's log is shown. Terminal 0 (con0) is on the standard streams of the process that
 * we are; it is /dev/console and, by console=tty0, which is the default, shows the log.
 */
import { FdChannel } from '../drivers/console/channels/fd.js';
import { Line } from '../drivers/console/line.js';
import { PtySlaves, SpecialTtys, TtyTable, addSpecialNodes } from '../drivers/tty/table.js';
import { Tty } from '../drivers/tty/tty.js';
import { makeDevice } from '../fs/char-dev.js';
import type { DevptsFileSystem } from '../fs/devpts/devpts.js';
import type { Host } from '../host/host.js';
import type { Kernel } from '../kernel/kernel.js';
import { type LogConsole, type LogRecord, lineBytes, timeStamp } from '../kernel/printk.js';
import { ptysFor } from './ptys.js';

const TTY_MAJOR = 4;
const STDOUT = 1;

/** The host descriptors that con0 reads and writes; -1: none. */
export interface ConsoleStreams {
  readonly input: number;
  readonly output: number;
}

/** Shows the log as lines, with time stamps if the command line wants them. */
abstract class LineConsole implements LogConsole {
  constructor(private readonly stamped: boolean) {}
  protected abstract show(line: string): void;
  write({ time, text }: LogRecord): void {
    this.show(this.stamped ? timeStamp(time) + text : text);
  }
}

/** The host's standard error. */
class ErrorStreamLog extends LineConsole {
  constructor(
    private readonly host: Host,
    stamped: boolean,
  ) {
    super(stamped);
  }
  protected override show(line: string): void {
    this.host.complain(line);
  }
}

/** The host's standard output, before there is a console. */
class EarlyLog extends LineConsole {
  constructor(
    private readonly host: Host,
    stamped: boolean,
  ) {
    super(stamped);
  }
  protected override show(line: string): void {
    this.host.files.write(STDOUT, lineBytes(line + '\n'));
  }
}

class TerminalLog extends LineConsole {
  constructor(
    private readonly line: Line,
    stamped: boolean,
  ) {
    super(stamped);
  }
  protected override show(line: string): void {
    this.line.log(lineBytes(line));
  }
}

export class Consoles {
  readonly table: TtyTable;
  readonly line: Line;
  readonly tty: Tty;
  private early: LogConsole | undefined;

  constructor(
    private readonly kernel: Kernel,
    streams: ConsoleStreams,
    devpts: DevptsFileSystem,
  ) {
    const { devices, host } = kernel;
    this.table = new TtyTable(devices);
    this.line = new Line(new FdChannel(host, streams.input, streams.output));
    this.tty = new Tty(kernel, 'tty0', makeDevice(TTY_MAJOR, 0), this.line);
    this.line.tty = this.tty;
    this.table.add(0, this.tty);
    this.table.console = this.tty;
    devices.addCharDriver(this.table);
    devices.addCharDriver(new SpecialTtys(this.table, (context) => ptysFor(devpts, context)));
    devices.addCharDriver(new PtySlaves((context) => ptysFor(devpts, context)));
    addSpecialNodes(devices);
  }

  /** earlyprintk: the log goes to standard output until there is a console. */
  startEarly(): void {
    this.early = new EarlyLog(this.kernel.host, this.kernel.params.printkTime);
    this.kernel.log.addConsole(this.early, true);
  }

  /** Attaches the terminal to the host, and shows the log where the command line says. */
  start(): void {
    const { log, params, host } = this.kernel;
    this.line.attach();
    log.info('Console initialized on /dev/tty0');
    const wanted = new Set(params.consoles);
    if (params.stderrConsole || wanted.has('stderr') || wanted.has('stderr0')) {
      log.addConsole(new ErrorStreamLog(host, params.printkTime), true);
      log.info('printk: console [stderr0] enabled');
    }
    const early = this.early;
    if (early !== undefined) {
      log.info('printk: bootconsole [earlycon0] disabled');
      log.consoles.delete(early);
    }
    if (wanted.has('tty0') || wanted.has('tty')) {
      log.addConsole(new TerminalLog(this.line, params.printkTime), early === undefined);
      log.info('printk: console [tty0] enabled');
    }
  }

  /** The window of the host's terminal has a new size. */
  resized(): void {
    this.line.resized();
  }

  /** Waits until the host has taken all output, and gives the terminal back. */
  stop(): void {
    while (!this.line.drained) this.kernel.host.events.poll(Infinity);
    this.line.detach();
  }
}

/** A panic without a console: the log goes to standard output, with levels and time stamps. */
export function dumpLog({ log, host }: Kernel): void {
  const lines = log.records.map(({ level, time, text }) => `<${level}>${timeStamp(time)}${text}\n`);
  host.files.write(STDOUT, lineBytes(`kmsg_dump:\n${lines.join('')}`));
}
