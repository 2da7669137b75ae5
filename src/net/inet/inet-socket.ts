/** What sockets of IP have in common, whatever their protocol: addresses, binding, options. ip(7), ipv6(7). Linux: af_inet.c. */
import { capable } from '../../kernel/credentials.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { CAP_NET_BIND_SERVICE } from '../../uapi/capability.js';
import { EACCES, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENETUNREACH, ENOTCONN } from '../../uapi/errno.js';
import { IPPROTO_IP, IP_FREEBIND, IP_TRANSPARENT, sockaddr_in } from '../../uapi/in.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../uapi/socket.js';
import { familyOf } from '../addresses.js';
import {
  ANY_V4,
  ANY_V6,
  BROADCAST_V4,
  type IpAddress,
  isAny,
  isLinkLocal,
  isMulticast,
  isV4,
  LOOPBACK_V4,
  LOOPBACK_V6,
} from '../ip-address.js';
import { Socket } from '../socket.js';
import { type Endpoint, readV4, readV6, writeEndpoint } from './inet-address.js';
import { inetIoctl } from './inet-ioctl.js';
import { getIpOption, setIpOption } from './ip-sockopt.js';
import { IpOptions } from './ip-options.js';
import { findPath, type IpPath } from './ip.js';
import type { InetStack } from './stack.js';

export abstract class InetSocket extends Socket {
  /** What it is bound to; any address at first. */
  local: IpAddress;
  localPort = 0;
  /** Bound by bind(2) to this address, not merely given one by a connection. */
  protected addressBound = false;
  remote: IpAddress | undefined;
  remotePort = 0;
  /** The interface of a link-local address. */
  protected scope = 0;
  ip = new IpOptions();

  constructor(
    readonly stack: InetStack,
    /** Whose it is. */
    readonly uid: number,
    family: number,
    type: number,
    protocol: number,
  ) {
    super(stack.net, family, type, protocol);
    this.local = this.anyAddress;
  }

  get anyAddress(): IpAddress {
    return this.family === AF_INET ? ANY_V4 : ANY_V6;
  }
  get v6Only(): boolean {
    return this.ip.v6Only;
  }

  /** Takes a port for the socket: EADDRINUSE. 0 asks for any. */
  protected abstract takePort(port: number): void;
  protected abstract freePort(): void;

  override bind(task: Task, bytes: Uint8Array): Result {
    const { address, port, scope } = this.readLocal(bytes);
    this.checkLocal(address, scope);
    if (
      port !== 0 &&
      port < this.net.settings.unprivilegedPortStart &&
      !capable(task.credentials, CAP_NET_BIND_SERVICE)
    )
      throw EACCES;
    if (this.localPort !== 0 || this.isActive) throw EINVAL;
    const before = this.local;
    this.local = address;
    try {
      this.takePort(port);
    } catch (error) {
      this.local = before;
      throw error;
    }
    this.addressBound = true;
    if (isLinkLocal(address)) this.scope = this.options.boundDevice = scope;
    return 0;
  }

  /** It can't be bound any more: it is connected, or listens. */
  protected get isActive(): boolean {
    return false;
  }

  private readLocal(bytes: Uint8Array): Endpoint {
    if (this.family === AF_INET6) {
      const endpoint = readV6(bytes);
      if (isV4(endpoint.address) && this.v6Only) throw EINVAL;
      return endpoint;
    }
    if (bytes.length < sockaddr_in.size) throw EINVAL;
    // As on Linux, though nobody says so: no family counts if the address is any.
    if (familyOf(bytes) === AF_UNSPEC) {
      const asInet = bytes.slice();
      asInet[0] = AF_INET;
      const endpoint = readV4(asInet);
      if (endpoint.address !== ANY_V4) throw EAFNOSUPPORT;
      return endpoint;
    }
    return readV4(bytes);
  }

  /** One may bind to one's own addresses. */
  private checkLocal(address: IpAddress, scope: number): void {
    if (isAny(address)) return;
    if (isMulticast(address) || address === BROADCAST_V4) {
      if (this.isStream) throw isV4(address) ? EADDRNOTAVAIL : EINVAL;
      return;
    }
    if (isLinkLocal(address) && scope === 0) throw EINVAL;
    if (this.ip.has(IPPROTO_IP, IP_FREEBIND) || this.ip.has(IPPROTO_IP, IP_TRANSPARENT)) return;
    if (!this.net.routes.isLocal(address)) throw EADDRNOTAVAIL;
  }

  protected get isStream(): boolean {
    return false;
  }

  /** Where to: an address that is none means the machine itself. */
  protected readRemote(bytes: Uint8Array): Endpoint {
    const endpoint = this.family === AF_INET ? readV4(bytes) : this.readRemote6(bytes);
    const { address } = endpoint;
    if (this.family === AF_INET6 && isV4(address) && this.v6Only) throw ENETUNREACH;
    if (!isAny(address)) return endpoint;
    return { ...endpoint, address: isV4(address) ? LOOPBACK_V4 : LOOPBACK_V6 };
  }

  protected readRemote6(bytes: Uint8Array): Endpoint {
    const endpoint = readV6(bytes);
    if (isLinkLocal(endpoint.address) && endpoint.scope === 0 && this.options.boundDevice === 0) throw EINVAL;
    return endpoint;
  }

  /** The way to an address, as the socket's options have it. */
  protected pathTo({ address, scope }: Endpoint, source = this.sourceFor(address)): IpPath {
    let device = this.options.boundDevice || scope;
    if (device === 0 && isMulticast(address))
      device = isV4(address) ? this.ip.multicastDevice : this.ip.multicastDevice6;
    const chosen = source ?? (isMulticast(address) ? this.ip.multicastSource : undefined);
    return findPath(this.net, address, device, chosen);
  }

  private sourceFor(destination: IpAddress): IpAddress | undefined {
    return isAny(this.local) || isMulticast(this.local) || this.local.length !== destination.length
      ? undefined
      : this.local;
  }

  override localName(): Uint8Array {
    return writeEndpoint(this.family, this.local, this.localPort, this.scope);
  }
  override peerName(): Uint8Array {
    if (this.remote === undefined) throw ENOTCONN;
    return writeEndpoint(this.family, this.remote, this.remotePort, this.scope);
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    return inetIoctl(task, this.net, request, argument);
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): void {
    setIpOption(task, this, level, name, value);
  }
  override getOption(_task: Task, level: number, name: number, room: number): Uint8Array {
    return getIpOption(this, level, name, room);
  }
  /** The MTU of the way to the peer: IP_MTU. ENOTCONN. */
  pathMtu(): number {
    if (this.remote === undefined) throw ENOTCONN;
    const { device } = this.pathTo({ address: this.remote, port: 0, scope: this.scope });
    return isV4(this.remote) ? Math.min(device.mtu, 0xffff) : device.mtu;
  }
}
