/** lo, the device that every namespace has: what is sent comes back. Linux: drivers/net/loopback.c. */
import { ARPHRD_LOOPBACK, IFF_LOOPBACK } from '../uapi/if.js';
import { NetDevice } from './device.js';
import type { Net } from './net.js';
import type { Packet } from './packet.js';

const LOOPBACK_MTU = 65_536;

export class LoopbackDevice extends NetDevice {
  constructor(private readonly net: Net) {
    super('lo', ARPHRD_LOOPBACK, LOOPBACK_MTU, IFF_LOOPBACK, new Uint8Array(6), new Uint8Array(6));
  }

  override transmit(packet: Packet): void {
    const { statistics } = this;
    const { length } = packet;
    statistics.tx_packets++;
    statistics.tx_bytes += length;
    statistics.rx_packets++;
    statistics.rx_bytes += length;
    packet.trusted = true;
    this.net.receive(this, packet);
  }
}
