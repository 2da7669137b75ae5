/**
 * IP addresses of both versions as byte strings of 4 or 16 bytes, in network order: compared by ===, and keys of maps.
 * RFC 791, RFC 4291.
 */
import { nameFromBytes, nameToBytes, type Name } from '../lib/names.js';
import { AF_INET, AF_INET6 } from '../uapi/socket.js';

export type IpAddress = Name;

export const ANY_V4: IpAddress = '\0\0\0\0';
export const ANY_V6: IpAddress = '\0'.repeat(16);
export const LOOPBACK_V4: IpAddress = '\x7f\0\0\x01';
export const LOOPBACK_V6: IpAddress = '\0'.repeat(15) + '\x01';
export const BROADCAST_V4: IpAddress = '\xff\xff\xff\xff';
const MAPPED_PREFIX = '\0'.repeat(10) + '\xff\xff';

export const isV4 = (address: IpAddress): boolean => address.length === 4;
export const isV6 = (address: IpAddress): boolean => address.length === 16;
export const ipFamily = (address: IpAddress): number => (isV4(address) ? AF_INET : AF_INET6);

export const ipFromBytes = (bytes: Uint8Array, at = 0, length = bytes.length - at): IpAddress =>
  nameFromBytes(bytes, at, at + length);
export const ipToBytes = nameToBytes;

/** From a number in host order. */
export const ipv4 = (value: number): IpAddress =>
  String.fromCharCode((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
/** As a number in host order. */
export const ipv4Number = (address: IpAddress): number =>
  ((address.charCodeAt(0) << 24) |
    (address.charCodeAt(1) << 16) |
    (address.charCodeAt(2) << 8) |
    address.charCodeAt(3)) >>>
  0;

export const isAny = (address: IpAddress): boolean => address === ANY_V4 || address === ANY_V6;
/** 127.0.0.0/8 and ::1. */
export const isLoopback = (address: IpAddress): boolean =>
  isV4(address) ? address.charCodeAt(0) === 127 : address === LOOPBACK_V6;
/** 224.0.0.0/4 and ff00::/8. */
export const isMulticast = (address: IpAddress): boolean =>
  isV4(address) ? (address.charCodeAt(0) & 0xf0) === 0xe0 : address.charCodeAt(0) === 0xff;
/** fe80::/10 */
export const isLinkLocal = (address: IpAddress): boolean =>
  isV6(address) && address.charCodeAt(0) === 0xfe && (address.charCodeAt(1) & 0xc0) === 0x80;

/** ::ffff:a.b.c.d: an IPv4 address in an IPv6 socket. */
export const isMapped = (address: IpAddress): boolean => isV6(address) && address.startsWith(MAPPED_PREFIX);
export const mapped = (address: IpAddress): IpAddress => MAPPED_PREFIX + address;
export const unmapped = (address: IpAddress): IpAddress => address.slice(12);

/** Whether both begin with the same `length` bits. */
export function samePrefix(a: IpAddress, b: IpAddress, length: number): boolean {
  const whole = length >> 3;
  for (let index = 0; index < whole; index++) if (a.charCodeAt(index) !== b.charCodeAt(index)) return false;
  const rest = length & 7;
  return rest === 0 || (a.charCodeAt(whole) ^ b.charCodeAt(whole)) >> (8 - rest) === 0;
}

/** The address with all bits after the first `length` cleared. */
export function networkOf(address: IpAddress, length: number): IpAddress {
  const bytes = ipToBytes(address);
  clearBits(bytes, length);
  return ipFromBytes(bytes);
}

/** The highest IPv4 address with that prefix. */
export function broadcastOf(address: IpAddress, length: number): IpAddress {
  const host = length === 32 ? 0 : 0xffff_ffff >>> length;
  return ipv4((ipv4Number(address) | host) >>> 0);
}

/** An IPv4 netmask. */
export const netmask = (length: number): IpAddress =>
  ipv4(length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0);

/** The prefix length of a netmask; undefined when its ones are not all in front. */
export function maskLength(mask: number): number | undefined {
  const length = Math.clz32(~mask);
  return ((mask << length) >>> 0 === 0 || length === 32) && mask >>> 0 === ipv4Number(netmask(length))
    ? length
    : undefined;
}

function clearBits(bytes: Uint8Array, from: number): void {
  const whole = from >> 3;
  if (whole >= bytes.length) return;
  bytes[whole] &= 0xff00 >> (from & 7);
  bytes.fill(0, whole + 1);
}

/** As a person writes it: for logs and /proc. */
export function ipText(address: IpAddress): string {
  const bytes = ipToBytes(address);
  if (isV4(address)) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] << 8) | bytes[at + 1]).toString(16));
  const text = groups.join(':');
  const longest = /\b(?:0(?::0)+)\b/g;
  let best = '';
  for (const [run] of text.matchAll(longest)) if (run.length > best.length) best = run;
  if (best === '') return text;
  const at = text.indexOf(best);
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + best.length).replace(/^:/, '')}`;
}
