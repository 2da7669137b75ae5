/** ioctls on network devices, through any socket: netdevice(7). Linux: net/core/dev_ioctl.c. */
import { capable } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { CAP_NET_ADMIN } from '../uapi/capability.js';
import { EINVAL, ENODEV, ENOTTY, EOPNOTSUPP, EPERM } from '../uapi/errno.js';
import {
  IFF_UP,
  ifconf,
  ifreq,
  ifreq_addr,
  ifreq_flags,
  ifreq_ivalue,
  ifreq_map,
  ifreq_newname,
} from '../uapi/if.js';
import { sockaddr_in } from '../uapi/in.js';
import { AF_INET } from '../uapi/socket.js';
import {
  SIOCDEVPRIVATE,
  SIOCETHTOOL,
  SIOCGIFCONF,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFINDEX,
  SIOCGIFMAP,
  SIOCGIFMETRIC,
  SIOCGIFMTU,
  SIOCGIFNAME,
  SIOCGIFSLAVE,
  SIOCGIFTXQLEN,
  SIOCSIFFLAGS,
  SIOCSIFHWADDR,
  SIOCSIFMTU,
  SIOCSIFNAME,
  SIOCSIFTXQLEN,
} from '../uapi/sockios.js';
import { changeableFlags, type NetDevice } from './device.js';
import { renameDevice, setMtu, setUp } from './interface.js';
import { ipv4Number, isV4 } from './ip-address.js';
import { type Net, netOf } from './net.js';

/** The type byte of these requests. */
const SOCK_IOC_TYPE = 0x89;

/** A request of the device named in a struct ifreq; ENOTTY for one that is none. */
export function deviceIoctl(task: Task, request: number, argument: number): number {
  const net = netOf(task);
  if (request === SIOCGIFCONF) return listAddresses(task, net, argument);
  if (((request >>> 8) & 0xff) !== SOCK_IOC_TYPE) throw ENOTTY;
  const record = task.memory.copyIn(argument, ifreq.size);
  const answer = request === SIOCGIFNAME ? nameOf(net, record) : serve(task, net, request, record);
  if (answer !== undefined) task.memory.copyOut(argument, answer);
  return 0;
}

/** The device of a request. A name may have a ':' with more after it, for an alias. */
export function deviceOf(net: Net, record: Uint8Array): NetDevice {
  return net.devices.named(ifreq.decode(record).ifr_name.replace(/:.*/, ''));
}

function nameOf(net: Net, record: Uint8Array): Uint8Array {
  const { ifr_ivalue } = ifreq_ivalue.decode(record);
  const device = net.devices.get(ifr_ivalue);
  if (device === undefined) throw ENODEV;
  return ifreq_ivalue.encode({ ifr_name: device.name, ifr_ivalue });
}

/** Answers a question; undefined after a change. */
function serve(task: Task, net: Net, request: number, record: Uint8Array): Uint8Array | undefined {
  const { ifr_name } = ifreq.decode(record);
  const value = (number: number): Uint8Array => ifreq_ivalue.encode({ ifr_name, ifr_ivalue: number });
  switch (request) {
    case SIOCGIFFLAGS:
      // A short: the flags above it are told by rtnetlink only.
      return ifreq_flags.encode({ ifr_name, ifr_flags: deviceOf(net, record).shownFlags & 0xffff });
    case SIOCGIFINDEX:
      return value(deviceOf(net, record).index);
    case SIOCGIFMTU:
      return value(deviceOf(net, record).mtu);
    case SIOCGIFTXQLEN:
      return value(deviceOf(net, record).txQueueLength);
    case SIOCGIFMETRIC:
      deviceOf(net, record);
      return value(0);
    case SIOCGIFHWADDR: {
      const { type, hardwareAddress } = deviceOf(net, record);
      return ifreq_addr.encode({ ifr_name, ifr_addr: { sa_family: type, sa_data: padded(hardwareAddress) } });
    }
    case SIOCGIFMAP: {
      deviceOf(net, record);
      const nothing = { mem_start: 0, mem_end: 0, base_addr: 0, irq: 0, dma: 0, port: 0 };
      return ifreq_map.encode({ ifr_name, ifr_map: nothing });
    }
    case SIOCGIFSLAVE:
      deviceOf(net, record);
      throw EINVAL;
    case SIOCSIFFLAGS:
    case SIOCSIFMTU:
    case SIOCSIFTXQLEN:
    case SIOCSIFNAME:
    case SIOCSIFHWADDR:
      change(task, net, request, record);
      return undefined;
    case SIOCETHTOOL:
      deviceOf(net, record);
      throw EOPNOTSUPP;
    default:
      // Requests that only drivers know.
      if (request >= SIOCDEVPRIVATE && request < SIOCDEVPRIVATE + 16) deviceOf(net, record);
      throw ENOTTY;
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  const data = new Uint8Array(14);
  data.set(bytes.subarray(0, 14));
  return data;
}

function change(task: Task, net: Net, request: number, record: Uint8Array): void {
  if (!capable(task.credentials, CAP_NET_ADMIN)) throw EPERM;
  const device = deviceOf(net, record);
  const { ifr_ivalue } = ifreq_ivalue.decode(record);
  switch (request) {
    case SIOCSIFFLAGS: {
      const wanted = ifreq_flags.decode(record).ifr_flags & 0xffff;
      device.flags ^= changeableFlags(device.flags ^ wanted) & 0xffff & ~IFF_UP;
      setUp(net, device, (wanted & IFF_UP) !== 0);
      return;
    }
    case SIOCSIFMTU:
      if (ifr_ivalue < 0) throw EINVAL;
      return setMtu(net, device, ifr_ivalue);
    case SIOCSIFTXQLEN:
      if (ifr_ivalue < 0) throw EINVAL;
      device.txQueueLength = ifr_ivalue;
      return net.tellLink(device, 'new');
    case SIOCSIFNAME:
      return renameDevice(net, device, ifreq_newname.decode(record).ifr_newname);
    default:
      throw EOPNOTSUPP;
  }
}

/** SIOCGIFCONF: all IPv4 addresses, as many as fit; without a buffer, how much room they take. */
function listAddresses(task: Task, net: Net, argument: number): number {
  const { memory } = task;
  const { ifc_len, ifc_buf } = ifconf.decode(memory.copyIn(argument, ifconf.size));
  let used = 0;
  for (const device of net.devices)
    for (const { address, label } of device.addresses) {
      if (!isV4(address)) continue;
      if (ifc_buf !== 0 && ifc_len - used < ifreq.size) continue;
      if (ifc_buf !== 0) memory.copyOut(ifc_buf + used, addressRecord(label, ipv4Number(address)));
      used += ifreq.size;
    }
  memory.copyOut(argument, ifconf.encode({ ifc_len: used, ifc_buf }));
  return 0;
}

/** A struct ifreq with an IPv4 address. */
export function addressRecord(name: Name, address: number): Uint8Array {
  const record = ifreq.encode({ ifr_name: name });
  record.set(sockaddr_in.encode({ sin_family: AF_INET, sin_addr: address }), ifreq.offset.ifr_ifru);
  return record;
}
