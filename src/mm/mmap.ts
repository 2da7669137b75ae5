/** mmap(2), munmap(2), brk(2), remap_file_pages(2). */
import { PAGE_SIZE } from '../host/memory.js';
import type { File } from '../fs/file.js';
import { capable } from '../kernel/credentials.js';
import { address, bits, fd, flags, int, size, syscall, ulong } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { FlagSet } from '../lib/flags.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { CAP_SYS_RAWIO } from '../uapi/capability.js';
import { EACCES, EAGAIN, EBADF, EINVAL, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM } from '../uapi/errno.js';
import { O_PATH } from '../uapi/fcntl.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_SYNC,
  MAP_TYPE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  mmapFlags,
  mmapProt,
} from '../uapi/mman.js';
import { MS_NOEXEC } from '../uapi/mount.js';
import { READ_IMPLIES_EXEC } from '../uapi/personality.js';
import { RLIMIT_DATA } from '../uapi/resource.js';
import type { AddressSpace, MapRequest } from './address-space.js';
import { populate } from './fault.js';
import { checkExpansion, limitOf, lockFits, mayLock } from './limits.js';
import { isAccountable } from './map.js';
import type { Mappable } from './mappable.js';
import { SharedMemory } from './shmem.js';
import {
  VM_ACCOUNT,
  VM_EXEC,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  Vma,
} from './vma.js';

const ALL = PROT_READ | PROT_WRITE | PROT_EXEC;
/** Offsets into a file end here: beyond it numbers are not exact. */
const MAX_OFFSET = 2 ** 53;

/** mmap(2). */
export const sys_mmap = syscall(
  [address, size, bits(mmapProt), bits(mmapFlags), fd, ulong],
  (task, at, length, protection, how, descriptor, offset) => {
    const space = task.memory;
    space.process = task.process;
    if (!isAligned(offset, PAGE_SIZE)) throw EINVAL;
    const file = (how & MAP_ANONYMOUS) === 0 ? mappableFile(task, descriptor) : undefined;
    if (length === 0) throw EINVAL;
    if ((how & MAP_HUGETLB) !== 0) throw file === undefined ? ENOMEM : EINVAL;
    if (!(length <= space.top)) throw ENOMEM;
    if (file !== undefined && offset + length > MAX_OFFSET) throw EOVERFLOW;
    checkPlace(task, at, how);
    checkLocking(task, how, alignUp(length, PAGE_SIZE) / PAGE_SIZE);
    let access = protection & ALL;
    // Old programs rely on readable memory being executable.
    const implied = (task.personality & READ_IMPLIES_EXEC) !== 0 && (access & PROT_READ) !== 0;
    const noExec = file?.mount !== undefined && (file.mount.flags & MS_NOEXEC) !== 0;
    if (implied && !noExec) access |= PROT_EXEC;
    const request = { address: at, length, protection: access, flags: how };
    const start =
      file === undefined
        ? space.map(anonymousRequest(space, request))
        : space.map(fileRequest(request, file, offset, noExec));
    populateNew(space, start, start + alignUp(length, PAGE_SIZE), how);
    return start;
  },
);

function mappableFile(task: Task, descriptor: number): File {
  const file = task.files.get(descriptor);
  if ((file.flags & O_PATH) !== 0) throw EBADF;
  return file;
}

/** security_mmap_addr: the lowest addresses are for the privileged. */
function checkPlace(task: Task, at: number, how: number): void {
  if ((how & (MAP_FIXED | MAP_FIXED_NOREPLACE)) === 0) return;
  if (!isAligned(at, PAGE_SIZE)) throw EINVAL;
  if (at < task.memory.manager.mmapMinAddress && !capable(task.credentials, CAP_SYS_RAWIO)) throw EPERM;
}

function checkLocking(task: Task, how: number, pages: number): void {
  if ((how & MAP_LOCKED) !== 0 && !mayLock(task)) throw EPERM;
  const space = task.memory;
  if (((how & MAP_LOCKED) !== 0 || (space.defaultFlags & VM_LOCKED) !== 0) && !lockFits(task, space, pages))
    throw EAGAIN;
}

type Plain = Pick<MapRequest, 'address' | 'length' | 'protection' | 'flags'>;

function anonymousRequest(space: AddressSpace, request: Plain): MapRequest {
  switch (request.flags & MAP_TYPE) {
    case MAP_PRIVATE:
      return request;
    case MAP_SHARED: {
      if ((request.flags & MAP_GROWSDOWN) !== 0) throw EINVAL;
      const mappable = new SharedMemory(space.manager, alignUp(request.length, PAGE_SIZE), true);
      return { ...request, mappable, name: '/dev/zero (deleted)' };
    }
    default:
      throw EINVAL;
  }
}

