/** getsockopt(2) and setsockopt(2) at IPPROTO_IP and IPPROTO_IPV6: ip(7), ipv6(7). Linux: ip_sockglue.c, ipv6_sockglue.c. */
import { capable } from '../../kernel/credentials.js';
import type { Task } from '../../kernel/task.js';
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../../uapi/capability.js';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EINVAL,
  ENODEV,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  EPROTO,
} from '../../uapi/errno.js';
import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  IP_ADD_MEMBERSHIP,
  IP_BIND_ADDRESS_NO_PORT,
  IP_DROP_MEMBERSHIP,
  IP_FREEBIND,
  IP_HDRINCL,
  IP_MTU,
  IP_MTU_DISCOVER,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_PKTINFO,
  IP_PMTUDISC_OMIT,
  IP_RECVERR,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TRANSPARENT,
  IP_TTL,
  ip_mreq,
  ip_mreqn,
} from '../../uapi/in.js';
import {
  IPV6_ADD_MEMBERSHIP,
  IPV6_AUTOFLOWLABEL,
  IPV6_DONTFRAG,
  IPV6_DROP_MEMBERSHIP,
  IPV6_FREEBIND,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_MULTICAST_ALL,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_TRANSPARENT,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  ipv6_mreq,
} from '../../uapi/in6.js';
import { AF_INET, AF_INET6, SOCK_RAW, SOCK_STREAM } from '../../uapi/socket.js';
import type { NetDevice } from '../device.js';
import { ANY_V4, type IpAddress, ipFromBytes, ipToBytes, ipv4, isMulticast } from '../ip-address.js';
import type { Net } from '../net.js';
import type { InetSocket } from './inet-socket.js';

interface Option {
  readonly get?: (socket: InetSocket) => number | Uint8Array;
  readonly set?: (task: Task, socket: InetSocket, number: number, value: Uint8Array) => void;
}

const onOff = (level: number, name: number): Option => ({
  get: ({ ip }) => (ip.has(level, name) ? 1 : 0),
  set: (_task, { ip }, number) => ip.set(level, name, number !== 0),
});

const privileged = (level: number, name: number): Option => ({
  ...onOff(level, name),
  set({ credentials }, { ip }, number) {
    if (number !== 0 && !capable(credentials, CAP_NET_ADMIN) && !capable(credentials, CAP_NET_RAW))
      throw EPERM;
    ip.set(level, name, number !== 0);
  },
});

/** A number within bounds. */
type NumberField =
  | 'ttl'
  | 'hops'
  | 'tos'
  | 'trafficClass'
  | 'mtuDiscover'
  | 'mtuDiscover6'
  | 'multicastTtl'
  | 'multicastHops';

const within = (field: NumberField, low: number, high: number, shown?: number): Option => ({
  get: ({ ip }) => (ip[field] < 0 && shown !== undefined ? shown : ip[field]),
  set(_task, { ip }, number) {
    if (number < low || number > high) throw EINVAL;
    ip[field] = number;
  },
});

/** An option that connections have no use for. */
const notForStreams = (option: Option): Option => ({
  ...option,
  set(task, socket, number, value) {
    if (socket.type === SOCK_STREAM) throw EINVAL;
    option.set?.(task, socket, number, value);
  },
});

const loop = (field: 'multicastLoop' | 'multicastLoop6'): Option => ({
  get: ({ ip }) => (ip[field] ? 1 : 0),
  set(_task, { ip }, number) {
    ip[field] = number !== 0;
  },
});

