/**
 * name_to_handle_at(2), open_by_handle_at(2): names that stay good without a path. No file system here can make one, which
 * programs expect of many that Linux has.
 */
import { capable } from '../kernel/credentials.js';
import { address, fd, int, path, syscall } from '../kernel/syscall.js';
import { CAP_DAC_READ_SEARCH } from '../uapi/capability.js';
import { EINVAL, EOPNOTSUPP, EPERM, ESTALE } from '../uapi/errno.js';
import { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, nameToHandleFlags } from '../uapi/fcntl.js';
import { filePath, LOOKUP_EMPTY, LOOKUP_FOLLOW, lookupAt } from './namei.js';

/** Bytes of the opaque part of a handle: the most that user space may offer room for. */
const MAX_HANDLE_SZ = 128;

export const sys_name_to_handle_at = syscall(
  [fd, path, address, address, int],
  (task, dirfd, name, handle, _mountId, flags) => {
    if (!nameToHandleFlags.has(flags)) throw EINVAL;
    const lookup =
      ((flags & AT_SYMLINK_FOLLOW) === 0 ? 0 : LOOKUP_FOLLOW) |
      ((flags & AT_EMPTY_PATH) === 0 ? 0 : LOOKUP_EMPTY);
    lookupAt(task, dirfd, name, lookup);
    if (task.memory.getU32(handle) > MAX_HANDLE_SZ) throw EINVAL;
    throw EOPNOTSUPP;
  },
);

export const sys_open_by_handle_at = syscall([fd, address, int], (task, mountFd, handle) => {
  if (!capable(task.credentials, CAP_DAC_READ_SEARCH)) throw EPERM;
  filePath(task.files.get(mountFd));
  const length = task.memory.getU32(handle);
  if (length === 0 || length > MAX_HANDLE_SZ) throw EINVAL;
  throw ESTALE;
});
