/** UDP sockets: udp(7). */
import type { PollTable } from '../../fs/file.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import {
  EACCES,
  EAFNOSUPPORT,
  EDESTADDRREQ,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} from '../../uapi/errno.js';
import { IPPROTO_UDP, IP_PMTUDISC_DO, sockaddr_in } from '../../uapi/in.js';
import { UDP_CORK, udphdr } from '../../uapi/ip.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  MSG_MORE,
  MSG_OOB,
  SOCK_DGRAM,
  SOL_UDP,
  SO_BROADCAST,
} from '../../uapi/socket.js';
import { SIOCINQ, SIOCOUTQ } from '../../uapi/sockios.js';
import { familyOf } from '../addresses.js';
import { isAny, isV4 } from '../ip-address.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import { Packet } from '../packet.js';
import { SEND_SHUTDOWN } from '../socket.js';
import { addBytes, finish, pseudoHeader } from './checksum.js';
import { DatagramQueue } from './datagram-queue.js';
import { type Endpoint, readV4 } from './inet-address.js';
import { InetSocket } from './inet-socket.js';
import type { IpPath, Received } from './ip.js';
import { optionNumber } from './ip-sockopt.js';
import { readSendControl } from './send-control.js';
import type { InetStack } from './stack.js';

const HEADER = udphdr.size;
const PAYLOAD_MAX = 0xffff;

/** A datagram that is being put together: MSG_MORE, UDP_CORK. */
interface HeldDatagram {
  readonly path: IpPath;
  readonly to: Endpoint;
  readonly ttl: number | undefined;
  readonly tos: number | undefined;
  readonly parts: Uint8Array[];
  length: number;
}

export class UdpSocket extends InetSocket {
  readonly queue = new DatagramQueue(this);
  private held: HeldDatagram | undefined;
  private corked = false;

  constructor(stack: InetStack, uid: number, family: number) {
    super(stack, uid, family, SOCK_DGRAM, IPPROTO_UDP);
  }

  /** Bytes that wait to be received. */
  get queued(): number {
    return this.queue.bytesQueued;
  }

  protected override takePort(port: number): void {
    const { ports } = this.stack.udp;
    const chosen = port === 0 ? ports.choose(this, this.stack.random32()) : port;
    ports.check(this, chosen);
    ports.add(this, chosen);
    this.localPort = chosen;
  }
  protected override freePort(): void {
    if (this.localPort !== 0) this.stack.udp.ports.remove(this, this.localPort);
    this.localPort = 0;
  }

  override connect(_task: Task, bytes: Uint8Array): number {
    const family = familyOf(bytes);
    if (family === undefined) throw EINVAL;
    if (family === AF_UNSPEC) return this.disconnect();
    const to =
      this.family === AF_INET6 && family === AF_INET ? this.readMapped(bytes) : this.readRemote(bytes);
    const path = this.pathTo(to);
    if (path.kind === 'broadcast' && !this.options.has(SO_BROADCAST)) throw EACCES;
    if (this.localPort === 0) this.takePort(0);
    if (isAny(this.local) || (this.local.length !== to.address.length && !this.addressBound))
      this.local = path.source;
    this.remote = to.address;
    this.remotePort = to.port;
    this.scope = to.scope;
    return 0;
  }

  /** An IPv6 socket may be given an IPv4 address as such. */
  private readMapped(bytes: Uint8Array): Endpoint {
    if (this.v6Only) throw EAFNOSUPPORT;
    return readV4(bytes);
  }

  private disconnect(): number {
    this.remote = undefined;
    this.remotePort = 0;
    if (!this.addressBound) {
      // The port that a connection gave goes with it.
      this.freePort();
      this.local = this.anyAddress;
    }
    return 0;
  }

  override peerName(): Uint8Array {
    if (this.remotePort === 0) throw ENOTCONN;
    return super.peerName();
  }

  override send(_task: Task, request: SendRequest): number {
    const { data, flags } = request;
    const length = data.remaining;
    if (length > PAYLOAD_MAX) throw EMSGSIZE;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    // What is added to a datagram goes where its beginning goes.
    const held = this.held ?? this.beginDatagram(request);
    if (this.error !== undefined) throw this.takeError();
    if ((this.shutdowns & SEND_SHUTDOWN) !== 0) throw EPIPE;
    const bytes = new Uint8Array(length);
    if (data.get(bytes) < length) throw EFAULT;
    held.parts.push(bytes);
    held.length += length;
    this.held = held;
    if (!this.corked && (flags & MSG_MORE) === 0) this.sendHeld();
    return length;
  }

