/** `ubdN[flags]=file[,backing[,serial]]`: the switch, and what it asks for. arch/um/drivers/ubd_kern.c: ubd_setup_common(). */
import type { Name } from '../../../lib/names.js';

export const MAX_UBD = 16;

/** What is asked for one device. */
export interface UbdRequest {
  readonly unit: number;
  readonly file: Name;
  /** Then `file` is a copy-on-write file for it. */
  readonly backing: Name | undefined;
  readonly serial: Name | undefined;
  /** r */
  readonly readOnly: boolean;
  /** s */
  readonly sync: boolean;
  /** d: plain data, whatever it looks like. */
  readonly noCow: boolean;
  /** c */
  readonly shared: boolean;
  /** t */
  readonly noTrim: boolean;
}

export type UbdSwitch =
  | { readonly kind: 'device'; readonly request: UbdRequest }
  /** ubd=sync */
  | { readonly kind: 'all-sync' }
  /** ubd=98: for what once was another major number. */
  | { readonly kind: 'fake-major' }
  /** No file: nothing is asked for. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly reason: string };

const MOST_FLAGS = 6;

/** `text` is what follows "ubd". */
export function parseUbdSwitch(text: Name): UbdSwitch {
  if (text.startsWith('=')) return parseGlobal(text.slice(1));
  const unit = parseUnit(text);
  if (unit === undefined) return error("Couldn't parse device number");
  if (unit.number >= MAX_UBD) return error('Device number out of range');
  const rest = text.slice(unit.length);
  const flags = /^[rscdt]*/.exec(rest.slice(0, MOST_FLAGS + 1))?.[0] ?? '';
  if (flags.length > MOST_FLAGS)
    return error(rest[MOST_FLAGS + 1] === '=' ? 'Too many flags specified' : "Missing '='");
  if (rest[flags.length] !== '=') return error("Expected '=' or flag letter (r, s, c, t or d)");
  const [file, backing, serial] = rest
    .slice(flags.length + 1)
    .split(/[,:]/)
    .map((part) => (part === '' ? undefined : part));
  const noCow = flags.includes('d');
  if (noCow && backing !== undefined) return error("Can't specify both 'd' and a cow file");
  if (file === undefined) return { kind: 'nothing' };
  const request: UbdRequest = {
    unit: unit.number,
    file,
    backing,
    serial,
    readOnly: flags.includes('r'),
    sync: flags.includes('s'),
    noCow,
    shared: flags.includes('c'),
    noTrim: flags.includes('t'),
  };
  return { kind: 'device', request };
}

const error = (reason: string): UbdSwitch => ({ kind: 'error', reason });

function parseGlobal(value: Name): UbdSwitch {
  if (value === 'sync') return { kind: 'all-sync' };
  return /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(value)
    ? { kind: 'fake-major' }
    : error("Didn't parse major number");
}

/** A number, decimal, octal or hexadecimal as in C, or a letter. */
export function parseUnit(text: Name): { readonly number: number; readonly length: number } | undefined {
  const digits = /^0[xX][0-9a-fA-F]+|^[0-9]+/.exec(text)?.[0];
  if (digits !== undefined) {
    const number = /^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits);
    return { number, length: digits.length };
  }
  return /^[a-z]/.test(text) ? { number: text.charCodeAt(0) - 0x61, length: 1 } : undefined;
}

/** What the plain `ubd0=root_fs` asks for. */
export const plainRequest = (unit: number, file: Name): UbdRequest => ({
  unit,
  file,
  backing: undefined,
  serial: undefined,
  readOnly: false,
  sync: false,
  noCow: false,
  shared: false,
  noTrim: false,
});
