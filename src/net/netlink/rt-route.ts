/** RTM_GETROUTE, RTM_NEWROUTE, RTM_DELROUTE. rtnetlink(7). Linux: fib_frontend.c, fib_semantics.c, ipv6/route.c. */
import { EAFNOSUPPORT, EINVAL, ENETUNREACH, ENODEV } from '../../uapi/errno.js';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../../uapi/netlink.js';
import {
  rta_cacheinfo,
  RTA_CACHEINFO,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PREF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  rtmsg,
  RTM_F_CLONED,
  RTM_NEWROUTE,
  RTN_LOCAL,
  RTN_UNICAST,
  RTPROT_UNSPEC,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
} from '../../uapi/rtnetlink.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../uapi/socket.js';
import { ANY_V4, ANY_V6, ipFamily, ipToBytes, isV4 } from '../ip-address.js';
import { makeRoute, type Route } from '../route.js';
import { Attributes, headOf, MessageBuilder } from './message.js';
import { readIp } from './rt-address.js';
import type { RouteRequest } from './rtnetlink.js';

/** The metric of an IPv6 route that has none given. */
const IPV6_DEFAULT_METRIC = 1024;

export function routeMessage(type: number, route: Route, flags = 0): MessageBuilder {
  const { destination, prefixLength, device, gateway, source, table, metric } = route;
  const message = new MessageBuilder(
    type,
    rtmsg.encode({
      rtm_family: ipFamily(destination),
      rtm_dst_len: prefixLength,
      rtm_tos: route.tos,
      rtm_table: table < 256 ? table : RT_TABLE_UNSPEC,
      rtm_protocol: route.protocol,
      rtm_scope: route.scope,
      rtm_type: route.type,
      rtm_flags: flags,
    }),
  );
  message.u32(RTA_TABLE, table);
  if (prefixLength > 0) message.add(RTA_DST, ipToBytes(destination));
  if (metric !== 0 || !isV4(destination)) message.u32(RTA_PRIORITY, metric);
  if (source !== undefined) message.add(RTA_PREFSRC, ipToBytes(source));
  if (gateway !== undefined) message.add(RTA_GATEWAY, ipToBytes(gateway));
  if (device !== undefined) message.u32(RTA_OIF, device.index);
  if (!isV4(destination)) message.add(RTA_CACHEINFO, rta_cacheinfo.encode({})).u8(RTA_PREF, 0);
  return message;
}

export function* dumpRoutes({ net, message, strict }: RouteRequest): IterableIterator<MessageBuilder> {
  const { payload } = message;
  const family = payload[0];
  const filter = strict && payload.length >= rtmsg.size ? readFilter(payload) : undefined;
  for (const version of [AF_INET, AF_INET6]) {
    if (family !== AF_UNSPEC && family !== version) continue;
    for (const route of net.routes) {
      if (ipFamily(route.destination) !== version) continue;
      if (filter === undefined || filter(route)) yield routeMessage(RTM_NEWROUTE, route);
    }
  }
}

/** What of a strict dump request restricts it. */
function readFilter(payload: Uint8Array): (route: Route) => boolean {
  const head = rtmsg.decode(payload);
  const attributes = Attributes.after(payload, rtmsg.size);
  const table = attributes.u32(RTA_TABLE) ?? head.rtm_table;
  const device = attributes.u32(RTA_OIF) ?? 0;
  return (route) =>
    (table === 0 || route.table === table) &&
    (device === 0 || route.device?.index === device) &&
    (head.rtm_type === 0 || route.type === head.rtm_type) &&
    (head.rtm_protocol === 0 || route.protocol === head.rtm_protocol);
}

