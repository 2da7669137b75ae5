/** TCP's sockets of one namespace: who gets a segment. tcp(7). Linux: tcp_ipv4.c, inet_hashtables.c. */
import { EMSGSIZE } from '../../uapi/errno.js';
import { IPPROTO_TCP } from '../../uapi/in.js';
import { IPDEFTTL, TCPHDR_ACK, TCPHDR_RST, TCPHDR_SYN, tcphdr } from '../../uapi/ip.js';
import { type IpAddress, isMulticast } from '../ip-address.js';
import { Packet } from '../packet.js';
import { addBytes, finish, pseudoHeader } from './checksum.js';
import { findPath, type Failure, type IpPath, type Received, type Transport } from './ip.js';
import { coversAddress, PortTable } from './ports.js';
import type { InetStack } from './stack.js';
import { resetFor } from './tcp-input.js';
import { parseSegment, putHeader, type Segment } from './tcp-segment.js';
import { isAfter } from './tcp-sequence.js';
import type { TcpSocket } from './tcp-socket.js';

const HEADER = tcphdr.size;
const { source: sourcePort, dest: destinationPort } = tcphdr.field;

/** What distinguishes connections first: mostly, no two have it in common. */
const keyOf = (localPort: number, remotePort: number): number => localPort * 0x1_0000 + remotePort;

export class Tcp implements Transport {
  readonly ports: PortTable<TcpSocket>;
  private readonly connections = new Map<number, TcpSocket[]>();

  constructor(readonly stack: InetStack) {
    this.ports = new PortTable(stack.net.settings);
  }

  /** Sockets with a connection, and those that wait for one. */
  *sockets(): IterableIterator<TcpSocket> {
    for (const socket of this.ports) if (socket.listening) yield socket;
    for (const sockets of this.connections.values()) yield* sockets;
  }

  addConnection(socket: TcpSocket): void {
    const key = keyOf(socket.localPort, socket.remotePort);
    const sockets = this.connections.get(key);
    if (sockets === undefined) this.connections.set(key, [socket]);
    else sockets.push(socket);
  }

  removeConnection(socket: TcpSocket): void {
    const key = keyOf(socket.localPort, socket.remotePort);
    const sockets = this.connections.get(key);
    const at = sockets?.indexOf(socket) ?? -1;
    if (sockets === undefined || at < 0) return;
    if (sockets.length === 1) this.connections.delete(key);
    else sockets.splice(at, 1);
  }

  findConnection(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
  ): TcpSocket | undefined {
    for (const socket of this.connections.get(keyOf(localPort, remotePort)) ?? [])
      if (socket.local === local && socket.remote === remote) return socket;
    return undefined;
  }

  /** Who listens there: one bound to the address before one bound to any. */
  private findListener(local: IpAddress, localPort: number, device: number): TcpSocket | undefined {
    let best: TcpSocket | undefined;
    for (const socket of this.ports.at(localPort)) {
      if (!socket.listening || !coversAddress(socket, local)) continue;
      const { boundDevice } = socket.options;
      if (boundDevice !== 0 && boundDevice !== device) continue;
      if (
        best === undefined ||
        socket.local === local ||
        (best.local !== local && socket.local.length === local.length)
      )
        best = socket;
    }
    return best;
  }

  receive(packet: Packet, info: Received): boolean {
    const { view, start } = packet;
    const { source, destination, device } = info;
    if (packet.end - start < HEADER || isMulticast(destination) || isMulticast(source)) return true;
    if (!packet.trusted && !isIntact(packet, info)) return true;
    const remotePort = sourcePort.get(view, start);
    const localPort = destinationPort.get(view, start);
    const segment = parseSegment(packet);
    if (segment === undefined) return true;
    const socket = this.findConnection(destination, localPort, source, remotePort);
    if (socket !== undefined && !this.replaces(socket, segment, device.index)) {
      socket.receiveSegment(segment);
      return true;
    }
    const listener = this.findListener(destination, localPort, device.index);
    if (listener === undefined) this.refuse(info, localPort, remotePort, segment);
    else this.offer(listener, info, remotePort, segment);
    return true;
  }

  /** Whether a segment begins a new connection in the place of one that is only waiting for its time: RFC 9293, 3.10.7.4. */
  private replaces(socket: TcpSocket, { flags, seq, options }: Segment, device: number): boolean {
    const { connection } = socket;
    if (connection?.state !== 'time-wait' || (flags & (TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST)) !== TCPHDR_SYN)
      return false;
    if (this.findListener(socket.local, socket.localPort, device) === undefined) return false;
    const isNewer =
      options.timestamp !== undefined && connection.timestamps
        ? isAfter(options.timestamp, connection.timestampRecent)
        : isAfter(seq, connection.rcvNxt);
    if (isNewer) socket.forget();
    return isNewer;
  }

  /** A segment for a listener: only a SYN means something to it. */
  private offer(listener: TcpSocket, info: Received, remotePort: number, segment: Segment): void {
    const { flags } = segment;
    if ((flags & TCPHDR_RST) !== 0) return;
    if ((flags & TCPHDR_ACK) !== 0) this.refuse(info, listener.localPort, remotePort, segment);
    else if ((flags & TCPHDR_SYN) !== 0) listener.called(info, remotePort, segment);
  }

  /** There is no such connection. */
  private refuse(
    { source, destination, tos }: Received,
    localPort: number,
    remotePort: number,
    segment: Segment,
  ): void {
    if ((segment.flags & TCPHDR_RST) !== 0) return;
    this.stack.trySend(() => {
      const path = findPath(this.stack.net, source, 0, destination);
      this.transmit(path, destination, localPort, remotePort, resetFor(segment), IPDEFTTL, tos);
    });
  }

  /** Sends a segment along a path. */
  transmit(
    path: IpPath,
    source: IpAddress,
    localPort: number,
    remotePort: number,
    segment: Segment,
    ttl: number,
    tos: number,
  ): void {
    const packet = Packet.around(segment.data);
    putHeader(packet, segment, localPort, remotePort);
    const { device, destination } = path;
    if (!device.isLoopback) {
      const { bytes, start, end, body, length } = packet;
      const sum = pseudoHeader(source, destination, IPPROTO_TCP, length);
      // The header's length is even, so the data begin a new word.
      tcphdr.field.check.set(packet.view, start, finish(addBytes(addBytes(sum, bytes, start, end), body)));
    }
    this.stack.send(packet, path, {
      source,
      protocol: IPPROTO_TCP,
      ttl,
      tos,
      dontFragment: device.mtu > 576,
    });
  }

  failed(failure: Failure): void {
    const { head, source, destination } = failure;
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const socket = this.findConnection(
      source,
      sourcePort.get(view, 0),
      destination,
      destinationPort.get(view, 0),
    );
    // Segments are made small enough for the way as it is found: path MTU discovery is to come.
    if (socket === undefined || failure.error === EMSGSIZE) return;
    socket.pathFailed(failure);
  }
}

function isIntact({ bytes, start, end, body, length }: Packet, { source, destination }: Received): boolean {
  const pseudo = pseudoHeader(source, destination, IPPROTO_TCP, length);
  return finish(addBytes(addBytes(pseudo, bytes, start, end), body)) === 0;
}
