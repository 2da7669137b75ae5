/**
 * What a network namespace holds: network_namespaces(7), Linux's struct net. Each has protocol families of its own, so
 * that their names, ports and tables are apart. There is one so far, the kernel's; `netOf` is the only place that knows.
 */
import type { Kernel } from '../kernel/kernel.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
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

export class Net {
  private readonly families = new Map<number, ProtocolFamily>();
  private cookies = 0;

  constructor(
    readonly kernel: Kernel,
    types: readonly ProtocolFamilyType[],
  ) {
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

  /** A number that no other socket has: SO_COOKIE. */
  nextCookie(): number {
    return ++this.cookies;
  }
}

/** The network namespace of a task. */
export const netOf = (task: Task): Net => task.kernel.net;
