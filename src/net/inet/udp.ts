/** UDP: RFC 768. Finds the socket that a datagram is for. udp(7) */
import { IPPROTO_IP, IPPROTO_IPV6, IP_MULTICAST_ALL, IP_RECVERR, IPPROTO_UDP } from '../../uapi/in.js';
import {
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  ICMPV6_DEST_UNREACH,
  ICMPV6_PORT_UNREACH,
  udphdr,
} from '../../uapi/ip.js';
import { IPV6_RECVERR } from '../../uapi/in6.js';
import { type IpAddress, isMulticast, isV4 } from '../ip-address.js';
import type { Packet } from '../packet.js';
import { RTN_BROADCAST } from '../../uapi/rtnetlink.js';
import { addBytes, finish, pseudoHeader } from './checksum.js';
import type { Failure, Received, Transport } from './ip.js';
import { coversAddress, PortTable } from './ports.js';
import type { InetStack } from './stack.js';
import type { UdpSocket } from './udp-socket.js';

const HEADER = udphdr.size;
const { source: sourcePort, dest: destinationPort, len, check } = udphdr.field;

export class Udp implements Transport {
  readonly ports: PortTable<UdpSocket>;

  constructor(private readonly stack: InetStack) {
    this.ports = new PortTable(stack.net.settings);
  }

  receive(packet: Packet, info: Received): boolean {
    const { view, start } = packet;
    if (packet.end - start < HEADER) return true;
    const length = len.get(view, start);
    if (length < HEADER || length > packet.length) return true;
    packet.trim(length);
    if (!packet.trusted && !isIntact(packet, info)) return true;
    const from = sourcePort.get(view, start);
    const to = destinationPort.get(view, start);
    if (this.isForMany(info)) {
      for (const socket of this.ports.at(to))
        if (wantsGroup(socket, info, from)) socket.deliver(packet, info, from);
      return true;
    }
    const socket = this.find(info.destination, to, info.source, from, info.device.index);
    if (socket !== undefined) socket.deliver(packet, info, from);
    else if (isV4(info.destination))
      this.stack.icmp.refuse(packet, info, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
    else this.stack.icmp6.refuse(packet, info, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH);
    return true;
  }

  private isForMany({ destination }: Received): boolean {
    if (isMulticast(destination)) return true;
    if (!isV4(destination) || this.stack.net.routes.isLocal(destination)) return false;
    const route = this.stack.net.routes.lookup(destination);
    return route === undefined || route.type === RTN_BROADCAST;
  }

  /** The socket that fits best: one connected to the sender before one bound to the address before one bound to any. */
  private find(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    device: number,
  ): UdpSocket | undefined {
    let best: UdpSocket | undefined;
    let bestScore = -1;
    for (const socket of this.ports.at(localPort)) {
      const score = scoreOf(socket, local, remote, remotePort, device);
      // Of those that share a port by SO_REUSEADDR the last that came gets all.
      if (score < 0 || score < bestScore) continue;
      best = socket;
      bestScore = score;
    }
    return best;
  }

  failed(failure: Failure): void {
    const { head, source, destination } = failure;
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const remotePort = destinationPort.get(view, 0);
    const socket = this.find(source, sourcePort.get(view, 0), destination, remotePort, 0);
    if (socket === undefined) return;
    const wantsAll = socket.ip.has(IPPROTO_IP, IP_RECVERR) || socket.ip.has(IPPROTO_IPV6, IPV6_RECVERR);
    if (wantsAll) socket.queue.addError(failure, head.slice(HEADER), remotePort);
    // Who is not connected would not know whom it is about.
    else if (failure.soft || socket.remote === undefined) return;
    socket.error = failure.error;
    socket.readable.wake();
    socket.writable.wake();
  }
}

function isIntact(
  { bytes, view, start, end, body, length }: Packet,
  { source, destination }: Received,
): boolean {
  // No checksum: allowed in IPv4 only.
  if (check.get(view, start) === 0) return isV4(source);
  const pseudo = pseudoHeader(source, destination, IPPROTO_UDP, length);
  return finish(addBytes(addBytes(pseudo, bytes, start, end), body)) === 0;
}

/** Negative: not for it. */
function scoreOf(
  socket: UdpSocket,
  local: IpAddress,
  remote: IpAddress,
  remotePort: number,
  device: number,
): number {
  if (!coversAddress(socket, local)) return -1;
  let score = socket.local === local ? 2 : 0;
  if (isV4(local) && socket.local.length === 4) score++;
  if (socket.remote !== undefined) {
    if (socket.remote !== remote || socket.remotePort !== remotePort) return -1;
    score += 4;
  }
  const { boundDevice } = socket.options;
  if (boundDevice !== 0) {
    if (device !== 0 && boundDevice !== device) return -1;
    score += 4;
  }
  return score;
}

/** Of a datagram to a group: whether the socket has joined it, or takes what others have joined. */
function wantsGroup(socket: UdpSocket, { source, destination, device }: Received, from: number): boolean {
  if (scoreOf(socket, destination, source, from, device.index) < 0) return false;
  if (!isMulticast(destination)) return true;
  const { memberships } = socket.ip;
  if (memberships.some((joined) => joined.group === destination && joined.device === device.index))
    return true;
  return (
    !socket.ip.has(IPPROTO_IP, IP_MULTICAST_ALL) && !memberships.some(({ group }) => group === destination)
  );
}
