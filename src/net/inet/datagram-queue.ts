/** What waits to be received by a socket of whole messages over IP, and errors that are told in full: udp(7), ip(7). */
import type { TimeSpec } from '../../host/host.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { PollTable } from '../../fs/file.js';
import { EAGAIN, EFAULT, EOPNOTSUPP } from '../../uapi/errno.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLPRI, EPOLLRDHUP, EPOLLRDNORM } from '../../uapi/epoll.js';
import {
  in_pktinfo,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
} from '../../uapi/in.js';
import {
  in6_pktinfo,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
} from '../../uapi/in6.js';
import { sock_extended_err } from '../../uapi/ip.js';
import {
  AF_INET,
  AF_INET6,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SO_SELECT_ERR_QUEUE,
} from '../../uapi/socket.js';
import { type IpAddress, ipToBytes, ipv4Number, isV4, mapped } from '../ip-address.js';
import type { ReceiveRequest } from '../message.js';
import { hasPassed, RCV_SHUTDOWN, READABLE, SHUTDOWN_MASK, WRITABLE } from '../socket.js';
import { passTimestamp } from '../timestamp.js';
import { writeEndpoint } from './inet-address.js';
import type { InetSocket } from './inet-socket.js';
import type { Failure } from './ip.js';

/** What a message costs the buffer besides its bytes. */
const OVERHEAD = 768;

export interface Datagram {
  readonly data: Uint8Array;
  readonly source: IpAddress;
  readonly sourcePort: number;
  readonly destination: IpAddress;
  readonly ttl: number;
  readonly tos: number;
  /** The index of the interface that it came in by. */
  readonly device: number;
  readonly time: TimeSpec | undefined;
}

interface QueuedError {
  readonly failure: Failure;
  /** What the message was that did not get through, as far as it is known. */
  readonly data: Uint8Array;
  readonly port: number;
}

export class DatagramQueue {
  private readonly messages: Datagram[] = [];
  private readonly errors: QueuedError[] = [];
  private used = 0;
  /** Messages that found no room: /proc/net/udp. */
  drops = 0;

  constructor(private readonly socket: InetSocket) {}

  get bytesQueued(): number {
    return this.used;
  }
  get firstLength(): number {
    return this.messages[0]?.data.length ?? 0;
  }

  deliver(message: Datagram): void {
    const { socket } = this;
    const cost = message.data.length + OVERHEAD;
    if ((socket.shutdowns & RCV_SHUTDOWN) !== 0) return;
    if (this.used + cost > socket.options.receiveBuffer && this.messages.length > 0) {
      this.drops++;
      return;
    }
    this.used += cost;
    this.messages.push(message);
    socket.readable.wakeOne(READABLE);
  }

  /** Remembers an error for MSG_ERRQUEUE. */
  addError(failure: Failure, data: Uint8Array, port: number): void {
    this.errors.push({ failure, data, port });
    this.socket.readable.wake();
  }

  receive(task: Task, request: ReceiveRequest): Result {
    const { flags } = request;
    const { socket } = this;
    if ((flags & MSG_ERRQUEUE) !== 0) return this.receiveError(request);
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    if (socket.error !== undefined) throw socket.takeError();
    if (this.messages.length > 0) return this.take(task, request);
    if ((flags & MSG_DONTWAIT) !== 0) throw EAGAIN;
    return this.receiveLater(task, request);
  }

  private async receiveLater(task: Task, request: ReceiveRequest): Promise<number> {
    const { socket } = this;
    const deadline = socket.receiveDeadline(task, request.flags);
    while (this.messages.length === 0) {
      if (socket.error !== undefined) throw socket.takeError();
      if ((socket.shutdowns & RCV_SHUTDOWN) !== 0) return 0;
      if (hasPassed(task, deadline)) throw EAGAIN;
      await socket.readable.sleep(task, deadline);
    }
    return this.take(task, request);
  }

