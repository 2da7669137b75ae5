/** The strings that a program gets, and how many there may be: execve(2), "Limits on size of arguments and environment". */
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { E2BIG } from '../uapi/errno.js';
import { RLIMIT_STACK } from '../uapi/resource.js';

export interface Arguments {
  readonly argv: readonly Name[];
  readonly envp: readonly Name[];
}

/** One string may have so many bytes, its NUL included. */
const MAX_ARG_STRLEN = 32 * 4096;
/** All together may have this much even when the stack is small. */
const ARG_MAX = 128 * 1024;
/** Three quarters of the default stack. */
const LARGEST = 6 * 1024 * 1024;
const POINTER = 8;

/** Bytes for all strings and pointers: a quarter of the stack's limit. */
function limitOf(task: Task): number {
  return Math.max(ARG_MAX, Math.min(LARGEST, Math.floor(task.process.rlimits[RLIMIT_STACK].soft / 4)));
}

const bytesOf = (strings: readonly Name[]): number =>
  strings.reduce((sum, string) => sum + string.length + 1, 0);

/** Throws E2BIG when the strings of a program and their pointers are too many. */
export function checkSize(task: Task, filename: Name, { argv, envp }: Arguments): void {
  const pointers = (Math.max(1, argv.length) + envp.length) * POINTER;
  if (bytesOf([filename]) + bytesOf(argv) + bytesOf(envp) + pointers > limitOf(task)) throw E2BIG;
}

/** Reads both arrays from user memory. EFAULT, E2BIG. */
export function readArguments(task: Task, argvAt: number, envpAt: number): Arguments {
  const limit = limitOf(task);
  const argv = readStrings(task, argvAt, limit);
  // A program without its name misleads many: Linux gives it an empty one.
  return { argv: argv.length === 0 ? [''] : argv, envp: readStrings(task, envpAt, limit) };
}

/** The strings of an array that a null pointer ends; a null pointer for the whole array is an empty one. */
function readStrings({ memory }: Task, at: number, limit: number): Name[] {
  const strings: Name[] = [];
  if (at === 0) return strings;
  for (let used = 0; ; at += POINTER) {
    const pointer = memory.getU64(at);
    if (pointer === 0) return strings;
    const string = memory.readString(pointer, MAX_ARG_STRLEN);
    if (string === undefined) throw E2BIG;
    strings.push(string);
    used += string.length + 1 + POINTER;
    if (used > limit) throw E2BIG;
  }
}
