/** Sockets of the host. */
import { IPPROTO_TCP, INADDR_ANY, sockaddr_in } from '../../uapi/in.js';
import { EADDRINUSE, ENAMETOOLONG } from '../../uapi/errno.js';
import {
  AF_INET,
  AF_UNIX,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_REUSEADDR,
} from '../../uapi/socket.js';
import { TCP_NODELAY } from '../../uapi/ip.js';
import type { HostSockets } from '../sockets.js';
import { nameToBytes, type Name } from '../../lib/names.js';
import { call } from './ffi.js';

const socket = call<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bind = call<[number, Uint8Array, number]>(
  'int bind(int fd, const uint8_t *address, unsigned int length)',
);
const connect = call<[number, Uint8Array, number]>(
  'int connect(int fd, const uint8_t *address, unsigned int length)',
);
const listen = call<[number, number]>('int listen(int fd, int backlog)');
const accept4 = call<[number, number, number, number]>(
  'int accept4(int fd, intptr_t address, intptr_t length, int flags)',
);
const setsockopt = call<[number, number, number, Uint8Array, number]>(
  'int setsockopt(int fd, int level, int option, const uint8_t *value, unsigned int length)',
);
const close = call<[number]>('int close(int fd)');
const unlink = call<[Uint8Array]>('int unlink(const uint8_t *path)');

const TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
const BACKLOG = 16;
const SUN_PATH = 108;
const on = Uint8Array.of(1, 0, 0, 0);

export class LinuxSockets implements HostSockets {
  listenTcp(port: number): number {
    const fd = socket(AF_INET, TYPE, IPPROTO_TCP);
    if (fd < 0) return fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length);
    const address = sockaddr_in.encode({ sin_family: AF_INET, sin_port: port, sin_addr: INADDR_ANY });
    return started(fd, bind(fd, address, address.length));
  }

  listenUnix(path: Name): number {
    const name = nameToBytes(path);
    if (name.length >= SUN_PATH) return -ENAMETOOLONG.number;
    const address = Uint8Array.of(AF_UNIX, 0, ...name, 0);
    const fd = socket(AF_UNIX, TYPE, 0);
    if (fd < 0) return fd;
    let bound = bind(fd, address, address.length);
    if (bound === -EADDRINUSE.number && isAbandoned(address)) {
      unlink(Uint8Array.of(...name, 0));
      bound = bind(fd, address, address.length);
    }
    return started(fd, bound);
  }

  accept(listener: number): number {
    const fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    // Keys and their echo are small, and people wait for them. It fails on a unix socket, which has no such delay.
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on, on.length);
    return fd;
  }
}

/** The socket, listening; or the error, with the socket closed. */
function started(fd: number, bound: number): number {
  const result = bound < 0 ? bound : listen(fd, BACKLOG);
  if (result >= 0) return fd;
  close(fd);
  return result;
}

/** Nobody listens at a name that is there: the socket of a process that is gone. */
function isAbandoned(address: Uint8Array): boolean {
  const ECONNREFUSED = -111;
  const fd = socket(AF_UNIX, TYPE, 0);
  if (fd < 0) return false;
  const result = connect(fd, address, address.length);
  close(fd);
  return result === ECONNREFUSED;
}