/** Which way a packet would take: `ip route get`. */
export function getRoute({ net, message: { payload } }: RouteRequest): MessageBuilder {
  const head = rtmsg.decode(headOf(payload, rtmsg.size));
  const attributes = Attributes.after(payload, rtmsg.size);
  const wanted = readIp(attributes, RTA_DST, head.rtm_family);
  if (wanted === undefined) throw EINVAL;
  const device = attributes.u32(RTA_OIF) ?? 0;
  if (device !== 0 && net.devices.get(device) === undefined) throw ENODEV;
  const route = net.routes.require(wanted, device);
  const source = route.source ?? (route.type === RTN_LOCAL ? wanted : net.sourceAddress(wanted, device));
  if (source === undefined) throw ENETUNREACH;
  const answer = {
    ...route,
    destination: wanted,
    prefixLength: wanted.length * 8,
    source,
    scope: RT_SCOPE_UNIVERSE,
    protocol: RTPROT_UNSPEC,
  };
  return routeMessage(RTM_NEWROUTE, answer, RTM_F_CLONED);
}

/** RTM_NEWROUTE, RTM_DELROUTE */
export function changeRoute({ net, message }: RouteRequest): void {
  const { payload, type, flags } = message;
  const head = rtmsg.decode(headOf(payload, rtmsg.size));
  const { rtm_family: family, rtm_dst_len: prefixLength } = head;
  if (family !== AF_INET && family !== AF_INET6) throw EAFNOSUPPORT;
  const attributes = Attributes.after(payload, rtmsg.size);
  const destination = readIp(attributes, RTA_DST, family) ?? (family === AF_INET ? ANY_V4 : ANY_V6);
  if (prefixLength > destination.length * 8) throw EINVAL;
  const gateway = readIp(attributes, RTA_GATEWAY, family);
  const source = readIp(attributes, RTA_PREFSRC, family);
  const index = attributes.u32(RTA_OIF);
  const device = index === undefined ? undefined : net.devices.get(index);
  if (index !== undefined && device === undefined) throw ENODEV;
  const table = attributes.u32(RTA_TABLE) ?? (head.rtm_table === 0 ? RT_TABLE_MAIN : head.rtm_table);
  const metric = attributes.u32(RTA_PRIORITY);
  if (type !== RTM_NEWROUTE) {
    const scope = head.rtm_scope === RT_SCOPE_NOWHERE ? undefined : head.rtm_scope;
    const pattern = { destination, prefixLength, table, gateway, source, device, metric, scope };
    net.tellRoute(net.routes.remove({ ...pattern, type: head.rtm_type || undefined }), 'deleted');
    return;
  }
  const through = device ?? (gateway === undefined ? undefined : net.routes.lookup(gateway)?.device);
  const isUnicast = head.rtm_type === RTN_UNICAST || head.rtm_type === RTN_LOCAL;
  if (isUnicast && through === undefined) throw gateway === undefined ? ENODEV : ENETUNREACH;
  if (isUnicast && through?.isUp === false) throw ENETUNREACH;
  const route = makeRoute({
    destination,
    prefixLength,
    device: through,
    gateway,
    source,
    table,
    type: head.rtm_type,
    scope:
      family === AF_INET ? scopeOf(head.rtm_scope, head.rtm_type, gateway !== undefined) : RT_SCOPE_UNIVERSE,
    protocol: head.rtm_protocol,
    metric: metric ?? (family === AF_INET ? 0 : IPV6_DEFAULT_METRIC),
    tos: head.rtm_tos,
  });
  if ((flags & NLM_F_REPLACE) !== 0) {
    const same = { destination, prefixLength, table, metric: route.metric };
    const old = net.routes.find(same);
    if (old !== undefined) net.tellRoute(net.routes.remove(same), 'deleted');
  }
  net.routes.add(
    route,
    (flags & (NLM_F_APPEND | NLM_F_EXCL | NLM_F_CREATE)) === (NLM_F_APPEND | NLM_F_CREATE),
  );
  net.tellRoute(route, 'new');
}

/** The scope that was given; old programs leave it to be told from the route. */
function scopeOf(given: number, type: number, hasGateway: boolean): number {
  if (given !== RT_SCOPE_NOWHERE) return given;
  if (type === RTN_LOCAL) return RT_SCOPE_HOST;
  return hasGateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}
