/** Network devices: netdevice(7). Drivers subclass NetDevice; a network namespace has a table of those that it shows. */
import type { Name } from '../lib/names.js';
import { EEXIST, ENODEV } from '../uapi/errno.js';
import {
  IFF_ALLMULTI,
  IFF_DORMANT,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_UP,
  IF_OPER_DOWN,
  IF_OPER_UNKNOWN,
  IF_OPER_UP,
} from '../uapi/if.js';
import type { InterfaceAddress } from './interface-address.js';
import type { Packet } from './packet.js';

/** Counters as rtnl_link_stats64 has them. */
export class DeviceStatistics {
  rx_packets = 0;
  tx_packets = 0;
  rx_bytes = 0;
  tx_bytes = 0;
  rx_errors = 0;
  tx_errors = 0;
  rx_dropped = 0;
  tx_dropped = 0;
  multicast = 0;
  collisions = 0;
}

/** Flags that say how it is, not how it should be. */
const STATE_FLAGS = IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT;

export abstract class NetDevice {
  /** 1 and up; 0 until it is in a table. */
  index = 0;
  /** IFF_*: what has been asked for, and what the device is. Not its state: `shownFlags` has both. */
  flags: number;
  /** The medium is there. */
  carrier = true;
  /** How often that has changed. */
  carrierChanges = 0;
  txQueueLength = 1000;
  group = 0;
  alias: Name = '';
  readonly statistics = new DeviceStatistics();
  /** IPv4 addresses in the order in which they were added, IPv6 ones likewise. */
  readonly addresses: InterfaceAddress[] = [];

  constructor(
    public name: Name,
    /** ARPHRD_* */
    readonly type: number,
    /** Bytes of a packet without the link's own header. */
    public mtu: number,
    flags: number,
    public hardwareAddress: Uint8Array,
    readonly broadcastAddress: Uint8Array,
  ) {
    this.flags = flags;
  }

  get isUp(): boolean {
    return (this.flags & IFF_UP) !== 0;
  }
  get isLoopback(): boolean {
    return (this.flags & IFF_LOOPBACK) !== 0;
  }

  /** IF_OPER_*: RFC 2863. */
  get operState(): number {
    if (!this.isUp || !this.carrier) return IF_OPER_DOWN;
    return this.isLoopback ? IF_OPER_UNKNOWN : IF_OPER_UP;
  }

  /** IFF_* as user space sees them. */
  get shownFlags(): number {
    let flags = this.flags & ~STATE_FLAGS;
    if (this.isUp && this.carrier) flags |= IFF_RUNNING | IFF_LOWER_UP;
    return flags;
  }

  /** Smallest and largest MTU that can be set; 0 for no limit. */
  get minMtu(): number {
    return 0;
  }
  get maxMtu(): number {
    return 0;
  }

  /** Sends a packet of `packet.protocol`. The device is up. `linkAddress`: whom to on the link; undefined if it has no addresses. */
  abstract transmit(packet: Packet, linkAddress: Uint8Array | undefined): void;
  /** It is switched on or off. */
  open(): void {}
  stop(): void {}
}

/** Flags that SIOCSIFFLAGS and RTM_NEWLINK can change. */
export const changeableFlags = (flags: number): number => flags & ~(STATE_FLAGS | IFF_LOOPBACK);
export const listeningFlags = IFF_PROMISC | IFF_ALLMULTI;

export class DeviceTable {
  private readonly byIndex = new Map<number, NetDevice>();
  private lastIndex = 0;

  /** EEXIST when the name is taken. */
  add(device: NetDevice): void {
    if (this.find(device.name) !== undefined) throw EEXIST;
    device.index = ++this.lastIndex;
    this.byIndex.set(device.index, device);
  }

  remove(device: NetDevice): void {
    this.byIndex.delete(device.index);
  }

  get(index: number): NetDevice | undefined {
    return this.byIndex.get(index);
  }

  find(name: Name): NetDevice | undefined {
    for (const device of this.byIndex.values()) if (device.name === name) return device;
    return undefined;
  }

  /** As `find`; ENODEV. */
  named(name: Name): NetDevice {
    const device = this.find(name);
    if (device === undefined) throw ENODEV;
    return device;
  }

  /** In the order of their indices. */
  [Symbol.iterator](): IterableIterator<NetDevice> {
    return this.byIndex.values();
  }
}
