/** mincore(2): which pages are in memory. */
import { PAGE_SIZE } from '../host/memory.js';
import { address, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { alignUp, isAligned } from '../lib/word64.js';
import { EFAULT, EINVAL, ENOMEM } from '../uapi/errno.js';
import { capable } from '../kernel/credentials.js';
import { CAP_FOWNER } from '../uapi/capability.js';
import { S_IWOTH } from '../uapi/stat.js';
import type { Vma } from './vma.js';

/** Bytes of the answer that are written at once. */
const CHUNK = 4096;

/** mincore(2). */
export const sys_mincore = syscall([address, size, address], (task, at, length, vector) => {
  const space = task.memory;
  if (!isAligned(at, PAGE_SIZE)) throw EINVAL;
  const end = at + alignUp(length, PAGE_SIZE);
  if (!(end <= space.top)) throw ENOMEM;
  const pages = (end - at) / PAGE_SIZE;
  if (!(vector + pages <= space.top)) throw EFAULT;
  for (let done = 0; done < pages; done += CHUNK) {
    const count = Math.min(CHUNK, pages - done);
    space.copyOut(vector + done, residency(task, at + done * PAGE_SIZE, count));
  }
  return 0;
});

function residency(task: Task, start: number, count: number): Uint8Array {
  const { vmas, tables } = task.memory;
  const bytes = new Uint8Array(count);
  let vma: Vma | undefined;
  let visible = false;
  for (let index = 0; index < count; index++) {
    const at = start + index * PAGE_SIZE;
    if (vma === undefined || at >= vma.end) {
      vma = vmas.find(at);
      if (vma === undefined) throw ENOMEM;
      visible = mayLook(task, vma);
    }
    if (tables.entry(at) !== 0 || !visible) bytes[index] = 1;
    else if (vma.object !== undefined) bytes[index] = isResident(vma, at);
  }
  return bytes;
}

function isResident(vma: Vma, at: number): number {
  const frame = vma.object?.residentFrame(vma.pageAt(at)) ?? 0;
  if (frame === 0) return 0;
  vma.space.frames.drop(frame);
  return 1;
}

/** Of a file that one could not write to, the cache's state is not told: all pages seem to be there. */
function mayLook(task: Task, { file }: Vma): boolean {
  if (file === undefined) return true;
  const { credentials } = task;
  const { inode } = file;
  return (
    inode.uid === credentials.fsuid ||
    capable(credentials, CAP_FOWNER) ||
    file.writable ||
    (inode.mode & S_IWOTH) !== 0
  );
}