const v4: Readonly<Record<number, Option>> = {
  ...Object.fromEntries(
    [
      IP_PKTINFO,
      IP_RECVERR,
      IP_RECVTOS,
      IP_RECVTTL,
      IP_FREEBIND,
      IP_BIND_ADDRESS_NO_PORT,
      IP_MULTICAST_ALL,
    ].map((name) => [name, onOff(IPPROTO_IP, name)]),
  ),
  [IP_TRANSPARENT]: privileged(IPPROTO_IP, IP_TRANSPARENT),
  [IP_TOS]: within('tos', 0, 255),
  [IP_TTL]: {
    ...within('ttl', 1, 255, 64),
    set(_task, { ip }, number) {
      if (number !== -1 && (number < 1 || number > 255)) throw EINVAL;
      ip.ttl = number;
    },
  },
  [IP_MTU_DISCOVER]: within('mtuDiscover', 0, IP_PMTUDISC_OMIT),
  [IP_MTU]: { get: (socket) => socket.pathMtu() },
  [IP_MULTICAST_TTL]: notForStreams({
    get: ({ ip }) => ip.multicastTtl,
    set(_task, { ip }, number) {
      if (number < -1 || number > 255) throw EINVAL;
      ip.multicastTtl = number === -1 ? 1 : number;
    },
  }),
  [IP_MULTICAST_LOOP]: loop('multicastLoop'),
  [IP_MULTICAST_IF]: notForStreams({
    get: ({ ip }) => ipToBytes(ip.multicastSource ?? ANY_V4),
    set(_task, socket, _number, value) {
      setMulticastDevice(socket, value);
    },
  }),
  [IP_ADD_MEMBERSHIP]: { set: (_task, socket, _number, value) => join(socket, readGroup(socket.net, value)) },
  [IP_DROP_MEMBERSHIP]: {
    set: (_task, socket, _number, value) => leave(socket, readGroup(socket.net, value)),
  },
  [IP_HDRINCL]: {
    get: ({ ip }) => (ip.has(IPPROTO_IP, IP_HDRINCL) ? 1 : 0),
    set(_task, { type, ip }, number) {
      if (type !== SOCK_RAW) throw ENOPROTOOPT;
      ip.set(IPPROTO_IP, IP_HDRINCL, number !== 0);
    },
  },
};

const v6: Readonly<Record<number, Option>> = {
  ...Object.fromEntries(
    [
      IPV6_RECVERR,
      IPV6_RECVHOPLIMIT,
      IPV6_RECVPKTINFO,
      IPV6_RECVTCLASS,
      IPV6_DONTFRAG,
      IPV6_AUTOFLOWLABEL,
      IPV6_FREEBIND,
      IPV6_MULTICAST_ALL,
    ].map((name) => [name, onOff(IPPROTO_IPV6, name)]),
  ),
  [IPV6_TRANSPARENT]: privileged(IPPROTO_IPV6, IPV6_TRANSPARENT),
  [IPV6_V6ONLY]: {
    get: ({ ip }) => (ip.v6Only ? 1 : 0),
    set(_task, { ip, localPort }, number) {
      if (localPort !== 0) throw EINVAL;
      ip.v6Only = number !== 0;
    },
  },
  [IPV6_UNICAST_HOPS]: within('hops', -1, 255, 64),
  [IPV6_TCLASS]: {
    ...within('trafficClass', -1, 255),
    set(_task, { ip }, number) {
      if (number < -1 || number > 255) throw EINVAL;
      ip.trafficClass = number === -1 ? 0 : number;
    },
  },
  [IPV6_MTU_DISCOVER]: within('mtuDiscover6', 0, IP_PMTUDISC_OMIT),
  [IPV6_MTU]: { get: (socket) => socket.pathMtu() },
  [IPV6_MULTICAST_HOPS]: notForStreams(within('multicastHops', -1, 255, 1)),
  [IPV6_MULTICAST_LOOP]: loop('multicastLoop6'),
  [IPV6_MULTICAST_IF]: notForStreams({
    get: ({ ip }) => ip.multicastDevice6,
    set(_task, { ip, net }, number) {
      if (number !== 0 && net.devices.get(number) === undefined) throw ENODEV;
      ip.multicastDevice6 = number;
    },
  }),
  [IPV6_ADD_MEMBERSHIP]: {
    set: (_task, socket, _number, value) => join(socket, readGroup6(socket.net, value)),
  },
  [IPV6_DROP_MEMBERSHIP]: {
    set: (_task, socket, _number, value) => leave(socket, readGroup6(socket.net, value)),
  },
};

interface Group {
  readonly group: IpAddress;
  readonly device: NetDevice | undefined;
}

