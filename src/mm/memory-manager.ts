/** The memory of the machine as a whole: frames, all page caches, reclaim, the OOM killer, /proc/meminfo's numbers. */
import type { Kernel } from '../kernel/kernel.js';
import type { PhysicalAllocator } from './physmem.js';

export class MemoryManager {
  constructor(
    readonly kernel: Kernel,
    readonly frames: PhysicalAllocator,
  ) {}
}
