/** syslog(2): the kernel log, read and controlled. dmesg(1) and klogd use it where there is no /dev/kmsg. */
import { nameToBytes, utf8 } from '../lib/names.js';
import { CAP_SYSLOG, CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EFAULT, EINVAL, EPERM } from '../uapi/errno.js';
import {
  SYSLOG_ACTION_CLEAR,
  SYSLOG_ACTION_CLOSE,
  SYSLOG_ACTION_CONSOLE_LEVEL,
  SYSLOG_ACTION_CONSOLE_OFF,
  SYSLOG_ACTION_CONSOLE_ON,
  SYSLOG_ACTION_OPEN,
  SYSLOG_ACTION_READ,
  SYSLOG_ACTION_READ_ALL,
  SYSLOG_ACTION_READ_CLEAR,
  SYSLOG_ACTION_SIZE_BUFFER,
  SYSLOG_ACTION_SIZE_UNREAD,
} from '../uapi/sysinfo.js';
import { capable } from './credentials.js';
import type { LogRecord } from './printk.js';
import { timeStamp } from './printk.js';
import { type Result, address, int, syscall } from './syscall.js';
import type { Task } from './task.js';

/** No level below this can be set: emergencies always show. */
const MINIMUM_CONSOLE_LEVEL = 1;
/** Told to whoever allocates a buffer for all of it. */
const LOG_BUFFER_SIZE = 1 << 18;
/** These take no privilege, unless /proc/sys/kernel/dmesg_restrict says so. */
const unprivileged = [SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER];

export const sys_syslog = syscall([int, address, int], (task, action, at, length): Result => {
  const { kernel, credentials } = task;
  const { log } = kernel;
  if (
    (log.restricted || !unprivileged.includes(action)) &&
    !capable(credentials, CAP_SYSLOG) &&
    !capable(credentials, CAP_SYS_ADMIN)
  )
    throw EPERM;
  switch (action) {
    case SYSLOG_ACTION_CLOSE:
    case SYSLOG_ACTION_OPEN:
      return 0;
    case SYSLOG_ACTION_READ:
      checkBuffer(at, length);
      return length === 0 ? 0 : readNext(task, at, length);
    case SYSLOG_ACTION_READ_ALL:
    case SYSLOG_ACTION_READ_CLEAR:
      checkBuffer(at, length);
      return readLast(task, at, length, action === SYSLOG_ACTION_READ_CLEAR);
    case SYSLOG_ACTION_CLEAR:
      log.clear();
      return 0;
    case SYSLOG_ACTION_CONSOLE_OFF:
      log.savedConsoleLevel ??= log.consoleLevel;
      log.consoleLevel = MINIMUM_CONSOLE_LEVEL;
      return 0;
    case SYSLOG_ACTION_CONSOLE_ON:
      log.consoleLevel = log.savedConsoleLevel ?? log.consoleLevel;
      log.savedConsoleLevel = undefined;
      return 0;
    case SYSLOG_ACTION_CONSOLE_LEVEL:
      if (length < 1 || length > 8) throw EINVAL;
      log.consoleLevel = Math.max(length, MINIMUM_CONSOLE_LEVEL);
      log.savedConsoleLevel = undefined;
      return 0;
    case SYSLOG_ACTION_SIZE_UNREAD:
      return log.unread.reduce((sum, record) => sum + encode(record).length, 0);
    case SYSLOG_ACTION_SIZE_BUFFER:
      return LOG_BUFFER_SIZE;
    default:
      throw EINVAL;
  }
});

function checkBuffer(at: number, length: number): void {
  if (at === 0 || length < 0) throw EINVAL;
}

/** A record as dmesg gets it: `<6>[    1.234567] text`. */
const encode = ({ facility, level, time, text }: LogRecord): Uint8Array =>
  nameToBytes(utf8(`<${facility * 8 + level}>${timeStamp(time)}${text}\n`));

/** Waits for records, and takes as many as fit; a long one in pieces. */
async function readNext(task: Task, at: number, length: number): Promise<number> {
  const { log } = task.kernel;
  while (log.unread.length === 0) await log.changed.sleep(task);
  let done = 0;
  for (const record of log.unread) {
    const line = encode(record).subarray(log.syslogOffset);
    const part = line.subarray(0, length - done);
    if (task.memory.copyOutPartial(at + done, part) < part.length) {
      if (done === 0) throw EFAULT;
      return done;
    }
    done += part.length;
    if (part.length < line.length) {
      log.syslogOffset += part.length;
      return done;
    }
    log.syslogOffset = 0;
    log.syslogSequence = record.sequence + 1;
  }
  return done;
}

/** The newest records that fit, since the last clearing. */
function readLast(task: Task, at: number, length: number, clear: boolean): number {
  const { log } = task.kernel;
  const lines = log.uncleared.map(encode);
  let total = lines.reduce((sum, line) => sum + line.length, 0);
  let first = 0;
  while (total > length) total -= lines[first++].length;
  let done = 0;
  for (const line of lines.slice(first)) {
    task.memory.copyOut(at + done, line);
    done += line.length;
  }
  if (clear) log.clear();
  return done;
}
