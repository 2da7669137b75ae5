/** RTM_GETLINK, RTM_NEWLINK: network devices. rtnetlink(7). Linux: rtnetlink.c. */
import { EINVAL, ENODEV, EOPNOTSUPP } from '../../uapi/errno.js';
import { IFF_UP } from '../../uapi/if.js';
import { NLM_F_CREATE } from '../../uapi/netlink.js';
import {
  ifinfomsg,
  IFLA_ADDRESS,
  IFLA_ALT_IFNAME,
  IFLA_BROADCAST,
  IFLA_CARRIER,
  IFLA_CARRIER_CHANGES,
  IFLA_CARRIER_DOWN_COUNT,
  IFLA_CARRIER_UP_COUNT,
  IFLA_EXT_MASK,
  IFLA_GROUP,
  IFLA_GSO_MAX_SEGS,
  IFLA_GSO_MAX_SIZE,
  IFLA_IFALIAS,
  IFLA_IFNAME,
  IFLA_LINKMODE,
  IFLA_MAP,
  IFLA_MAX_MTU,
  IFLA_MIN_MTU,
  IFLA_MTU,
  IFLA_NUM_RX_QUEUES,
  IFLA_NUM_TX_QUEUES,
  IFLA_OPERSTATE,
  IFLA_PROMISCUITY,
  IFLA_PROTO_DOWN,
  IFLA_QDISC,
  IFLA_STATS,
  IFLA_STATS64,
  IFLA_TXQLEN,
  RTEXT_FILTER_SKIP_STATS,
  RTM_NEWLINK,
  rtnl_link_ifmap,
  rtnl_link_stats,
  rtnl_link_stats64,
} from '../../uapi/rtnetlink.js';
import { type NetDevice, changeableFlags } from '../device.js';
import { renameDevice, setMtu, setUp } from '../interface.js';
import { Attributes, headOf, MessageBuilder } from './message.js';
import type { RouteRequest } from './rtnetlink.js';

const GSO_MAX_SIZE = 65_536;
const GSO_MAX_SEGMENTS = 65_535;

export function linkMessage(type: number, device: NetDevice, withStatistics = true): MessageBuilder {
  const message = new MessageBuilder(
    type,
    ifinfomsg.encode({ ifi_type: device.type, ifi_index: device.index, ifi_flags: device.shownFlags }),
  );
  message
    .text(IFLA_IFNAME, device.name)
    .u32(IFLA_TXQLEN, device.txQueueLength)
    .u8(IFLA_OPERSTATE, device.operState)
    .u8(IFLA_LINKMODE, 0)
    .u32(IFLA_MTU, device.mtu)
    .u32(IFLA_MIN_MTU, device.minMtu)
    .u32(IFLA_MAX_MTU, device.maxMtu)
    .u32(IFLA_GROUP, device.group)
    .u32(IFLA_PROMISCUITY, 0)
    .u32(IFLA_NUM_TX_QUEUES, 1)
    .u32(IFLA_GSO_MAX_SEGS, GSO_MAX_SEGMENTS)
    .u32(IFLA_GSO_MAX_SIZE, GSO_MAX_SIZE)
    .u32(IFLA_NUM_RX_QUEUES, 1)
    .u8(IFLA_CARRIER, device.carrier ? 1 : 0)
    .text(IFLA_QDISC, queueDiscipline(device));
  if (device.alias !== '') message.text(IFLA_IFALIAS, device.alias);
  const up = Math.ceil(device.carrierChanges / 2);
  message
    .u32(IFLA_CARRIER_CHANGES, device.carrierChanges)
    .u32(IFLA_CARRIER_UP_COUNT, up)
    .u32(IFLA_CARRIER_DOWN_COUNT, device.carrierChanges - up)
    .u8(IFLA_PROTO_DOWN, 0)
    .add(IFLA_MAP, rtnl_link_ifmap.encode({}))
    .add(IFLA_ADDRESS, device.hardwareAddress)
    .add(IFLA_BROADCAST, device.broadcastAddress);
  if (withStatistics)
    message
      .add(IFLA_STATS64, rtnl_link_stats64.encode(device.statistics))
      .add(IFLA_STATS, rtnl_link_stats.encode(device.statistics));
  return message;
}

