/** User buffers as the read and write families of calls take them: one range, or a vector of them. readv(2). */
import type { IoBuffer } from '../lib/io-buffer.js';
import { s64 } from '../lib/word64.js';
import { EFAULT, EINVAL } from '../uapi/errno.js';
import { UIO_MAXIOV, iovec } from '../uapi/uio.js';
import type { AddressSpace } from './address-space.js';

/** Where user addresses end. */
const USER_END = 0x7fff_ffff_f000;

/** No call moves more than this at once: 2 GiB less a page. */
export const MAX_RW_COUNT = 0x7fff_f000;

/** A loff_t in user memory. */
export const readLoff = (memory: AddressSpace, address: number): number =>
  s64(memory.getU32(address), memory.getU32(address + 4));

/** A size_t whose sign bit is set is never a size. */
const SSIZE_LIMIT = 2 ** 63;

const checkRange = (address: number, length: number): void => {
  if (address + length > USER_END) throw EFAULT;
};

/** A buffer over one user range, cut to what a call may move. EFAULT when it leaves user space, even in part. */
export function userBuffer(memory: AddressSpace, address: number, length: number): IoBuffer {
  checkRange(address, length);
  return memory.buffer(address, Math.min(length, MAX_RW_COUNT));
}

export interface UserRange {
  readonly address: number;
  readonly length: number;
}

/** The ranges of a struct iovec array, cut likewise; empty ones are left out. */
export function userRanges(memory: AddressSpace, address: number, count: number): UserRange[] {
  if (count === 0) return [];
  if (count < 0 || count > UIO_MAXIOV) throw EINVAL;
  const bytes = memory.copyIn(address, count * iovec.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { iov_base, iov_len } = iovec.field;
  // All lengths are checked before any address is, as import_iovec() does.
  for (let at = 0; at < bytes.length; at += iovec.size)
    if (iov_len.get(view, at) >= SSIZE_LIMIT) throw EINVAL;
  const ranges: UserRange[] = [];
  let room = MAX_RW_COUNT;
  for (let at = 0; at < bytes.length; at += iovec.size) {
    const base = iov_base.get(view, at);
    const length = iov_len.get(view, at);
    checkRange(base, length);
    const part = Math.min(length, room);
    room -= part;
    if (part > 0) ranges.push({ address: base, length: part });
  }
  return ranges;
}

/** A buffer over the ranges of a struct iovec array. */
export function userVector(memory: AddressSpace, address: number, count: number): IoBuffer {
  const ranges = userRanges(memory, address, count);
  if (ranges.length === 0) return memory.buffer(0, 0);
  if (ranges.length === 1) return memory.buffer(ranges[0].address, ranges[0].length);
  return memory.vector(ranges);
}
