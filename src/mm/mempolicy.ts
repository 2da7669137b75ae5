/** set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2), move_pages(2): for a machine of one memory node. */
import { PAGE_SIZE } from '../host/memory.js';
import { address, int, size, syscall, uint, ulong } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EFAULT, EINVAL, ENOENT, ENOSYS, EPERM, ESRCH } from '../uapi/errno.js';
import {
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_ADDR,
  MPOL_F_MEMS_ALLOWED,
  MPOL_F_NODE,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_LOCAL,
  MPOL_MF_MOVE,
  MPOL_MF_MOVE_ALL,
  MPOL_MF_STRICT,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
} from '../uapi/mempolicy.js';
import { CAP_SYS_NICE } from '../uapi/capability.js';
import { capable } from '../kernel/credentials.js';
import { mayAccess } from '../kernel/ptrace-access.js';

const MODE_FLAGS = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING;
/** Most bits of a node mask. */
const MAX_NODES = 1024;

/** What a mask of nodes may say here: nothing, or node 0. */
function readMask(task: Task, mask: number, maxNode: number): number {
  // The count is one more than the bits that are looked at, for compatibility.
  const bits = Math.max(0, maxNode - 1);
  if (bits === 0 || mask === 0) return 0;
  if (bits > PAGE_SIZE * 8) throw EINVAL;
  const bytes = task.memory.copyIn(mask, alignUp(Math.ceil(bits / 8), 8));
  let found = 0;
  for (let bit = 0; bit < bits; bit++) {
    if ((bytes[bit >>> 3] & (1 << (bit & 7))) === 0) continue;
    if (bit >= MAX_NODES) throw EINVAL;
    if (bit === 0) found = 1;
    // Nodes that do not exist are left out; only those make an empty set.
    else found |= 2;
  }
  if (found === 2) throw EINVAL;
  return found & 1;
}

/** Checks a policy; returns its node mask. EINVAL. */
function checkPolicy(task: Task, modeAndFlags: number, mask: number, maxNode: number): number {
  const mode = modeAndFlags & ~MODE_FLAGS;
  if (mode < 0 || mode > MPOL_PREFERRED_MANY) throw EINVAL;
  const both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
  if ((modeAndFlags & both) === both) throw EINVAL;
  if ((modeAndFlags & MPOL_F_NUMA_BALANCING) !== 0 && mode !== MPOL_BIND) throw EINVAL;
  const nodes = readMask(task, mask, maxNode);
  if ((mode === MPOL_DEFAULT || mode === MPOL_LOCAL) && nodes !== 0) throw EINVAL;
  const empty = nodes === 0;
  if (empty && mode !== MPOL_DEFAULT && mode !== MPOL_LOCAL && mode !== MPOL_PREFERRED) throw EINVAL;
  return nodes;
}

/** set_mempolicy(2). */
export const sys_set_mempolicy = syscall([int, address, ulong], (task, mode, mask, maxNode) => {
  const nodes = checkPolicy(task, mode, mask, maxNode);
  task.memoryPolicy = { mode, nodes };
  return 0;
});

/** mbind(2): where pages lie is the same everywhere. */
export const sys_mbind = syscall(
  [address, size, int, address, ulong, uint],
  (task, at, length, mode, mask, maxNode, flags) => {
    if ((flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) throw EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) !== 0 && !capable(task.credentials, CAP_SYS_NICE)) throw EPERM;
    if (!isAligned(at, PAGE_SIZE)) throw EINVAL;
    checkPolicy(task, mode, mask, maxNode);
    const end = at + alignUp(length, PAGE_SIZE);
    let known = at;
    for (const vma of task.memory.vmas.overlapping(at, end)) {
      if (vma.start > known) throw EFAULT;
      known = vma.end;
    }
    if (known < end) throw EFAULT;
    return 0;
  },
);

/** get_mempolicy(2). */
export const sys_get_mempolicy = syscall(
  [address, address, ulong, address, ulong],
  (task, modeAt, maskAt, maxNode, at, flags) => {
    const space = task.memory;
    if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) !== 0) throw EINVAL;
    if (maskAt !== 0 && maxNode < 1) throw EINVAL;
    let { mode, nodes } = task.memoryPolicy;
    if ((flags & MPOL_F_MEMS_ALLOWED) !== 0) {
      if ((flags & (MPOL_F_NODE | MPOL_F_ADDR)) !== 0) throw EINVAL;
      mode = 0;
      nodes = 1;
    } else if ((flags & MPOL_F_ADDR) !== 0) {
      if (space.vmas.find(at) === undefined) throw EFAULT;
      mode = MPOL_DEFAULT;
      nodes = 0;
    } else {
      if (at !== 0) throw EINVAL;
      if ((flags & MPOL_F_NODE) !== 0) throw EINVAL;
    }
    if (modeAt !== 0) space.putU32(modeAt, mode);
    if (maskAt !== 0) {
      const bytes = new Uint8Array(alignUp(Math.ceil(Math.min(maxNode, MAX_NODES) / 8), 8));
      bytes[0] = nodes;
      space.copyOut(maskAt, bytes);
    }
    return 0;
  },
);

/** migrate_pages(2): there is nowhere to go. */
export const sys_migrate_pages = syscall([int, ulong, address, address], (task, pid, maxNode, from, to) => {
  readMask(task, from, maxNode);
  readMask(task, to, maxNode);
  const target = pid === 0 ? task : task.kernel.pids.tasks.get(pid);
  if (target === undefined) throw ESRCH;
  if (!mayAccess(task, target)) throw EPERM;
  return 0;
});

/** move_pages(2): without nodes to move to, it tells where each page is. */
export const sys_move_pages = syscall(
  [int, ulong, address, address, address, int],
  (task, pid, count, pages, nodes, status) => {
    if (nodes !== 0) throw ENOSYS;
    const target = pid === 0 ? task : task.kernel.pids.tasks.get(pid);
    if (target?.mm === undefined) throw ESRCH;
    if (!mayAccess(task, target)) throw EPERM;
    const space = task.memory;
    for (let index = 0; index < count; index++) {
      const at = space.getU64(pages + index * 8);
      const mapped = at < target.mm.top && target.mm.tables.entry(at) !== 0;
      const known = target.mm.vmas.find(at) !== undefined;
      space.putU32(status + index * 4, mapped ? 0 : known ? -ENOENT.number : -EFAULT.number);
    }
    return 0;
  },
);
