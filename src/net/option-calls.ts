/** getsockopt(2), setsockopt(2). */
import { address, fd, int, syscall } from '../kernel/syscall.js';
import { EINVAL, ERANGE } from '../uapi/errno.js';
import { SO_PEERGROUPS, SOL_SOCKET } from '../uapi/socket.js';
import { getSocketOption, setSocketOption } from './sol-socket.js';
import { socketFileAt } from './socket-file.js';

/** No option's value is longer. */
const VALUE_MAX = 4096;

export const sys_setsockopt = syscall(
  [fd, int, int, address, int],
  (task, at, level, name, value, length) => {
    if (length < 0) throw EINVAL;
    const { socket } = socketFileAt(task, at);
    const bytes = task.memory.copyIn(value, Math.min(length, VALUE_MAX));
    if (level === SOL_SOCKET) setSocketOption(task, socket, name, bytes);
    else socket.setOption(task, level, name, bytes);
    return 0;
  },
);

export const sys_getsockopt = syscall(
  [fd, int, int, address, address],
  (task, at, level, name, valueAt, lengthAt) => {
    const { socket } = socketFileAt(task, at);
    const room = task.memory.getU32(lengthAt) | 0;
    if (room < 0) throw EINVAL;
    const isOurs = level === SOL_SOCKET;
    const value = isOurs ? getSocketOption(socket, name, room) : socket.getOption(task, level, name, room);
    if (isOurs && name === SO_PEERGROUPS && room < value.length) {
      task.memory.putU32(lengthAt, value.length);
      throw ERANGE;
    }
    const shown = value.subarray(0, room);
    if (shown.length > 0) task.memory.copyOut(valueAt, shown);
    task.memory.putU32(lengthAt, shown.length);
    return 0;
  },
);
