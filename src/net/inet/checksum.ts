/** The Internet checksum: RFC 1071. One's complement sum of 16-bit words in network order. */
import type { IpAddress } from '../ip-address.js';

/** Adds bytes to a running sum; an odd last byte counts as a high one. */
export function addBytes(sum: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let total = sum;
  let at = start;
  // Up to 2^53 there is room for 2^37 words: no carry needs to be looked at on the way.
  for (; at + 1 < end; at += 2) total += (bytes[at] << 8) | bytes[at + 1];
  return at < end ? total + (bytes[at] << 8) : total;
}

/** The sum of an address, for pseudo-headers. */
export function addAddress(sum: number, address: IpAddress): number {
  let total = sum;
  for (let at = 0; at < address.length; at += 2)
    total += (address.charCodeAt(at) << 8) | address.charCodeAt(at + 1);
  return total;
}

/** The checksum of a sum: its carries folded in, inverted. */
export function finish(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

/** The sum of the pseudo-header of TCP, UDP and ICMPv6: RFC 9293, RFC 8200. */
export const pseudoHeader = (
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): number => addAddress(addAddress(protocol + (length & 0xffff) + (length >>> 16), source), destination);
