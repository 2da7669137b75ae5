/** Control messages that go along with a datagram: ip(7), ipv6(7). */
import { EINVAL } from '../../uapi/errno.js';
import { in_pktinfo, IPPROTO_IP, IPPROTO_IPV6, IP_PKTINFO, IP_TOS, IP_TTL } from '../../uapi/in.js';
import { in6_pktinfo, IPV6_HOPLIMIT, IPV6_PKTINFO, IPV6_TCLASS } from '../../uapi/in6.js';
import { SOL_SOCKET } from '../../uapi/socket.js';
import { type IpAddress, ipFromBytes, ipv4, isAny, isMapped, unmapped } from '../ip-address.js';
import { controlMessages } from '../scm.js';
import { optionNumber } from './ip-sockopt.js';

/** What the sender of one datagram wants other than its socket's options say. */
export interface SendControl {
  source?: IpAddress;
  device?: number;
  ttl?: number;
  tos?: number;
}

/** EINVAL for what is not known, at a level that is. */
export function readSendControl(control: Uint8Array | undefined): SendControl {
  const result: SendControl = {};
  if (control === undefined) return result;
  for (const { level, type, data } of controlMessages(control)) {
    if (level === IPPROTO_IP) readV4(result, type, data);
    else if (level === IPPROTO_IPV6) readV6(result, type, data);
    else if (level === SOL_SOCKET) throw EINVAL;
  }
  return result;
}

function readV4(result: SendControl, type: number, data: Uint8Array): void {
  switch (type) {
    case IP_PKTINFO: {
      if (data.length !== in_pktinfo.size) throw EINVAL;
      const { ipi_ifindex, ipi_spec_dst } = in_pktinfo.decode(data);
      if (ipi_ifindex !== 0) result.device = ipi_ifindex;
      if (ipi_spec_dst !== 0) result.source = ipv4(ipi_spec_dst);
      return;
    }
    case IP_TTL:
      result.ttl = inRange(data, 1);
      return;
    case IP_TOS:
      result.tos = inRange(data, 0);
      return;
    default:
      throw EINVAL;
  }
}

function readV6(result: SendControl, type: number, data: Uint8Array): void {
  switch (type) {
    case IPV6_PKTINFO: {
      if (data.length < in6_pktinfo.size) throw EINVAL;
      const { ipi6_addr, ipi6_ifindex } = in6_pktinfo.decode(data);
      const address = ipFromBytes(ipi6_addr);
      if (ipi6_ifindex !== 0) result.device = ipi6_ifindex;
      if (!isAny(address)) result.source = isMapped(address) ? unmapped(address) : address;
      return;
    }
    case IPV6_HOPLIMIT:
      result.ttl = inRange(data, -1);
      return;
    case IPV6_TCLASS:
      result.tos = inRange(data, -1);
      return;
    default:
      throw EINVAL;
  }
}

function inRange(data: Uint8Array, low: number): number {
  const value = optionNumber(data);
  if (value < low || value > 255) throw EINVAL;
  return value;
}
