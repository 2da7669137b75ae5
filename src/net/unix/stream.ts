/** Unix sockets of type SOCK_STREAM: unix(7). The bytes wait in the receiver's queue; the sender's buffer size limits them. */
import type { File, PollTable } from '../../fs/file.js';
import { killInfo } from '../../kernel/siginfo.js';
import { sendToTask } from '../../kernel/signal-send.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { EAGAIN, EFAULT, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE } from '../../uapi/errno.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP, EPOLLRDNORM } from '../../uapi/epoll.js';
import { SIGPIPE } from '../../uapi/signal.js';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  MSG_WAITALL,
  SOCK_STREAM,
  SO_PASSCRED,
} from '../../uapi/socket.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import { sameSender, type SenderCredentials } from '../scm.js';
import { hasPassed, RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, SHUTDOWN_MASK, WRITABLE } from '../socket.js';
import { addressBytes } from './address.js';
import { accept, connect, listen } from './connection.js';
import { type Attachment, passControl, senderFor, withAttachment } from './control.js';
import type { PassedFiles } from './in-flight.js';
import { StreamQueue } from './stream-queue.js';
import type { UnixFamily } from './unix.js';
import { UnixSocket } from './unix-socket.js';

/** A receive under way: what it has found so far besides bytes. */
interface Reading {
  readonly request: ReceiveRequest;
  readonly peek: boolean;
  /** Bytes that it waits for. */
  readonly target: number;
  /** It has bytes of a sender, and takes no other's: SO_PASSCRED. */
  hasSender: boolean;
  sender: SenderCredentials | undefined;
  files: PassedFiles | undefined;
}

export class UnixStream extends UnixSocket {
  readonly queue = new StreamQueue();

  constructor(unix: UnixFamily) {
    super(unix, SOCK_STREAM);
  }

  override sibling(): UnixStream {
    return new UnixStream(this.unix);
  }
  override get hasUnread(): boolean {
    return this.queue.used > 0;
  }
  override get unsentBytes(): number {
    return (this.peer as UnixStream | undefined)?.queue.used ?? 0;
  }
  override get readableBytes(): number {
    return this.queue.used;
  }
  override *messageFiles(): IterableIterator<File> {
    for (const { files } of this.queue) if (files !== undefined) yield* files.files;
  }
  override discard(): void {
    const { inFlight } = this.unix;
    const lost: PassedFiles[] = [];
    for (const { files } of this.queue) if (files !== undefined) lost.push(files);
    this.queue.clear();
    for (const files of lost) {
      inFlight.remove(files);
      inFlight.drop(files.files);
    }
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
    return withAttachment(task, this, request, (attachment) => this.sendBytes(task, request, attachment));
  }

  private sendBytes(task: Task, request: SendRequest, attachment: Attachment): Result {
    const { data, flags, name } = request;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    if (name !== undefined && name.length > 0) throw this.state === 'connected' ? EISCONN : EOPNOTSUPP;
    const { peer } = this;
    if (peer === undefined) throw ENOTCONN;
    if ((this.shutdowns & SEND_SHUTDOWN) !== 0) return broken(task, flags);
    if (data.remaining === 0) return 0;
    const count = this.give(task, request, attachment, 0);
    if (data.remaining === 0 || data.fault) return count;
    if ((flags & MSG_DONTWAIT) === 0) return this.sendLater(task, request, attachment, count);
    if (count === 0) throw EAGAIN;
    return count;
  }

  private async sendLater(
    task: Task,
    request: SendRequest,
    attachment: Attachment,
    before: number,
  ): Promise<number> {
    const { data, flags } = request;
    const deadline = this.sendDeadline(task, flags);
    let count = before;
    try {
      while (data.remaining > 0 && !data.fault) {
        while (this.isFull && this.error === undefined && (this.shutdowns & SEND_SHUTDOWN) === 0) {
          if (hasPassed(task, deadline)) throw EAGAIN;
          await this.writable.sleep(task, deadline);
        }
        count += this.give(task, request, attachment, count);
      }
      return count;
    } catch (error) {
      // What has been sent counts more than why it was not all.
      if (count > 0) return count;
      throw error;
    }
  }

  private get isFull(): boolean {
    return this.unsentBytes >= this.options.sendBuffer;
  }

  /** Puts as many bytes into the peer's queue as there is room for. `sent`: by this call before. */
  private give(task: Task, { data, flags }: SendRequest, attachment: Attachment, sent: number): number {
    const error = this.takeError();
    if (error !== undefined) throw error;
    if ((this.shutdowns & SEND_SHUTDOWN) !== 0) throw EPIPE;
    const peer = this.peer as UnixStream;
    const { queue } = peer;
    const count = Math.min(data.remaining, this.options.sendBuffer - queue.used);
    if (count <= 0) return 0;
    if (peer.dead || (peer.shutdowns & RCV_SHUTDOWN) !== 0)
      return broken(task, sent > 0 ? MSG_NOSIGNAL : flags);
    const files = attachment.queueFiles(this.unix.inFlight);
    const done = queue.put(data, count, senderFor(task, this, peer, attachment), files);
    if (done === 0 && files !== undefined) this.unsend(files);
    if (done > 0) peer.readable.wake(READABLE);
    if (data.fault && sent + done === 0) throw EFAULT;
    return done;
  }

  /** The data that the files were to go with could not be read. */
  private unsend(files: PassedFiles): void {
    const { inFlight } = this.unix;
    inFlight.remove(files);
    inFlight.drop(files.files);
  }

