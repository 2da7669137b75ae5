/** ICMPv6: RFC 4443. As ICMP, for IPv6. */
import {
  EACCES,
  ECONNREFUSED,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  EPROTO,
  type Errno,
} from '../../uapi/errno.js';
import { IPPROTO_ICMPV6, IPV6_MIN_MTU } from '../../uapi/in6.js';
import {
  icmp6hdr,
  ICMPV6_ADDR_UNREACH,
  ICMPV6_ADM_PROHIBITED,
  ICMPV6_DEST_UNREACH,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_INFOMSG_MASK,
  ICMPV6_NOROUTE,
  ICMPV6_NOT_NEIGHBOUR,
  ICMPV6_PARAMPROB,
  ICMPV6_PKT_TOOBIG,
  ICMPV6_PORT_UNREACH,
  ICMPV6_TIME_EXCEED,
  IPDEFTTL,
  ipv6hdr,
  SO_EE_ORIGIN_ICMP6,
} from '../../uapi/ip.js';
import { ipFromBytes, isMulticast } from '../ip-address.js';
import { Packet } from '../packet.js';
import { addBytes, finish, pseudoHeader } from './checksum.js';
import { findPath, type Received, type Transport } from './ip.js';
import type { InetStack } from './stack.js';

const HEADER = icmp6hdr.size;
const { icmp6_type, icmp6_code, icmp6_cksum, icmp6_dataun } = icmp6hdr.field;

const unreachable: Readonly<Record<number, readonly [error: Errno, fatal: boolean]>> = {
  [ICMPV6_NOROUTE]: [ENETUNREACH, false],
  [ICMPV6_ADM_PROHIBITED]: [EACCES, true],
  [ICMPV6_NOT_NEIGHBOUR]: [EHOSTUNREACH, false],
  [ICMPV6_ADDR_UNREACH]: [EHOSTUNREACH, false],
  [ICMPV6_PORT_UNREACH]: [ECONNREFUSED, true],
};

export class Icmp6 implements Transport {
  constructor(private readonly stack: InetStack) {}

  receive(packet: Packet, info: Received): boolean {
    const { view, start } = packet;
    if (packet.end - start < HEADER) return true;
    if (!packet.trusted && !this.isIntact(packet, info)) return true;
    const kind = icmp6_type.get(view, start);
    if (kind === ICMPV6_ECHO_REQUEST) this.echo(packet, info);
    else if ((kind & ICMPV6_INFOMSG_MASK) === 0) this.report(packet, info, kind);
    return true;
  }

  failed(): void {}

  private isIntact({ bytes, start, end, body, length }: Packet, { source, destination }: Received): boolean {
    const pseudo = pseudoHeader(source, destination, IPPROTO_ICMPV6, length);
    return finish(addBytes(addBytes(pseudo, bytes, start, end), body)) === 0;
  }

  private echo(packet: Packet, { source, destination, tos }: Received): void {
    const data = packet.linear().slice();
    data[icmp6hdr.offset.icmp6_type] = ICMPV6_ECHO_REPLY;
    this.send(data, source, isMulticast(destination) ? undefined : destination, tos);
  }

  private send(data: Uint8Array, to: string, from: string | undefined, tos: number): void {
    this.stack.trySend(() => {
      const path = findPath(this.stack.net, to, 0, from);
      const { source } = path;
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      icmp6_cksum.set(view, 0, 0);
      icmp6_cksum.set(view, 0, finish(addBytes(pseudoHeader(source, to, IPPROTO_ICMPV6, data.length), data)));
      const options = { source, protocol: IPPROTO_ICMPV6, ttl: IPDEFTTL, tos, dontFragment: false };
      this.stack.ip6.send(Packet.of(data), path, options);
    });
  }

  /** Tells the sender of a packet that it will not be served. */
  refuse(packet: Packet, info: Received, kind: number, reason: number): void {
    const { source, destination, headerStart, protocol } = info;
    if (isMulticast(destination) || protocol === IPPROTO_ICMPV6) return;
    const { start } = packet;
    packet.start = headerStart;
    const original = packet.linear().subarray(0, IPV6_MIN_MTU - ipv6hdr.size - HEADER);
    packet.start = start;
    const data = new Uint8Array(HEADER + original.length);
    data[0] = kind;
    data[1] = reason;
    data.set(original, HEADER);
    this.send(data, source, destination, info.tos);
  }

  private report(packet: Packet, info: Received, kind: number): void {
    const { view, start } = packet;
    const reason = icmp6_code.get(view, start);
    const inner = packet.linear().subarray(HEADER);
    const outcome = errorOf(kind, reason);
    if (inner.length < ipv6hdr.size + 8 || inner[0] >> 4 !== 6 || outcome === undefined) return;
    this.stack.transports6.get(inner[ipv6hdr.offset.nexthdr])?.failed({
      error: outcome[0],
      soft: !outcome[1],
      source: ipFromBytes(inner, ipv6hdr.offset.saddr, 16),
      destination: ipFromBytes(inner, ipv6hdr.offset.daddr, 16),
      head: inner.subarray(ipv6hdr.size),
      origin: SO_EE_ORIGIN_ICMP6,
      type: kind,
      code: reason,
      mtu: kind === ICMPV6_PKT_TOOBIG ? icmp6_dataun.get(view, start) : 0,
      offender: info.source,
    });
  }
}

function errorOf(kind: number, reason: number): readonly [error: Errno, fatal: boolean] | undefined {
  switch (kind) {
    case ICMPV6_DEST_UNREACH:
      return unreachable[reason] ?? [EPROTO, true];
    case ICMPV6_PKT_TOOBIG:
      return [EMSGSIZE, false];
    case ICMPV6_PARAMPROB:
      return [EPROTO, true];
    case ICMPV6_TIME_EXCEED:
      return [EHOSTUNREACH, false];
    default:
      return undefined;
  }
}
