/** Making and removing areas: the inner half of mmap(2) and munmap(2), which exec and shmat use as well. */
import { PAGE_SIZE } from '../host/memory.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EEXIST, EINVAL, ENOMEM, EPERM } from '../uapi/errno.js';
import {
  MAP_32BIT,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_TYPE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.js';
import type { AddressSpace, MapRequest } from './address-space.js';
import { premap } from './fault.js';
import { checkExpansion } from './limits.js';
import { zapRange } from './pages.js';
import {
  VM_ACCESS,
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_NORESERVE,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
  Vma,
} from './vma.js';

/** MAP_32BIT looks here. */
const LOW_START = 0x4000_0000;
const LOW_END = 0x8000_0000;

export function map(space: AddressSpace, request: MapRequest): number {
  const { manager } = space;
  const length = alignUp(request.length, PAGE_SIZE);
  if (length === 0) throw EINVAL;
  if (length > space.top) throw ENOMEM;
  if (space.vmas.size > manager.maxMapCount) throw ENOMEM;
  const flags = areaFlags(space, request);
  const start = place(space, request, length);
  const end = start + length;
  const replaced = (request.flags & MAP_FIXED) === 0 ? 0 : pagesWithin(space, start, end);
  checkExpansion(space, flags, length / PAGE_SIZE - replaced);
  if ((flags & VM_ACCOUNT) !== 0) manager.checkCommit(length / PAGE_SIZE);
  if ((request.flags & MAP_FIXED) !== 0) removeAreas(space, start, end);
  const { mappable, file, name } = request;
  const vma = new Vma(space, start, end, flags, mappable, request.offset ?? 0, file, name);
  space.addArea(vma);
  premap(space, vma, (request.flags & MAP_FIXED) !== 0);
  space.vmas.mergeAround(start, end);
  space.commit();
  return start;
}

/** VM_* for what MAP_* and PROT_* ask. */
function areaFlags(space: AddressSpace, request: MapRequest): number {
  const { mappable, file, protection } = request;
  const shared = (request.flags & MAP_TYPE) !== MAP_PRIVATE;
  let max = request.maxProtection ?? PROT_READ | PROT_WRITE | PROT_EXEC;
  if (shared && ((file !== undefined && !file.writable) || mappable?.writeSealed === true))
    max &= ~PROT_WRITE;
  let flags = (protection & VM_ACCESS) | space.defaultFlags;
  flags |= max * VM_MAYREAD;
  if (shared) flags |= VM_SHARED | VM_MAYSHARE;
  if ((request.flags & MAP_GROWSDOWN) !== 0) flags |= VM_GROWSDOWN;
  if ((request.flags & MAP_LOCKED) !== 0) flags |= VM_LOCKED;
  if ((request.flags & MAP_NORESERVE) !== 0 && space.manager.overcommitMemory !== 2) flags |= VM_NORESERVE;
  return isAccountable(flags) ? flags | VM_ACCOUNT : flags;
}

/** Private memory that can be written may have to be found. Shared memory's object accounts for itself. */
export const isAccountable = (flags: number): boolean =>
  (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) === VM_WRITE;

/** How many pages of [start, end) are in areas already. */
export function pagesWithin(space: AddressSpace, start: number, end: number): number {
  let bytes = 0;
  for (const vma of space.vmas.overlapping(start, end))
    bytes += Math.min(vma.end, end) - Math.max(vma.start, start);
  return bytes / PAGE_SIZE;
}

/** get_unmapped_area: where the mapping goes. */
function place(space: AddressSpace, request: MapRequest, length: number): number {
  const { address } = request;
  if ((request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0) {
    if (!isAligned(address, PAGE_SIZE)) throw EINVAL;
    if (address + length > space.top) throw ENOMEM;
    if ((request.flags & MAP_FIXED_NOREPLACE) !== 0 && !space.vmas.isFree(address, address + length))
      throw EEXIST;
    return address;
  }
  return findGap(space, address, length, (request.flags & MAP_32BIT) !== 0);
}

/** A free range, at `hint` if that will do. ENOMEM. */
export function findGap(space: AddressSpace, hint: number, length: number, low32: boolean): number {
  const { vmas, layout, top, manager } = space;
  const lowest = manager.mmapMinAddress;
  if (hint !== 0 && hint < top) {
    const wanted = Math.max(alignUp(hint, PAGE_SIZE), lowest);
    const next = vmas.findAfter(wanted);
    if (wanted + length <= top && (next === undefined || wanted + length <= next.guardStart)) return wanted;
  }
  if (low32) {
    const found = vmas.lowestGap(length, LOW_START, Math.min(LOW_END, top));
    if (found === undefined) throw ENOMEM;
    return found;
  }
  const found =
    vmas.highestGap(length, lowest, layout.mmapBase) ?? vmas.lowestGap(length, layout.lowBase, top);
  if (found === undefined) throw ENOMEM;
  return found;
}

/** Removes [address, address + length), page-aligned, dividing areas at its borders. */
export function unmap(space: AddressSpace, address: number, length: number): void {
  removeAreas(space, address, address + alignUp(length, PAGE_SIZE));
  space.commit();
}

function removeAreas(space: AddressSpace, start: number, end: number): void {
  const { vmas } = space;
  const areas = vmas.overlapping(start, end);
  if (areas.length === 0) return;
  if (areas.some((vma) => (vma.flags & VM_SPECIAL) !== 0)) throw EPERM;
  const inside = areas.length === 1 && areas[0].start < start && areas[0].end > end;
  if (inside && vmas.size >= space.manager.maxMapCount) throw ENOMEM;
  vmas.split(start);
  vmas.split(end);
  zapRange(space, start, end, true);
  for (const vma of vmas.overlapping(start, end)) space.removeArea(vma);
}
