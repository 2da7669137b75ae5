/** process_vm_readv(2), process_vm_writev(2). */
import { mayAccess } from '../kernel/ptrace-access.js';
import { address, int, syscall, ulong } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { EFAULT, EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import { UIO_MAXIOV, iovec } from '../uapi/uio.js';
import type { AddressSpace } from './address-space.js';
import type { UserRange } from './user-buffer.js';
import { userVector } from './uio.js';

/** Bytes that go through the kernel at once. */
const CHUNK = 65_536;

const args = [int, address, ulong, address, ulong, ulong] as const;

/** process_vm_readv(2). */
export const sys_process_vm_readv = syscall(args, (task, pid, local, locals, remote, remotes, flags) =>
  transfer(task, pid, [local, locals], [remote, remotes], flags, false),
);

/** process_vm_writev(2). */
export const sys_process_vm_writev = syscall(args, (task, pid, local, locals, remote, remotes, flags) =>
  transfer(task, pid, [local, locals], [remote, remotes], flags, true),
);

type VectorArgument = readonly [address: number, count: number];

function transfer(
  task: Task,
  pid: number,
  local: VectorArgument,
  remote: VectorArgument,
  flags: number,
  write: boolean,
): number {
  if (flags !== 0) throw EINVAL;
  const buffer = userVector(task.memory, ...local);
  const ranges = remoteRanges(task.memory, ...remote);
  if (buffer.remaining === 0) return 0;
  const target = task.kernel.pids.tasks.get(pid);
  if (target === undefined) throw ESRCH;
  if (!mayAccess(task, target)) throw EPERM;
  if (target.mm === undefined) throw ESRCH;
  const moved = write ? writeRemote(target.mm, ranges, buffer) : readRemote(target.mm, ranges, buffer);
  if (moved === 0) throw EFAULT;
  return moved;
}

/** Bytes before the first that cannot be read there, or written here. */
function readRemote(space: AddressSpace, ranges: readonly UserRange[], to: IoBuffer): number {
  const bytes = new Uint8Array(Math.min(CHUNK, to.remaining));
  for (const { address: start, length } of ranges)
    for (let done = 0; done < length && to.remaining > 0;) {
      const part = bytes.subarray(0, Math.min(CHUNK, length - done, to.remaining));
      const moved = to.put(part.subarray(0, space.copyInto(start + done, part)));
      done += moved;
      if (moved < part.length) return to.moved;
    }
  return to.moved;
}

function writeRemote(space: AddressSpace, ranges: readonly UserRange[], from: IoBuffer): number {
  const bytes = new Uint8Array(Math.min(CHUNK, from.remaining));
  let total = 0;
  for (const { address: start, length } of ranges)
    for (let done = 0; done < length && from.remaining > 0;) {
      const part = bytes.subarray(0, Math.min(CHUNK, length - done, from.remaining));
      const moved = space.copyOutPartial(start + done, part.subarray(0, from.get(part)));
      done += moved;
      total += moved;
      if (moved < part.length) return total;
    }
  return total;
}

/** The remote side's addresses are checked when they are used, not before. */
function remoteRanges(space: AddressSpace, at: number, count: number): UserRange[] {
  if (count > UIO_MAXIOV) throw EINVAL;
  if (count === 0) return [];
  const bytes = space.copyIn(at, count * iovec.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { iov_base, iov_len } = iovec.field;
  const ranges: UserRange[] = [];
  for (let offset = 0; offset < bytes.length; offset += iovec.size) {
    const length = iov_len.get(view, offset);
    if (length >= 2 ** 63) throw EINVAL;
    ranges.push({ address: iov_base.get(view, offset), length });
  }
  return ranges;
}
