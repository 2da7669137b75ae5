/**
 * How a system call is declared: once, with a decoder for each argument. Dispatch, tracing and docs/syscalls.md follow
 * from the declaration.
 *
 *     export const sys_dup3 = syscall([fd, int, flags(dupFlags)], (task, from, to, closeOnExec) => { ... });
 *
 * A handler returns its result, or a promise of it where it must wait; it throws an Errno to fail.
 */
import { ENAMETOOLONG, EFAULT, EINVAL } from '../uapi/errno.js';
import type { FlagSet } from '../lib/flags.js';
import type { Name } from '../lib/names.js';
import { s64, u64 } from '../lib/word64.js';
import type { Task } from './task.js';

export type Result = number | Promise<number>;

/** The result of a handler that has set the registers itself (rt_sigreturn): none is stored. */
export const REGISTERS_SET = -0x8000_0000;

/** Turns one argument register (two words) into a value. */
export interface Argument<T> {
  decode(task: Task, lo: number, hi: number): T;
  /** For strace: the value as a person would write it. */
  format(value: T): string;
}

export interface SystemCall {
  readonly arguments: readonly Argument<never>[];
  /** Decodes from the registers and runs. `words` holds the six argument registers, low and high word each. */
  readonly run: (task: Task, words: Int32Array) => Result;
}

type Decoded<A extends readonly Argument<unknown>[]> = {
  [I in keyof A]: A[I] extends Argument<infer T> ? T : never;
};

/** Declares a system call. */
export function syscall<const A extends readonly Argument<unknown>[]>(
  args: A,
  handler: (task: Task, ...values: Decoded<A>) => Result,
): SystemCall & { readonly handler: typeof handler } {
  const call = handler as (task: Task, ...values: unknown[]) => Result;
  const [a, b, c, d, e, f] = args as readonly Argument<unknown>[];
  const runs: ((task: Task, w: Int32Array) => Result)[] = [
    (task) => call(task),
    (task, w) => call(task, a.decode(task, w[0], w[1])),
    (task, w) => call(task, a.decode(task, w[0], w[1]), b.decode(task, w[2], w[3])),
    (task, w) =>
      call(task, a.decode(task, w[0], w[1]), b.decode(task, w[2], w[3]), c.decode(task, w[4], w[5])),
    (task, w) =>
      call(
        task,
        a.decode(task, w[0], w[1]),
        b.decode(task, w[2], w[3]),
        c.decode(task, w[4], w[5]),
        d.decode(task, w[6], w[7]),
      ),
    (task, w) =>
      call(
        task,
        a.decode(task, w[0], w[1]),
        b.decode(task, w[2], w[3]),
        c.decode(task, w[4], w[5]),
        d.decode(task, w[6], w[7]),
        e.decode(task, w[8], w[9]),
      ),
    (task, w) =>
      call(
        task,
        a.decode(task, w[0], w[1]),
        b.decode(task, w[2], w[3]),
        c.decode(task, w[4], w[5]),
        d.decode(task, w[6], w[7]),
        e.decode(task, w[8], w[9]),
        f.decode(task, w[10], w[11]),
      ),
  ];
  return { arguments: args as unknown as readonly Argument<never>[], run: runs[args.length], handler };
}

const decimal = (value: number): string => String(value);
const hex = (value: number): string => (value === 0 ? 'NULL' : '0x' + value.toString(16));

/** A C int. */
export const int: Argument<number> = { decode: (_task, lo) => lo | 0, format: decimal };
/** A C unsigned int. */
export const uint: Argument<number> = { decode: (_task, lo) => lo >>> 0, format: decimal };
/** A file descriptor. */
export const fd: Argument<number> = { decode: (_task, lo) => lo | 0, format: decimal };
/** A C long or off_t: exact up to 2^53, saturated beyond. */
export const long: Argument<number> = { decode: (_task, lo, hi) => s64(lo, hi), format: decimal };
/** A C unsigned long. Values above 2^53 are inexact, and never valid sizes. */
export const ulong: Argument<number> = { decode: (_task, lo, hi) => u64(lo, hi), format: decimal };
/** A size_t. */
export const size = ulong;
/** A user address; not checked until it is used. */
export const address: Argument<number> = { decode: (_task, lo, hi) => u64(lo, hi), format: hex };
/** A mode_t: permission and, for mknod, type bits. */
export const mode: Argument<number> = {
  decode: (_task, lo) => lo & 0xffff,
  format: (value) => '0' + value.toString(8),
};

const PATH_MAX = 4096;

/** A path name: a NUL-terminated string in user memory. ENAMETOOLONG from PATH_MAX bytes on. */
export const path: Argument<Name> = {
  decode(task, lo, hi) {
    const at = u64(lo, hi);
    if (at === 0) throw EFAULT;
    const name = task.memory.readString(at, PATH_MAX);
    if (name === undefined) throw ENAMETOOLONG;
    return name;
  },
  format: (value) => JSON.stringify(value),
};

/** A path name that may be a null pointer: undefined. */
export const optionalPath: Argument<Name | undefined> = {
  decode: (task, lo, hi) => (lo === 0 && hi === 0 ? undefined : path.decode(task, lo, hi)),
  format: (value) => (value === undefined ? 'NULL' : JSON.stringify(value)),
};

/** Flags of which unknown ones are an error (EINVAL). */
export function flags(set: FlagSet): Argument<number> {
  return {
    decode(_task, lo) {
      if (set.unknown(lo) !== 0) throw EINVAL;
      return lo;
    },
    format: (value) => set.format(value),
  };
}

/** Flags of which unknown ones are ignored. */
export function bits(set: FlagSet): Argument<number> {
  return { decode: (_task, lo) => lo, format: (value) => set.format(value) };
}
