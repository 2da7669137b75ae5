/**
 * Finds sockets that can't be reached any more: those that are only in messages, and the messages only in the queues of
 * each other. Closing their descriptors left them referred to, in a circle. Linux: net/unix/garbage.c.
 *
 * A socket may be garbage if all references to its file are in flight. It is unless one of those references is in the
 * queue of a socket that is not.
 */
import type { InFlight } from './in-flight.js';
import { socketOf } from './in-flight.js';
import type { UnixSocket } from './unix-socket.js';

export function collectGarbage(inFlight: InFlight): void {
  const garbage = unreachable(inFlight);
  for (const socket of garbage) {
    for (const connection of socket.pending) connection.discard();
    socket.discard();
  }
}

function unreachable(inFlight: InFlight): ReadonlySet<UnixSocket> {
  /** For each candidate, how many references to it are not in queues of candidates. */
  const outside = new Map<UnixSocket, number>();
  for (const [socket, count] of inFlight.sockets)
    if (socket.file !== undefined && socket.file.referenceCount === count) outside.set(socket, count);
  for (const candidate of outside.keys())
    for (const target of socketsIn(candidate)) {
      const count = outside.get(target);
      if (count !== undefined) outside.set(target, count - 1);
    }
  const reached: UnixSocket[] = [];
  for (const [socket, count] of outside) if (count > 0) reached.push(socket);
  const garbage = new Set(outside.keys());
  for (const socket of reached) garbage.delete(socket);
  for (let socket = reached.pop(); socket !== undefined; socket = reached.pop())
    for (const target of socketsIn(socket)) if (garbage.delete(target)) reached.push(target);
  return garbage;
}

function* socketsIn(socket: UnixSocket): IterableIterator<UnixSocket> {
  for (const file of socket.queuedFiles()) {
    const target = socketOf(file);
    if (target !== undefined) yield target;
  }
}
