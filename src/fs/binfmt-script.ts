/**
 * Scripts: a file that begins with "#!" names the program that interprets it, and at most one argument for that. execve(2),
 * "Interpreter scripts". Only the first 256 bytes count (BINPRM_BUF_SIZE).
 */
import { type Name, nameFromBytes } from '../lib/names.js';
import { ENOEXEC } from '../uapi/errno.js';

/** Bytes of a file by which its format is told. */
export const BINPRM_BUF_SIZE = 256;

export interface Interpreter {
  readonly path: Name;
  /** What follows the path, spaces inside included. */
  readonly argument: Name | undefined;
}

/** The interpreter that `header` (zero-filled to BINPRM_BUF_SIZE) names; undefined for what is no script. ENOEXEC. */
export function parseScript(header: Uint8Array): Interpreter | undefined {
  const text = nameFromBytes(header);
  if (!text.startsWith('#!')) return undefined;
  const newline = text.indexOf('\n');
  const line = newline < 0 ? unterminated(text) : text.slice(2, newline);
  const [, path, rest] = /^[ \t]*([^ \t\0]*)([^]*)$/.exec(line.replace(/[ \t]+$/, '')) ?? [];
  if (path === undefined || path === '') throw ENOEXEC;
  const argument = untilNul(rest.replace(/^[ \t]+/, ''));
  return { path, argument: rest.startsWith('\0') || argument === '' ? undefined : argument };
}

/** A first line that goes on beyond the header: good as long as the interpreter's path is surely complete. */
function unterminated(text: Name): Name {
  const line = text.slice(2, BINPRM_BUF_SIZE - 1);
  if (!/^[ \t]*[^ \t]+?[ \t\0]/.test(text.slice(2))) throw ENOEXEC;
  return line;
}

function untilNul(text: Name): Name {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
