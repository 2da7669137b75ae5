/** Mount options of tmpfs: tmpfs(5). */
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { EINVAL } from '../../uapi/errno.js';
import { unknownOption } from '../super-block.js';

const PAGE_SIZE = 4096;

export interface TmpfsOptions {
  /** Limits; Infinity for none. */
  pages?: number;
  inodes?: number;
  mode?: number;
  uid?: number;
  gid?: number;
}

/** Options that only tune what there is nothing to tune of: huge pages, memory policy, swap, width of inode numbers. */
const ignored = new Set(['huge', 'mpol', 'noswap', 'inode32', 'inode64']);

export function parseTmpfsOptions(kernel: Kernel, data: Name): TmpfsOptions {
  const options: TmpfsOptions = {};
  for (const word of data.split(',')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const key = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (ignored.has(key)) continue;
    if (!parseOption(kernel, options, key, value)) unknownOption(kernel, 'tmpfs', key);
  }
  return options;
}

/** False for an option that tmpfs does not know. */
function parseOption(kernel: Kernel, options: TmpfsOptions, key: Name, value: Name | undefined): boolean {
  switch (key) {
    case 'size':
      options.pages = limit(Math.ceil(parseSize(kernel, value) / PAGE_SIZE));
      return true;
    case 'nr_blocks':
      options.pages = limit(parseAmount(value));
      return true;
    case 'nr_inodes':
      options.inodes = limit(parseAmount(value));
      return true;
    case 'mode':
      options.mode = parseNumber(value, 8) & 0o7777;
      return true;
    case 'uid':
      options.uid = parseNumber(value, 10);
      return true;
    case 'gid':
      options.gid = parseNumber(value, 10);
      return true;
    default:
      return false;
  }
}

/** 0 says "no limit". */
const limit = (count: number): number => (count === 0 ? Infinity : count);

function parseNumber(value: Name | undefined, radix: number): number {
  if (value === undefined || !(radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value)) throw EINVAL;
  return parseInt(value, radix);
}

const suffixes = 'kmgtpe';

/** A number with a suffix: 64k, 1G. Linux's memparse. */
function parseAmount(value: Name | undefined): number {
  const found = /^(0x[0-9a-f]+|[0-9]+)([kmgtpe]?)$/i.exec(value ?? '');
  if (found === null) throw EINVAL;
  const power = found[2] === '' ? 0 : suffixes.indexOf(found[2].toLowerCase()) + 1;
  return Number(found[1]) * 1024 ** power;
}

/** Bytes, or a share of memory: 50%. */
function parseSize(kernel: Kernel, value: Name | undefined): number {
  if (value === undefined || !value.endsWith('%')) return parseAmount(value);
  return Math.floor((kernel.frames.total * PAGE_SIZE * parseAmount(value.slice(0, -1))) / 100);
}
