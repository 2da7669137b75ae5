/** How the process ends: the terminals as they were, then at once, whatever other threads are doing. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { F_SETFD } from '../../uapi/fcntl.js';
import { call, declare, pinned } from './ffi.js';
import type { SavedTerminal } from './messages.js';

const TCSETS = 0x5402;
const SIGTTOU = 22;
const SIG_IGN = 1;
const SIG_DFL = 0;

const ioctl = call<[number, number, Uint8Array]>(
  'int ioctl(int fd, unsigned long request, uint8_t *argument)',
);
const signal = declare<(number: number, handler: number) => number>(
  'intptr_t signal(int number, intptr_t handler)',
);
const exit = declare<(status: number) => void>('void _exit(int status)');
const execv = call<[string, number]>('int execv(const char *path, intptr_t argv)');
const kill = call<[number, number]>('int kill(int pid, int number)');
const fcntl = call<[number, number, number]>('int fcntl(int fd, int command, int argument)');
const prctl = call<[number, number, number, number, number]>(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const PR_SET_DUMPABLE = 4;

export function restoreTerminals(terminals: readonly SavedTerminal[]): void {
  // Setting a terminal from the background would stop us.
  if (terminals.length > 0) signal(SIGTTOU, SIG_IGN);
  for (const { fd, termios } of terminals) ioctl(fd, TCSETS, termios);
}

/** _exit(2): Node would wait for the kernel thread, which may be asleep. */
export function exitNow(status: number): void {
  exit(status & 0xff);
}

/** Dies of a signal, as its default action has it; without a core, which would hold nothing that helps. */
export function dieOf(number: number): void {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  signal(number, SIG_DFL);
  kill(process.pid, number);
}

/** Runs the same command line again in this process. Returns only if that fails: the negated errno. */
export function execAgain(): number {
  const words = readFileSync('/proc/self/cmdline');
  const strings = pinned(words.length + 1);
  strings.bytes.set(words);
  const starts = [0];
  for (let at = words.indexOf(0); at >= 0 && at + 1 < words.length; at = words.indexOf(0, at + 1))
    starts.push(at + 1);
  keepInherited();
  const pointers = pinned((starts.length + 1) * 8);
  starts.forEach((start, index) =>
    pointers.view.setBigUint64(index * 8, BigInt(strings.address + start), true),
  );
  return execv(process.execPath, pointers.address);
}

/**
 * Node marks what it has inherited close-on-exec. Those descriptors come before the first that it opens, which is an epoll
 * instance; here they are to live on.
 */
function keepInherited(): void {
  const descriptors = readdirSync('/proc/self/fd').map(Number);
  for (const fd of descriptors.sort((a, b) => a - b)) {
    if (targetOf(fd).startsWith('anon_inode:')) return;
    fcntl(fd, F_SETFD, 0);
  }
}

function targetOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The one that read the directory is closed by now.
    return '';
  }
}
