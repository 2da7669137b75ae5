/** The kernel log: a ring of records, shown on consoles, by syslog(2) and /dev/kmsg. */
import type { HostClock } from '../host/host.js';
import { WaitQueue } from './wait.js';

/** Levels, as KERN_*: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 info, 7 debug. */
export interface LogRecord {
  readonly sequence: number;
  readonly level: number;
  readonly facility: number;
  /** Kernel time, ns. */
  readonly time: number;
  readonly text: string;
}

/** Where lines are shown as they come. */
export interface LogConsole {
  write(record: LogRecord): void;
}

const CAPACITY = 8192;

export class Printk {
  readonly records: LogRecord[] = [];
  readonly changed = new WaitQueue();
  readonly consoles = new Set<LogConsole>();
  /** Records of this level and above (numerically) are not shown on consoles: console_loglevel. */
  consoleLevel = 7;
  private sequence = 0;

  constructor(private readonly clock: HostClock) {}

  /** Appends a record; a text of several lines becomes several. */
  write(level: number, text: string, facility = 0): void {
    for (const line of text.split('\n')) this.append({ sequence: this.sequence++, level, facility, time: this.clock.now(), text: line });
  }

  private append(record: LogRecord): void {
    this.records.push(record);
    if (this.records.length > CAPACITY) this.records.splice(0, CAPACITY / 4);
    if (record.level < this.consoleLevel) for (const console of this.consoles) console.write(record);
    this.changed.wake();
  }

  info(text: string): void {
    this.write(6, text);
  }
  notice(text: string): void {
    this.write(5, text);
  }
  warn(text: string): void {
    this.write(4, text);
  }
  error(text: string): void {
    this.write(3, text);
  }
}
