/** Unix sockets of types SOCK_DGRAM and SOCK_SEQPACKET: whole messages. unix(7). */
import type { File, PollTable } from '../../fs/file.js';
import type { TimeSpec } from '../../host/host.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { Waiter, WaitQueue } from '../../kernel/wait.js';
import {
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
} from '../../uapi/errno.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLPRI, EPOLLRDHUP, EPOLLRDNORM } from '../../uapi/epoll.js';
import {
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SO_SELECT_ERR_QUEUE,
} from '../../uapi/socket.js';
import { familyOf } from '../addresses.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import type { SenderCredentials } from '../scm.js';
import { hasPassed, RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, SHUTDOWN_MASK, WRITABLE } from '../socket.js';
import { passTimestamp } from '../timestamp.js';
import { addressBytes, parseAddress, type UnixAddress } from './address.js';
import { accept, connect, listen } from './connection.js';
import { type Attachment, passControl, senderFor, withAttachment } from './control.js';
import type { PassedFiles } from './in-flight.js';
import type { UnixFamily } from './unix.js';
import { UnixSocket } from './unix-socket.js';

/** What a message costs its sender's buffer besides its bytes. */
const OVERHEAD = 768;
/** The largest message is that much smaller than the buffer. */
const MESSAGE_SLACK = 32;

interface Message {
  readonly data: Uint8Array;
  readonly from: UnixPacketSocket;
  readonly sender: SenderCredentials | undefined;
  readonly files: PassedFiles | undefined;
  readonly time: TimeSpec | undefined;
}

/** A message on its way to the queue. */
interface Sending {
  readonly request: SendRequest;
  readonly attachment: Attachment;
  /** Where to, if not to the peer. */
  readonly to: UnixAddress | undefined;
  /** Read from the sender once, however often it must wait. */
  data: Uint8Array | undefined;
}

abstract class UnixPacketSocket extends UnixSocket {
  private readonly messages: Message[] = [];
  /** What messages that are not received yet take of the send buffer. */
  private charged = 0;
  private readonly peerWatch = new PeerWatch(this.writable);

  override get hasUnread(): boolean {
    return this.messages.length > 0;
  }
  override get unsentBytes(): number {
    return this.charged;
  }
  override *messageFiles(): IterableIterator<File> {
    for (const { files } of this.messages) if (files !== undefined) yield* files.files;
  }
  override discard(): void {
    const lost = this.messages.splice(0);
    for (const message of lost) message.from.uncharge(message);
    const { inFlight } = this.unix;
    for (const { files } of lost) {
      if (files === undefined) continue;
      inFlight.remove(files);
      inFlight.drop(files.files);
    }
  }
  override peerLost(): void {
    this.peerWatch.end();
  }

  /** Bytes in the first message, or in all. */
  protected bytesQueued(all: boolean): number {
    if (!all) return this.messages[0]?.data.length ?? 0;
    return this.messages.reduce((sum, { data }) => sum + data.length, 0);
  }

  /** Messages wait from sockets that it is not connected to: they are limited by number. */
  private get isFull(): boolean {
    return this.messages.length > this.backlog;
  }

  /** Its queue keeps this socket from sending. */
  private isBlockedBy(target: UnixPacketSocket): boolean {
    return target !== this && target.peer !== this && target.isFull;
  }

  protected sendMessage(task: Task, request: SendRequest, to: UnixAddress | undefined): Result {
    return withAttachment(task, this, request, (attachment) => {
      const { data, flags } = request;
      if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
      if (to === undefined && this.peer === undefined) throw ENOTCONN;
      this.autobindForCredentials();
      const length = data.remaining;
      if (length > this.options.sendBuffer - MESSAGE_SLACK) throw EMSGSIZE;
      const sending: Sending = { request, attachment, to, data: undefined };
      const obstacle = this.trySend(task, sending);
      if (obstacle === undefined) return length;
      if ((flags & MSG_DONTWAIT) === 0) return this.sendLater(task, sending, obstacle, length);
      // A poller is to learn when it is worth another try.
      if (obstacle !== this.writable && this.peer !== undefined) this.peerWatch.begin(this.peer.roomChanged);
      throw EAGAIN;
    });
  }

  private async sendLater(task: Task, sending: Sending, first: WaitQueue, length: number): Promise<number> {
    const deadline = this.sendDeadline(task, sending.request.flags);
    let obstacle: WaitQueue | undefined = first;
    while (obstacle !== undefined) {
      if (hasPassed(task, deadline)) throw EAGAIN;
      await obstacle.sleep(task, deadline);
      obstacle = this.trySend(task, sending);
    }
    return length;
  }

