/** Raw sockets: raw(7), icmp(7). They get copies of what IP receives, and send packets of any protocol. */
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
import { IPPROTO_ICMP, IPPROTO_IP, IPPROTO_RAW, IP_HDRINCL, IP_PMTUDISC_DO } from '../../uapi/in.js';
import { IPPROTO_ICMPV6 } from '../../uapi/in6.js';
import { ICMP_FILTER, ICMPV6_FILTER, iphdr } from '../../uapi/ip.js';
import {
  AF_INET,
  AF_UNSPEC,
  MSG_OOB,
  SOCK_RAW,
  SOL_ICMPV6,
  SOL_RAW,
  SO_BROADCAST,
} from '../../uapi/socket.js';
import { SIOCINQ, SIOCOUTQ } from '../../uapi/sockios.js';
import { familyOf } from '../addresses.js';
import { ipFamily, ipv4Number, isAny, isV4 } from '../ip-address.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import { Packet } from '../packet.js';
import { SEND_SHUTDOWN } from '../socket.js';
import { addBytes, finish, pseudoHeader } from './checksum.js';
import { DatagramQueue } from './datagram-queue.js';
import type { Endpoint } from './inet-address.js';
import { InetSocket } from './inet-socket.js';
import { type IpPath, type Received, transmit } from './ip.js';
import { ETH_P_IP } from '../../uapi/if.js';
import { readSendControl } from './send-control.js';
import type { InetStack } from './stack.js';

/** Where an ICMPv6 message has its checksum. */
const ICMP6_CHECKSUM = 2;

export class RawSockets {
  readonly all = new Set<RawSocket>();

  /** Gives a received packet, whose transport header comes next, to all who want it. */
  offer(packet: Packet, info: Received): boolean {
    let taken = false;
    if (this.all.size === 0) return false;
    for (const socket of this.all)
      if (socket.wants(packet, info)) {
        socket.deliver(packet, info);
        taken = true;
      }
    return taken;
  }
}

export class RawSocket extends InetSocket {
  private readonly queue = new DatagramQueue(this);
  /** Bit n set leaves ICMP messages of type n out. */
  private icmpFilter = 0;
  private readonly icmp6Filter = new Uint32Array(8);

  constructor(stack: InetStack, uid: number, family: number, protocol: number) {
    super(stack, uid, family, SOCK_RAW, protocol);
    if (protocol === IPPROTO_RAW) this.ip.set(IPPROTO_IP, IP_HDRINCL, true);
    stack.raw.all.add(this);
  }

  get queued(): number {
    return this.queue.bytesQueued;
  }

  // A raw socket's "port" is its protocol, which it shares.
  protected override takePort(): void {}
  protected override freePort(): void {}

  wants({ view, start, end }: Packet, { source, destination, protocol, device }: Received): boolean {
    if (protocol !== this.protocol || ipFamily(destination) !== this.family) return false;
    if (!isAny(this.local) && this.local !== destination) return false;
    if (this.remote !== undefined && this.remote !== source) return false;
    if (this.options.boundDevice !== 0 && this.options.boundDevice !== device.index) return false;
    if (end <= start) return true;
    const type = view.getUint8(start);
    if (protocol === IPPROTO_ICMP) return type >= 32 || ((this.icmpFilter >>> type) & 1) === 0;
    return protocol !== IPPROTO_ICMPV6 || ((this.icmp6Filter[type >> 5] >>> (type & 31)) & 1) === 0;
  }

  deliver(packet: Packet, info: Received): void {
    const { source, destination, ttl, tos, device, headerStart } = info;
    const { start } = packet;
    // IPv4 ones get the header too.
    if (isV4(destination)) packet.start = headerStart;
    const data = packet.linear().slice();
    packet.start = start;
    const time = this.options.timestamp === 'off' ? undefined : this.net.kernel.host.clock.read(0);
    this.queue.deliver({ data, source, sourcePort: 0, destination, ttl, tos, device: device.index, time });
  }

  override connect(_task: Task, bytes: Uint8Array): number {
    const family = familyOf(bytes);
    if (family === undefined) throw EINVAL;
    if (family === AF_UNSPEC) {
      this.remote = undefined;
      if (!this.addressBound) this.local = this.anyAddress;
      return 0;
    }
    const to = this.readRemote(bytes);
    const path = this.pathTo(to);
    if (path.kind === 'broadcast' && !this.options.has(SO_BROADCAST)) throw EACCES;
    if (isAny(this.local)) this.local = path.source;
    this.remote = to.address;
    this.scope = to.scope;
    return 0;
  }

