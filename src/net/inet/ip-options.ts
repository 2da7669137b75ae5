/** The state behind the options of IPPROTO_IP and IPPROTO_IPV6: ip(7), ipv6(7). */
import { IP_PMTUDISC_WANT } from '../../uapi/in.js';
import { IPDEFTTL } from '../../uapi/ip.js';
import { type IpAddress, isMulticast, isV4 } from '../ip-address.js';

/** A multicast group that a socket has joined. */
export interface Membership {
  readonly group: IpAddress;
  /** The interface's index. */
  readonly device: number;
}

export class IpOptions {
  /** IP_TTL, IPV6_UNICAST_HOPS: -1 for the default. */
  ttl = -1;
  hops = -1;
  /** IP_TOS, IPV6_TCLASS */
  tos = 0;
  trafficClass = 0;
  /** IP_PMTUDISC_* */
  mtuDiscover = IP_PMTUDISC_WANT;
  mtuDiscover6 = IP_PMTUDISC_WANT;
  multicastTtl = 1;
  multicastHops = -1;
  multicastLoop = true;
  multicastLoop6 = true;
  /** IP_MULTICAST_IF, IPV6_MULTICAST_IF: 0 for any. */
  multicastDevice = 0;
  multicastDevice6 = 0;
  multicastSource: IpAddress | undefined;
  readonly memberships: Membership[] = [];
  v6Only = false;
  private readonly on = new Set<string>();

  /** A switch: `v4:IP_PKTINFO`... */
  has(level: number, name: number): boolean {
    return this.on.has(`${level}:${name}`);
  }
  set(level: number, name: number, on: boolean): void {
    if (on) this.on.add(`${level}:${name}`);
    else this.on.delete(`${level}:${name}`);
  }

  /** The TTL or hop limit of a packet to this address. */
  ttlFor(destination: IpAddress): number {
    const { ttl, hops, multicastTtl, multicastHops } = this;
    if (isMulticast(destination))
      return isV4(destination) ? multicastTtl : multicastHops < 0 ? 1 : multicastHops;
    const chosen = isV4(destination) ? ttl : hops;
    return chosen < 0 ? IPDEFTTL : chosen;
  }
  tosFor(destination: IpAddress): number {
    return isV4(destination) ? this.tos : this.trafficClass;
  }

  /** A copy, for a connection that a listener makes: without its groups. */
  clone(): IpOptions {
    const copy = new IpOptions();
    const { on, memberships } = copy;
    Object.assign(copy, this, { on, memberships });
    for (const name of this.on) on.add(name);
    return copy;
  }
}
