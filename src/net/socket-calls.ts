/** System calls that make sockets, name them and join them: socket(2), socketpair(2), bind(2), listen(2), accept(2), connect(2)... */
import { descriptorLimit } from '../fs/file-calls.js';
import { address, fd, int, type Result, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EAFNOSUPPORT, ECONNABORTED, EINVAL, Errno } from '../uapi/errno.js';
import { O_NONBLOCK } from '../uapi/fcntl.js';
import { AF_MAX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_PACKET, SOCK_TYPE_MASK } from '../uapi/socket.js';
import { readAddress, writeAddress } from './addresses.js';
import { netOf } from './net.js';
import { shutdownMask, type Socket, withTimeout } from './socket.js';
import { SocketFile, socketFileAt } from './socket-file.js';

const flagsMask = SOCK_CLOEXEC | SOCK_NONBLOCK;

/** The flags above a type. EINVAL for unknown ones. */
function typeFlags(type: number): number {
  const flags = type & ~SOCK_TYPE_MASK;
  if ((flags & ~flagsMask) !== 0) throw EINVAL;
  return flags;
}

function createSocket(task: Task, family: number, type: number, protocol: number): Socket {
  if (family < 0 || family >= AF_MAX) throw EAFNOSUPPORT;
  if (type > SOCK_PACKET) throw EINVAL;
  const found = netOf(task).family(family);
  if (found === undefined) throw EAFNOSUPPORT;
  return found.create(task, type, protocol);
}

const fileFlags = (flags: number): number => ((flags & SOCK_NONBLOCK) === 0 ? 0 : O_NONBLOCK);

export const sys_socket = syscall([int, int, int], (task, family, type, protocol) => {
  const flags = typeFlags(type);
  const socket = createSocket(task, family, type & SOCK_TYPE_MASK, protocol);
  const file = new SocketFile(task, socket, fileFlags(flags)).hold();
  try {
    return task.files.install(file, (flags & SOCK_CLOEXEC) !== 0, descriptorLimit(task));
  } finally {
    file.drop();
  }
});

export const sys_socketpair = syscall([int, int, int, address], (task, family, type, protocol, at) => {
  const flags = typeFlags(type);
  const { files } = task;
  const limit = descriptorLimit(task);
  files.checkRoom(limit);
  // A bad address shows before anything is made.
  task.memory.copyOut(at, new Uint8Array(8).fill(0xff));
  const ends: SocketFile[] = [];
  const made: number[] = [];
  try {
    for (let end = 0; end < 2; end++) {
      const socket = createSocket(task, family, type & SOCK_TYPE_MASK, protocol);
      ends.push(new SocketFile(task, socket, fileFlags(flags)).hold());
    }
    const [one, two] = ends;
    one.socket.pair(task, two.socket);
    for (const end of ends) made.push(files.install(end, (flags & SOCK_CLOEXEC) !== 0, limit));
    task.memory.copyOut(at, new Uint8Array(new Int32Array(made).buffer));
    return 0;
  } catch (error) {
    for (const descriptor of made) files.close(task, descriptor);
    throw error;
  } finally {
    for (const end of ends) end.drop();
  }
});

export const sys_bind = syscall([fd, address, int], (task, at, name, length) => {
  const { socket } = socketFileAt(task, at);
  return socket.bind(task, readAddress(task, name, length));
});

export const sys_listen = syscall([fd, int], (task, at, backlog) => {
  const { socket } = socketFileAt(task, at);
  return socket.listen(task, Math.min(backlog >>> 0, socket.net.settings.somaxconn));
});

export const sys_accept = syscall([fd, address, address], (task, at, name, lengthAt) =>
  accept(task, at, name, lengthAt, 0),
);

export const sys_accept4 = syscall([fd, address, address, int], accept);

function accept(task: Task, at: number, name: number, lengthAt: number, flags: number): Result {
  const listener = socketFileAt(task, at);
  if ((flags & ~flagsMask) !== 0) throw EINVAL;
  task.files.checkRoom(descriptorLimit(task));
  const { socket } = listener;
  const accepted = withTimeout(socket.accept(task, listener.nonBlocking), socket.options.receiveTimeoutNs);
  if (!(accepted instanceof Promise)) return accept2(task, accepted, name, lengthAt, flags);
  listener.hold();
  return accepted
    .then((connection) => accept2(task, connection, name, lengthAt, flags))
    .finally(() => listener.drop());
}

/** The connection gets its descriptor. One whose peer's name cannot be told is lost. */
function accept2(task: Task, connection: Socket, name: number, lengthAt: number, flags: number): number {
  const file = new SocketFile(task, connection, fileFlags(flags)).hold();
  try {
    if (name !== 0) writeAddress(task, peerName(connection), name, lengthAt);
    return task.files.install(file, (flags & SOCK_CLOEXEC) !== 0, descriptorLimit(task));
  } finally {
    file.drop();
  }
}

/** It may have gone before it was accepted. */
function peerName(connection: Socket): Uint8Array {
  try {
    return connection.connectionName;
  } catch (error) {
    throw error instanceof Errno ? ECONNABORTED : error;
  }
}

export const sys_connect = syscall([fd, address, int], (task, at, name, length) => {
  const file = socketFileAt(task, at);
  const { socket } = file;
  const address = readAddress(task, name, length);
  const result = withTimeout(socket.connect(task, address, file.nonBlocking), socket.options.sendTimeoutNs);
  if (typeof result === 'number') return result;
  file.hold();
  return result.finally(() => file.drop());
});

export const sys_getsockname = syscall([fd, address, address], (task, at, name, lengthAt) => {
  const { socket } = socketFileAt(task, at);
  writeAddress(task, socket.localName(), name, lengthAt);
  return 0;
});

export const sys_getpeername = syscall([fd, address, address], (task, at, name, lengthAt) => {
  const { socket } = socketFileAt(task, at);
  writeAddress(task, socket.peerName(), name, lengthAt);
  return 0;
});

export const sys_shutdown = syscall([fd, int], (task, at, how) => {
  const { socket } = socketFileAt(task, at);
  const mask = shutdownMask(how);
  if (mask === undefined) throw EINVAL;
  socket.shutdown(mask);
  return 0;
});
