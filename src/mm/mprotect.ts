/** mprotect(2), and the calls of pkeys(7): protection keys are not offered to guests. */
import { PAGE_SIZE } from '../host/memory.js';
import { address, int, size, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EACCES, EINVAL, ENOMEM, ENOSPC } from '../uapi/errno.js';
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE } from '../uapi/mman.js';
import { READ_IMPLIES_EXEC } from '../uapi/personality.js';
import type { AddressSpace } from './address-space.js';
import { isAccountable } from './map.js';
import { protectRange } from './pages.js';
import { VM_ACCESS, VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_MAYEXEC, VM_SPECIAL, type Vma } from './vma.js';

const ALL = PROT_READ | PROT_WRITE | PROT_EXEC;

/** mprotect(2). */
export const sys_mprotect = syscall([address, size, uint], (task, at, length, protection) =>
  protect(task, at, length, protection),
);

/** pkey_mprotect(2): with key -1 it is mprotect; no other key can have been allocated. */
export const sys_pkey_mprotect = syscall([address, size, uint, int], (task, at, length, protection, key) => {
  if (key !== -1) throw EINVAL;
  return protect(task, at, length, protection);
});

/** pkey_alloc(2): as on a processor without protection keys. */
export const sys_pkey_alloc = syscall([uint, uint], (_task, flags, rights) => {
  if (flags !== 0 || (rights & ~3) !== 0) throw EINVAL;
  throw ENOSPC;
});

/** pkey_free(2). */
export const sys_pkey_free = syscall([int], () => {
  throw EINVAL;
});

function protect(task: Task, at: number, length: number, asked: number): number {
  const space = task.memory;
  const grows = asked & (PROT_GROWSDOWN | PROT_GROWSUP);
  const protection = asked & ~(PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP) || !isAligned(at, PAGE_SIZE)) throw EINVAL;
  if (length === 0) return 0;
  const end = at + alignUp(length, PAGE_SIZE);
  if (!(end <= space.top)) throw ENOMEM;
  if ((protection & ~(ALL | PROT_SEM)) !== 0) throw EINVAL;
  const first = space.vmas.findAfter(at);
  if (first === undefined) throw ENOMEM;
  let start = at;
  if ((grows & PROT_GROWSDOWN) !== 0) {
    if (first.start >= end) throw ENOMEM;
    if ((first.flags & VM_GROWSDOWN) === 0) throw EINVAL;
    start = first.start;
  } else {
    if (first.start > start) throw ENOMEM;
    if ((grows & PROT_GROWSUP) !== 0) throw EINVAL;
  }
  const implied = (task.personality & READ_IMPLIES_EXEC) !== 0 && (protection & PROT_READ) !== 0;
  try {
    protectAreas(space, start, end, protection & ALL, implied);
  } finally {
    space.vmas.mergeAround(start, end);
    space.commit();
  }
  return 0;
}

/** Up to the first area that refuses, or the first gap, protections change. */
function protectAreas(
  space: AddressSpace,
  start: number,
  end: number,
  protection: number,
  implied: boolean,
): void {
  let at = start;
  for (const vma of space.vmas.overlapping(start, end)) {
    if (vma.start > at) throw ENOMEM;
    const execute = implied && (vma.flags & VM_MAYEXEC) !== 0 ? VM_EXEC : 0;
    // Dividing the area changes its end.
    const to = Math.min(vma.end, end);
    protectArea(space, vma, at, to, protection | execute);
    at = to;
  }
  if (at < end) throw ENOMEM;
}

function protectArea(space: AddressSpace, area: Vma, start: number, end: number, protection: number): void {
  if ((area.flags & VM_SPECIAL) !== 0) throw EACCES;
  // VM_MAYREAD and its kin are VM_READ and its kin, times 16.
  if ((protection & ~(area.flags >> 4) & VM_ACCESS) !== 0) throw EACCES;
  let flags = (area.flags & ~VM_ACCESS) | protection;
  if (flags === area.flags) return;
  const { vmas, manager } = space;
  const pieces = (area.start < start ? 1 : 0) + (area.end > end ? 1 : 0);
  if (vmas.size + pieces > manager.maxMapCount) throw ENOMEM;
  if ((area.flags & VM_ACCOUNT) === 0 && isAccountable(flags)) {
    manager.checkCommit((end - start) / PAGE_SIZE);
    flags |= VM_ACCOUNT;
  }
  vmas.split(start);
  vmas.split(end);
  const vma = vmas.find(start) as Vma;
  space.setFlags(vma, flags);
  protectRange(space, vma, start, end);
}
