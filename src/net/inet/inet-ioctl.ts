/** ioctls on IPv4 addresses and routes: netdevice(7), route(8). Linux: devinet.c, fib_frontend.c. */
import { capable } from '../../kernel/credentials.js';
import type { Task } from '../../kernel/task.js';
import { CAP_NET_ADMIN } from '../../uapi/capability.js';
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  ENOIOCTLCMD,
  EPERM,
} from '../../uapi/errno.js';
import {
  IFF_BROADCAST,
  IFF_POINTOPOINT,
  ifreq,
  rtentry,
  RTF_GATEWAY,
  RTF_HOST,
  RTF_REJECT,
} from '../../uapi/if.js';
import { sockaddr_in } from '../../uapi/in.js';
import {
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTPROT_BOOT,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
} from '../../uapi/rtnetlink.js';
import { AF_INET } from '../../uapi/socket.js';
import {
  SIOCADDRT,
  SIOCDELRT,
  SIOCGIFADDR,
  SIOCGIFBRDADDR,
  SIOCGIFDSTADDR,
  SIOCGIFNETMASK,
  SIOCSIFADDR,
  SIOCSIFBRDADDR,
  SIOCSIFDSTADDR,
  SIOCSIFNETMASK,
} from '../../uapi/sockios.js';
import type { NetDevice } from '../device.js';
import { addressRecord, deviceOf } from '../device-ioctl.js';
import { addAddress, deleteAddress, makeAddress } from '../interface.js';
import type { InterfaceAddress } from '../interface-address.js';
import {
  ANY_V4,
  broadcastOf,
  type IpAddress,
  ipv4,
  ipv4Number,
  isV4,
  maskLength,
  netmask,
  networkOf,
} from '../ip-address.js';
import type { Net } from '../net.js';
import { makeRoute } from '../route.js';

export function inetIoctl(task: Task, net: Net, request: number, argument: number): number {
  switch (request) {
    case SIOCADDRT:
    case SIOCDELRT:
      requireAdmin(task);
      changeRoute(net, request, task.memory.copyIn(argument, rtentry.size), task);
      return 0;
    case SIOCGIFADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFNETMASK:
      task.memory.copyOut(argument, show(net, request, task.memory.copyIn(argument, ifreq.size)));
      return 0;
    case SIOCSIFADDR:
    case SIOCSIFBRDADDR:
    case SIOCSIFDSTADDR:
    case SIOCSIFNETMASK:
      requireAdmin(task);
      change(net, request, task.memory.copyIn(argument, ifreq.size));
      return 0;
    default:
      throw ENOIOCTLCMD;
  }
}

function requireAdmin({ credentials }: Task): void {
  if (!capable(credentials, CAP_NET_ADMIN)) throw EPERM;
}

/** The address with the label that is asked for: the device's name, or that of an alias. */
function addressOf(device: NetDevice, label: string): InterfaceAddress | undefined {
  return device.addresses.find((candidate) => isV4(candidate.address) && candidate.label === label);
}

function show(net: Net, request: number, record: Uint8Array): Uint8Array {
  const { ifr_name } = ifreq.decode(record);
  const found = addressOf(deviceOf(net, record), ifr_name);
  if (found === undefined) throw EADDRNOTAVAIL;
  const { address, broadcast, peer, prefixLength } = found;
  const shown = new Map<number, IpAddress>([
    [SIOCGIFADDR, address],
    [SIOCGIFBRDADDR, broadcast ?? ANY_V4],
    [SIOCGIFDSTADDR, peer],
    [SIOCGIFNETMASK, netmask(prefixLength)],
  ]).get(request);
  return addressRecord(ifr_name, ipv4Number(shown ?? ANY_V4));
}

/** The length that a network had by its class: RFC 791. */
function classLength(address: number): number {
  const first = address >>> 24;
  if (first === 0) return 0;
  if (first < 128) return 8;
  if (first < 192) return 16;
  return first < 224 ? 24 : 32;
}

