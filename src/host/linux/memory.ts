/**
 * Guest physical memory: a sparse memfd (memfd_create(2)), mapped whole. Pages that nobody has touched, or that have been
 * discarded, are holes: the host zeroes them on the first touch and they cost nothing until then.
 */
import { CHUNK_SIZE, PAGE_SIZE, type PhysicalMemory } from '../memory.js';
import { mapShared } from './ffi.js';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, fallocate, must } from './seccomp/libc.js';
import { memoryFile } from './seccomp/memfd.js';

/** Physical memory, and the descriptor behind it: the native platform hands that to its stubs. */
export interface MemoryFile extends PhysicalMemory {
  readonly fd: number;
}

/** Makes `size` bytes of physical memory. */
export function createPhysicalMemory(size: number): MemoryFile {
  if (size <= 0 || size % PAGE_SIZE !== 0)
    throw new Error(`memory size ${size} is not a multiple of ${PAGE_SIZE}`);
  const fd = memoryFile('linux-memory', size);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
    chunks.push(new Uint8Array(mapShared(fd, Math.min(CHUNK_SIZE, size - offset), offset)));
  }
  return {
    size,
    chunks,
    fd,
    discard(offset, length) {
      must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length), 'fallocate');
    },
  };
}
