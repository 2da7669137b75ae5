/** The Internet protocols of one namespace, and how they find each other. AF_INET and AF_INET6 share them. */
import { Errno } from '../../uapi/errno.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../../uapi/if.js';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../uapi/in.js';
import { IPPROTO_ICMPV6 } from '../../uapi/in6.js';
import { isV4 } from '../ip-address.js';
import type { Net } from '../net.js';
import type { Packet } from '../packet.js';
import { Icmp } from './icmp.js';
import { Icmp6 } from './icmp6.js';
import { Ip4 } from './ip4.js';
import { Ip6 } from './ip6.js';
import type { IpPath, SendOptions, Transport } from './ip.js';
import { RawSockets } from './raw.js';
import { Tcp } from './tcp.js';
import { Udp } from './udp.js';

export class InetStack {
  readonly ip4: Ip4;
  readonly ip6: Ip6;
  readonly icmp: Icmp;
  readonly icmp6: Icmp6;
  readonly raw = new RawSockets();
  readonly udp: Udp;
  readonly tcp: Tcp;
  /** Random numbers in stock: the host is asked for many at a time. */
  private readonly randomWords = new Uint32Array(64);
  private randomLeft = 0;
  /** By IPPROTO_*, over IPv4 and over IPv6. */
  readonly transports: ReadonlyMap<number, Transport>;
  readonly transports6: ReadonlyMap<number, Transport>;

  constructor(readonly net: Net) {
    this.ip4 = new Ip4(this);
    this.ip6 = new Ip6(this);
    this.icmp = new Icmp(this);
    this.icmp6 = new Icmp6(this);
    this.udp = new Udp(this);
    this.tcp = new Tcp(this);
    const both: readonly (readonly [number, Transport])[] = [
      [IPPROTO_UDP, this.udp],
      [IPPROTO_TCP, this.tcp],
    ];
    this.transports = new Map([...both, [IPPROTO_ICMP, this.icmp]]);
    this.transports6 = new Map([...both, [IPPROTO_ICMPV6, this.icmp6]]);
    net.packetHandlers.set(ETH_P_IP, this.ip4);
    net.packetHandlers.set(ETH_P_IPV6, this.ip6);
  }

  /** Sends by the version that the destination is of. EMSGSIZE. */
  send(packet: Packet, path: IpPath, options: SendOptions): void {
    if (isV4(path.destination)) this.ip4.send(packet, path, options);
    else this.ip6.send(packet, path, options);
  }

  /** Sends something that nobody waits for: if it can't be, so be it. */
  trySend(send: () => void): void {
    try {
      send();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
    }
  }

  /** Random numbers for ports and sequence numbers. */
  random32(): number {
    if (this.randomLeft === 0) {
      this.net.kernel.host.random(new Uint8Array(this.randomWords.buffer));
      this.randomLeft = this.randomWords.length;
    }
    return this.randomWords[--this.randomLeft];
  }
}
