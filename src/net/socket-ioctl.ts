/** ioctls of sockets: socket(7), netdevice(7). The socket's own come first, then those that work on every socket. */
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { ENOIOCTLCMD, ENOTTY } from '../uapi/errno.js';
import type { SocketFile } from './socket-file.js';

export function socketIoctl(task: Task, file: SocketFile, request: number, argument: number): Result {
  try {
    return file.socket.ioctl(task, request, argument);
  } catch (error) {
    if (error !== ENOIOCTLCMD) throw error;
  }
  throw ENOTTY;
}