function change(net: Net, request: number, record: Uint8Array): void {
  const { ifr_name } = ifreq.decode(record);
  const device = deviceOf(net, record);
  const { sin_family, sin_addr } = sockaddr_in.decode(record.subarray(ifreq.offset.ifr_ifru));
  if (sin_family !== AF_INET) throw request === SIOCSIFADDR ? EAFNOSUPPORT : EINVAL;
  const old = addressOf(device, ifr_name);
  if (old === undefined && request !== SIOCSIFADDR) throw EADDRNOTAVAIL;
  const given = ipv4(sin_addr);
  const next = changed(net, device, request, given, old);
  if (old !== undefined) deleteAddress(net, device, old);
  if (next !== undefined) addAddress(net, device, { ...next, label: ifr_name });
}

/** The address as it is to be; undefined: to be removed. */
function changed(
  net: Net,
  device: NetDevice,
  request: number,
  given: IpAddress,
  old: InterfaceAddress | undefined,
): InterfaceAddress | undefined {
  if (request === SIOCSIFADDR || old === undefined) {
    if (given === ANY_V4) return undefined;
    const length = (device.flags & IFF_POINTOPOINT) === 0 ? classLength(ipv4Number(given)) : 32;
    return withBroadcast(device, makeAddress(net, device, given, length));
  }
  if (request === SIOCSIFBRDADDR) return { ...old, broadcast: given };
  if (request === SIOCSIFDSTADDR) return { ...old, peer: given };
  const length = maskLength(ipv4Number(given));
  if (length === undefined) throw EINVAL;
  return withBroadcast(device, { ...old, prefixLength: length });
}

const withBroadcast = (device: NetDevice, address: InterfaceAddress): InterfaceAddress =>
  (device.flags & IFF_BROADCAST) !== 0 && address.prefixLength < 31
    ? { ...address, broadcast: broadcastOf(address.address, address.prefixLength) }
    : address;

/** SIOCADDRT, SIOCDELRT */
function changeRoute(net: Net, request: number, record: Uint8Array, { memory }: Task): void {
  const entry = rtentry.decode(record);
  const part = (field: 'rt_dst' | 'rt_gateway' | 'rt_genmask') =>
    sockaddr_in.decode(record.subarray(rtentry.offset[field]));
  const flags = entry.rt_flags;
  if (part('rt_dst').sin_family !== AF_INET) throw EAFNOSUPPORT;
  const prefixLength = (flags & RTF_HOST) !== 0 ? 32 : maskLength(part('rt_genmask').sin_addr);
  const destination = ipv4(part('rt_dst').sin_addr);
  if (prefixLength === undefined || networkOf(destination, prefixLength) !== destination) throw EINVAL;
  const gateway = (flags & RTF_GATEWAY) === 0 ? undefined : ipv4(part('rt_gateway').sin_addr);
  const name = entry.rt_dev === 0 ? undefined : memory.readString(entry.rt_dev, 16);
  const named = name === undefined ? undefined : net.devices.named(name);
  const metric = Math.max(0, entry.rt_metric - 1);
  if (request === SIOCDELRT) {
    const pattern = { destination, prefixLength, table: RT_TABLE_MAIN, gateway, device: named };
    net.tellRoute(net.routes.remove(pattern), 'deleted');
    return;
  }
  const rejected = (flags & RTF_REJECT) !== 0;
  const device = named ?? (gateway === undefined ? undefined : net.routes.lookup(gateway)?.device);
  if (!rejected && device === undefined) throw gateway === undefined ? ENODEV : ENETUNREACH;
  if (device?.isUp === false) throw ENETUNREACH;
  const route = makeRoute({
    destination,
    prefixLength,
    device,
    gateway,
    metric,
    type: rejected ? RTN_UNREACHABLE : RTN_UNICAST,
    scope: gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    protocol: RTPROT_BOOT,
  });
  net.routes.add(route);
  net.tellRoute(route, 'new');
}
