/**
 * Network devices as interfaces of IP: switching them on and off, giving them addresses, and the routes that come and go
 * with that. ip-address(8), ip-link(8). Linux: devinet.c, fib_frontend.c, addrconf.c.
 */
import { EADDRNOTAVAIL, EBUSY, EEXIST, EINVAL } from '../uapi/errno.js';
import { IFF_UP, IFNAMSIZ } from '../uapi/if.js';
import {
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTPROT_KERNEL,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
} from '../uapi/rtnetlink.js';
import type { Name } from '../lib/names.js';
import type { NetDevice } from './device.js';
import type { InterfaceAddress } from './interface-address.js';
import {
  broadcastOf,
  type IpAddress,
  isLinkLocal,
  isV4,
  LOOPBACK_V4,
  LOOPBACK_V6,
  networkOf,
  samePrefix,
} from './ip-address.js';
import type { Net } from './net.js';
import { makeRoute, type Route } from './route.js';

/** Gets told of every change: rtnetlink(7)'s multicast groups. */
export interface NetListener {
  linkChanged(device: NetDevice, change: 'new' | 'deleted'): void;
  addressChanged(device: NetDevice, address: InterfaceAddress, change: 'new' | 'deleted'): void;
  routeChanged(route: Route, change: 'new' | 'deleted'): void;
}

const IPV6_METRIC = 256;
const MULTICAST_V6 = '\xff' + '\0'.repeat(15);

/** A device has come into the namespace. */
export function registerDevice(net: Net, device: NetDevice): void {
  net.devices.add(device);
  net.tellLink(device, 'new');
}

/** Switches a device on or off. */
export function setUp(net: Net, device: NetDevice, up: boolean): void {
  if (device.isUp === up) return;
  device.flags ^= IFF_UP;
  if (up) {
    device.open();
    net.tellLink(device, 'new');
    if (device.isLoopback) addLoopbackAddresses(net, device);
    for (const address of device.addresses) addRoutes(net, device, address);
    return;
  }
  // IPv4 addresses stay, those of IPv6 do not.
  for (const address of device.addresses.filter(({ address: ip }) => !isV4(ip)))
    deleteAddress(net, device, address);
  dropRoutes(net, (route) => route.device === device);
  device.stop();
  net.tellLink(device, 'new');
}

function addLoopbackAddresses(net: Net, device: NetDevice): void {
  const { addresses } = device;
  if (!addresses.some(({ address }) => isV4(address)))
    addAddress(net, device, makeAddress(net, device, LOOPBACK_V4, 8));
  if (!addresses.some(({ address }) => address === LOOPBACK_V6))
    addAddress(net, device, makeAddress(net, device, LOOPBACK_V6, 128));
}

/** A permanent address with what follows from it. */
export function makeAddress(
  net: Net,
  device: NetDevice,
  address: IpAddress,
  prefixLength: number,
): InterfaceAddress {
  const now = net.kernel.host.clock.now();
  return {
    address,
    prefixLength,
    peer: address,
    broadcast: undefined,
    scope: defaultScope(device, address),
    flags: IFA_F_PERMANENT,
    label: isV4(address) ? device.name : '',
    preferredFor: Infinity,
    validFor: Infinity,
    made: now,
    changed: now,
  };
}

