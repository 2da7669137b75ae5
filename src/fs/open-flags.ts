/** What open(2)'s and openat2(2)'s flags ask for. Linux's build_open_flags. */
import { EAGAIN, EINVAL } from '../uapi/errno.js';
import {
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_LARGEFILE,
  O_NOFOLLOW,
  O_PATH,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  openFlags,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  resolveFlags,
} from '../uapi/fcntl.js';
import { S_IALLUGO } from '../uapi/stat.js';
import {
  LOOKUP_BENEATH,
  LOOKUP_CACHED,
  LOOKUP_DIRECTORY,
  LOOKUP_FOLLOW,
  LOOKUP_IN_ROOT,
  LOOKUP_NO_MAGICLINKS,
  LOOKUP_NO_SYMLINKS,
  LOOKUP_NO_XDEV,
} from './namei.js';
import { MAY_READ, MAY_WRITE } from './permission.js';

/** O_TMPFILE without the O_DIRECTORY that it contains. */
export const O_TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY;
const O_SYNC_BIT = O_SYNC & ~O_DSYNC;
const O_PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;

/** How to open: flags checked and completed. */
export interface OpenRequest {
  readonly flags: number;
  /** Permission bits for a new file; the umask is still to be applied. */
  readonly mode: number;
  /** MAY_* that the file must grant. */
  readonly access: number;
  /** LOOKUP_* */
  readonly lookup: number;
}

const creates = (flags: number): boolean => (flags & (O_CREAT | O_TMPFILE_BIT)) !== 0;

/** open(2) and openat(2): what has no meaning is ignored. */
export function openRequest(flags: number, mode: number): OpenRequest {
  let known = (flags & openFlags.mask) | O_LARGEFILE;
  if ((known & O_PATH) !== 0) known &= O_PATH_FLAGS;
  return strictRequest(known, creates(known) ? mode & S_IALLUGO : 0, 0);
}

/** openat2(2): what has no meaning is an error. */
export function strictRequest(given: number, mode: number, resolve: number): OpenRequest {
  if (openFlags.unknown(given) !== 0 || resolveFlags.unknown(resolve) !== 0) throw EINVAL;
  if ((resolve & RESOLVE_BENEATH) !== 0 && (resolve & RESOLVE_IN_ROOT) !== 0) throw EINVAL;
  if (creates(given) ? (mode & ~S_IALLUGO) !== 0 : mode !== 0) throw EINVAL;
  // Once made a regular file of that name; an error since Linux 6.4.
  if ((given & (O_DIRECTORY | O_CREAT)) === (O_DIRECTORY | O_CREAT)) throw EINVAL;
  let access = [MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE][given & O_ACCMODE];
  if ((given & O_TMPFILE_BIT) !== 0 && ((given & O_DIRECTORY) === 0 || (access & MAY_WRITE) === 0))
    throw EINVAL;
  let flags = given;
  if ((flags & O_PATH) !== 0) {
    if ((flags & ~O_PATH_FLAGS) !== 0) throw EINVAL;
    access = 0;
  }
  if ((flags & O_SYNC_BIT) !== 0) flags |= O_DSYNC;
  if ((flags & O_TRUNC) !== 0) access |= MAY_WRITE;
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) flags |= O_NOFOLLOW;
  return { flags, mode, access, lookup: lookupOf(flags, resolve) };
}

function lookupOf(flags: number, resolve: number): number {
  let lookup = (flags & O_DIRECTORY) !== 0 ? LOOKUP_DIRECTORY : 0;
  if ((flags & O_NOFOLLOW) === 0) lookup |= LOOKUP_FOLLOW;
  if (resolve === 0) return lookup;
  if ((resolve & RESOLVE_CACHED) !== 0) {
    if ((flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT)) !== 0) throw EAGAIN;
    lookup |= LOOKUP_CACHED;
  }
  if ((resolve & RESOLVE_NO_XDEV) !== 0) lookup |= LOOKUP_NO_XDEV;
  if ((resolve & RESOLVE_NO_MAGICLINKS) !== 0) lookup |= LOOKUP_NO_MAGICLINKS;
  if ((resolve & RESOLVE_NO_SYMLINKS) !== 0) lookup |= LOOKUP_NO_SYMLINKS;
  if ((resolve & RESOLVE_BENEATH) !== 0) lookup |= LOOKUP_BENEATH;
  if ((resolve & RESOLVE_IN_ROOT) !== 0) lookup |= LOOKUP_IN_ROOT;
  return lookup;
}
