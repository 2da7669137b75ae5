/** mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2): memory that stays. Nothing here is ever swapped out, so
 *  locking means: no reclaim of file pages, limits, and everything is there from the start. */
import { PAGE_SIZE } from '../host/memory.js';
import { address, int, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { alignDown, alignUp } from '../lib/word64.js';
import { EAGAIN, EINVAL, ENOMEM, EPERM } from '../uapi/errno.js';
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT } from '../uapi/mman.js';
import type { AddressSpace } from './address-space.js';
import { populate } from './fault.js';
import { lockFits, mayLock } from './limits.js';
import { VM_LOCKED, VM_LOCKONFAULT, VM_SHARED, VM_SPECIAL, VM_WRITE, type Vma } from './vma.js';

const LOCK_FLAGS = VM_LOCKED | VM_LOCKONFAULT;

/** mlock(2). */
export const sys_mlock = syscall([address, size], (task, at, length) => lock(task, at, length, VM_LOCKED));

/** mlock2(2). */
export const sys_mlock2 = syscall([address, size, int], (task, at, length, flags) => {
  if ((flags & ~MLOCK_ONFAULT) !== 0) throw EINVAL;
  return lock(task, at, length, (flags & MLOCK_ONFAULT) === 0 ? VM_LOCKED : LOCK_FLAGS);
});

/** munlock(2). */
export const sys_munlock = syscall([address, size], (task, at, length) => {
  const [start, end] = pageRange(at, length);
  return changeLocks(task.memory, start, end, 0);
});

/** mlockall(2). */
export const sys_mlockall = syscall([int], (task, flags) => {
  const known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
  if (flags === 0 || (flags & ~known) !== 0 || flags === MCL_ONFAULT) throw EINVAL;
  if (!mayLock(task)) throw EPERM;
  const space = task.memory;
  if ((flags & MCL_CURRENT) !== 0 && !lockFits(task, space, space.totalPages - space.lockedPages))
    throw ENOMEM;
  const kind = (flags & MCL_ONFAULT) === 0 ? VM_LOCKED : LOCK_FLAGS;
  space.defaultFlags = (flags & MCL_FUTURE) === 0 ? 0 : kind;
  if ((flags & MCL_CURRENT) === 0) return 0;
  setAll(space, kind);
  if (kind === VM_LOCKED)
    for (const vma of Array.from(space.vmas.areas)) populateArea(space, vma, vma.start, vma.end);
  return 0;
});

/** munlockall(2). */
export const sys_munlockall = syscall([], (task) => {
  task.memory.defaultFlags = 0;
  setAll(task.memory, 0);
  return 0;
});

/** The pages that a range touches. ENOMEM when it goes beyond all addresses. */
function pageRange(at: number, length: number): [start: number, end: number] {
  const start = alignDown(at, PAGE_SIZE);
  const end = alignUp(at + length, PAGE_SIZE);
  if (!(end < 2 ** 63)) throw ENOMEM;
  return [start, end];
}

function lock(task: Task, at: number, length: number, kind: number): number {
  const space = task.memory;
  if (!mayLock(task)) throw EPERM;
  const [start, end] = pageRange(at, length);
  let pages = (end - start) / PAGE_SIZE;
  if (!lockFits(task, space, pages)) {
    for (const vma of space.vmas.overlapping(start, end))
      if (vma.locked) pages -= (Math.min(vma.end, end) - Math.max(vma.start, start)) / PAGE_SIZE;
    if (!lockFits(task, space, pages)) throw ENOMEM;
  }
  changeLocks(space, start, end, kind);
  if (kind !== VM_LOCKED) return 0;
  for (const vma of space.vmas.overlapping(start, end)) {
    if (!vma.accessible) throw ENOMEM;
    switch (populateArea(space, vma, Math.max(vma.start, start), Math.min(vma.end, end))) {
      case 'bus-error':
        throw ENOMEM;
      case 'out-of-memory':
        throw EAGAIN;
      case 'done':
        break;
    }
  }
  return 0;
}

function populateArea(
  space: AddressSpace,
  vma: Vma,
  start: number,
  end: number,
): ReturnType<typeof populate> {
  if (!vma.accessible || (vma.flags & VM_SPECIAL) !== 0) return 'done';
  return populate(space, start, end, (vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE);
}

/** Areas from the start up to the first gap change; a gap is ENOMEM. */
function changeLocks(space: AddressSpace, start: number, end: number, kind: number): number {
  if (start === end) return 0;
  const { vmas, manager } = space;
  let at = start;
  try {
    for (const area of vmas.overlapping(start, end)) {
      if (area.start > at) throw ENOMEM;
      const to = Math.min(area.end, end);
      const flags = (area.flags & ~LOCK_FLAGS) | kind;
      if (flags !== area.flags && (area.flags & VM_SPECIAL) === 0) {
        if (vmas.size + 2 > manager.maxMapCount) throw ENOMEM;
        vmas.split(at);
        vmas.split(to);
        space.setFlags(vmas.find(at) as Vma, flags);
      }
      at = to;
    }
  } finally {
    vmas.mergeAround(start, end);
  }
  if (at < end) throw ENOMEM;
  return 0;
}

function setAll(space: AddressSpace, kind: number): void {
  for (const vma of space.vmas.areas)
    if ((vma.flags & VM_SPECIAL) === 0) space.setFlags(vma, (vma.flags & ~LOCK_FLAGS) | kind);
  space.vmas.mergeAround(0, space.top);
}
