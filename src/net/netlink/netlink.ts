/** AF_NETLINK: talking with the kernel in messages. netlink(7) */
import type { Task } from '../../kernel/task.js';
import { EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../uapi/errno.js';
import { AF_NETLINK, SOCK_DGRAM, SOCK_RAW } from '../../uapi/socket.js';
import { type Net, ProtocolFamily } from '../net.js';
import { NetlinkSocket, type QueuedMessage } from './netlink-socket.js';
import { procNetNetlink } from './proc.js';
import type { NetlinkProtocol } from './protocol.js';
import { RouteProtocol } from './rtnetlink.js';
import { UeventProtocol } from './uevent.js';

/** A protocol's sockets. */
class Table {
  /** Those with an address, by it. */
  readonly byPort = new Map<number, NetlinkSocket>();

  constructor(readonly protocol: NetlinkProtocol) {}
}

export class NetlinkFamily extends ProtocolFamily {
  override readonly family = AF_NETLINK;
  private readonly tables = new Map<number, Table>();
  readonly sockets = new Set<NetlinkSocket>();
  /** Addresses for second sockets of a process. */
  private nextPort = 0xffff_f000;

  constructor(readonly net: Net) {
    super();
    const route = new RouteProtocol(net, this);
    net.listeners.push(route);
    for (const protocol of [route, new UeventProtocol()])
      this.tables.set(protocol.protocol, new Table(protocol));
  }

  override create(_task: Task, type: number, protocol: number): NetlinkSocket {
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) throw ESOCKTNOSUPPORT;
    const table = this.tables.get(protocol);
    if (table === undefined) throw EPROTONOSUPPORT;
    return new NetlinkSocket(this, type, table.protocol);
  }

  override get procFiles() {
    return { netlink: () => procNetNetlink(this.sockets) };
  }

  find(protocol: number, port: number): NetlinkSocket | undefined {
    return this.tables.get(protocol)?.byPort.get(port);
  }

  insert(socket: NetlinkSocket): void {
    this.tables.get(socket.protocol)?.byPort.set(socket.port, socket);
  }

  remove(socket: NetlinkSocket): void {
    this.sockets.delete(socket);
    const byPort = this.tables.get(socket.protocol)?.byPort;
    if (byPort?.get(socket.port) === socket) byPort.delete(socket.port);
  }

  /** The process's number if no socket has it, else one that no process has. */
  freePort(protocol: number, pid: number): number {
    let port = pid;
    while (this.find(protocol, port) !== undefined) port = --this.nextPort;
    return port;
  }

  /** Gives a message to all members of a group but its sender. */
  broadcast(protocol: number, group: number, message: QueuedMessage, except?: NetlinkSocket): void {
    for (const socket of this.sockets)
      if (socket !== except && socket.protocol === protocol && socket.isMember(group))
        socket.deliver(message);
  }
}