  override receive(task: Task, request: ReceiveRequest): Result {
    const { data, flags } = request;
    if (this.state !== 'connected') throw EINVAL;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    const all = (flags & MSG_WAITALL) !== 0;
    const reading: Reading = {
      request,
      peek: (flags & MSG_PEEK) !== 0,
      target: (all ? data.remaining : Math.min(this.options.receiveLowWater, data.remaining)) || 1,
      hasSender: false,
      sender: undefined,
      files: undefined,
    };
    if (this.fetch(reading)) return this.finish(task, reading);
    if ((flags & MSG_DONTWAIT) === 0) return this.receiveLater(task, reading);
    if (data.moved === 0) throw EAGAIN;
    return this.finish(task, reading);
  }

  private async receiveLater(task: Task, reading: Reading): Promise<number> {
    const { data, flags } = reading.request;
    const deadline = this.receiveDeadline(task, flags);
    try {
      while (!this.fetch(reading)) {
        if (hasPassed(task, deadline)) throw EAGAIN;
        await this.readable.sleep(task, deadline);
      }
    } catch (error) {
      if (data.moved === 0) throw error;
    }
    return this.finish(task, reading);
  }

  /** Takes what is there. True when the call is to end: it has what it wants, or there will be no more. */
  private fetch(reading: Reading): boolean {
    const { request, target } = reading;
    const over = reading.peek ? this.peekBytes(reading) : this.takeBytes(reading);
    if (over || request.data.moved >= target) return true;
    if (this.error !== undefined) {
      const error = this.takeError();
      if (request.data.moved === 0) throw error;
      return true;
    }
    return (this.shutdowns & RCV_SHUTDOWN) !== 0;
  }

  /** True when it stopped for another reason than that the queue is empty. */
  private takeBytes(reading: Reading): boolean {
    const { queue } = this;
    const { data } = reading.request;
    const before = queue.used;
    let over = false;
    for (let segment = queue.first; segment !== undefined && !over; segment = queue.first) {
      if (!this.accepts(reading, segment.sender)) break;
      if (data.moved === 0) reading.request.name = this.senderName();
      const { files } = segment;
      segment.files = undefined;
      const taken = queue.take(data);
      if (files !== undefined) this.unix.inFlight.remove(files);
      reading.files = files;
      over = data.remaining === 0 || data.fault || files !== undefined;
      if (taken === 0 && data.fault && data.moved === 0) {
        if (files !== undefined) this.unix.inFlight.drop(files.files);
        throw EFAULT;
      }
    }
    this.madeRoom(before);
    const { options } = this;
    if (options.peekOffset > 0) options.peekOffset = Math.max(0, options.peekOffset - (before - queue.used));
    return over || queue.used > 0;
  }

  /** Messages of different senders are not received together, once the receiver asks for senders. */
  private accepts(reading: Reading, sender: SenderCredentials | undefined): boolean {
    if (reading.hasSender) return sameSender(reading.sender, sender);
    if (this.options.has(SO_PASSCRED)) {
      reading.sender = sender;
      reading.hasSender = true;
    }
    return true;
  }

  private senderName(): Uint8Array {
    const address = this.peer?.address;
    return address === undefined ? new Uint8Array(0) : addressBytes(address);
  }

  /** The peer may send again once three quarters of its buffer are free. */
  private madeRoom(before: number): void {
    const { peer, queue } = this;
    if (peer === undefined) return;
    const limit = peer.options.sendBuffer;
    if (before * 4 > limit && queue.used * 4 <= limit) peer.writable.wake(WRITABLE);
  }

  /** As takeBytes, but everything stays. Files are shared with the queue. */
  private peekBytes(reading: Reading): boolean {
    const { queue, options } = this;
    const { data } = reading.request;
    let at = 0;
    let skip = Math.max(0, options.peekOffset);
    let over = false;
    for (const segment of queue) {
      const { length, sender, files } = segment;
      if (skip >= length) skip -= length;
      else {
        if (!this.accepts(reading, sender)) break;
        if (data.moved === 0) reading.request.name = this.senderName();
        const peeked = queue.peek(data, at + skip, length - skip);
        if (options.peekOffset >= 0) options.peekOffset += peeked;
        skip = 0;
        reading.files = files;
        if (data.fault && data.moved === 0) throw EFAULT;
        over = data.remaining === 0 || data.fault || files !== undefined;
        if (over) break;
      }
      at += length;
    }
    // It does not wait for more than there was, lest it see the same bytes twice.
    return over || data.moved > 0;
  }

  private finish(task: Task, { request, sender, files, peek }: Reading): number {
    const { control } = request;
    if (control !== undefined || files !== undefined || this.options.has(SO_PASSCRED))
      passControl(task, this, request, sender, files?.files);
    if (files !== undefined && !peek) this.unix.inFlight.drop(files.files);
    return request.data.moved;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.readable);
    table?.wait(this.writable);
    let events = 0;
    if (this.error !== undefined) events |= EPOLLERR;
    if (this.shutdowns === SHUTDOWN_MASK || this.state === 'unconnected') events |= EPOLLHUP;
    if ((this.shutdowns & RCV_SHUTDOWN) !== 0) events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (this.hasUnread || this.pending.length > 0) events |= EPOLLIN | EPOLLRDNORM;
    if (this.isWritable) events |= WRITABLE;
    return events;
  }
}

/** Nobody will ever receive it. */
function broken(task: Task, flags: number): never {
  if ((flags & MSG_NOSIGNAL) === 0) sendToTask(task, killInfo(task, SIGPIPE));
  throw EPIPE;
}
