/** What unix sockets of every type have in common: names, peers, shutting down, closing. unix(7). */
import { makeNode, newEntry } from '../../fs/create.js';
import { PathFile } from '../../fs/dentry-open.js';
import { descriptorLimit } from '../../fs/file-calls.js';
import type { File } from '../../fs/file.js';
import type { Path } from '../../fs/mount.js';
import { inodeOf } from '../../fs/namei.js';
import { checkCreate } from '../../fs/permission.js';
import { capable } from '../../kernel/credentials.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { WaitQueue } from '../../kernel/wait.js';
import type { Name } from '../../lib/names.js';
import { CAP_NET_ADMIN } from '../../uapi/capability.js';
import {
  EADDRINUSE,
  ECONNRESET,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOIOCTLCMD,
  ENOTCONN,
  EPERM,
} from '../../uapi/errno.js';
import { AT_FDCWD, O_CLOEXEC, O_PATH } from '../../uapi/fcntl.js';
import { AF_UNIX, SO_PASSCRED, SOCK_DGRAM } from '../../uapi/socket.js';
import { SIOCINQ, SIOCOUTQ } from '../../uapi/sockios.js';
import { S_IFSOCK, S_IRWXUGO } from '../../uapi/stat.js';
import { SIOCUNIXFILE } from '../../uapi/un.js';
import { peerOf } from '../scm.js';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket, WRITABLE } from '../socket.js';
import { addressBytes, isUnnamed, parseAddress, type UnixAddress } from './address.js';
import type { UnixFamily } from './unix.js';

export type UnixState = 'unconnected' | 'listening' | 'connected';

export abstract class UnixSocket extends Socket {
  state: UnixState = 'unconnected';
  /** Where messages go. A connection keeps its peer after that has closed. */
  peer: UnixSocket | undefined;
  address: UnixAddress | undefined;
  /** Where a path was bound: held, so that the inode stays the one that leads here. */
  private place: Path | undefined;
  /** Closed. */
  dead = false;
  /** How many connections, or messages of those not connected to, may wait. One more gets in, as on Linux. */
  backlog: number;
  /** Connections that wait to be accepted. */
  pending: UnixSocket[] = [];
  /** There is room again for connections or messages: those who connect or send wait here. */
  readonly roomChanged = new WaitQueue();

  constructor(
    readonly unix: UnixFamily,
    type: number,
  ) {
    super(unix.net, AF_UNIX, type, 0);
    this.backlog = unix.net.settings.maxDatagrams;
    unix.sockets.add(this);
  }

  /** A new socket of the same type: the other half of a connection. */
  abstract sibling(): UnixSocket;
  /** Whether there is something in the receive queue. */
  abstract get hasUnread(): boolean;
  /** Bytes sent that the receiver has not taken yet. */
  abstract get unsentBytes(): number;
  /** FIONREAD. */
  abstract get readableBytes(): number;
  /** The files in messages that wait here. */
  abstract messageFiles(): Iterable<File>;
  /** Throws away all that waits to be received. */
  abstract discard(): void;
  /** The end of a one-sided connection has gone, or takes messages again. */
  peerLost(): void {}

  override get listening(): boolean {
    return this.state === 'listening';
  }
  override get hasPeekOffset(): boolean {
    return true;
  }

  /** A sender need not wait: at most a quarter of its buffer is taken. */
  get isWritable(): boolean {
    return this.state !== 'listening' && this.unsentBytes * 4 <= this.options.sendBuffer;
  }

  /** All files that only this socket leads to. */
  *queuedFiles(): IterableIterator<File> {
    yield* this.messageFiles();
    for (const connection of this.pending) yield* connection.messageFiles();
  }

  override bind(task: Task, bytes: Uint8Array): number {
    if (isUnnamed(bytes)) return this.autobind();
    const address = parseAddress(bytes);
    if (address.kind === 'path') this.bindPath(task, address);
    else {
      if (this.address !== undefined) throw EINVAL;
      this.unix.bindAbstract(this, address.name);
      this.address = address;
    }
    return 0;
  }

  private bindPath(task: Task, address: UnixAddress): void {
    try {
      if (this.address !== undefined) refuseSecondName(task, address.name);
      const mode = S_IFSOCK | ((this.file?.inode.mode ?? S_IRWXUGO) & S_IRWXUGO);
      const { mount, dentry } = makeNode(task, AT_FDCWD, address.name, mode, 0);
      this.place = { mount: mount.hold(), dentry: dentry.hold() };
      inodeOf(dentry).endpoint = this;
    } catch (error) {
      throw error === EEXIST ? EADDRINUSE : error;
    }
    this.address = address;
  }

