/**
 * What a network namespace holds: network_namespaces(7), Linux's struct net. Each has protocol families of its own, so
 * that their names, ports and tables are apart. There is one so far, the kernel's; `netOf` is the only place that knows.
 */
import type { Kernel } from '../kernel/kernel.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { RTN_LOCAL, RT_SCOPE_HOST } from '../uapi/rtnetlink.js';
import { DeviceTable, type NetDevice } from './device.js';
import type { NetListener } from './interface.js';
import type { InterfaceAddress } from './interface-address.js';
import { type IpAddress, isLinkLocal, samePrefix } from './ip-address.js';
import { LoopbackDevice } from './loopback.js';
import type { Packet } from './packet.js';
import { type Route, RouteTable } from './route.js';
import { NetSettings } from './settings.js';
import type { Socket } from './socket.js';

/** What makes the sockets of one address family. It holds what they share within a namespace. */
export abstract class ProtocolFamily {
  /** AF_* */
  abstract readonly family: number;

  /** A new socket. `type` is a valid SOCK_*. ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM. */
  abstract create(task: Task, type: number, protocol: number): Socket;

  /** Files in /proc/net: the text of each. */
  get procFiles(): Readonly<Record<Name, () => string>> {
    return {};
  }
}

/** How init/config lists a family. */
export type ProtocolFamilyType = new (net: Net) => ProtocolFamily;

/** What becomes of packets that arrive: one for each ETH_P_*. */
export interface PacketHandler {
  receive(packet: Packet, device: NetDevice): void;
}

export class Net {
  readonly settings = new NetSettings();
  readonly devices = new DeviceTable();
  readonly routes = new RouteTable();
  readonly listeners: NetListener[] = [];
  readonly packetHandlers = new Map<number, PacketHandler>();
  readonly loopback: LoopbackDevice;
  /** Packets that have arrived and wait for the stack. */
  private backlog: Packet[] = [];
  /** Protocols at work. */
  private depth = 0;
  private readonly families = new Map<number, ProtocolFamily>();
  private cookies = 0;

  constructor(
    readonly kernel: Kernel,
    types: readonly ProtocolFamilyType[],
  ) {
    this.loopback = new LoopbackDevice(this);
    this.devices.add(this.loopback);
    for (const Type of types) {
      const family = new Type(this);
      this.families.set(family.family, family);
      for (const [name, text] of Object.entries(family.procFiles)) kernel.networkFiles.set(name, text);
    }
  }

  /** undefined: not built in. */
  family(family: number): ProtocolFamily | undefined {
    return this.families.get(family);
  }

  /**
   * A device has received a packet. One that arrives while a protocol is at work (its own, come back through lo; the answer to
   * another) waits until that is done: protocols are never entered from within themselves.
   */
  receive(device: NetDevice, packet: Packet): void {
    packet.device = device;
    this.backlog.push(packet);
    this.enter();
    this.leave();
  }

  /** A protocol begins to work on its state, for a system call, a timer or a packet. To be followed by `leave`. */
  enter(): void {
    this.depth++;
  }

  /** What has arrived meanwhile is received. */
  leave(): void {
    if (this.depth > 1 || this.backlog.length === 0) {
      this.depth--;
      return;
    }
    try {
      while (this.backlog.length > 0) {
        const packets = this.backlog;
        this.backlog = [];
        for (const packet of packets) if (packet.device !== undefined) this.deliver(packet, packet.device);
      }
    } finally {
      this.depth--;
    }
  }

  private deliver(packet: Packet, device: NetDevice): void {
    const handler = this.packetHandlers.get(packet.protocol);
    if (handler === undefined) device.statistics.rx_dropped++;
    else handler.receive(packet, device);
  }

  /**
   * The address that a packet to `destination` gets as its source if none is chosen: one of the device that it leaves by.
   * Undefined when there is no way or no address. RFC 6724, in its simplest form.
   */
  sourceAddress(destination: IpAddress, device = 0): IpAddress | undefined {
    const route = this.routes.lookup(destination, device);
    if (route === undefined) return undefined;
    if (route.source !== undefined) return route.source;
    if (route.type === RTN_LOCAL) return destination;
    const next = route.gateway ?? destination;
    let best: IpAddress | undefined;
    for (const { address, peer, prefixLength, scope } of route.device?.addresses ?? []) {
      if (address.length !== destination.length || scope === RT_SCOPE_HOST) continue;
      if (isLinkLocal(address) !== isLinkLocal(destination)) continue;
      if (samePrefix(peer, next, prefixLength)) return address;
      best ??= address;
    }
    return best;
  }

  tellLink(device: NetDevice, change: 'new' | 'deleted'): void {
    for (const listener of this.listeners) listener.linkChanged(device, change);
  }
  tellAddress(device: NetDevice, address: InterfaceAddress, change: 'new' | 'deleted'): void {
    for (const listener of this.listeners) listener.addressChanged(device, address, change);
  }
  tellRoute(route: Route, change: 'new' | 'deleted'): void {
    for (const listener of this.listeners) listener.routeChanged(route, change);
  }

  /** A number that no other socket has: SO_COOKIE. */
  nextCookie(): number {
    return ++this.cookies;
  }
}

/** The network namespace of a task. */
export const netOf = (task: Task): Net => task.kernel.net;
