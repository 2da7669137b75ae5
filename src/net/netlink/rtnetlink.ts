/** NETLINK_ROUTE: links, addresses and routes. rtnetlink(7) */
import { capable } from '../../kernel/credentials.js';
import type { Task } from '../../kernel/task.js';
import { CAP_NET_ADMIN } from '../../uapi/capability.js';
import { EOPNOTSUPP, EPERM } from '../../uapi/errno.js';
import { NETLINK_ROUTE, NLM_F_DUMP } from '../../uapi/netlink.js';
import {
  RTM_BASE,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETQDISC,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_MAX,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
  RTNLGRP_STATS,
} from '../../uapi/rtnetlink.js';
import type { NetDevice } from '../device.js';
import type { NetListener } from '../interface.js';
import type { InterfaceAddress } from '../interface-address.js';
import { isV4 } from '../ip-address.js';
import type { Net } from '../net.js';
import type { Route } from '../route.js';
import { addressMessage, changeAddress, dumpAddresses } from './rt-address.js';
import { changeLink, dumpLinks, getLink, linkMessage } from './rt-link.js';
import { changeRoute, dumpRoutes, getRoute, routeMessage } from './rt-route.js';
import { dumpQueueDisciplines, dumpRules } from './rt-tables.js';
import type { MessageBuilder, NetlinkMessage } from './message.js';
import type { NetlinkFamily } from './netlink.js';
import { kernelSender, type NetlinkSocket } from './netlink-socket.js';
import { NetlinkProtocol, type NetlinkReply } from './protocol.js';

/** What a handler gets to know of a request. */
export interface RouteRequest {
  readonly net: Net;
  readonly message: NetlinkMessage;
  /** NETLINK_GET_STRICT_CHK */
  readonly strict: boolean;
}

type Dump = (request: RouteRequest) => Iterable<MessageBuilder>;
type Get = (request: RouteRequest) => MessageBuilder;
type Change = (request: RouteRequest) => void;

const dumps: Readonly<Record<number, Dump>> = {
  [RTM_GETLINK]: dumpLinks,
  [RTM_GETADDR]: dumpAddresses,
  [RTM_GETROUTE]: dumpRoutes,
  [RTM_GETRULE]: dumpRules,
  [RTM_GETQDISC]: dumpQueueDisciplines,
  // No device here has neighbours.
  [RTM_GETNEIGH]: () => [],
};

const gets: Readonly<Record<number, Get>> = {
  [RTM_GETLINK]: getLink,
  [RTM_GETROUTE]: getRoute,
};

const changes: Readonly<Record<number, Change>> = {
  [RTM_NEWLINK]: changeLink,
  [RTM_NEWADDR]: changeAddress,
  [RTM_DELADDR]: changeAddress,
  [RTM_NEWROUTE]: changeRoute,
  [RTM_DELROUTE]: changeRoute,
};

/** Each kind of object has four messages: new, delete, get, set. */
const KIND_GET = 2;

export class RouteProtocol extends NetlinkProtocol implements NetListener {
  override readonly protocol = NETLINK_ROUTE;
  override readonly groups = RTNLGRP_STATS;

  constructor(
    private readonly net: Net,
    private readonly family: NetlinkFamily,
  ) {
    super();
  }

  override request(task: Task, socket: NetlinkSocket, message: NetlinkMessage): NetlinkReply | undefined {
    const { type, flags, payload } = message;
    if (type > RTM_MAX) throw EOPNOTSUPP;
    if (payload.length === 0) return undefined;
    const request = { net: this.net, message, strict: socket.strict };
    if (((type - RTM_BASE) & 3) !== KIND_GET) {
      if (!capable(task.credentials, CAP_NET_ADMIN)) throw EPERM;
      supported(changes[type])(request);
      return undefined;
    }
    if ((flags & NLM_F_DUMP) === 0) return { messages: [supported(gets[type])(request)], dump: false };
    return { messages: supported(dumps[type])(request), dump: true };
  }

  linkChanged(device: NetDevice, change: 'new' | 'deleted'): void {
    this.tell(RTNLGRP_LINK, linkMessage(change === 'new' ? RTM_NEWLINK : RTM_DELLINK, device));
  }
  addressChanged(device: NetDevice, address: InterfaceAddress, change: 'new' | 'deleted'): void {
    const group = isV4(address.address) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
    this.tell(group, addressMessage(change === 'new' ? RTM_NEWADDR : RTM_DELADDR, device, address));
  }
  routeChanged(route: Route, change: 'new' | 'deleted'): void {
    const group = isV4(route.destination) ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
    this.tell(group, routeMessage(change === 'new' ? RTM_NEWROUTE : RTM_DELROUTE, route));
  }

  private tell(group: number, message: MessageBuilder): void {
    const data = message.finish(0, 0, 0);
    this.family.broadcast(NETLINK_ROUTE, group, { data, port: 0, group, sender: kernelSender });
  }
}

function supported<T>(handler: T | undefined): T {
  if (handler === undefined) throw EOPNOTSUPP;
  return handler;
}
