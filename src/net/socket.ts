/**
 * A socket: socket(7). Linux's struct socket and struct sock in one. Protocol families subclass it; the defaults fail as
 * Linux's sock_no_* do. Its open file is in net/socket-file; one that waits to be accepted has none yet.
 *
 * Whoever changes what a sleeper or poller may wait for wakes `readable` or `writable`.
 */
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { WaitQueue } from '../kernel/wait.js';
import type { PollTable } from '../fs/file.js';
import { EINTR, EOPNOTSUPP, ERESTARTSYS, type Errno, ENOIOCTLCMD } from '../uapi/errno.js';
import { EPOLLIN, EPOLLOUT, EPOLLRDBAND, EPOLLRDNORM, EPOLLWRBAND, EPOLLWRNORM } from '../uapi/epoll.js';
import { MSG_DONTWAIT, SHUT_RD, SHUT_RDWR, SHUT_WR } from '../uapi/socket.js';
import type { ReceiveRequest, SendRequest } from './message.js';
import type { Net } from './net.js';
import type { PeerCredentials } from './scm.js';
import type { SocketFile } from './socket-file.js';
import { SocketOptions } from './socket-options.js';

/** Keys for waking pollers. */
export const READABLE = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND;
export const WRITABLE = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

/** Directions that are shut down. */
export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
export const SHUTDOWN_MASK = RCV_SHUTDOWN | SEND_SHUTDOWN;

/** The directions that shutdown(2)'s argument names; undefined when it names none. */
export function shutdownMask(how: number): number | undefined {
  switch (how) {
    case SHUT_RD:
      return RCV_SHUTDOWN;
    case SHUT_WR:
      return SEND_SHUTDOWN;
    case SHUT_RDWR:
      return SHUTDOWN_MASK;
    default:
      return undefined;
  }
}

export abstract class Socket {
  options: SocketOptions;
  /** Something has gone wrong that no call has told yet: SO_ERROR. */
  error: Errno | undefined;
  /** RCV_SHUTDOWN, SEND_SHUTDOWN. */
  shutdowns = 0;
  /** There may be something to receive or to accept, or the end of it. */
  readonly readable = new WaitQueue();
  /** There may be room to send, or a connection attempt has ended. */
  readonly writable = new WaitQueue();
  /** The open file; undefined while it waits to be accepted, and once it is closed. */
  file: SocketFile | undefined;
  /** SO_PEERCRED. */
  peerCredentials: PeerCredentials | undefined;
  private cookieNumber = 0;

  constructor(
    readonly net: Net,
    /** AF_* */
    readonly family: number,
    /** SOCK_* */
    readonly type: number,
    readonly protocol: number,
  ) {
    this.options = new SocketOptions(net.settings);
  }

  /** SO_COOKIE */
  get cookie(): number {
    return (this.cookieNumber ||= this.net.nextCookie());
  }
  /** SO_ACCEPTCONN */
  get listening(): boolean {
    return false;
  }

  /** Takes the pending error: it is told once. */
  takeError(): Errno | undefined {
    const { error } = this;
    this.error = undefined;
    return error;
  }

  bind(_task: Task, _address: Uint8Array): Result {
    throw EOPNOTSUPP;
  }
  /** `backlog` is cut to net.core.somaxconn. */
  listen(_task: Task, _backlog: number): number {
    throw EOPNOTSUPP;
  }
  /** The next connection, in a socket without a file. */
  accept(_task: Task, _nonBlocking: boolean): Socket | Promise<Socket> {
    throw EOPNOTSUPP;
  }
  connect(_task: Task, _address: Uint8Array, _nonBlocking: boolean): Result {
    throw EOPNOTSUPP;
  }
  /** Joins two new sockets: socketpair(2). */
  pair(_task: Task, _other: Socket): void {
    throw EOPNOTSUPP;
  }
  /** The address as getsockname(2) gives it. */
  localName(): Uint8Array {
    throw EOPNOTSUPP;
  }
  /** getpeername(2). ENOTCONN. */
  peerName(): Uint8Array {
    throw EOPNOTSUPP;
  }
  /** The peer's address as accept(2) tells it, when the connection may be over already. */
  get connectionName(): Uint8Array {
    return this.peerName();
  }
  /** Sends; `request.flags` has MSG_DONTWAIT for a file with O_NONBLOCK. Call sendMessage(). */
  send(_task: Task, _request: SendRequest): Result {
    throw EOPNOTSUPP;
  }
  /** Receives. Call receiveMessage(). */
  receive(_task: Task, _request: ReceiveRequest): Result {
    throw EOPNOTSUPP;
  }
  /** `mask` is of RCV_SHUTDOWN and SEND_SHUTDOWN. */
  shutdown(_mask: number): void {
    throw EOPNOTSUPP;
  }
  abstract poll(task: Task, table: PollTable | undefined): number;
  /** ENOIOCTLCMD: try what holds for all sockets. */
  ioctl(_task: Task, _request: number, _argument: number): Result {
    throw ENOIOCTLCMD;
  }
  /** An option of a protocol's level. `value` has at most SOCKET_OPTION_MAX bytes. */
  setOption(_task: Task, _level: number, _name: number, _value: Uint8Array): void {
    throw EOPNOTSUPP;
  }
  /** The value; the caller cuts it to the `room` that there is. */
  getOption(_task: Task, _level: number, _name: number, _room: number): Uint8Array {
    throw EOPNOTSUPP;
  }
  /** An option of SOL_SOCKET has been set that may concern the protocol. */
  optionChanged(_name: number): void {}
  /** Whether SO_PEEK_OFF works. */
  get hasPeekOffset(): boolean {
    return false;
  }
  /** One descriptor of the file is gone. */
  descriptorClosed(): void {}
  /** The file is closed, or it never got one. */
  abstract release(): void;

  /** Until when a receiver waits, in kernel time: 0 is not at all, Infinity as long as it takes. SO_RCVTIMEO. */
  receiveDeadline(task: Task, flags: number): number {
    return deadlineAfter(task, this.options.receiveTimeoutNs, flags);
  }
  /** As receiveDeadline, for senders: SO_SNDTIMEO. */
  sendDeadline(task: Task, flags: number): number {
    return deadlineAfter(task, this.options.sendTimeoutNs, flags);
  }
}

function deadlineAfter(task: Task, timeoutNs: number, flags: number): number {
  if ((flags & MSG_DONTWAIT) !== 0) return 0;
  return timeoutNs === Infinity ? Infinity : task.kernel.host.clock.now() + timeoutNs;
}

/** Whether there is no more time to wait. */
export function hasPassed(task: Task, deadline: number): boolean {
  if (deadline === Infinity) return false;
  return deadline === 0 || deadline <= task.kernel.host.clock.now();
}

/** Sends with a socket's time limit: one that a signal interrupts is not restarted, or the limit would begin anew. */
export function sendMessage(task: Task, socket: Socket, request: SendRequest): Result {
  return withTimeout(socket.send(task, request), socket.options.sendTimeoutNs);
}

/** As sendMessage, for receiving. */
export function receiveMessage(task: Task, socket: Socket, request: ReceiveRequest): Result {
  return withTimeout(socket.receive(task, request), socket.options.receiveTimeoutNs);
}

/** Of a wait that may have a time limit: ERESTARTSYS becomes EINTR if it has one. signal(7). */
export function withTimeout<T>(result: T | Promise<T>, timeoutNs: number): T | Promise<T> {
  if (timeoutNs === Infinity || !(result instanceof Promise)) return result;
  return result.catch((error: unknown) => {
    throw error === ERESTARTSYS ? EINTR : error;
  });
}
