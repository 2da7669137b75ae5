/** Routing tables of both IP versions: where packets go. ip-route(8), route(8). Linux: fib_trie.c, ip6_fib.c. */
import { EEXIST, ENETUNREACH, ESRCH } from '../uapi/errno.js';
import {
  RT_SCOPE_NOWHERE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_LOCAL,
  RTN_UNICAST,
} from '../uapi/rtnetlink.js';
import type { NetDevice } from './device.js';
import { type IpAddress, isV4, samePrefix } from './ip-address.js';

export interface Route {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly device: NetDevice | undefined;
  readonly gateway: IpAddress | undefined;
  /** The address that packets from here get by default. */
  readonly source: IpAddress | undefined;
  /** RT_TABLE_* */
  readonly table: number;
  /** RTN_* */
  readonly type: number;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** RTPROT_*: who has made it. */
  readonly protocol: number;
  /** Of several, the lowest is taken. */
  readonly metric: number;
  readonly tos: number;
}

/** What of a route names it, when it is looked for. Undefined: any. */
export type RoutePattern = { readonly [K in keyof Route]?: Route[K] | undefined };

/** The tables that are looked into, in this order: ip-rule(8)'s default rules. */
const tableOrder = [RT_TABLE_LOCAL, RT_TABLE_MAIN, 253];

export class RouteTable {
  /** Each table: the longest prefixes first, then the lowest metric, then the oldest. */
  private readonly tables = new Map<number, Route[]>();

  *[Symbol.iterator](): IterableIterator<Route> {
    for (const number of [...this.tables.keys()].toSorted((a, b) => b - a))
      yield* this.tables.get(number) ?? [];
  }

  /** EEXIST when there is one with the same destination and metric. */
  add(route: Route, appended = false): void {
    const routes = this.tables.get(route.table) ?? [];
    this.tables.set(route.table, routes);
    if (!appended && routes.some((other) => conflicts(route, other))) throw EEXIST;
    const place = routes.findIndex((other) => comesBefore(route, other));
    routes.splice(place < 0 ? routes.length : place, 0, route);
  }

  /** Removes the first that fits. ESRCH. */
  remove(pattern: RoutePattern): Route {
    const found = this.find(pattern);
    if (found === undefined) throw ESRCH;
    this.drop((route) => route === found);
    return found;
  }

  /** Removes all that `gone` says are; returns them. */
  drop(gone: (route: Route) => boolean): Route[] {
    const dropped: Route[] = [];
    for (const [table, routes] of this.tables) {
      const kept = routes.filter((route) => !gone(route));
      if (kept.length === routes.length) continue;
      dropped.push(...routes.filter(gone));
      this.tables.set(table, kept);
    }
    return dropped;
  }

  find(pattern: RoutePattern): Route | undefined {
    for (const route of this) if (fits(route, pattern)) return route;
    return undefined;
  }

  /** The route to an address, through `device` (an index) only if that is not 0. Undefined: there is none. */
  lookup(address: IpAddress, device = 0): Route | undefined {
    for (const number of tableOrder)
      for (const route of this.tables.get(number) ?? []) {
        if (route.destination.length !== address.length) continue;
        if (!samePrefix(route.destination, address, route.prefixLength)) continue;
        // Packets to oneself go by lo, whatever device is asked for.
        if (device !== 0 && route.device?.index !== device && route.type !== RTN_LOCAL) continue;
        if (route.device !== undefined && !route.device.isUp) continue;
        return route;
      }
    return undefined;
  }

  /** As lookup; ENETUNREACH. */
  require(address: IpAddress, device = 0): Route {
    const route = this.lookup(address, device);
    if (route === undefined) throw ENETUNREACH;
    return route;
  }

  /** Whether an address is one of the machine's own. */
  isLocal(address: IpAddress): boolean {
    for (const route of this.tables.get(RT_TABLE_LOCAL) ?? [])
      if (
        route.type === RTN_LOCAL &&
        route.destination.length === address.length &&
        samePrefix(route.destination, address, route.prefixLength)
      )
        return true;
    return false;
  }
}

const conflicts = (a: Route, b: Route): boolean =>
  a.destination === b.destination &&
  a.prefixLength === b.prefixLength &&
  a.metric === b.metric &&
  a.tos === b.tos &&
  // Two of IPv6 may go through different devices.
  (isV4(a.destination) || a.device === b.device);

const comesBefore = (a: Route, b: Route): boolean =>
  a.prefixLength !== b.prefixLength ? a.prefixLength > b.prefixLength : a.metric < b.metric;

function fits(route: Route, pattern: RoutePattern): boolean {
  for (const [name, value] of Object.entries(pattern))
    if (value !== undefined && route[name as keyof Route] !== value) return false;
  return true;
}

/** A route of the kernel's own kind; the rest is given. */
export const makeRoute = (
  route: Pick<Route, 'destination' | 'prefixLength' | 'device'> & Partial<Route>,
): Route => ({
  gateway: undefined,
  source: undefined,
  table: RT_TABLE_MAIN,
  type: RTN_UNICAST,
  scope: RT_SCOPE_NOWHERE,
  protocol: 0,
  metric: 0,
  tos: 0,
  ...route,
});
