/** mremap(2): changes an area's size, or its place. */
import { PAGE_SIZE } from '../host/memory.js';
import { address, flags, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from '../uapi/errno.js';
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, mremapFlags } from '../uapi/mman.js';
import type { AddressSpace } from './address-space.js';
import { populate } from './fault.js';
import { checkExpansion, lockFits } from './limits.js';
import { findGap } from './map.js';
import { moveRange } from './pages.js';
import {
  VM_ACCOUNT,
  VM_DONTEXPAND,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
  Vma,
} from './vma.js';

/** mremap(2). */
export const sys_mremap = syscall(
  [address, size, size, flags(mremapFlags), address],
  (task, from, oldSize, newSize, how, to) => {
    const space = task.memory;
    space.process = task.process;
    const fixed = (how & MREMAP_FIXED) !== 0;
    const dontUnmap = (how & MREMAP_DONTUNMAP) !== 0;
    if ((fixed || dontUnmap) && (how & MREMAP_MAYMOVE) === 0) throw EINVAL;
    if (dontUnmap && oldSize !== newSize) throw EINVAL;
    if (!isAligned(from, PAGE_SIZE) || !(oldSize <= space.top && newSize <= space.top)) throw EINVAL;
    const oldLength = alignUp(oldSize, PAGE_SIZE);
    const newLength = alignUp(newSize, PAGE_SIZE);
    if (newLength === 0) throw EINVAL;
    const vma = space.vmas.find(from);
    if (vma === undefined) throw EFAULT;
    if (fixed || dontUnmap)
      return moveTo(task, vma, from, oldLength, newLength, fixed ? to : undefined, to, dontUnmap);
    if (oldLength >= newLength && oldLength > 0) {
      if (oldLength > newLength) shrink(space, vma, from, oldLength, newLength);
      return from;
    }
    checkMove(task, vma, from, oldLength, newLength);
    if (from + oldLength === vma.end && growInPlace(space, vma, newLength - oldLength)) {
      if (locks(vma)) populate(space, from + oldLength, from + newLength, true);
      return from;
    }
    if ((how & MREMAP_MAYMOVE) === 0) throw ENOMEM;
    const target = findGap(space, 0, newLength, false);
    return move(space, vma, from, oldLength, newLength, target, false);
  },
);

const locks = (vma: Vma): boolean => (vma.flags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED;

/** Shrinking in place may cover several areas. */
function shrink(space: AddressSpace, vma: Vma, from: number, oldLength: number, newLength: number): void {
  if ((vma.flags & VM_SPECIAL) !== 0) throw EFAULT;
  space.unmap(from + newLength, oldLength - newLength);
}

/** vma_to_resize: whether [from, from + oldLength) of the area may become so long. */
function checkMove(task: Task, vma: Vma, from: number, oldLength: number, newLength: number): void {
  const space = task.memory;
  if ((vma.flags & VM_SPECIAL) !== 0) throw EFAULT;
  // A private area can't be duplicated by an old size of 0: that is for shared ones.
  if (oldLength === 0 && (vma.flags & VM_SHARED) === 0) throw EINVAL;
  if (oldLength > vma.end - from) throw EFAULT;
  if (newLength <= oldLength) return;
  if ((vma.flags & VM_DONTEXPAND) !== 0) throw EFAULT;
  const pages = (newLength - oldLength) / PAGE_SIZE;
  if ((vma.flags & VM_LOCKED) !== 0 && !lockFits(task, space, pages)) throw EAGAIN;
  checkExpansion(space, vma.flags, pages);
  if ((vma.flags & VM_ACCOUNT) !== 0) space.manager.checkCommit(pages);
}

function growInPlace(space: AddressSpace, vma: Vma, bytes: number): boolean {
  const end = vma.end + bytes;
  const next = space.vmas.findAfter(vma.end);
  if (end > space.top || (next !== undefined && end > next.guardStart)) return false;
  const { start } = vma;
  vma.end = end;
  space.account(vma, bytes / PAGE_SIZE);
  space.vmas.mergeAround(start, end);
  return true;
}

/** MREMAP_FIXED and MREMAP_DONTUNMAP. */
function moveTo(
  task: Task,
  area: Vma,
  from: number,
  oldLength: number,
  newLength: number,
  fixed: number | undefined,
  hint: number,
  dontUnmap: boolean,
): number {
  const space = task.memory;
  const { manager } = space;
  if (fixed !== undefined) {
    if (!isAligned(fixed, PAGE_SIZE) || !(newLength <= space.top && fixed <= space.top - newLength))
      throw EINVAL;
    if (fixed < manager.mmapMinAddress) throw EINVAL;
    // The old and the new place must not overlap.
    if (from + oldLength > fixed && fixed + newLength > from) throw EINVAL;
  }
  if (space.vmas.size + 2 >= manager.maxMapCount - 3) throw ENOMEM;
  if (oldLength > area.end - from && oldLength <= newLength) throw EFAULT;
  if (oldLength > newLength) shrink(space, area, from, oldLength, newLength);
  const length = Math.min(oldLength, newLength);
  const vma = space.vmas.find(from);
  if (vma === undefined) throw EFAULT;
  checkMove(task, vma, from, length, newLength);
  if (dontUnmap) {
    checkExpansion(space, vma.flags, length / PAGE_SIZE);
    if ((vma.flags & VM_ACCOUNT) !== 0) manager.checkCommit(length / PAGE_SIZE);
  }
  if (fixed !== undefined) space.unmap(fixed, newLength);
  const target = fixed ?? findGap(space, hint, newLength, false);
  return move(space, vma, from, length, newLength, target, dontUnmap);
}

/** move_vma: makes the area anew at `target`, where nothing is, with the pages of the old place. */
function move(
  space: AddressSpace,
  vma: Vma,
  from: number,
  oldLength: number,
  newLength: number,
  target: number,
  dontUnmap: boolean,
): number {
  const { vmas } = space;
  if (vmas.size >= space.manager.maxMapCount - 3) throw ENOMEM;
  const { flags: kind, object, file, name } = vma;
  const offset = vma.offset + from - vma.start;
  const moved = new Vma(space, target, target + newLength, kind, object, offset, file, name);
  space.addArea(moved);
  if (oldLength > 0) moveRange(space, moved, from, from + oldLength, target);
  space.commit();
  vmas.mergeAround(target, target + newLength);
  if (oldLength > 0 && !dontUnmap) space.unmap(from, oldLength);
  if (dontUnmap && (kind & VM_LOCKED) !== 0) unlockLeft(space, from, from + oldLength);
  if ((kind & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED)
    populate(space, target + oldLength, target + newLength, (kind & (VM_WRITE | VM_SHARED)) === VM_WRITE);
  return target;
}

/** What MREMAP_DONTUNMAP leaves behind is not locked. */
function unlockLeft(space: AddressSpace, start: number, end: number): void {
  space.vmas.split(start);
  space.vmas.split(end);
  for (const vma of space.vmas.overlapping(start, end))
    space.setFlags(vma, vma.flags & ~(VM_LOCKED | VM_LOCKONFAULT));
  space.vmas.mergeAround(start, end);
}
