/** IPv6: RFC 8200. Headers, extension headers, fragments, and who gets what has arrived. */
import { EMSGSIZE } from '../../uapi/errno.js';
import { ETH_P_IPV6 } from '../../uapi/if.js';
import {
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_NONE,
  IPPROTO_ROUTING,
} from '../../uapi/in6.js';
import { ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR, ipv6hdr } from '../../uapi/ip.js';
import type { NetDevice } from '../device.js';
import { ipFromBytes, ipToBytes, isMulticast } from '../ip-address.js';
import type { PacketHandler } from '../net.js';
import { Packet } from '../packet.js';
import { Reassembly } from './fragments.js';
import { type IpPath, type Received, type SendOptions, transmit } from './ip.js';
import type { InetStack } from './stack.js';

const HEADER = ipv6hdr.size;
const FRAGMENT_HEADER = 8;
const { flow, payload_len, nexthdr, hop_limit } = ipv6hdr.field;

export class Ip6 implements PacketHandler {
  private nextId = 1;
  private readonly reassembly: Reassembly;

  constructor(private readonly stack: InetStack) {
    this.reassembly = new Reassembly(stack.net);
  }

  /** Sends a packet that begins with its transport header. EMSGSIZE. */
  send(packet: Packet, path: IpPath, options: SendOptions): void {
    if (HEADER + packet.length <= path.device.mtu) {
      this.putHeader(packet, path, options, options.protocol);
      transmit(path, packet);
    } else if (options.dontFragment) throw EMSGSIZE;
    else this.sendFragments(packet, path, options);
  }

  private putHeader(packet: Packet, path: IpPath, options: SendOptions, next: number): void {
    const { length } = packet;
    const at = packet.push(HEADER);
    const { view, bytes } = packet;
    flow.set(view, at, ((6 << 28) | (options.tos << 20)) >>> 0);
    payload_len.set(view, at, length);
    nexthdr.set(view, at, next);
    hop_limit.set(view, at, options.ttl);
    bytes.set(ipToBytes(options.source), at + ipv6hdr.offset.saddr);
    bytes.set(ipToBytes(path.destination), at + ipv6hdr.offset.daddr);
    packet.protocol = ETH_P_IPV6;
  }

  private sendFragments(packet: Packet, path: IpPath, options: SendOptions): void {
    const data = packet.linear();
    const step = (path.device.mtu - HEADER - FRAGMENT_HEADER) & ~7;
    if (step <= 0) throw EMSGSIZE;
    const ident = this.nextId++;
    for (let offset = 0; offset < data.length; offset += step) {
      const part = Packet.of(data.subarray(offset, offset + step));
      const at = part.push(FRAGMENT_HEADER);
      part.view.setUint8(at, options.protocol);
      part.view.setUint8(at + 1, 0);
      part.view.setUint16(at + 2, offset | (offset + step < data.length ? 1 : 0));
      part.view.setUint32(at + 4, ident);
      this.putHeader(part, path, options, IPPROTO_FRAGMENT);
      transmit(path, part);
    }
  }

  /** What is malformed is dropped and counted. */
  receive(packet: Packet, device: NetDevice): void {
    const { view, bytes, start } = packet;
    const length = packet.end - start < HEADER ? -1 : payload_len.get(view, start);
    if (length < 0 || view.getUint8(start) >> 4 !== 6 || length > packet.length - HEADER) {
      device.statistics.rx_errors++;
      return;
    }
    packet.trim(HEADER + length);
    const destination = ipFromBytes(bytes, start + ipv6hdr.offset.daddr, 16);
    if (!this.stack.net.routes.isLocal(destination) && !isMulticast(destination)) return;
    this.walk(packet, {
      source: ipFromBytes(bytes, start + ipv6hdr.offset.saddr, 16),
      destination,
      protocol: nexthdr.get(view, start),
      ttl: hop_limit.get(view, start),
      tos: (flow.get(view, start) >>> 20) & 0xff,
      device,
      headerStart: start,
      headerLength: HEADER,
    });
  }

  /** Through the extension headers to what is inside. */
  private walk(packet: Packet, first: Received): void {
    let info = first;
    packet.pull(info.headerLength);
    for (;;) {
      const { protocol } = info;
      const { view, start } = packet;
      const left = packet.end - start;
      if (protocol === IPPROTO_FRAGMENT) {
        if (left < FRAGMENT_HEADER) return;
        this.fragment(packet, info);
        return;
      }
      if (protocol !== IPPROTO_HOPOPTS && protocol !== IPPROTO_DSTOPTS && protocol !== IPPROTO_ROUTING) break;
      const length = left < 8 ? Infinity : (view.getUint8(start + 1) + 1) * 8;
      if (length > left) return;
      const next = view.getUint8(start);
      packet.pull(length);
      info = { ...info, protocol: next, headerLength: info.headerLength + length };
    }
    if (info.protocol !== IPPROTO_NONE) this.deliver(packet, info);
  }

  private fragment(packet: Packet, info: Received): void {
    const { view, start } = packet;
    const next = view.getUint8(start);
    const place = view.getUint16(start + 2);
    const key = `${info.source}${info.destination}${view.getUint32(start + 4)}`;
    const whole = this.reassembly.add(key, packet.dataAfter(FRAGMENT_HEADER), place & ~7, (place & 1) === 1);
    if (whole === undefined) return;
    const { headerStart } = info;
    const bytes = new Uint8Array(headerStart + HEADER + whole.length);
    bytes.set(packet.bytes.subarray(headerStart, headerStart + HEADER), headerStart);
    bytes.set(whole, headerStart + HEADER);
    const result = Packet.incoming(bytes);
    result.start = headerStart;
    result.device = packet.device;
    result.trusted = packet.trusted;
    this.walk(result, { ...info, protocol: next, headerLength: HEADER });
  }

  private deliver(packet: Packet, info: Received): void {
    const taken = this.stack.raw.offer(packet, info);
    const transport = this.stack.transports6.get(info.protocol);
    if (transport !== undefined) transport.receive(packet, info);
    else if (!taken) this.stack.icmp6.refuse(packet, info, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR);
  }
}
