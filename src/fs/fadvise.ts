/** Advice about what will be read: posix_fadvise(2), readahead(2). The page cache needs none, so it is checked and forgotten. */
import { fd, int, long, size, syscall } from '../kernel/syscall.js';
import { EBADF, EINVAL, ESPIPE } from '../uapi/errno.js';
import { POSIX_FADV_NOREUSE } from '../uapi/fcntl.js';
import { S_ISBLK, S_ISFIFO, S_ISREG } from '../uapi/stat.js';

export const sys_fadvise64 = syscall([fd, long, long, int], (task, at, _offset, length, advice) => {
  const { inode } = task.files.getOpen(at);
  if (S_ISFIFO(inode.mode)) throw ESPIPE;
  if (length < 0 || advice < 0 || advice > POSIX_FADV_NOREUSE) throw EINVAL;
  return 0;
});

export const sys_readahead = syscall([fd, long, size], (task, at) => {
  const file = task.files.getOpen(at);
  if (!file.readable) throw EBADF;
  const { mode } = file.inode;
  if (!S_ISREG(mode) && !S_ISBLK(mode)) throw EINVAL;
  return 0;
});
