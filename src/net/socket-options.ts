/** The state behind the options of SOL_SOCKET: socket(7). What sets and shows it is in net/sol-socket. */

import type { NetSettings } from './settings.js';

export class SocketOptions {
  /** What SO_SNDBUF and SO_RCVBUF show: twice what was asked for, as Linux counts its own overhead. */
  sendBuffer: number;
  receiveBuffer: number;
  /** SO_SNDBUF or SO_RCVBUF has been set: TCP leaves it alone then. */
  sendBufferLocked = false;
  receiveBufferLocked = false;
  /** SO_SNDTIMEO, SO_RCVTIMEO; Infinity: none. */
  sendTimeoutNs = Infinity;
  receiveTimeoutNs = Infinity;
  receiveLowWater = 1;
  /** SO_LINGER. The seconds that were set last are shown even when it is off. */
  lingerOn = false;
  lingerSeconds = 0;
  priority = 0;
  mark = 0;
  /** SO_PEEK_OFF: -1 when off. */
  peekOffset = -1;
  /** SO_BINDTODEVICE: an interface's index; 0 for any. */
  boundDevice = 0;
  /** SO_TIMESTAMP, SO_TIMESTAMPNS. */
  timestamp: 'off' | 'us' | 'ns' = 'off';
  private readonly on = new Set<number>();

  constructor(private readonly settings: NetSettings) {
    this.sendBuffer = settings.wmemDefault;
    this.receiveBuffer = settings.rmemDefault;
  }

  /** Whether a switch (SO_REUSEADDR, SO_PASSCRED...) is on. */
  has(name: number): boolean {
    return this.on.has(name);
  }

  set(name: number, on: boolean): void {
    if (on) this.on.add(name);
    else this.on.delete(name);
  }

  /** A copy, for a connection that a listener makes. */
  clone(): SocketOptions {
    const copy = new SocketOptions(this.settings);
    const { on } = copy;
    Object.assign(copy, this, { on });
    for (const name of this.on) on.add(name);
    return copy;
  }
}
