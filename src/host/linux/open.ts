/**
 * openat2(2) and what stands in for it on hosts that lack it (Linux before 5.6, or a container's filter that refuses it):
 * then a confined path is walked component by component, and symbolic links on the way are refused.
 */
import type { Name } from '../../lib/names.js';
import { ELOOP, ENOENT, ENOSYS, EPERM, EXDEV } from '../../uapi/errno.js';
import {
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  open_how,
} from '../../uapi/fcntl.js';
import { call, pinned } from './ffi.js';
import type { PathBuffer } from './path-buffer.js';

const SYS_openat2 = 437;
const EAGAIN = -11;
/** How often a resolution that raced with a rename is tried again. */
const RETRIES = 64;

const openat = call<[number, number, number, number]>(
  'int openat(int at, intptr_t path, int flags, int mode)',
);
const openat2 = call<[number, number, number, number, number]>(
  'int64_t syscall(int64_t number, int at, intptr_t path, intptr_t how, size_t size)',
);
const close = call<[number]>('int close(int fd)');

const { flags: howFlags, mode: howMode, resolve: howResolve } = open_how.field;

export class Opener {
  private readonly how = pinned(open_how.size);
  private openat2Works: boolean | undefined;

  constructor(private readonly path: PathBuffer) {}

  open(at: number, path: Name, flags: number, mode: number, resolve: number): number {
    const all = flags | O_CLOEXEC;
    if (resolve === 0) return openat(at, this.path.put(path), all, mode);
    if (this.openat2Works === false) return this.walk(at, path, all, mode, resolve);
    const { view, address } = this.how;
    howFlags.set(view, 0, all);
    // openat2 refuses a mode that would not be used.
    howMode.set(view, 0, (flags & O_CREAT) !== 0 || (flags & O_TMPFILE) === O_TMPFILE ? mode : 0);
    howResolve.set(view, 0, resolve);
    for (let tries = 0; ; tries++) {
      const result = openat2(SYS_openat2, at, this.path.put(path), address, open_how.size);
      if (result === EAGAIN && tries < RETRIES) continue;
      if (result >= 0) this.openat2Works = true;
      if (this.openat2Works === undefined && (result === -ENOSYS.number || result === -EPERM.number)) {
        this.openat2Works = result !== -ENOSYS.number && this.probe();
        if (!this.openat2Works) return this.walk(at, path, all, mode, resolve);
      }
      return result;
    }
  }

  /** Whether openat2 works at all: filters of containers answer EPERM to calls that they do not know. */
  private probe(): boolean {
    const { view, address } = this.how;
    howFlags.set(view, 0, O_PATH | O_CLOEXEC);
    howMode.set(view, 0, 0);
    howResolve.set(view, 0, RESOLVE_BENEATH);
    const fd = openat2(SYS_openat2, -100, this.path.put('.'), address, open_how.size);
    if (fd >= 0) close(fd);
    return fd >= 0;
  }

  /** A walk that never leaves `at` and follows no links: stricter than any RESOLVE_* flag asks. */
  private walk(at: number, path: Name, flags: number, mode: number, resolve: number): number {
    if (path === '') return -ENOENT.number;
    if (path.startsWith('/') && (resolve & RESOLVE_IN_ROOT) === 0) return -EXDEV.number;
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    if (names.includes('..')) return -EXDEV.number;
    const last = names.pop() ?? '.';
    let directory = at;
    for (const name of names) {
      const next = openat(directory, this.path.put(name), O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC, 0);
      if (directory !== at) close(directory);
      if (next < 0) return next;
      directory = next;
    }
    const fd = openat(directory, this.path.put(last), flags | O_NOFOLLOW, mode);
    if (directory !== at) close(directory);
    return fd === -ELOOP.number && (flags & O_NOFOLLOW) === 0 ? -EXDEV.number : fd;
  }
}
