/** Mount options of overlayfs: Documentation/filesystems/overlayfs.rst. */
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { EINVAL } from '../../uapi/errno.js';
import { unknownOption } from '../super-block.js';

export interface OverlayOptions {
  /** Uppermost first. */
  readonly lower: readonly Name[];
  readonly upper: Name | undefined;
  readonly work: Name | undefined;
  /** Directories of lower layers can be renamed: they remember where they came from. */
  readonly redirect: boolean;
  /** Our own attributes are in user.*, not trusted.*: for layers that an unprivileged user wrote. */
  readonly userAttributes: boolean;
  /** sync(2) and fsync(2) do nothing. */
  readonly volatile: boolean;
}

/** Features of Linux's overlayfs that we have in one form only: any other wish falls back to it, as Linux's own do. */
const fixed: Readonly<Record<string, string>> = {
  index: 'off',
  metacopy: 'off',
  nfs_export: 'off',
  verity: 'off',
};
const ignored = new Set(['xino', 'uuid', 'default_permissions']);

export function parseOverlayOptions(kernel: Kernel, data: Name): OverlayOptions {
  const words = new Map<Name, Name>();
  for (const word of splitEscaped(data, ',')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const key = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? '' : word.slice(equals + 1);
    checkOption(kernel, key, value);
    words.set(key, value);
  }
  const redirect = words.get('redirect_dir') ?? 'off';
  if (!['on', 'off', 'follow', 'nofollow'].includes(redirect)) throw EINVAL;
  const lower = splitEscaped(words.get('lowerdir') ?? '', ':').map(unescape);
  if (lower.includes('')) throw complain(kernel, "missing 'lowerdir'");
  const [upper, work] = [words.get('upperdir'), words.get('workdir')].map((name) => name && unescape(name));
  if (upper !== undefined && work === undefined) throw complain(kernel, "missing 'workdir'");
  return {
    lower,
    upper,
    work: upper === undefined ? undefined : work,
    redirect: redirect === 'on',
    userAttributes: words.has('userxattr'),
    volatile: words.has('volatile'),
  };
}

const known = new Set(['lowerdir', 'upperdir', 'workdir', 'redirect_dir', 'userxattr', 'volatile']);

function checkOption(kernel: Kernel, key: Name, value: Name): void {
  if (known.has(key) || ignored.has(key)) return;
  const only = fixed[key];
  if (only === undefined) unknownOption(kernel, 'overlay', key);
  if (value !== only) kernel.log.warn(`overlayfs: falling back to ${key}=${only}.`);
}

export function complain(kernel: Kernel, message: string): typeof EINVAL {
  kernel.log.error(`overlayfs: ${message}`);
  return EINVAL;
}

/** Parts between separators that no backslash precedes; backslashes stay. */
function splitEscaped(text: Name, separator: string): Name[] {
  const parts: Name[] = [''];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === separator) {
      parts.push('');
      continue;
    }
    parts[parts.length - 1] += text[at];
    if (text[at] === '\\' && at + 1 < text.length) parts[parts.length - 1] += text[++at];
  }
  return parts;
}

const unescape = (text: Name): Name => text.replace(/\\(.)/gs, '$1');

/** As /proc/mounts shows them. */
export function showOverlayOptions(data: OverlayOptions): Name {
  const escape = (name: Name): Name => name.replace(/[\\,:]/g, '\\$&');
  const shown = [`lowerdir=${data.lower.map(escape).join(':')}`];
  if (data.upper !== undefined)
    shown.push(`upperdir=${escape(data.upper)}`, `workdir=${escape(data.work ?? '')}`);
  if (data.redirect) shown.push('redirect_dir=on');
  if (data.volatile) shown.push('volatile');
  if (data.userAttributes) shown.push('userxattr');
  return shown.join(',');
}