/** How packets queue: devices that are down have none yet. */
export const queueDiscipline = (device: NetDevice): string =>
  device.isLoopback || device.isUp ? (device.isLoopback ? 'noqueue' : 'pfifo_fast') : 'noop';

const wantsStatistics = (attributes: Attributes): boolean =>
  ((attributes.u32(IFLA_EXT_MASK) ?? 0) & RTEXT_FILTER_SKIP_STATS) === 0;

export function* dumpLinks({ net, message: { payload } }: RouteRequest): IterableIterator<MessageBuilder> {
  const attributes = attributesOf(payload);
  const statistics = attributes === undefined || wantsStatistics(attributes);
  for (const device of net.devices) yield linkMessage(RTM_NEWLINK, device, statistics);
}

/** Old programs send a dump request with no more than a family, or with a header of another kind. */
const attributesOf = (payload: Uint8Array): Attributes | undefined =>
  payload.length < ifinfomsg.size ? undefined : Attributes.after(payload, ifinfomsg.size);

export function getLink(request: RouteRequest): MessageBuilder {
  const { head, device, attributes } = findLink(request);
  if (device === undefined) throw head.ifi_index === 0 && !isNamed(attributes) ? EINVAL : ENODEV;
  return linkMessage(RTM_NEWLINK, device, wantsStatistics(attributes));
}

function findLink({ net, message: { payload } }: RouteRequest) {
  const head = ifinfomsg.decode(headOf(payload, ifinfomsg.size));
  const attributes = Attributes.after(payload, ifinfomsg.size);
  if (head.ifi_index < 0) throw EINVAL;
  const name = attributes.text(IFLA_IFNAME) ?? attributes.text(IFLA_ALT_IFNAME) ?? '';
  const device = head.ifi_index === 0 ? net.devices.find(name) : net.devices.get(head.ifi_index);
  return { head, attributes, device };
}

const isNamed = (attributes: Attributes): boolean =>
  attributes.has(IFLA_IFNAME) || attributes.has(IFLA_ALT_IFNAME);

/** RTM_NEWLINK of a device that is there. */
export function changeLink(request: RouteRequest): void {
  const { net, message } = request;
  const { head, attributes, device } = findLink(request);
  if (device === undefined) throw (message.flags & NLM_F_CREATE) === 0 ? ENODEV : EOPNOTSUPP;
  const mtu = attributes.u32(IFLA_MTU);
  if (mtu !== undefined) setMtu(net, device, mtu);
  const queueLength = attributes.u32(IFLA_TXQLEN);
  if (queueLength !== undefined) device.txQueueLength = queueLength;
  const alias = attributes.text(IFLA_IFALIAS);
  if (alias !== undefined) device.alias = alias;
  const group = attributes.u32(IFLA_GROUP);
  if (group !== undefined) device.group = group;
  const name = attributes.text(IFLA_IFNAME);
  if (name !== undefined && head.ifi_index !== 0) renameDevice(net, device, name);
  // Without a mask, flags stand for all.
  const mask = head.ifi_change === 0 ? (head.ifi_flags === 0 ? 0 : 0xffff_ffff) : head.ifi_change;
  const flags = (device.flags & ~mask) | (head.ifi_flags & mask);
  const changed = changeableFlags(device.flags ^ flags) & ~IFF_UP;
  device.flags ^= changed;
  if ((mask & IFF_UP) !== 0) setUp(net, device, (flags & IFF_UP) !== 0);
  if (changed !== 0 || alias !== undefined || group !== undefined || queueLength !== undefined)
    net.tellLink(device, 'new');
}
