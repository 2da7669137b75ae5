/** How unix sockets of the types that are connected (stream and seqpacket) come together: listen(2), accept(2), connect(2). */
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { EAGAIN, ECONNREFUSED, EINVAL, EISCONN } from '../../uapi/errno.js';
import { peerOf } from '../scm.js';
import { hasPassed, RCV_SHUTDOWN, READABLE, WRITABLE } from '../socket.js';
import { parseAddress, type UnixAddress } from './address.js';
import type { UnixSocket } from './unix-socket.js';

export function listen(task: Task, socket: UnixSocket, backlog: number): number {
  if (socket.address === undefined || socket.state === 'connected') throw EINVAL;
  if (backlog > socket.backlog) socket.roomChanged.wake(WRITABLE);
  socket.backlog = backlog;
  socket.state = 'listening';
  // Clients get to know who listens, not who accepts.
  socket.peerCredentials = peerOf(task);
  return 0;
}

export function accept(
  task: Task,
  listener: UnixSocket,
  nonBlocking: boolean,
): UnixSocket | Promise<UnixSocket> {
  if (listener.state !== 'listening') throw EINVAL;
  const { error } = listener;
  if (error !== undefined) throw listener.takeError();
  const connection = listener.pending.shift();
  if (connection === undefined) {
    if (nonBlocking) throw EAGAIN;
    return acceptLater(task, listener);
  }
  listener.roomChanged.wake(WRITABLE);
  return connection;
}

async function acceptLater(task: Task, listener: UnixSocket): Promise<UnixSocket> {
  const deadline = listener.receiveDeadline(task, 0);
  while (listener.pending.length === 0) {
    if ((listener.shutdowns & RCV_SHUTDOWN) !== 0) throw EINVAL;
    if (hasPassed(task, deadline)) throw EAGAIN;
    await listener.readable.sleep(task, deadline);
  }
  listener.roomChanged.wake(WRITABLE);
  return listener.pending.shift() as UnixSocket;
}

export function connect(task: Task, socket: UnixSocket, bytes: Uint8Array, nonBlocking: boolean): Result {
  const address = parseAddress(bytes);
  socket.autobindForCredentials();
  const listener = findListener(task, socket, address);
  if (isFull(listener)) {
    if (nonBlocking) throw EAGAIN;
    return connectLater(task, socket, address);
  }
  join(task, socket, listener);
  return 0;
}

async function connectLater(task: Task, socket: UnixSocket, address: UnixAddress): Promise<number> {
  const deadline = socket.sendDeadline(task, 0);
  // Somebody else may be found there each time.
  let listener = findListener(task, socket, address);
  while (isFull(listener)) {
    if (hasPassed(task, deadline)) throw EAGAIN;
    await listener.roomChanged.sleep(task, deadline);
    listener = findListener(task, socket, address);
  }
  join(task, socket, listener);
  return 0;
}

function findListener(task: Task, socket: UnixSocket, address: UnixAddress): UnixSocket {
  const listener = socket.unix.find(task, address, socket.type);
  if (listener.state !== 'listening' || (listener.shutdowns & RCV_SHUTDOWN) !== 0) throw ECONNREFUSED;
  return listener;
}

const isFull = (listener: UnixSocket): boolean => listener.pending.length > listener.backlog;

/** The connection is made at once; accept(2) only fetches it. */
function join(task: Task, socket: UnixSocket, listener: UnixSocket): void {
  if (socket.state !== 'unconnected') throw socket.state === 'connected' ? EISCONN : EINVAL;
  const connection = listener.sibling();
  connection.inheritName(listener);
  connection.peer = socket;
  socket.peer = connection;
  connection.state = socket.state = 'connected';
  connection.peerCredentials = peerOf(task);
  socket.peerCredentials = listener.peerCredentials;
  listener.pending.push(connection);
  listener.readable.wakeOne(READABLE);
}