/** struct ip_mreqn, or ip_mreq, which is its beginning. */
function readGroup(net: Net, value: Uint8Array): Group {
  if (value.length < ip_mreq.size) throw EINVAL;
  const whole = new Uint8Array(ip_mreqn.size);
  whole.set(value.subarray(0, whole.length));
  const { imr_multiaddr, imr_address, imr_ifindex } = ip_mreqn.decode(whole);
  const group = ipv4(imr_multiaddr);
  return { group, device: deviceFor(net, imr_ifindex, ipv4(imr_address), group) };
}

function readGroup6(net: Net, value: Uint8Array): Group {
  if (value.length < ipv6_mreq.size) throw EINVAL;
  const { ipv6mr_multiaddr, ipv6mr_ifindex } = ipv6_mreq.decode(value);
  const group = ipFromBytes(ipv6mr_multiaddr);
  return { group, device: deviceFor(net, ipv6mr_ifindex, group, group) };
}

/** The device that is meant by an index, by one of its addresses, or by the way to the group. */
function deviceFor(net: Net, index: number, address: IpAddress, group: IpAddress): NetDevice | undefined {
  if (index !== 0) return net.devices.get(index);
  for (const device of net.devices)
    if (device.addresses.some((candidate) => candidate.address === address)) return device;
  return net.routes.lookup(group)?.device;
}

function join({ ip, type }: InetSocket, { group, device }: Group): void {
  if (type === SOCK_STREAM) throw EPROTO;
  if (!isMulticast(group)) throw EINVAL;
  if (device === undefined) throw ENODEV;
  if (ip.memberships.some((other) => other.group === group && other.device === device.index))
    throw EADDRINUSE;
  ip.memberships.push({ group, device: device.index });
}

function leave({ ip }: InetSocket, { group, device }: Group): void {
  const at = ip.memberships.findIndex(
    (other) => other.group === group && (device === undefined || other.device === device.index),
  );
  if (at < 0) throw EADDRNOTAVAIL;
  ip.memberships.splice(at, 1);
}

/** A struct in_addr, ip_mreq or ip_mreqn: by address or by index. */
function setMulticastDevice({ ip, net }: InetSocket, value: Uint8Array): void {
  const whole = new Uint8Array(ip_mreqn.size);
  if (value.length >= ip_mreq.size) whole.set(value.subarray(0, whole.length));
  else whole.set(value.subarray(0, 4), ip_mreqn.offset.imr_address);
  const { imr_address, imr_ifindex } = ip_mreqn.decode(whole);
  const address = ipv4(imr_address);
  if (imr_ifindex === 0 && imr_address === 0) {
    ip.multicastDevice = 0;
    ip.multicastSource = undefined;
    return;
  }
  const device = deviceFor(net, imr_ifindex, address, address);
  if (device === undefined) throw EADDRNOTAVAIL;
  ip.multicastDevice = device.index;
  ip.multicastSource = imr_address === 0 ? undefined : address;
}

function optionOf(socket: InetSocket, level: number, name: number): Option {
  const found =
    level === IPPROTO_IP
      ? v4[name]
      : level === IPPROTO_IPV6 && socket.family === AF_INET6
        ? v6[name]
        : undefined;
  if (found === undefined) throw ENOPROTOOPT;
  return found;
}

/** Values may be a single byte as well as an int. */
export function optionNumber(value: Uint8Array): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length >= 4) return view.getInt32(0, true);
  return value.length >= 1 ? value[0] : 0;
}

export function setIpOption(
  task: Task,
  socket: InetSocket,
  level: number,
  name: number,
  value: Uint8Array,
): void {
  const { set } = optionOf(socket, level, name);
  if (set === undefined) throw ENOPROTOOPT;
  if (value.length === 0) throw EINVAL;
  set(task, socket, optionNumber(value), value);
}

export function getIpOption(socket: InetSocket, level: number, name: number, room: number): Uint8Array {
  if (level !== IPPROTO_IP && socket.family === AF_INET) throw EOPNOTSUPP;
  const { get } = optionOf(socket, level, name);
  if (get === undefined) throw ENOPROTOOPT;
  const value = get(socket);
  if (typeof value !== 'number') return value;
  // Who has room for less than an int gets a byte.
  if (room > 0 && room < 4 && value >= 0 && value <= 255) return new Uint8Array([value]);
  return new Uint8Array(new Int32Array([value]).buffer);
}