  /** Queues the message, or returns the queue to wait in for that to become possible. */
  private trySend(task: Task, sending: Sending): WaitQueue | undefined {
    const { attachment, to } = sending;
    if (sending.data === undefined) {
      if (this.error !== undefined) throw this.takeError();
      if ((this.shutdowns & SEND_SHUTDOWN) !== 0) throw EPIPE;
      if (this.charged >= this.options.sendBuffer) return this.writable;
      sending.data = readData(sending.request);
    }
    const target = this.findTarget(task, to);
    if (target.peer !== undefined && target.peer !== this) throw EPERM;
    if (target.dead) throw this.lostPeer(target);
    if ((target.shutdowns & RCV_SHUTDOWN) !== 0) throw EPIPE;
    if (this.isBlockedBy(target)) return target.roomChanged;
    target.deliver({
      data: sending.data,
      from: this,
      sender: senderFor(task, this, target, attachment),
      files: attachment.queueFiles(this.unix.inFlight),
      time: target.options.timestamp === 'off' ? undefined : task.kernel.host.clock.read(0),
    });
    return undefined;
  }

  private findTarget(task: Task, to: UnixAddress | undefined): UnixPacketSocket {
    if (to !== undefined) return this.unix.find(task, to, this.type) as UnixPacketSocket;
    if (this.peer === undefined) throw ECONNRESET;
    return this.peer as UnixPacketSocket;
  }

  /** The peer turns out to have been closed. */
  private lostPeer(peer: UnixPacketSocket) {
    if (this.type === SOCK_SEQPACKET) return EPIPE;
    this.peer = undefined;
    this.state = 'unconnected';
    this.peerWatch.end();
    this.disconnectedFrom(peer);
    return ECONNREFUSED;
  }

  /** Messages of a former peer are lost; it is told if it was connected to us. */
  protected disconnectedFrom(peer: UnixPacketSocket): void {
    if (!this.hasUnread) return;
    this.discard();
    this.roomChanged.wake(WRITABLE);
    if (peer.dead || peer.peer !== this) return;
    peer.error = ECONNRESET;
    peer.stateChanged();
  }

  private deliver(message: Message): void {
    message.from.charged += message.data.length + OVERHEAD;
    this.messages.push(message);
    this.readable.wakeOne(READABLE);
  }

  private uncharge({ data }: Message): void {
    const wasWritable = this.isWritable;
    this.charged -= data.length + OVERHEAD;
    if (!wasWritable && this.isWritable) this.writable.wake(WRITABLE);
  }

  protected receiveMessage(task: Task, request: ReceiveRequest): Result {
    const { flags } = request;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    if (this.error !== undefined) throw this.takeError();
    if (this.hasUnread) return this.take(task, request);
    if ((flags & MSG_DONTWAIT) === 0) return this.receiveLater(task, request);
    if (this.type === SOCK_SEQPACKET && (this.shutdowns & RCV_SHUTDOWN) !== 0) return 0;
    throw EAGAIN;
  }

  private async receiveLater(task: Task, request: ReceiveRequest): Promise<number> {
    const deadline = this.receiveDeadline(task, request.flags);
    while (!this.hasUnread) {
      if (this.error !== undefined) throw this.takeError();
      if ((this.shutdowns & RCV_SHUTDOWN) !== 0) return 0;
      if (hasPassed(task, deadline)) throw EAGAIN;
      await this.readable.sleep(task, deadline);
    }
    return this.take(task, request);
  }

  private take(task: Task, request: ReceiveRequest): number {
    const { data: to, flags } = request;
    const peek = (flags & MSG_PEEK) !== 0;
    const found = peek ? this.peekPlace() : { index: 0, skip: 0 };
    const message = this.messages[found.index];
    if (!peek) this.remove(message);
    const bytes = message.data.subarray(found.skip);
    const count = Math.min(bytes.length, to.remaining);
    const moved = to.put(count < bytes.length ? bytes.subarray(0, count) : bytes);
    const { files, from, time, sender } = message;
    if (moved === count) {
      if (count < bytes.length) request.resultFlags |= MSG_TRUNC;
      if (from.address !== undefined) request.name = addressBytes(from.address);
      if (time !== undefined || this.options.timestamp !== 'off') passTimestamp(task, this, request, time);
      passControl(task, this, request, sender, files?.files);
    }
    if (peek && this.options.peekOffset >= 0) this.options.peekOffset += moved;
    if (files !== undefined && !peek) this.unix.inFlight.drop(files.files);
    if (moved < count) throw EFAULT;
    return (flags & MSG_TRUNC) === 0 ? count : bytes.length;
  }

  /** SO_PEEK_OFF: the message in which the offset lies, and where in it. Beyond all, the end of the last. */
  private peekPlace(): { readonly index: number; readonly skip: number } {
    let skip = Math.max(0, this.options.peekOffset);
    let index = 0;
    for (; index < this.messages.length - 1 && skip >= this.messages[index].data.length && skip > 0; index++)
      skip -= this.messages[index].data.length;
    return { index, skip: Math.min(skip, this.messages[index].data.length) };
  }

