/** AF_INET and AF_INET6: the Internet protocols. ip(7), ipv6(7). */
import { capable } from '../../kernel/credentials.js';
import type { Task } from '../../kernel/task.js';
import { CAP_NET_RAW } from '../../uapi/capability.js';
import { EACCES, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../uapi/errno.js';
import { IPPROTO_ICMP, IPPROTO_MPTCP, IPPROTO_TCP, IPPROTO_UDP } from '../../uapi/in.js';
import { IPPROTO_ICMPV6 } from '../../uapi/in6.js';
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../../uapi/socket.js';
import { type Net, ProtocolFamily } from '../net.js';
import type { Socket } from '../socket.js';
import { procFiles, procFiles6 } from './proc.js';
import { RawSocket } from './raw.js';
import { InetStack } from './stack.js';
import { TcpSocket } from './tcp-socket.js';
import { UdpSocket } from './udp-socket.js';

/** A socket of either version. */
function createSocket(stack: InetStack, task: Task, family: number, type: number, protocol: number): Socket {
  if (protocol < 0 || protocol > IPPROTO_MPTCP) throw EINVAL;
  const uid = task.credentials.fsuid;
  switch (type) {
    case SOCK_STREAM:
      if (protocol !== 0 && protocol !== IPPROTO_TCP) throw EPROTONOSUPPORT;
      return new TcpSocket(stack, uid, family);
    case SOCK_DGRAM:
      // Echo requests without privilege: net.ipv4.ping_group_range has no group in it.
      if (protocol === (family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)) throw EACCES;
      if (protocol !== 0 && protocol !== IPPROTO_UDP) throw EPROTONOSUPPORT;
      return new UdpSocket(stack, uid, family);
    case SOCK_RAW:
      if (protocol === 0) throw EPROTONOSUPPORT;
      if (!capable(task.credentials, CAP_NET_RAW)) throw EPERM;
      return new RawSocket(stack, uid, family, protocol);
    default:
      throw ESOCKTNOSUPPORT;
  }
}

export class InetFamily extends ProtocolFamily {
  override readonly family = AF_INET;
  readonly stack: InetStack;

  constructor(net: Net) {
    super();
    this.stack = new InetStack(net);
  }

  override create(task: Task, type: number, protocol: number): Socket {
    return createSocket(this.stack, task, AF_INET, type, protocol);
  }
  override get procFiles() {
    return procFiles(this.stack);
  }
}

/** IPv6 is the other half of IPv4's protocols: init/config lists it behind. */
export class Inet6Family extends ProtocolFamily {
  override readonly family = AF_INET6;
  private readonly stack: InetStack;

  constructor(net: Net) {
    super();
    const inet = net.family(AF_INET);
    if (!(inet instanceof InetFamily)) throw new Error('AF_INET6 needs AF_INET');
    this.stack = inet.stack;
  }

  override create(task: Task, type: number, protocol: number): Socket {
    return createSocket(this.stack, task, AF_INET6, type, protocol);
  }
  override get procFiles() {
    return procFiles6(this.stack);
  }
}
