/** The machine's consoles and serial lines: which there are, from the switches, and the terminals over them. */
import { makeDevice } from '../../fs/char-dev.js';
import type { Kernel } from '../../kernel/kernel.js';
import { text, type Name } from '../../lib/names.js';
import type { TtyTable } from '../tty/table.js';
import { Tty } from '../tty/tty.js';
import { BadChannel, type Channel, type ChannelContext, type ChannelType } from './channel.js';
import { Line } from './line.js';
import { parseChannel, readLineSwitches } from './parse.js';

/** A family of lines. */
export interface LineFamily {
  /** The switch: `con`, `ssl`. */
  readonly driver: Name;
  /** For messages. */
  readonly kind: string;
  readonly title: string;
  /** Device nodes: the name before the number, and the first minor. */
  readonly node: Name;
  readonly firstMinor: number;
  readonly count: number;
}

export const consoles: LineFamily = {
  driver: 'con',
  kind: 'console',
  title: 'Virtual console',
  node: 'tty',
  firstMinor: 0,
  count: 16,
};

export const serialLines: LineFamily = {
  driver: 'ssl',
  kind: 'serial line',
  title: 'Serial line',
  node: 'ttyS',
  firstMinor: 64,
  count: 64,
};

/** The channel of a line that no switch names: text as after `con0=`, or one that is there already. */
export type DefaultChannel = (line: number) => Name | Channel | undefined;

export class Lines {
  private readonly byName = new Map<Name, Line>();

  constructor(
    private readonly kernel: Kernel,
    private readonly table: TtyTable,
    private readonly types: readonly ChannelType[],
    private readonly context: ChannelContext,
  ) {}

  /** Makes the lines of a family that are configured. What is wrong is logged, a line each. */
  setUp(family: LineFamily, defaultChannel: DefaultChannel): void {
    const { log, params } = this.kernel;
    const words = params.devices.filter(({ driver }) => driver === family.driver);
    const specs = readLineSwitches(
      family,
      words.map(({ argument }) => argument),
    );
    for (const complaint of specs.complaints) log.error(complaint);
    for (let number = 0; number < family.count; number++) {
      const spec = specs.numbered.get(number) ?? specs.general ?? defaultChannel(number);
      if (spec === undefined) continue;
      const channel = typeof spec === 'string' ? this.makeChannel(number, spec) : spec;
      if (channel !== undefined) this.add(family, number, channel);
    }
  }

  private makeChannel(number: number, spec: Name): Channel | undefined {
    const { log } = this.kernel;
    let reason = "configured as 'none'";
    try {
      const channel = parseChannel(spec, this.types, this.context);
      if (channel !== 'none') return channel;
    } catch (error) {
      if (!(error instanceof BadChannel)) throw error;
      if (error.message !== '') log.error(error.message);
      reason = 'failed to parse channel pair';
    }
    log.error(`setup_one_line failed for device ${number} : ${reason}`);
    return undefined;
  }

  private add({ node, firstMinor, title }: LineFamily, number: number, channel: Channel): void {
    const name = `${node}${number}`;
    const minor = firstMinor + number;
    this.table.add(minor, name, () => {
      const { scheduler, host, log } = this.kernel;
      const line: Line = new Line(channel, {
        timers: scheduler.timers,
        clock: host.clock,
        announce: (device) => {
          const text_ = `${title} ${number} assigned device '${text(device)}'`;
          log.info(text_);
          // Its log is shown on that very device: only standard error is left to tell.
          if (line.keepsOpen) host.complain(text_);
        },
      });
      const tty = new Tty(this.kernel, name, makeDevice(this.table.major, minor), line);
      line.tty = tty;
      this.byName.set(name, line);
      return tty;
    });
  }

  /** The line under a terminal of this name; undefined when there is no such device. */
  find(name: Name): Line | undefined {
    for (const { node, firstMinor, count } of [consoles, serialLines]) {
      const number = name.startsWith(node) ? name.slice(node.length) : '';
      if (/^[0-9]+$/.test(number) && Number(number) < count) this.table.get(firstMinor + Number(number));
    }
    return this.byName.get(name);
  }

  /** Those that have been used. */
  values(): IterableIterator<Line> {
    return this.byName.values();
  }
}