  override send(_task: Task, { data, flags, name, control }: SendRequest): number {
    const length = data.remaining;
    if (length > 0xffff) throw EMSGSIZE;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    const to = this.destination(name);
    const wanted = readSendControl(control);
    const path = this.pathTo({ ...to, scope: wanted.device ?? to.scope }, wanted.source);
    if (path.kind === 'broadcast' && !this.options.has(SO_BROADCAST)) throw EACCES;
    if (this.error !== undefined) throw this.takeError();
    if ((this.shutdowns & SEND_SHUTDOWN) !== 0) throw EPIPE;
    const packet = Packet.outgoing(length);
    if (data.get(packet.bytes.subarray(packet.start, packet.end)) < length) throw EFAULT;
    this.net.enter();
    try {
      this.transmit(packet, path, wanted.ttl, wanted.tos);
    } finally {
      this.net.leave();
    }
    return length;
  }

  private destination(name: Uint8Array | undefined): Endpoint {
    if (name === undefined) {
      if (this.remote === undefined) throw EDESTADDRREQ;
      return { address: this.remote, port: 0, scope: this.scope };
    }
    const to = this.readRemote(name);
    if (ipFamily(to.address) !== this.family) throw EAFNOSUPPORT;
    return to;
  }

  private transmit(packet: Packet, path: IpPath, ttl: number | undefined, tos: number | undefined): void {
    const { destination, source } = path;
    const { ip } = this;
    if (this.family === AF_INET && ip.has(IPPROTO_IP, IP_HDRINCL)) {
      completeHeader(packet, path);
      transmit(path, packet);
      return;
    }
    if (this.protocol === IPPROTO_ICMPV6) {
      if (packet.length < ICMP6_CHECKSUM + 2) throw EINVAL;
      const { view, start, end, bytes, length } = packet;
      view.setUint16(start + ICMP6_CHECKSUM, 0);
      const sum = addBytes(pseudoHeader(source, destination, IPPROTO_ICMPV6, length), bytes, start, end);
      view.setUint16(start + ICMP6_CHECKSUM, finish(sum));
    }
    const discover = isV4(destination) ? ip.mtuDiscover : ip.mtuDiscover6;
    this.stack.send(packet, path, {
      source,
      protocol: this.protocol,
      ttl: ttl ?? ip.ttlFor(destination),
      tos: tos ?? ip.tosFor(destination),
      dontFragment: discover === IP_PMTUDISC_DO,
    });
  }

  override receive(task: Task, request: ReceiveRequest): Result {
    return this.queue.receive(task, request);
  }

  override shutdown(mask: number): void {
    this.shutdowns |= mask;
    this.readable.wake();
    if (this.remote === undefined) throw ENOTCONN;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    return this.queue.poll(table);
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    if (request !== SIOCINQ && request !== SIOCOUTQ) return super.ioctl(task, request, argument);
    task.memory.putU32(argument, request === SIOCINQ ? this.queue.firstLength : 0);
    return 0;
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): void {
    if (level === SOL_RAW && name === ICMP_FILTER && this.protocol === IPPROTO_ICMP) {
      const whole = new Uint8Array(4);
      whole.set(value.subarray(0, 4));
      this.icmpFilter = new DataView(whole.buffer).getUint32(0, true);
    } else if (level === SOL_ICMPV6 && name === ICMPV6_FILTER && this.protocol === IPPROTO_ICMPV6) {
      new Uint8Array(this.icmp6Filter.buffer).set(value.subarray(0, 32));
    } else if (level === SOL_RAW || level === SOL_ICMPV6) throw ENOPROTOOPT;
    else super.setOption(task, level, name, value);
  }

  override getOption(task: Task, level: number, name: number, room: number): Uint8Array {
    if (level === SOL_RAW && name === ICMP_FILTER && this.protocol === IPPROTO_ICMP)
      return new Uint8Array(new Uint32Array([this.icmpFilter]).buffer);
    if (level === SOL_ICMPV6 && name === ICMPV6_FILTER && this.protocol === IPPROTO_ICMPV6)
      return new Uint8Array(this.icmp6Filter.buffer.slice(0));
    if (level === SOL_RAW || level === SOL_ICMPV6) throw ENOPROTOOPT;
    return super.getOption(task, level, name, room);
  }

  override release(): void {
    this.stack.raw.all.delete(this);
    this.queue.clear();
  }
}

/** IP_HDRINCL: the sender has made the header, but for the length, the checksum, and what it left zero. */
function completeHeader(packet: Packet, { source }: IpPath): void {
  const { view, bytes, start, length } = packet;
  const headerLength = length < iphdr.size ? 0 : (bytes[start] & 0xf) * 4;
  if (headerLength < iphdr.size || headerLength > length) throw EINVAL;
  const { tot_len, saddr, check } = iphdr.field;
  tot_len.set(view, start, length);
  if (saddr.get(view, start) === 0) saddr.set(view, start, ipv4Number(source));
  check.set(view, start, 0);
  check.set(view, start, finish(addBytes(0, bytes, start, start + headerLength)));
  packet.protocol = ETH_P_IP;
}
