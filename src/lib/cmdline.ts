/** Helpers for command lines: numbers with suffixes, words with quotes. Linux: lib/cmdline.c. */
import type { Name } from './names.js';

const suffixes = 'KMGTPE';

/** A number, and what follows it. */
export interface ParsedSize {
  readonly value: number;
  readonly rest: string;
}

/**
 * A size as memparse() reads it: decimal, 0x hexadecimal or 0 octal digits and a suffix K, M, G, T, P or E in either case.
 * No digits are the number 0. Exact below 2^53.
 */
export function memparse(text: string): ParsedSize {
  const digits = /^0[xX][0-9a-fA-F]+|^0[0-7]*|^[0-9]+/.exec(text)?.[0] ?? '';
  const octal = /^0[0-7]+$/.test(digits);
  const value = octal ? parseInt(digits, 8) : Number(digits);
  const suffix = suffixes.indexOf((text[digits.length] ?? '?').toUpperCase());
  if (digits === '' || suffix < 0) return { value, rest: text.slice(digits.length) };
  return { value: value * 1024 ** (suffix + 1), rest: text.slice(digits.length + 1) };
}

/** One word of a command line: `name`, `name=value`. */
export interface CommandLineWord {
  readonly name: Name;
  /** undefined when there is no `=`. */
  readonly value: Name | undefined;
  /** The word as it came, but for quotes around all of it. */
  readonly text: Name;
}

/**
 * The words of a command line. Double quotes protect spaces; quotes around the whole word or around the value are removed:
 * next_arg() of Linux.
 */
export function splitCommandLine(line: Name): CommandLineWord[] {
  const words: CommandLineWord[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(line[at])) at++;
    if (at >= line.length) return words;
    const start = at;
    let quoted = false;
    while (at < line.length && (quoted || !isSpace(line[at]))) {
      if (line[at] === '"') quoted = !quoted;
      at++;
    }
    words.push(parseWord(line.slice(start, at)));
  }
}

const isSpace = (character: string | undefined): boolean =>
  character !== undefined && ' \t\n\r\v\f\xa0'.includes(character);

function parseWord(word: Name): CommandLineWord {
  const text = word.startsWith('"')
    ? word.slice(1, word.endsWith('"') && word.length > 1 ? -1 : undefined)
    : word;
  const equals = text.indexOf('=');
  if (equals <= 0) return { name: text, value: undefined, text };
  const name = text.slice(0, equals);
  const raw = text.slice(equals + 1);
  const value = raw.startsWith('"')
    ? raw.slice(1, raw.endsWith('"') && raw.length > 1 ? -1 : undefined)
    : raw;
  return { name, value, text: `${name}=${value}` };
}
