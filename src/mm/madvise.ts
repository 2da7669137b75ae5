/** madvise(2), process_madvise(2). */
import { PAGE_SIZE } from '../host/memory.js';
import { address, int, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EACCES, EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM, EOPNOTSUPP } from '../uapi/errno.js';
import {
  MADV_COLD,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_HWPOISON,
  MADV_KEEPONFORK,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_SOFT_OFFLINE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
} from '../uapi/mman.js';
import type { AddressSpace } from './address-space.js';
import { populate } from './fault.js';
import { zapRange } from './pages.js';
import {
  VM_ACCESS,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
  type Vma,
} from './vma.js';

/** FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE. */
const PUNCH_HOLE_KEEP_SIZE = 3;

/** Advice that changes an area's flags: what is set and what is cleared. */
const flagChanges: ReadonlyMap<number, readonly [set: number, clear: number]> = new Map([
  [MADV_NORMAL, [0, VM_RAND_READ | VM_SEQ_READ]],
  [MADV_RANDOM, [VM_RAND_READ, VM_SEQ_READ]],
  [MADV_SEQUENTIAL, [VM_SEQ_READ, VM_RAND_READ]],
  [MADV_DONTFORK, [VM_DONTCOPY, 0]],
  [MADV_DOFORK, [0, VM_DONTCOPY]],
  [MADV_WIPEONFORK, [VM_WIPEONFORK, 0]],
  [MADV_KEEPONFORK, [0, VM_WIPEONFORK]],
  [MADV_DONTDUMP, [VM_DONTDUMP, 0]],
  [MADV_DODUMP, [0, VM_DONTDUMP]],
  [MADV_HUGEPAGE, [VM_HUGEPAGE, VM_NOHUGEPAGE]],
  [MADV_NOHUGEPAGE, [VM_NOHUGEPAGE, VM_HUGEPAGE]],
]);

/** Advice that needs pages to be there, or takes them away. */
const pageAdvice: ReadonlySet<number> = new Set([
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
]);

/** madvise(2). */
export const sys_madvise = syscall([address, size, int], (task, at, length, advice) => {
  if (advice === MADV_HWPOISON || advice === MADV_SOFT_OFFLINE) throw EPERM;
  if (!flagChanges.has(advice) && !pageAdvice.has(advice)) throw EINVAL;
  if (!isAligned(at, PAGE_SIZE)) throw EINVAL;
  const bytes = alignUp(length, PAGE_SIZE);
  if (length !== 0 && (bytes === 0 || !(at + bytes < 2 ** 64))) throw EINVAL;
  if (length === 0) return 0;
  const end = Math.min(at + bytes, task.memory.top);
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE)
    populateRange(task, at, at + bytes, advice === MADV_POPULATE_WRITE);
  else walk(task, at, end, advice, at + bytes > task.memory.top);
  return 0;
});

/** Applies the advice to all areas of the range; unmapped parts are skipped, and make it ENOMEM in the end. */
function walk(task: Task, start: number, end: number, advice: number, beyond: boolean): void {
  const space = task.memory;
  let at = start;
  let holes = beyond;
  try {
    for (const vma of space.vmas.overlapping(start, end)) {
      if (vma.start > at) holes = true;
      const from = Math.max(vma.start, start);
      at = Math.min(vma.end, end);
      advise(task, vma, from, at, advice);
    }
  } finally {
    space.vmas.mergeAround(start, end);
    space.commit();
  }
  if (holes || at < end) throw ENOMEM;
}

function advise(task: Task, vma: Vma, start: number, end: number, advice: number): void {
  const space = task.memory;
  switch (advice) {
    case MADV_WILLNEED:
      willNeed(vma, start, end);
      return;
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      if ((vma.flags & VM_SPECIAL) !== 0) throw EINVAL;
      if (advice === MADV_DONTNEED && vma.locked) throw EINVAL;
      zapRange(space, start, end, true);
      return;
    case MADV_FREE:
      // The pages may go at any time until they are written again; now is as good as later.
      if (vma.object !== undefined || vma.locked || (vma.flags & VM_SPECIAL) !== 0) throw EINVAL;
      zapRange(space, start, end, true);
      return;
    case MADV_REMOVE:
      remove(vma, start, end);
      return;
    case MADV_COLD:
    case MADV_PAGEOUT:
      if ((vma.flags & (VM_LOCKED | VM_SPECIAL)) !== 0) throw EINVAL;
      return;
    default:
      changeFlags(space, vma, start, end, advice);
  }
}

function willNeed(vma: Vma, start: number, end: number): void {
  const { object } = vma;
  // Nothing else is ever swapped out.
  if (object === undefined || object.memoryOnly === true) return;
  const first = vma.pageAt(start);
  const last = vma.pageAt(end - 1);
  for (let page = first; page <= last; page++) {
    const frame = object.frameFor(page, false);
    if (frame === 0) return;
    vma.space.frames.drop(frame);
  }
}

/** Frees the pages of the object: a hole in a file. */
function remove(vma: Vma, start: number, end: number): void {
  if (vma.locked) throw EINVAL;
  if (vma.object === undefined) throw EINVAL;
  if ((vma.flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) throw EACCES;
  const offset = vma.offset + start - vma.start;
  if (vma.file === undefined) {
    vma.object.punch?.(offset, offset + end - start);
    return;
  }
  const result = vma.file.inode.fallocate(PUNCH_HOLE_KEEP_SIZE, offset, end - start);
  if (typeof result !== 'number') throw EOPNOTSUPP;
}

function changeFlags(space: AddressSpace, area: Vma, start: number, end: number, advice: number): void {
  const [set, clear] = flagChanges.get(advice) ?? [0, 0];
  // Only private anonymous memory can be wiped, and what cannot be copied cannot be made to be.
  if (advice === MADV_WIPEONFORK && (area.object !== undefined || area.shared)) throw EINVAL;
  if ((area.flags & VM_SPECIAL) !== 0) {
    if (advice === MADV_DOFORK || advice === MADV_DODUMP) throw EINVAL;
    return;
  }
  const flags = (area.flags | set) & ~clear;
  if (flags === area.flags) return;
  const { vmas, manager } = space;
  const pieces = (area.start < start ? 1 : 0) + (area.end > end ? 1 : 0);
  if (vmas.size + pieces > manager.maxMapCount) throw EAGAIN;
  vmas.split(start);
  vmas.split(end);
  space.setFlags(vmas.find(start) as Vma, flags);
}

/** MADV_POPULATE_READ, MADV_POPULATE_WRITE: as if every page were touched. */
function populateRange(task: Task, start: number, end: number, write: boolean): void {
  const space = task.memory;
  if (end > space.top) throw ENOMEM;
  let at = start;
  for (const vma of space.vmas.overlapping(start, end)) {
    if (vma.start > at) throw ENOMEM;
    if ((vma.flags & VM_SPECIAL) !== 0) throw EINVAL;
    if ((vma.flags & (write ? VM_WRITE : VM_ACCESS)) === 0) throw EFAULT;
    const to = Math.min(vma.end, end);
    switch (populate(space, at, to, write)) {
      case 'bus-error':
        throw EFAULT;
      case 'out-of-memory':
        throw ENOMEM;
      case 'done':
        break;
    }
    at = to;
  }
  if (at < end) throw ENOMEM;
}