function fileRequest(request: Plain, file: File, offset: number, noExec: boolean): MapRequest {
  const { protection, flags: how } = request;
  const type = how & MAP_TYPE;
  if (type === MAP_SHARED_VALIDATE) {
    // Only with this type unknown flags, and those that no file system here has, are refused.
    if (mmapFlags.unknown(how) !== 0 || (how & MAP_SYNC) !== 0) throw EOPNOTSUPP;
  } else if (type !== MAP_SHARED && type !== MAP_PRIVATE) throw EINVAL;
  const shared = type !== MAP_PRIVATE;
  if (shared && (protection & PROT_WRITE) !== 0 && !file.writable) throw EACCES;
  if (!file.readable) throw EACCES;
  if (noExec && (protection & PROT_EXEC) !== 0) throw EPERM;
  const mappable: Mappable = file.mappable(protection, shared);
  if ((how & MAP_GROWSDOWN) !== 0) throw EINVAL;
  if (shared && (protection & PROT_WRITE) !== 0 && mappable.writeSealed === true) throw EPERM;
  return { ...request, mappable, file, offset, maxProtection: noExec ? ALL & ~PROT_EXEC : ALL };
}

/** mm_populate: what MAP_POPULATE and locked memory ask for. Failing to is no error. */
function populateNew(space: AddressSpace, start: number, end: number, how: number): void {
  const vma = space.vmas.find(start);
  if (vma === undefined || !vma.accessible) return;
  const asked = (how & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE;
  const locked = (vma.flags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED;
  if (asked || locked) populate(space, start, end, (vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE);
}

/** munmap(2). */
export const sys_munmap = syscall([address, size], (task, at, length) => {
  const space = task.memory;
  if (!isAligned(at, PAGE_SIZE) || length === 0) throw EINVAL;
  if (!(at <= space.top && length <= space.top - at)) throw EINVAL;
  space.unmap(at, length);
  return 0;
});

/** brk(2): the new end of the heap, or the old one where it cannot be had. */
export const sys_brk = syscall([address], (task, wanted) => {
  const space = task.memory;
  space.process = task.process;
  if (wanted < space.startBrk || !(wanted <= space.top)) return space.brk;
  if (wanted - space.startBrk + (space.endData - space.startData) > limitOf(space, RLIMIT_DATA))
    return space.brk;
  const from = alignUp(space.brk, PAGE_SIZE);
  const to = alignUp(wanted, PAGE_SIZE);
  if (to < from) space.unmap(to, from - to);
  else if (to > from && !growHeap(task, from, to)) return space.brk;
  space.brk = wanted;
  return wanted;
});

/** do_brk_flags. False when the heap cannot grow so far. */
function growHeap(task: Task, from: number, to: number): boolean {
  const space = task.memory;
  const { vmas, manager } = space;
  // A page stays free above the heap.
  const next = vmas.findAfter(from);
  if (next !== undefined && to + PAGE_SIZE > next.guardStart) return false;
  const execute = (task.personality & READ_IMPLIES_EXEC) === 0 ? 0 : VM_EXEC;
  const kind = VM_READ | VM_WRITE | execute | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | space.defaultFlags;
  const pages = (to - from) / PAGE_SIZE;
  if ((kind & VM_LOCKED) !== 0 && !lockFits(task, space, pages)) return false;
  if (vmas.size > manager.maxMapCount) return false;
  const all = isAccountable(kind) ? kind | VM_ACCOUNT : kind;
  try {
    checkExpansion(space, all, pages);
    manager.checkCommit(pages);
  } catch (error) {
    if (error === ENOMEM) return false;
    throw error;
  }
  space.addArea(new Vma(space, from, to, all, undefined, 0, undefined, undefined));
  vmas.mergeAround(from, to);
  if ((all & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED) populate(space, from, to, true);
  return true;
}

/** remap_file_pages(2): long deprecated, and nothing uses it. Linux emulates it by mmap. */
const remapFlags = new FlagSet({ MAP_NONBLOCK });
export const sys_remap_file_pages = syscall(
  [address, size, int, ulong, flags(remapFlags)],
  (task, at, length, protection, page) => {
    if (protection !== 0 || length === 0) throw EINVAL;
    const start = at - (at % PAGE_SIZE);
    const bytes = length - (length % PAGE_SIZE);
    const space = task.memory;
    const vma = space.vmas.find(start);
    if (vma === undefined || !vma.shared || vma.object === undefined || start + bytes > vma.end) throw EINVAL;
    if (page * PAGE_SIZE + bytes > MAX_OFFSET) throw EINVAL;
    space.map({
      address: start,
      length: bytes,
      protection: vma.flags & (VM_READ | VM_WRITE | VM_EXEC),
      flags: MAP_SHARED | MAP_FIXED,
      mappable: vma.object,
      file: vma.file,
      offset: page * PAGE_SIZE,
      ...(vma.name === undefined ? {} : { name: vma.name }),
    });
    return 0;
  },
);
