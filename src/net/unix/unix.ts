/** AF_UNIX: sockets within the machine. unix(7). What its sockets share: names, files in flight, /proc/net/unix. */
import { touchAtime } from '../../fs/inode-times.js';
import { inodeOf, lookupPath } from '../../fs/namei.js';
import { checkPermission, MAY_WRITE } from '../../fs/permission.js';
import type { Task } from '../../kernel/task.js';
import type { TimerTarget } from '../../kernel/timers.js';
import type { Name } from '../../lib/names.js';
import {
  EADDRINUSE,
  ECONNREFUSED,
  ENOSPC,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESOCKTNOSUPPORT,
} from '../../uapi/errno.js';
import { AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } from '../../uapi/socket.js';
import { S_ISSOCK } from '../../uapi/stat.js';
import { ProtocolFamily, type Net } from '../net.js';
import type { UnixAddress } from './address.js';
import { UnixDatagram, UnixSeqpacket } from './datagram.js';
import { collectGarbage } from './garbage.js';
import { InFlight } from './in-flight.js';
import { procNetUnix } from './proc.js';
import { UnixStream } from './stream.js';
import { UnixSocket } from './unix-socket.js';

/** Names given by autobind have 5 hexadecimal digits. */
const AUTOBIND_NAMES = 0x10_0000;
/** In nanoseconds: descriptors are mostly closed several at a time. */
const COLLECTION_DELAY = 10_000_000;

export class UnixFamily extends ProtocolFamily implements TimerTarget {
  override readonly family = AF_UNIX;
  /** All of them, in the order in which they were made. */
  readonly sockets = new Set<UnixSocket>();
  readonly inFlight = new InFlight();
  /** Abstract names: each type has its own. */
  private readonly names = new Map<Name, UnixSocket>();
  private lastAutobind = 0;
  private collectionTimer = 0;

  constructor(readonly net: Net) {
    super();
  }

  override create(_task: Task, type: number, protocol: number): UnixSocket {
    if (protocol !== 0 && protocol !== AF_UNIX) throw EPROTONOSUPPORT;
    switch (type) {
      case SOCK_STREAM:
        return new UnixStream(this);
      // As in BSD, though nobody uses it.
      case SOCK_RAW:
      case SOCK_DGRAM:
        return new UnixDatagram(this);
      case SOCK_SEQPACKET:
        return new UnixSeqpacket(this);
      default:
        throw ESOCKTNOSUPPORT;
    }
  }

  override get procFiles() {
    return { unix: () => procNetUnix(this.sockets) };
  }

  bindAbstract(socket: UnixSocket, name: Name): void {
    const key = nameKey(socket.type, name);
    if (this.names.has(key)) throw EADDRINUSE;
    this.names.set(key, socket);
  }

  unbindAbstract(socket: UnixSocket, name: Name): void {
    const key = nameKey(socket.type, name);
    // A connection has the name of its listener.
    if (this.names.get(key) === socket) this.names.delete(key);
  }

  /** ENOSPC when all are taken. */
  freeAbstractName(type: number): Name {
    for (let tries = 0; tries < AUTOBIND_NAMES; tries++) {
      this.lastAutobind = (this.lastAutobind + 1) % AUTOBIND_NAMES;
      const name = this.lastAutobind.toString(16).padStart(5, '0');
      if (!this.names.has(nameKey(type, name))) return name;
    }
    throw ENOSPC;
  }

  /** Who is to be reached there. ECONNREFUSED for nobody, EPROTOTYPE for a socket of another type. */
  find(task: Task, { kind, name }: UnixAddress, type: number): UnixSocket {
    if (kind === 'path') return findByPath(task, name, type);
    const found = this.names.get(nameKey(type, name));
    if (found === undefined) throw ECONNREFUSED;
    return found;
  }

  /** To be called when a socket may have become unreachable: one was closed, or a descriptor of one in flight. */
  scheduleCollection(): void {
    if (this.collectionTimer !== 0 || this.inFlight.sockets.size === 0) return;
    const { timers, clock } = this.net.kernel.scheduler;
    this.collectionTimer = timers.add(clock.now() + COLLECTION_DELAY, this);
  }

  expired(): void {
    this.collectionTimer = 0;
    collectGarbage(this.inFlight);
  }
}

const nameKey = (type: number, name: Name): Name => String.fromCharCode(type) + name;

function findByPath(task: Task, name: Name, type: number): UnixSocket {
  const { mount, dentry } = lookupPath(task, name);
  const inode = inodeOf(dentry);
  checkPermission(task.credentials, inode, MAY_WRITE);
  const { endpoint } = inode;
  if (!S_ISSOCK(inode.mode) || !(endpoint instanceof UnixSocket)) throw ECONNREFUSED;
  if (endpoint.type !== type) throw EPROTOTYPE;
  touchAtime(mount, inode);
  return endpoint;
}