  private remove(message: Message): void {
    this.messages.shift();
    if (message.files !== undefined) this.unix.inFlight.remove(message.files);
    message.from.uncharge(message);
    const { options } = this;
    if (options.peekOffset > 0) options.peekOffset = Math.max(0, options.peekOffset - message.data.length);
    this.roomChanged.wake(WRITABLE);
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.readable);
    table?.wait(this.writable);
    let events = 0;
    if (this.error !== undefined) events |= EPOLLERR | (this.options.has(SO_SELECT_ERR_QUEUE) ? EPOLLPRI : 0);
    if ((this.shutdowns & RCV_SHUTDOWN) !== 0) events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (this.shutdowns === SHUTDOWN_MASK) events |= EPOLLHUP;
    if (this.type === SOCK_SEQPACKET && this.state === 'unconnected') events |= EPOLLHUP;
    if (this.hasUnread || this.pending.length > 0) events |= EPOLLIN | EPOLLRDNORM;
    if (this.isWritable && !this.waitsForPeer()) events |= WRITABLE;
    return events;
  }

  /** The peer's queue is full of others' messages: its next receive wakes our pollers. */
  private waitsForPeer(): boolean {
    const peer = this.peer as UnixPacketSocket | undefined;
    if (peer === undefined || !this.isBlockedBy(peer)) return false;
    this.peerWatch.begin(peer.roomChanged);
    return true;
  }
}

/** While a peer's queue is full, passes the news that it is not any more on to those who poll the sender. */
class PeerWatch implements Waiter {
  private queue: WaitQueue | undefined;

  constructor(private readonly writable: WaitQueue) {}

  begin(queue: WaitQueue): void {
    if (this.queue === queue) return;
    this.end();
    this.queue = queue;
    queue.add(this);
  }

  end(): void {
    this.queue?.remove(this);
    this.queue = undefined;
  }

  woken(): void {
    this.end();
    this.writable.wake(WRITABLE);
  }
}

function readData({ data }: SendRequest): Uint8Array {
  const bytes = new Uint8Array(data.remaining);
  if (data.get(bytes) < bytes.length) throw EFAULT;
  return bytes;
}

export class UnixDatagram extends UnixPacketSocket {
  constructor(unix: UnixFamily) {
    super(unix, SOCK_DGRAM);
  }
  override sibling(): UnixDatagram {
    return new UnixDatagram(this.unix);
  }
  override get readableBytes(): number {
    return this.bytesQueued(false);
  }

  /** Chooses where messages go by default, and from whom they are taken. AF_UNSPEC undoes it. */
  override connect(task: Task, bytes: Uint8Array): number {
    const family = familyOf(bytes);
    if (family === undefined) throw EINVAL;
    let target: UnixDatagram | undefined;
    if (family !== AF_UNSPEC) {
      const address = parseAddress(bytes);
      this.autobindForCredentials();
      target = this.unix.find(task, address, this.type) as UnixDatagram;
      if (target.peer !== undefined && target.peer !== this) throw EPERM;
      this.state = target.state = 'connected';
    }
    const old = this.peer as UnixDatagram | undefined;
    this.peer = target;
    if (old === undefined || old === target) return 0;
    if (target === undefined) this.state = 'unconnected';
    this.peerLost();
    this.writable.wake(WRITABLE);
    this.disconnectedFrom(old);
    return 0;
  }

  override send(task: Task, request: SendRequest): Result {
    const { name } = request;
    const to = name === undefined || name.length === 0 ? undefined : parseAddress(name);
    return this.sendMessage(task, request, to);
  }
  override receive(task: Task, request: ReceiveRequest): Result {
    return this.receiveMessage(task, request);
  }
}

export class UnixSeqpacket extends UnixPacketSocket {
  constructor(unix: UnixFamily) {
    super(unix, SOCK_SEQPACKET);
  }
  override sibling(): UnixSeqpacket {
    return new UnixSeqpacket(this.unix);
  }
  override get readableBytes(): number {
    return this.bytesQueued(true);
  }

  override listen(task: Task, backlog: number): number {
    return listen(task, this, backlog);
  }
  override accept(task: Task, nonBlocking: boolean): UnixSocket | Promise<UnixSocket> {
    return accept(task, this, nonBlocking);
  }
  override connect(task: Task, address: Uint8Array, nonBlocking: boolean): Result {
    return connect(task, this, address, nonBlocking);
  }

  override send(task: Task, request: SendRequest): Result {
    if (this.error !== undefined) throw this.takeError();
    if (this.state !== 'connected') throw ENOTCONN;
    // An address is ignored.
    return this.sendMessage(task, request, undefined);
  }
  override receive(task: Task, request: ReceiveRequest): Result {
    if (this.state !== 'connected') throw ENOTCONN;
    return this.receiveMessage(task, request);
  }
}
