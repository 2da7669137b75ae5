/** IPv4: RFC 791. Headers, fragments, and who gets what has arrived. */
import { EMSGSIZE } from '../../uapi/errno.js';
import { ETH_P_IP } from '../../uapi/if.js';
import { ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, IP_DF, IP_MF, IP_OFFSET, iphdr } from '../../uapi/ip.js';
import { RTN_BROADCAST } from '../../uapi/rtnetlink.js';
import type { NetDevice } from '../device.js';
import { BROADCAST_V4, ipFromBytes, ipv4Number, isMulticast } from '../ip-address.js';
import type { PacketHandler } from '../net.js';
import { Packet } from '../packet.js';
import { addBytes, finish } from './checksum.js';
import { Reassembly } from './fragments.js';
import { type IpPath, type Received, type SendOptions, transmit } from './ip.js';
import type { InetStack } from './stack.js';

const HEADER = iphdr.size;
const VERSION_IHL = 0x45;
/** What the header can tell. */
const LENGTH_MAX = 0xffff;
const { version_ihl, tos, tot_len, id, frag_off, ttl, protocol, check, saddr, daddr } = iphdr.field;

export class Ip4 implements PacketHandler {
  private nextId = 1;
  private readonly reassembly: Reassembly;

  constructor(private readonly stack: InetStack) {
    this.reassembly = new Reassembly(stack.net);
  }

  /** Sends a packet that begins with its transport header. EMSGSIZE. */
  send(packet: Packet, path: IpPath, options: SendOptions): void {
    const { mtu } = path.device;
    if (HEADER + packet.length > LENGTH_MAX) throw EMSGSIZE;
    if (HEADER + packet.length <= mtu) {
      this.putHeader(packet, path, options, options.dontFragment ? IP_DF : 0);
      transmit(path, packet);
      return;
    }
    if (options.dontFragment) throw EMSGSIZE;
    this.sendFragments(packet, path, options);
  }

  private putHeader(
    packet: Packet,
    path: IpPath,
    options: SendOptions,
    fragment: number,
    ident?: number,
  ): void {
    const at = packet.push(HEADER);
    const { view } = packet;
    version_ihl.set(view, at, VERSION_IHL);
    tos.set(view, at, options.tos);
    tot_len.set(view, at, packet.length);
    id.set(view, at, ident ?? this.newId());
    frag_off.set(view, at, fragment);
    ttl.set(view, at, options.ttl);
    protocol.set(view, at, options.protocol);
    check.set(view, at, 0);
    saddr.set(view, at, ipv4Number(options.source));
    daddr.set(view, at, ipv4Number(path.destination));
    check.set(view, at, finish(addBytes(0, packet.bytes, at, at + HEADER)));
    packet.protocol = ETH_P_IP;
  }

  private newId(): number {
    this.nextId = (this.nextId + 1) & 0xffff;
    return this.nextId;
  }

  private sendFragments(packet: Packet, path: IpPath, options: SendOptions): void {
    const data = packet.linear();
    const step = (path.device.mtu - HEADER) & ~7;
    if (step <= 0) throw EMSGSIZE;
    const ident = this.newId();
    for (let at = 0; at < data.length; at += step) {
      const part = Packet.of(data.subarray(at, at + step));
      const more = at + step < data.length ? IP_MF : 0;
      this.putHeader(part, path, options, (at >> 3) | more, ident);
      transmit(path, part);
    }
  }

  /** What is malformed is dropped and counted. */
  receive(packet: Packet, device: NetDevice): void {
    const info = this.parse(packet, device);
    if (info === undefined) {
      device.statistics.rx_errors++;
      return;
    }
    if (!this.isForUs(info)) return;
    const fragment = frag_off.get(packet.view, packet.start);
    if ((fragment & (IP_MF | IP_OFFSET)) !== 0) {
      const whole = this.reassemble(packet, info, fragment);
      if (whole !== undefined) this.deliver(whole, info);
    } else this.deliver(packet, info);
  }

  private parse(packet: Packet, device: NetDevice): Received | undefined {
    const { view, bytes, start } = packet;
    if (packet.end - start < HEADER) return undefined;
    const first = version_ihl.get(view, start);
    const headerLength = (first & 0xf) * 4;
    const length = tot_len.get(view, start);
    if (first >> 4 !== 4 || headerLength < HEADER || packet.end - start < headerLength) return undefined;
    if (length < headerLength || length > packet.length) return undefined;
    if (!packet.trusted && finish(addBytes(0, bytes, start, start + headerLength)) !== 0) return undefined;
    packet.trim(length);
    return {
      source: ipFromBytes(bytes, start + iphdr.offset.saddr, 4),
      destination: ipFromBytes(bytes, start + iphdr.offset.daddr, 4),
      protocol: protocol.get(view, start),
      ttl: ttl.get(view, start),
      tos: tos.get(view, start),
      device,
      headerStart: start,
      headerLength,
    };
  }

  /** Nothing is forwarded. */
  private isForUs({ destination }: Received): boolean {
    const { routes } = this.stack.net;
    if (routes.isLocal(destination) || destination === BROADCAST_V4 || isMulticast(destination)) return true;
    return routes.lookup(destination)?.type === RTN_BROADCAST;
  }

  private reassemble(packet: Packet, info: Received, fragment: number): Packet | undefined {
    const { source, destination, headerLength, headerStart } = info;
    const key = `${source}${destination}${info.protocol} ${id.get(packet.view, packet.start)}`;
    const data = packet.dataAfter(headerLength);
    const offset = (fragment & IP_OFFSET) * 8;
    const whole = this.reassembly.add(key, data, offset, (fragment & IP_MF) !== 0);
    if (whole === undefined) return undefined;
    // The header of the last that came stands for all.
    const bytes = new Uint8Array(headerStart + headerLength + whole.length);
    bytes.set(packet.bytes.subarray(headerStart, headerStart + headerLength), headerStart);
    bytes.set(whole, headerStart + headerLength);
    const result = Packet.incoming(bytes);
    result.start = headerStart;
    result.device = packet.device;
    result.trusted = packet.trusted;
    return result;
  }

  private deliver(packet: Packet, info: Received): void {
    packet.pull(info.headerLength);
    const taken = this.stack.raw.offer(packet, info);
    const transport = this.stack.transports.get(info.protocol);
    if (transport !== undefined) transport.receive(packet, info);
    else if (!taken) this.stack.icmp.refuse(packet, info, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH);
  }
}
