/** The kernel log: a ring of records, shown on consoles, by syslog(2) and /dev/kmsg. */
import type { HostClock } from '../host/host.js';
import { encodeUtf8 } from '../lib/utf8.js';
import { type Name, nameToBytes } from '../lib/names.js';
import { CONSOLE_LOGLEVEL_DEFAULT } from './params.js';
import { WaitQueue } from './wait.js';

/** Levels, as KERN_*: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 info, 7 debug. */
export interface LogRecord {
  readonly sequence: number;
  readonly level: number;
  readonly facility: number;
  /** Kernel time, ns. */
  readonly time: number;
  /** One line. File names in it are byte strings, as everywhere. */
  readonly text: Name;
}

/** Where lines are shown as they come. */
export interface LogConsole {
  /** The terminal that it is, if it is one: /proc/consoles. */
  readonly terminal?: { readonly name: Name; readonly rdev: number };
  write(record: LogRecord): void;
}

const CAPACITY = 8192;
const NANOSECONDS = 1_000_000_000;

/** `[    1.234567] `: the time stamp of dmesg(1). */
export function timeStamp(time: number): string {
  const microseconds = Math.floor(time / 1000);
  const seconds = Math.floor(time / NANOSECONDS);
  const fraction = String(microseconds % 1_000_000).padStart(6, '0');
  return `[${String(seconds).padStart(5)}.${fraction}] `;
}

/** The bytes of a line of the log: byte strings as they are, other text as UTF-8. */
export function lineBytes(line: string): Uint8Array<ArrayBuffer> {
  for (let index = 0; index < line.length; index++)
    if (line.charCodeAt(index) > 0xff) return encodeUtf8(line);
  return nameToBytes(line);
}

export class Printk {
  readonly records: LogRecord[] = [];
  readonly changed = new WaitQueue();
  readonly consoles = new Set<LogConsole>();
  /** Reading it takes privilege: /proc/sys/kernel/dmesg_restrict. */
  restricted = false;
  /** Records of this level and above (numerically) are not shown on consoles: console_loglevel. */
  consoleLevel = CONSOLE_LOGLEVEL_DEFAULT;
  /** What the level was before syslog(2) switched consoles off. */
  savedConsoleLevel: number | undefined;
  /** The record that syslog(2) SYSLOG_ACTION_READ gives next, and how much of it has been read. */
  syslogSequence = 0;
  syslogOffset = 0;
  /** Records before this were cleared: syslog(2) SYSLOG_ACTION_CLEAR. */
  private clearedBefore = 0;
  private sequence = 0;

  constructor(private readonly clock: HostClock) {}

  /** Appends a record; a text of several lines becomes several. */
  write(level: number, text: string, facility = 0): void {
    const time = this.clock.now();
    for (const line of text.split('\n'))
      this.append({ sequence: this.sequence++, level, facility, time, text: line });
  }

  /** Adds a console. It is shown what it would have been shown so far, unless an earlier one has shown that already. */
  addConsole(console: LogConsole, replay: boolean): void {
    this.consoles.add(console);
    if (replay)
      for (const record of this.records) if (record.level < this.consoleLevel) console.write(record);
  }

  /** Records that SYSLOG_ACTION_READ has not given. */
  get unread(): LogRecord[] {
    return this.records.filter(({ sequence }) => sequence >= this.syslogSequence);
  }

  get uncleared(): LogRecord[] {
    return this.records.filter(({ sequence }) => sequence >= this.clearedBefore);
  }

  clear(): void {
    this.clearedBefore = this.sequence;
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
