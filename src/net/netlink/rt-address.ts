/** RTM_GETADDR, RTM_NEWADDR, RTM_DELADDR: addresses of interfaces. rtnetlink(7). Linux: devinet.c, addrconf.c. */
import { EADDRNOTAVAIL, EAFNOSUPPORT, EEXIST, EINVAL, ENODEV } from '../../uapi/errno.js';
import { NLM_F_REPLACE } from '../../uapi/netlink.js';
import {
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_CACHEINFO,
  IFA_FLAGS,
  IFA_F_PERMANENT,
  IFA_LABEL,
  IFA_LOCAL,
  ifa_cacheinfo,
  ifaddrmsg,
  RTM_NEWADDR,
} from '../../uapi/rtnetlink.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../uapi/socket.js';
import type { NetDevice } from '../device.js';
import { addAddress, deleteAddress, makeAddress } from '../interface.js';
import { addressFamily, type InterfaceAddress } from '../interface-address.js';
import { type IpAddress, ipFromBytes, ipToBytes, isV4 } from '../ip-address.js';
import { Attributes, headOf, MessageBuilder } from './message.js';
import type { RouteRequest } from './rtnetlink.js';

/** In the units of struct ifa_cacheinfo. */
const FOREVER = 0xffff_ffff;
const NS_PER_TICK = 10_000_000;

export function addressMessage(type: number, device: NetDevice, from: InterfaceAddress): MessageBuilder {
  const { address, peer, prefixLength, broadcast, scope, flags, label } = from;
  const head = { ifa_family: addressFamily(from), ifa_prefixlen: prefixLength, ifa_flags: flags & 0xff };
  const message = new MessageBuilder(
    type,
    ifaddrmsg.encode({ ...head, ifa_scope: scope, ifa_index: device.index }),
  );
  message.add(IFA_ADDRESS, ipToBytes(peer));
  if (isV4(address) || peer !== address) message.add(IFA_LOCAL, ipToBytes(address));
  if (broadcast !== undefined) message.add(IFA_BROADCAST, ipToBytes(broadcast));
  if (label !== '') message.text(IFA_LABEL, label);
  return message.u32(IFA_FLAGS, flags).add(IFA_CACHEINFO, cacheInfo(from));
}

const cacheInfo = ({ preferredFor, validFor, made, changed }: InterfaceAddress): Uint8Array =>
  ifa_cacheinfo.encode({
    ifa_prefered: Math.min(preferredFor, FOREVER),
    ifa_valid: Math.min(validFor, FOREVER),
    cstamp: Math.floor(made / NS_PER_TICK),
    tstamp: Math.floor(changed / NS_PER_TICK),
  });

export function* dumpAddresses({ net, message, strict }: RouteRequest): IterableIterator<MessageBuilder> {
  const { payload } = message;
  const family = payload[0];
  const only = strict ? ifaddrmsg.decode(headOf(payload, ifaddrmsg.size)).ifa_index : 0;
  if (only !== 0 && net.devices.get(only) === undefined) throw ENODEV;
  // All of IPv4 come before those of IPv6.
  for (const version of [AF_INET, AF_INET6]) {
    if (family !== AF_UNSPEC && family !== version) continue;
    for (const device of net.devices) {
      if (only !== 0 && device.index !== only) continue;
      for (const address of device.addresses)
        if (addressFamily(address) === version) yield addressMessage(RTM_NEWADDR, device, address);
    }
  }
}

/** RTM_NEWADDR, RTM_DELADDR */
export function changeAddress({ net, message }: RouteRequest): void {
  const { payload, type, flags } = message;
  const head = ifaddrmsg.decode(headOf(payload, ifaddrmsg.size));
  const attributes = Attributes.after(payload, ifaddrmsg.size);
  const peer = readIp(attributes, IFA_ADDRESS, head.ifa_family);
  const local = readIp(attributes, IFA_LOCAL, head.ifa_family) ?? peer;
  const device = net.devices.get(head.ifa_index);
  if (device === undefined) throw ENODEV;
  if (type !== RTM_NEWADDR) {
    deleteAddress(net, device, findAddress(device, local, head.ifa_prefixlen));
    return;
  }
  if (local === undefined) throw EINVAL;
  const address = {
    ...makeAddress(net, device, local, head.ifa_prefixlen),
    peer: peer ?? local,
    broadcast: readIp(attributes, IFA_BROADCAST, head.ifa_family),
    flags: IFA_F_PERMANENT | (attributes.u32(IFA_FLAGS) ?? head.ifa_flags),
    ...(head.ifa_scope !== 0 && { scope: head.ifa_scope }),
    ...(attributes.has(IFA_LABEL) && { label: attributes.text(IFA_LABEL) ?? device.name }),
  };
  try {
    addAddress(net, device, address);
  } catch (error) {
    if (error !== EEXIST || (flags & NLM_F_REPLACE) === 0) throw error;
  }
}

function findAddress(
  device: NetDevice,
  address: IpAddress | undefined,
  prefixLength: number,
): InterfaceAddress {
  const found = device.addresses.find(
    (candidate) =>
      (address === undefined || candidate.address === address) && candidate.prefixLength === prefixLength,
  );
  if (found === undefined) throw EADDRNOTAVAIL;
  return found;
}

/** An address of that family in an attribute. */
export function readIp(attributes: Attributes, type: number, family: number): IpAddress | undefined {
  const bytes = attributes.bytes(type);
  if (bytes === undefined) return undefined;
  if (family !== AF_INET && family !== AF_INET6) throw EAFNOSUPPORT;
  const length = family === AF_INET ? 4 : 16;
  if (bytes.length < length) throw EINVAL;
  return ipFromBytes(bytes, 0, length);
}
