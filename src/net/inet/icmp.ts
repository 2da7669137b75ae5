/** ICMP: RFC 792, RFC 1122. Answers echo requests, tells senders and our own sockets what did not get through. */
import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
  type Errno,
} from '../../uapi/errno.js';
import { IPPROTO_ICMP } from '../../uapi/in.js';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_FRAG_NEEDED,
  icmphdr,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  IPDEFTTL,
  iphdr,
  SO_EE_ORIGIN_ICMP,
} from '../../uapi/ip.js';
import { BROADCAST_V4, ipFromBytes, isMulticast } from '../ip-address.js';
import { Packet } from '../packet.js';
import { addBytes, finish } from './checksum.js';
import { findPath, type Received, type Transport } from './ip.js';
import type { InetStack } from './stack.js';

const HEADER = icmphdr.size;
/** An error message is no longer than this: RFC 1812. */
const ERROR_MAX = 576;
const { type, code, checksum, un } = icmphdr.field;

/** For each code of "destination unreachable": the error, and whether a connection is to end for it. */
const unreachable: readonly (readonly [error: Errno, fatal: boolean])[] = [
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [ENOPROTOOPT, true],
  [ECONNREFUSED, true],
  [EMSGSIZE, false],
  [EOPNOTSUPP, false],
  [ENETUNREACH, true],
  [EHOSTDOWN, true],
  [ENONET, true],
  [ENETUNREACH, true],
  [EHOSTUNREACH, true],
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
];

export class Icmp implements Transport {
  constructor(private readonly stack: InetStack) {}

  receive(packet: Packet, info: Received): boolean {
    const { view, start } = packet;
    if (packet.length < HEADER || packet.end - start < HEADER) return true;
    if (!packet.trusted && finish(addBytes(addBytes(0, packet.bytes, start, packet.end), packet.body)) !== 0)
      return true;
    switch (type.get(view, start)) {
      case ICMP_ECHO:
        this.echo(packet, info);
        break;
      case ICMP_DEST_UNREACH:
      case ICMP_TIME_EXCEEDED:
      case ICMP_PARAMETERPROB:
      case ICMP_SOURCE_QUENCH:
      case ICMP_REDIRECT:
        this.report(packet, info);
        break;
    }
    return true;
  }

  failed(): void {}

  private echo(packet: Packet, info: Received): void {
    const { source, destination } = info;
    // Nobody answers for all: net.ipv4.icmp_echo_ignore_broadcasts.
    if (isMulticast(destination) || destination === BROADCAST_V4) return;
    const data = packet.linear().slice();
    data[icmphdr.offset.type] = ICMP_ECHOREPLY;
    this.send(data, source, destination, info.tos);
  }

  /** Sends a message whose checksum is still to be made. Whom it cannot reach does not get it. */
  private send(data: Uint8Array, to: string, from: string | undefined, tos: number): void {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    checksum.set(view, 0, 0);
    checksum.set(view, 0, finish(addBytes(0, data)));
    this.stack.trySend(() => {
      const path = findPath(this.stack.net, to, 0, from);
      const options = {
        source: path.source,
        protocol: IPPROTO_ICMP,
        ttl: IPDEFTTL,
        tos,
        dontFragment: false,
      };
      this.stack.ip4.send(Packet.of(data), path, options);
    });
  }

  /** Tells the sender of a packet that it will not be served: with as much of it as fits. */
  refuse(packet: Packet, info: Received, kind: number, reason: number): void {
    const { source, destination, headerStart } = info;
    if (isMulticast(destination) || destination === BROADCAST_V4 || info.protocol === IPPROTO_ICMP) return;
    const { start } = packet;
    packet.start = headerStart;
    const original = packet.linear().subarray(0, ERROR_MAX - iphdr.size - HEADER);
    packet.start = start;
    const data = new Uint8Array(HEADER + original.length);
    data[0] = kind;
    data[1] = reason;
    data.set(original, HEADER);
    this.send(data, source, this.stack.net.routes.isLocal(destination) ? destination : undefined, info.tos);
  }

  /** An error about a packet of ours: its protocol knows whose it was. */
  private report(packet: Packet, info: Received): void {
    const { view, start } = packet;
    const kind = type.get(view, start);
    const reason = code.get(view, start);
    const inner = packet.linear().subarray(HEADER);
    if (inner.length < iphdr.size) return;
    const length = (inner[0] & 0xf) * 4;
    if (inner[0] >> 4 !== 4 || inner.length < length + 8) return;
    const outcome = errorOf(kind, reason);
    if (outcome === undefined) return;
    this.stack.transports.get(inner[iphdr.offset.protocol])?.failed({
      error: outcome[0],
      soft: !outcome[1],
      source: ipFromBytes(inner, iphdr.offset.saddr, 4),
      destination: ipFromBytes(inner, iphdr.offset.daddr, 4),
      head: inner.subarray(length),
      origin: SO_EE_ORIGIN_ICMP,
      type: kind,
      code: reason,
      mtu: kind === ICMP_DEST_UNREACH && reason === ICMP_FRAG_NEEDED ? un.get(view, start) & 0xffff : 0,
      offender: info.source,
    });
  }
}

function errorOf(kind: number, reason: number): readonly [error: Errno, fatal: boolean] | undefined {
  switch (kind) {
    case ICMP_DEST_UNREACH:
      return unreachable[reason];
    case ICMP_TIME_EXCEEDED:
      return [EHOSTUNREACH, false];
    case ICMP_PARAMETERPROB:
      return [EPROTO, true];
    default:
      return undefined;
  }
}
