/** msync(2): writes the pages of shared file mappings back. */
import { PAGE_SIZE } from '../host/memory.js';
import { address, int, type Result, size, syscall } from '../kernel/syscall.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EBUSY, EINVAL, ENOMEM } from '../uapi/errno.js';
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC, msyncFlags } from '../uapi/mman.js';
import type { AddressSpace } from './address-space.js';

/** msync(2). */
export const sys_msync = syscall([address, size, int], (task, at, length, flags): Result => {
  if (msyncFlags.unknown(flags) !== 0 || !isAligned(at, PAGE_SIZE)) throw EINVAL;
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) throw EINVAL;
  const end = at + alignUp(length, PAGE_SIZE);
  if (!(end < 2 ** 64)) throw ENOMEM;
  if (end === at) return 0;
  const waits = sync(task.memory, at, Math.min(end, task.memory.top), flags);
  const holes = end > task.memory.top || hasHoles(task.memory, at, end);
  if (waits.length === 0) return told(holes);
  return Promise.all(waits).then(() => told(holes));
});

/** Parts of the range that are not mapped do not keep the others from being written, but are ENOMEM in the end. */
function told(holes: boolean): number {
  if (holes) throw ENOMEM;
  return 0;
}

function sync(space: AddressSpace, start: number, end: number, flags: number): Promise<number>[] {
  const waits: Promise<number>[] = [];
  for (const vma of space.vmas.overlapping(start, end)) {
    if ((flags & MS_INVALIDATE) !== 0 && vma.locked) throw EBUSY;
    if ((flags & MS_SYNC) === 0 || !vma.shared || vma.object === undefined) continue;
    const first = vma.pageAt(Math.max(vma.start, start));
    const last = vma.pageAt(Math.min(vma.end, end) - 1);
    const result = vma.object.syncRange(first, last - first + 1);
    if (typeof result !== 'number') waits.push(result);
  }
  return waits;
}

function hasHoles(space: AddressSpace, start: number, end: number): boolean {
  let at = start;
  for (const vma of space.vmas.overlapping(start, end)) {
    if (vma.start > at) return true;
    at = vma.end;
  }
  return at < end;
}