function defaultScope(device: NetDevice, address: IpAddress): number {
  if (device.isLoopback) return RT_SCOPE_HOST;
  return isLinkLocal(address) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** EEXIST when the device has it. */
export function addAddress(net: Net, device: NetDevice, wanted: InterfaceAddress): void {
  const { addresses } = device;
  if (wanted.prefixLength > wanted.address.length * 8) throw EINVAL;
  if (addresses.some((other) => isSameAddress(other, wanted))) throw EEXIST;
  // The first of each IPv4 subnet is its primary one.
  const secondary =
    isV4(wanted.address) &&
    addresses.some((other) => isSameSubnet(other, wanted) && (other.flags & IFA_F_SECONDARY) === 0);
  const address = secondary ? { ...wanted, flags: wanted.flags | IFA_F_SECONDARY } : wanted;
  addresses.push(address);
  addRoutes(net, device, address);
  net.tellAddress(device, address, 'new');
}

/** An IPv4 address may be there several times, with different prefixes. */
const isSameAddress = (a: InterfaceAddress, b: InterfaceAddress): boolean =>
  a.address === b.address && (!isV4(a.address) || a.prefixLength === b.prefixLength);

const isSameSubnet = (a: InterfaceAddress, b: InterfaceAddress): boolean =>
  a.peer.length === b.peer.length &&
  a.prefixLength === b.prefixLength &&
  samePrefix(a.peer, b.peer, a.prefixLength);

/** EADDRNOTAVAIL when the device has not got it. The secondary addresses of its subnet go too. */
export function deleteAddress(net: Net, device: NetDevice, address: InterfaceAddress): void {
  const at = device.addresses.indexOf(address);
  if (at < 0) throw EADDRNOTAVAIL;
  device.addresses.splice(at, 1);
  dropRoutes(net, (route) => belongsTo(route, device, address));
  net.tellAddress(device, address, 'deleted');
  if (!isV4(address.address) || (address.flags & IFA_F_SECONDARY) !== 0) return;
  for (const other of device.addresses.filter((candidate) => isSameSubnet(candidate, address)))
    deleteAddress(net, device, other);
}

/** Whether a route was made for that address, or has it as its source. */
const belongsTo = (route: Route, device: NetDevice, { address }: InterfaceAddress): boolean =>
  route.device === device && (route.source === address || route.destination === address);

function dropRoutes(net: Net, gone: (route: Route) => boolean): void {
  for (const route of net.routes.drop(gone)) net.tellRoute(route, 'deleted');
}

/** The routes that an address brings with it, as far as the device's state lets them be. */
function addRoutes(net: Net, device: NetDevice, address: InterfaceAddress): void {
  if (!device.isUp) return;
  const routes = isV4(address.address) ? routesOfV4(device, address) : routesOfV6(device, address);
  for (const route of routes) {
    try {
      net.routes.add(route);
    } catch (error) {
      // Another address has brought it already.
      if (error === EEXIST) continue;
      throw error;
    }
    net.tellRoute(route, 'new');
  }
}

function routesOfV4(device: NetDevice, from: InterfaceAddress): Route[] {
  const { address, peer, prefixLength, broadcast, flags } = from;
  const kernel = { device, protocol: RTPROT_KERNEL, source: address };
  const local = { ...kernel, table: RT_TABLE_LOCAL };
  const host = (destination: IpAddress, type: number, scope: number): Route =>
    makeRoute({ ...local, destination, prefixLength: 32, type, scope });
  const network = networkOf(peer, prefixLength);
  const routes = [host(address, RTN_LOCAL, RT_SCOPE_HOST)];
  if (broadcast !== undefined) routes.push(host(broadcast, RTN_BROADCAST, RT_SCOPE_LINK));
  const isPrimary = (flags & (IFA_F_SECONDARY | IFA_F_NOPREFIXROUTE)) === 0;
  if (!isPrimary || network.startsWith('\0') || (network === address && prefixLength === 32)) return routes;
  const subnet = { destination: network, prefixLength };
  routes.push(
    device.isLoopback
      ? makeRoute({ ...local, ...subnet, type: RTN_LOCAL, scope: RT_SCOPE_HOST })
      : makeRoute({ ...kernel, ...subnet, type: RTN_UNICAST, scope: RT_SCOPE_LINK }),
  );
  if (prefixLength < 31) routes.push(host(broadcastOf(network, prefixLength), RTN_BROADCAST, RT_SCOPE_LINK));
  return routes;
}

function routesOfV6(device: NetDevice, { address, prefixLength, flags }: InterfaceAddress): Route[] {
  const kernel = { device, protocol: RTPROT_KERNEL, scope: RT_SCOPE_UNIVERSE };
  const local = { ...kernel, table: RT_TABLE_LOCAL };
  const routes = [makeRoute({ ...local, destination: address, prefixLength: 128, type: RTN_LOCAL })];
  if (device.isLoopback) return routes;
  const main = { ...kernel, table: RT_TABLE_MAIN, metric: IPV6_METRIC };
  if ((flags & IFA_F_NOPREFIXROUTE) === 0)
    routes.push(makeRoute({ ...main, destination: networkOf(address, prefixLength), prefixLength }));
  const multicast = { destination: MULTICAST_V6, prefixLength: 8, type: RTN_MULTICAST };
  routes.push(makeRoute({ ...local, ...multicast, metric: IPV6_METRIC }));
  return routes;
}

/** Renames a device: EEXIST when another has the name, EBUSY while it is up. */
export function renameDevice(net: Net, device: NetDevice, name: Name): void {
  if (device.name === name) return;
  if (device.isUp) throw EBUSY;
  if (name.length >= IFNAMSIZ || /^\.{0,2}$|[/:\s]/.test(name)) throw EINVAL;
  if (net.devices.find(name) !== undefined) throw EEXIST;
  device.name = name;
  net.tellLink(device, 'new');
}

/** Changes how large packets may be. */
export function setMtu(net: Net, device: NetDevice, mtu: number): void {
  if (mtu < device.minMtu || (device.maxMtu !== 0 && mtu > device.maxMtu)) throw EINVAL;
  device.mtu = mtu;
  net.tellLink(device, 'new');
}