  /** Gives it an abstract name that nobody has, unless it has one. */
  autobind(): number {
    if (this.address !== undefined) return 0;
    const name = this.unix.freeAbstractName(this.type);
    this.unix.bindAbstract(this, name);
    this.address = { kind: 'abstract', name };
    return 0;
  }

  /** One that wants to know its senders must be known itself. */
  autobindForCredentials(): void {
    if (this.options.has(SO_PASSCRED)) this.autobind();
  }

  /** A connection has the name of the listener that it came through, though it can't be found by it. */
  inheritName(listener: UnixSocket): void {
    this.address = listener.address;
    if (listener.place !== undefined) {
      const { mount, dentry } = listener.place;
      this.place = { mount: mount.hold(), dentry: dentry.hold() };
    }
  }

  override pair(task: Task, other: UnixSocket): void {
    this.peer = other;
    other.peer = this;
    this.peerCredentials = other.peerCredentials = peerOf(task);
    if (this.type !== SOCK_DGRAM) this.state = other.state = 'connected';
  }

  override localName(): Uint8Array {
    return addressBytes(this.address);
  }
  override peerName(): Uint8Array {
    if (this.peer === undefined) throw ENOTCONN;
    return addressBytes(this.peer.address);
  }

  override shutdown(mask: number): void {
    this.shutdowns |= mask;
    this.stateChanged();
    const { peer } = this;
    if (peer === undefined || this.type === SOCK_DGRAM) return;
    if ((mask & RCV_SHUTDOWN) !== 0) peer.shutdowns |= SEND_SHUTDOWN;
    if ((mask & SEND_SHUTDOWN) !== 0) peer.shutdowns |= RCV_SHUTDOWN;
    peer.stateChanged();
  }

  /** Whoever waits for anything is to look again. */
  stateChanged(): void {
    this.readable.wake();
    this.writable.wake();
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    switch (request) {
      case SIOCOUTQ:
        task.memory.putU32(argument, this.unsentBytes);
        return 0;
      case SIOCINQ:
        if (this.state === 'listening') throw EINVAL;
        task.memory.putU32(argument, this.readableBytes);
        return 0;
      case SIOCUNIXFILE:
        return this.openPlace(task);
      default:
        throw ENOIOCTLCMD;
    }
  }

  /** A descriptor of the file that it is bound to. */
  private openPlace(task: Task): number {
    if (!capable(task.credentials, CAP_NET_ADMIN)) throw EPERM;
    if (this.place === undefined) throw ENOENT;
    const { mount, dentry } = this.place;
    const file = new PathFile(mount, dentry, inodeOf(dentry), O_PATH | O_CLOEXEC, task.credentials).hold();
    try {
      return task.files.install(file, true, descriptorLimit(task));
    } finally {
      file.drop();
    }
  }

  override release(): void {
    this.close(false);
  }

  /** `embryo`: its connection was never accepted. */
  private close(embryo: boolean): void {
    const { unix, peer } = this;
    unix.sockets.delete(this);
    this.unbind();
    this.dead = true;
    this.shutdowns = SHUTDOWN_MASK;
    this.state = 'unconnected';
    this.peer = undefined;
    this.roomChanged.wake(WRITABLE);
    this.peerLost();
    if (peer !== undefined && this.type !== SOCK_DGRAM) {
      peer.shutdowns = SHUTDOWN_MASK;
      if (embryo || this.hasUnread) peer.error = ECONNRESET;
      peer.stateChanged();
    }
    const waiting = this.pending;
    this.pending = [];
    for (const connection of waiting) connection.close(true);
    this.discard();
    unix.scheduleCollection();
  }

  override descriptorClosed(): void {
    if (this.unix.inFlight.sockets.has(this)) this.unix.scheduleCollection();
  }

  private unbind(): void {
    if (this.address?.kind === 'abstract') this.unix.unbindAbstract(this, this.address.name);
    if (this.place === undefined) return;
    const { mount, dentry } = this.place;
    this.place = undefined;
    const inode = inodeOf(dentry);
    if (inode.endpoint === this) inode.endpoint = undefined;
    dentry.drop();
    mount.drop();
  }
}

/** EINVAL: it is bound. But what is wrong with the new name comes first, as on Linux, where the file is made and removed again. */
function refuseSecondName(task: Task, name: Name): never {
  const { directory, entry } = newEntry(task, AT_FDCWD, name, false);
  checkCreate(task.credentials, directory, entry);
  throw EINVAL;
}
