/** Limits on what an address space may become: RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK. getrlimit(2). */
import { PAGE_SIZE } from '../host/memory.js';
import { CAP_IPC_LOCK } from '../uapi/capability.js';
import { ENOMEM } from '../uapi/errno.js';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK } from '../uapi/resource.js';
import { capable } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import type { AddressSpace } from './address-space.js';
import { VM_GROWSDOWN, VM_SHARED, VM_WRITE } from './vma.js';

/** The soft limit, for the process that uses the space; none if it has not run yet. */
export function limitOf(space: AddressSpace, resource: number): number {
  return space.process?.rlimits[resource].soft ?? Infinity;
}

/** Private memory that can be written, other than stacks: what RLIMIT_DATA counts. */
export const isData = (flags: number): boolean =>
  (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;

/** VmData, in pages. */
export function dataPages(space: AddressSpace): number {
  let pages = 0;
  for (const vma of space.vmas.areas) if (isData(vma.flags)) pages += vma.pages;
  return pages;
}

/** may_expand_vm: whether `pages` more pages of this kind fit the limits. ENOMEM. */
export function checkExpansion(space: AddressSpace, flags: number, pages: number): void {
  if ((space.totalPages + pages) * PAGE_SIZE > limitOf(space, RLIMIT_AS)) throw ENOMEM;
  const limit = limitOf(space, RLIMIT_DATA);
  if (limit !== Infinity && isData(flags) && (dataPages(space) + pages) * PAGE_SIZE > limit) throw ENOMEM;
}

/** Whether the task may lock memory at all: CAP_IPC_LOCK, or some of it. */
export const mayLock = (task: Task): boolean =>
  task.process.rlimits[RLIMIT_MEMLOCK].soft !== 0 || capable(task.credentials, CAP_IPC_LOCK);

/** Whether `pages` more pages may be locked. */
export function lockFits(task: Task, space: AddressSpace, pages: number): boolean {
  const limit = task.process.rlimits[RLIMIT_MEMLOCK].soft;
  return (space.lockedPages + pages) * PAGE_SIZE <= limit || capable(task.credentials, CAP_IPC_LOCK);
}
