/** readv(2), writev(2): linux/uio.h. */
import { struct, u64 } from '../lib/struct.js';

export const iovec = struct({ iov_base: u64, iov_len: u64 });
export const UIO_FASTIOV = 8;
/** Most elements of a vector. */
export const UIO_MAXIOV = 1024;
