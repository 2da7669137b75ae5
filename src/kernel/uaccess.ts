/** Structures in user memory whose size the caller tells, so that they can grow: copy_struct_from_user() of Linux. */
import { E2BIG } from '../uapi/errno.js';
import type { Task } from './task.js';

/**
 * A structure of which the kernel knows `known` bytes and the caller `size`. What an old caller does not give is zero; what
 * a new one gives beyond the known must be zero (E2BIG).
 */
export function copyStructIn(task: Task, address: number, size: number, known: number): Uint8Array {
  const given = task.memory.copyIn(address, size);
  for (let index = known; index < size; index++) if (given[index] !== 0) throw E2BIG;
  const bytes = new Uint8Array(known);
  bytes.set(size > known ? given.subarray(0, known) : given);
  return bytes;
}
