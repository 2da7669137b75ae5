/** Frames of guest physical memory: a buddy allocator with a reference count for each frame. Frame 0 is never handed out. */
import type { PhysicalMemory } from '../host/memory.js';

export class PhysicalAllocator {
  constructor(readonly memory: PhysicalMemory) {}
  /** Frames in all, and free. */
  get total(): number {
    throw new Error('physmem');
  }
  get free(): number {
    throw new Error('physmem');
  }
  /** 2^order consecutive frames, aligned, each with one reference and zeroed: the first, or 0 when there are none. */
  allocate(_order: number): number {
    throw new Error('physmem');
  }
  hold(_frame: number): void {
    throw new Error('physmem');
  }
  /** Lets go; the last one frees. */
  drop(_frame: number): void {
    throw new Error('physmem');
  }
  references(_frame: number): number {
    throw new Error('physmem');
  }
  /** The bytes of a frame. */
  bytes(_frame: number): Uint8Array {
    throw new Error('physmem');
  }
}
