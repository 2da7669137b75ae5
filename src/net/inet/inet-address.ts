/** struct sockaddr_in and sockaddr_in6 on their way in and out: ip(7), ipv6(7). */
import { EAFNOSUPPORT, EINVAL } from '../../uapi/errno.js';
import { sockaddr_in } from '../../uapi/in.js';
import { SIN6_LEN_RFC2133, sockaddr_in6 } from '../../uapi/in6.js';
import { AF_INET, AF_INET6 } from '../../uapi/socket.js';
import { familyOf } from '../addresses.js';
import {
  type IpAddress,
  ipFromBytes,
  ipToBytes,
  ipv4,
  ipv4Number,
  isMapped,
  isV4,
  mapped,
  unmapped,
} from '../ip-address.js';

export interface Endpoint {
  /** An IPv4 address that an IPv6 socket wrote as ::ffff:a.b.c.d is an IPv4 address here. */
  readonly address: IpAddress;
  readonly port: number;
  /** The interface that a link-local IPv6 address belongs to; 0 for none. */
  readonly scope: number;
}

/** sockaddr_in. EINVAL when it is too short, EAFNOSUPPORT for another family. */
export function readV4(bytes: Uint8Array): Endpoint {
  if (bytes.length < sockaddr_in.size) throw EINVAL;
  if (familyOf(bytes) !== AF_INET) throw EAFNOSUPPORT;
  const { sin_addr, sin_port } = sockaddr_in.decode(bytes);
  return { address: ipv4(sin_addr), port: sin_port, scope: 0 };
}

/** sockaddr_in6 likewise. */
export function readV6(bytes: Uint8Array): Endpoint {
  if (bytes.length < SIN6_LEN_RFC2133) throw EINVAL;
  if (familyOf(bytes) !== AF_INET6) throw EAFNOSUPPORT;
  const whole = new Uint8Array(sockaddr_in6.size);
  whole.set(bytes.subarray(0, whole.length));
  const { sin6_addr, sin6_port, sin6_scope_id } = sockaddr_in6.decode(whole);
  const address = ipFromBytes(sin6_addr);
  return { address: isMapped(address) ? unmapped(address) : address, port: sin6_port, scope: sin6_scope_id };
}

/** As the socket's family shows it. */
export function writeEndpoint(family: number, address: IpAddress, port: number, scope = 0): Uint8Array {
  if (family === AF_INET)
    return sockaddr_in.encode({ sin_family: AF_INET, sin_port: port, sin_addr: ipv4Number(address) });
  const shown = isV4(address) ? mapped(address) : address;
  return sockaddr_in6.encode({
    sin6_family: AF_INET6,
    sin6_port: port,
    sin6_addr: ipToBytes(shown),
    sin6_scope_id: scope,
  });
}
