/**
 * What both versions of IP have in common: finding the way of packets that are sent, and handing over those that are
 * received. RFC 791, RFC 8200.
 */
import type { Errno } from '../../uapi/errno.js';
import { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH } from '../../uapi/errno.js';
import {
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_PROHIBIT,
  RTN_UNREACHABLE,
} from '../../uapi/rtnetlink.js';
import type { NetDevice } from '../device.js';
import { ANY_V4, ANY_V6, BROADCAST_V4, type IpAddress, isMulticast, isV4 } from '../ip-address.js';
import type { Net } from '../net.js';
import type { Packet } from '../packet.js';

/** The way to a destination. */
export interface IpPath {
  readonly destination: IpAddress;
  /** The source address, unless the sender has another. */
  readonly source: IpAddress;
  readonly device: NetDevice;
  /** Whom to hand it to on the link. */
  readonly nextHop: IpAddress;
  readonly kind: 'unicast' | 'broadcast' | 'multicast';
}

/** What a sender wants of IP. */
export interface SendOptions {
  readonly source: IpAddress;
  /** IPPROTO_* */
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  /** EMSGSIZE rather than fragments: IP_PMTUDISC_DO. */
  readonly dontFragment: boolean;
}

/** What IP tells of a packet that it has received. */
export interface Received {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly device: NetDevice;
  /** Where in the packet's bytes the IP header begins, and how long it is. */
  readonly headerStart: number;
  readonly headerLength: number;
}

/** News of a packet of ours that did not get through: ICMP. */
export interface Failure {
  readonly error: Errno;
  /** Not to be given up for it: RFC 1122 calls it soft. */
  readonly soft: boolean;
  /** Of the packet in question. */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The beginning of its transport header: 8 bytes at least. */
  readonly head: Uint8Array;
  /** What has come: SO_EE_ORIGIN_*, the ICMP type and code. */
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  /** The MTU of the next hop, when the packet was too large. */
  readonly mtu: number;
  /** Who says so. */
  readonly offender: IpAddress;
}

/** A transport protocol. */
export interface Transport {
  /** `packet.start` is at the transport header. False: nobody wants it. */
  receive(packet: Packet, info: Received): boolean;
  failed(failure: Failure): void;
}

/** Finds the way. ENETUNREACH and the like. `boundDevice`: an interface's index, or 0. */
export function findPath(net: Net, destination: IpAddress, boundDevice = 0, source?: IpAddress): IpPath {
  const device = boundDevice === 0 ? undefined : net.devices.get(boundDevice);
  if (device !== undefined && (isMulticast(destination) || destination === BROADCAST_V4))
    return linkPath(net, destination, device, source);
  const route = net.routes.require(destination, boundDevice);
  switch (route.type) {
    case RTN_UNREACHABLE:
      throw EHOSTUNREACH;
    case RTN_BLACKHOLE:
      throw EINVAL;
    case RTN_PROHIBIT:
      throw EACCES;
  }
  const own = source ?? net.sourceAddress(destination, boundDevice);
  const out = route.type === RTN_LOCAL ? net.loopback : route.device;
  if (own === undefined || out === undefined) throw ENETUNREACH;
  const isBroadcast = route.type === RTN_BROADCAST || destination === BROADCAST_V4;
  const kind = isBroadcast ? 'broadcast' : isMulticast(destination) ? 'multicast' : 'unicast';
  return { destination, source: own, device: out, nextHop: route.gateway ?? destination, kind };
}

/** To everybody on a device's link. */
function linkPath(
  net: Net,
  destination: IpAddress,
  device: NetDevice,
  source: IpAddress | undefined,
): IpPath {
  if (!device.isUp) throw ENETUNREACH;
  const own = device.addresses.find(({ address }) => address.length === destination.length)?.address;
  const any = isV4(destination) ? ANY_V4 : ANY_V6;
  const kind = isMulticast(destination) ? 'multicast' : 'broadcast';
  return { destination, source: source ?? own ?? any, device, nextHop: destination, kind };
}

/** Hands a packet to its device. */
export function transmit({ device }: IpPath, packet: Packet): void {
  device.transmit(packet, undefined);
}
