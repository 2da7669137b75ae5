/** Socket addresses on their way from and to user memory. bind(2), accept(2). */
import type { Task } from '../kernel/task.js';
import { EINVAL } from '../uapi/errno.js';
import { SOCKADDR_STORAGE_SIZE } from '../uapi/socket.js';

const empty = new Uint8Array(0);

/** Linux's move_addr_to_kernel: EINVAL for a length that no address has, EFAULT. */
export function readAddress(task: Task, at: number, length: number): Uint8Array {
  if (length < 0 || length > SOCKADDR_STORAGE_SIZE) throw EINVAL;
  return length === 0 ? empty : task.memory.copyIn(at, length);
}

/** Linux's move_addr_to_user: what does not fit is cut, but the length is told in full. */
export function writeAddress(task: Task, address: Uint8Array, at: number, lengthAt: number): void {
  const { memory } = task;
  const room = memory.getU32(lengthAt) | 0;
  if (room < 0) throw EINVAL;
  const count = Math.min(room, address.length);
  if (count > 0) memory.copyOut(at, address.subarray(0, count));
  memory.putU32(lengthAt, address.length);
}

/** The family that an address begins with; undefined when it is too short to have one. */
export const familyOf = (address: Uint8Array): number | undefined =>
  address.length < 2 ? undefined : address[0] | (address[1] << 8);