  private take(task: Task, request: ReceiveRequest): number {
    const { data: to, flags } = request;
    const [message] = this.messages;
    const { data } = message;
    if ((flags & MSG_PEEK) === 0) {
      this.messages.shift();
      this.used -= data.length + OVERHEAD;
    }
    const count = Math.min(data.length, to.remaining);
    if (to.put(data.subarray(0, count)) < count) throw EFAULT;
    if (count < data.length) request.resultFlags |= MSG_TRUNC;
    const { family } = this.socket;
    request.name = writeEndpoint(family, message.source, message.sourcePort, scopeOf(message));
    passTimestamp(task, this.socket, request, message.time);
    this.passInfo(request, message);
    return (flags & MSG_TRUNC) === 0 ? count : data.length;
  }

  /** The control messages that the socket has asked for. */
  private passInfo(request: ReceiveRequest, { destination, device, ttl, tos }: Datagram): void {
    const { control } = request;
    if (control === undefined) return;
    const { ip } = this.socket;
    const int = (value: number): Uint8Array => new Uint8Array(new Int32Array([value]).buffer);
    const pass = (level: number, option: number, type: number, value: () => Uint8Array): void => {
      if (ip.has(level, option)) control.put(request, level, type, value());
    };
    if (isV4(destination)) {
      pass(IPPROTO_IP, IP_PKTINFO, IP_PKTINFO, () => {
        const address = ipv4Number(destination);
        return in_pktinfo.encode({ ipi_ifindex: device, ipi_spec_dst: address, ipi_addr: address });
      });
      pass(IPPROTO_IP, IP_RECVTTL, IP_TTL, () => int(ttl));
      pass(IPPROTO_IP, IP_RECVTOS, IP_TOS, () => new Uint8Array([tos]));
    }
    if (this.socket.family !== AF_INET6) return;
    pass(IPPROTO_IPV6, IPV6_RECVPKTINFO, IPV6_PKTINFO, () => {
      const shown = isV4(destination) ? mapped(destination) : destination;
      return in6_pktinfo.encode({ ipi6_addr: ipToBytes(shown), ipi6_ifindex: device });
    });
    if (isV4(destination)) return;
    pass(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT, () => int(ttl));
    pass(IPPROTO_IPV6, IPV6_RECVTCLASS, IPV6_TCLASS, () => int(tos));
  }

  /** MSG_ERRQUEUE: the message that failed, where it went, and why. Never waits. */
  private receiveError(request: ReceiveRequest): number {
    const queued = this.errors.shift();
    if (queued === undefined) throw EAGAIN;
    const { failure, data, port } = queued;
    const count = Math.min(data.length, request.data.remaining);
    if (request.data.put(data.subarray(0, count)) < count) throw EFAULT;
    if (count < data.length) request.resultFlags |= MSG_TRUNC;
    request.resultFlags |= MSG_ERRQUEUE;
    const { family } = this.socket;
    request.name = writeEndpoint(family, failure.destination, port);
    const head = sock_extended_err.encode({
      ee_errno: failure.error.number,
      ee_origin: failure.origin,
      ee_type: failure.type,
      ee_code: failure.code,
      ee_info: failure.mtu,
    });
    const offender = writeEndpoint(isV4(failure.offender) ? AF_INET : AF_INET6, failure.offender, 0);
    const value = new Uint8Array(head.length + offender.length);
    value.set(head);
    value.set(offender, head.length);
    const isVersion4 = family === AF_INET;
    request.control?.put(
      request,
      isVersion4 ? IPPROTO_IP : IPPROTO_IPV6,
      isVersion4 ? IP_RECVERR : IPV6_RECVERR,
      value,
    );
    return count;
  }

  poll(table: PollTable | undefined): number {
    const { socket } = this;
    table?.wait(socket.readable);
    table?.wait(socket.writable);
    let events = WRITABLE;
    if (socket.error !== undefined || this.errors.length > 0)
      events |= EPOLLERR | (socket.options.has(SO_SELECT_ERR_QUEUE) ? EPOLLPRI : 0);
    if ((socket.shutdowns & RCV_SHUTDOWN) !== 0) events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (socket.shutdowns === SHUTDOWN_MASK) events |= EPOLLHUP;
    if (this.messages.length > 0) events |= EPOLLIN | EPOLLRDNORM;
    return events;
  }

  /** All that waits goes, with the socket or with its peer. */
  clear(): void {
    this.messages.length = 0;
    this.errors.length = 0;
    this.used = 0;
  }
}

const scopeOf = ({ source, device }: Datagram): number =>
  !isV4(source) && source.charCodeAt(0) === 0xfe ? device : 0;