  /** Where a new datagram goes, and how. */
  private beginDatagram({ name, control }: SendRequest): HeldDatagram {
    const to = this.destination(name);
    const { source, device, ttl, tos } = readSendControl(control);
    const path = this.pathTo({ ...to, scope: device ?? to.scope }, source);
    if (path.kind === 'broadcast' && !this.options.has(SO_BROADCAST)) throw EACCES;
    if (this.localPort === 0) this.takePort(0);
    return { path, to, ttl, tos, parts: [], length: 0 };
  }

  /** Sends what has been put together. */
  private sendHeld(): void {
    const { held, net } = this;
    if (held === undefined) return;
    this.held = undefined;
    if (held.length > PAYLOAD_MAX) throw EMSGSIZE;
    const packet = Packet.outgoing(held.length);
    let at = packet.start;
    for (const part of held.parts) {
      packet.bytes.set(part, at);
      at += part.length;
    }
    net.enter();
    try {
      this.transmit(packet, held);
    } finally {
      net.leave();
    }
  }

  private destination(name: Uint8Array | undefined): Endpoint {
    if (name === undefined) return this.connectedTo();
    if (this.family === AF_INET) {
      if (name.length < sockaddr_in.size) throw EINVAL;
      // Old programs leave the family out.
      const bytes = name.slice();
      if (familyOf(bytes) === AF_UNSPEC) bytes[0] = AF_INET;
      return withPort(this.readRemote(bytes));
    }
    if (name.length < 2) throw EINVAL;
    switch (familyOf(name)) {
      case AF_INET6:
        return withPort(this.readRemote(name));
      case AF_INET:
        return withPort(this.readMapped(name));
      case AF_UNSPEC:
        return this.connectedTo();
      default:
        throw EINVAL;
    }
  }

  private connectedTo(): Endpoint {
    if (this.remote === undefined) throw EDESTADDRREQ;
    return { address: this.remote, port: this.remotePort, scope: this.scope };
  }

  private transmit(packet: Packet, { path, to, ttl, tos }: HeldDatagram): void {
    const at = packet.push(HEADER);
    const { view, length } = packet;
    if (length > PAYLOAD_MAX) throw EMSGSIZE;
    const { source, dest, len, check } = udphdr.field;
    source.set(view, at, this.localPort);
    dest.set(view, at, to.port);
    len.set(view, at, length);
    check.set(view, at, 0);
    if (!path.device.isLoopback) {
      const sum = addBytes(
        pseudoHeader(path.source, to.address, IPPROTO_UDP, length),
        packet.bytes,
        at,
        packet.end,
      );
      // Zero means that there is none.
      check.set(view, at, finish(sum) || 0xffff);
    }
    const { ip } = this;
    const discover = isV4(to.address) ? ip.mtuDiscover : ip.mtuDiscover6;
    this.stack.send(packet, path, {
      source: path.source,
      protocol: IPPROTO_UDP,
      ttl: ttl ?? ip.ttlFor(to.address),
      tos: tos ?? ip.tosFor(to.address),
      dontFragment: discover === IP_PMTUDISC_DO,
    });
  }

  /** A datagram for this socket. Others may get the same. */
  deliver(packet: Packet, info: Received, from: number): void {
    const { source, destination, ttl, tos, device } = info;
    const data = packet.dataAfter(HEADER);
    this.queue.deliver({
      data,
      source,
      sourcePort: from,
      destination,
      ttl,
      tos,
      device: device.index,
      time: this.options.timestamp === 'off' ? undefined : this.net.kernel.host.clock.read(0),
    });
  }

  override receive(task: Task, request: ReceiveRequest): Result {
    return this.queue.receive(task, request);
  }

  override shutdown(mask: number): void {
    const connected = this.remote !== undefined;
    this.shutdowns |= mask;
    this.readable.wake();
    this.writable.wake();
    if (!connected) throw ENOTCONN;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    return this.queue.poll(table);
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    switch (request) {
      case SIOCINQ:
        task.memory.putU32(argument, this.queue.firstLength);
        return 0;
      case SIOCOUTQ:
        task.memory.putU32(argument, 0);
        return 0;
      default:
        return super.ioctl(task, request, argument);
    }
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): void {
    if (level !== SOL_UDP) return super.setOption(task, level, name, value);
    if (value.length < 4) throw EINVAL;
    if (name !== UDP_CORK) throw ENOPROTOOPT;
    this.corked = optionNumber(value) !== 0;
    if (!this.corked) this.sendHeld();
  }
  override getOption(task: Task, level: number, name: number, room: number): Uint8Array {
    if (level !== SOL_UDP) return super.getOption(task, level, name, room);
    if (name !== UDP_CORK) throw ENOPROTOOPT;
    return new Uint8Array([this.corked ? 1 : 0, 0, 0, 0]);
  }

  override release(): void {
    this.freePort();
    this.queue.clear();
  }
}

function withPort(endpoint: Endpoint): Endpoint {
  if (endpoint.port === 0) throw EINVAL;
  return endpoint;
}
