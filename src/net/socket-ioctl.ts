/** ioctls of sockets: socket(7), netdevice(7). The socket's own come first, then those that work on every socket. */
import { setOwner } from '../fs/fcntl.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { ENOIOCTLCMD } from '../uapi/errno.js';
import { F_OWNER_PGRP } from '../uapi/fcntl.js';
import { FIOGETOWN, FIOSETOWN, SIOCGPGRP, SIOCSPGRP } from '../uapi/sockios.js';
import { deviceIoctl } from './device-ioctl.js';
import type { SocketFile } from './socket-file.js';

export function socketIoctl(task: Task, file: SocketFile, request: number, argument: number): Result {
  switch (request) {
    case FIOSETOWN:
    case SIOCSPGRP:
      return setOwner(task, file, task.memory.getU32(argument) | 0);
    case FIOGETOWN:
    case SIOCGPGRP:
      task.memory.putU32(argument, file.ownerType === F_OWNER_PGRP ? -file.owner : file.owner);
      return 0;
  }
  try {
    return file.socket.ioctl(task, request, argument);
  } catch (error) {
    if (error !== ENOIOCTLCMD) throw error;
  }
  return deviceIoctl(task, request, argument);
}
