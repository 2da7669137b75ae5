/**
 * Consoles and serial lines of a machine, and where the kernel's log is shown. Console 0 is on the standard streams of the
 * process that we are, unless con0= says otherwise; it is /dev/console and, by console=tty0, which is the default, shows the log.
 */
import { FdChannel } from '../drivers/console/channels/fd.js';
import type { ChannelType } from '../drivers/console/channel.js';
import type { Line } from '../drivers/console/line.js';
import { consoles, Lines, serialLines } from '../drivers/console/lines.js';
import { PortServers } from '../drivers/console/port-server.js';
import { PtySlaves, SpecialTtys, TtyTable, addSpecialNodes } from '../drivers/tty/table.js';
import type { Tty } from '../drivers/tty/tty.js';
import type { DevptsFileSystem } from '../fs/devpts/devpts.js';
import type { Host } from '../host/host.js';
import type { Kernel } from '../kernel/kernel.js';
import { type LogConsole, type LogRecord, lineBytes, timeStamp } from '../kernel/printk.js';
import type { Name } from '../lib/names.js';
import { Errno } from '../uapi/errno.js';
import { ptysFor } from './ptys.js';

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
  get terminal(): Tty {
    return this.line.tty;
  }
  protected override show(line: string): void {
    this.line.log(lineBytes(line));
  }
}

/** How long the end of the machine waits for somebody to take the last output, on channels where that is uncertain. */
const LAST_OUTPUT_NS = 1_000_000_000;

export interface ConsoleConfig {
  readonly channels: readonly ChannelType[];
  readonly devpts: DevptsFileSystem;
  /** Descriptors of console 0 when no switch says otherwise. */
  readonly streams: ConsoleStreams;
  /** Serial lines are on pseudo-terminals of the host when no switch says otherwise. */
  readonly serialLines: boolean;
}

export class Consoles {
  private readonly table: TtyTable;
  private readonly ports: PortServers;
  private readonly lines: Lines;
  private early: LogConsole | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly config: ConsoleConfig,
  ) {
    const { devices, host, log } = kernel;
    const { devpts, channels } = config;
    this.table = new TtyTable(devices);
    this.ports = new PortServers(host, (line) => log.info(line));
    this.lines = new Lines(kernel, this.table, channels, { host, ports: this.ports });
    devices.addCharDriver(this.table);
    devices.addCharDriver(new SpecialTtys(this.table, (context) => ptysFor(devpts, context)));
    devices.addCharDriver(new PtySlaves((context) => ptysFor(devpts, context)));
    addSpecialNodes(devices);
  }

  /** Console 0, which `con0=none` takes away. */
  get tty(): Tty | undefined {
    return this.table.get(0);
  }

  /** earlyprintk: the log goes to standard output until there is a console. */
  startEarly(): void {
    this.early = new EarlyLog(this.kernel.host, this.kernel.params.printkTime);
    this.kernel.log.addConsole(this.early, true);
  }

  /** Makes the lines, attaches those that show the log to the host, and shows it where the command line says. */
  start(): void {
    const { log, params, host } = this.kernel;
    const { streams } = this.config;
    this.lines.setUp(consoles, (number) =>
      number === 0 ? new FdChannel(host, streams.input, streams.output) : undefined,
    );
    this.lines.setUp(serialLines, () => (this.config.serialLines ? 'pty' : undefined));
    const wanted = new Set(
      params.consoles.map((name) => (name === 'tty' ? 'tty0' : name.replace(/,.*/s, ''))),
    );
    if (params.stderrConsole || wanted.has('stderr') || wanted.has('stderr0')) {
      log.addConsole(new ErrorStreamLog(host, params.printkTime), true);
      log.info('printk: console [stderr0] enabled');
    }
    const { early } = this;
    for (const name of wanted) this.startLog(name, early === undefined);
    if (early !== undefined) {
      log.info('printk: bootconsole [earlycon0] disabled');
      log.consoles.delete(early);
    }
    this.table.console ??= this.tty;
    // The terminal is the machine's from the start, even if nobody in the machine has opened it.
    const first = this.lines.find('tty0');
    if (first !== undefined && !first.isAttached) this.attach('tty0', first);
  }

  private startLog(name: Name, replay: boolean): void {
    const { log, params } = this.kernel;
    const line = this.lines.find(name);
    if (line === undefined || !this.attach(name, line)) return;
    // The last one is /dev/console.
    this.table.console = line.tty;
    log.info(`Console initialized on /dev/${name}`);
    log.addConsole(new TerminalLog(line, params.printkTime), replay);
    log.info(`printk: console [${name}] enabled`);
  }

  /** Opens a line for the kernel's own use; waits until somebody is there. False when that fails. */
  private attach(name: Name, line: Line): boolean {
    const { log, host } = this.kernel;
    line.keepsOpen = true;
    try {
      line.attach();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      log.error(`Console /dev/${name} could not be opened: ${error.message}`);
      host.complain(`Console /dev/${name} could not be opened: ${error.message}`);
      line.keepsOpen = false;
      return false;
    }
    while (!line.isAttached) {
      host.events.poll(Infinity);
      for (let message = host.nextMessage(); message !== undefined; message = host.nextMessage())
        if (message.kind === 'signal') this.interrupted();
    }
    return true;
  }

  /** A signal ends a machine that has yet to boot. */
  private interrupted(): void {
    this.stop();
    this.kernel.host.exit(1);
  }

  /** The window of the host's terminal has a new size. */
  resized(): void {
    for (const line of this.lines.values()) line.resized();
  }

  /** The last line of the log is an empty one: what the host's shell shows next begins on a line of its own. */
  endLog(): void {
    this.lines.find('tty0')?.log(new Uint8Array(0));
  }

  /** Waits until the host has taken all output, and gives the terminals back. */
  stop(): void {
    const { clock, events } = this.kernel.host;
    const deadline = clock.now() + LAST_OUTPUT_NS;
    for (const line of this.lines.values()) {
      while (!line.drained) {
        const patience = line.mustDrain ? Infinity : deadline - clock.now();
        if (patience <= 0) break;
        events.poll(patience);
      }
      line.detach();
    }
    this.ports.close();
  }
}

/** A panic without a console: the log goes to standard output, with levels and time stamps. */
export function dumpLog({ log, host }: Kernel): void {
  const lines = log.records.map(({ level, time, text }) => `<${level}>${timeStamp(time)}${text}\n`);
  host.files.write(STDOUT, lineBytes(`kmsg_dump:\n${lines.join('')}`));
}
