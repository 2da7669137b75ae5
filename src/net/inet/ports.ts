/** Which sockets have which port, and who may share one: bind(2), ip(7), SO_REUSEADDR and SO_REUSEPORT in socket(7). */
import { EADDRINUSE } from '../../uapi/errno.js';
import { SO_REUSEADDR, SO_REUSEPORT } from '../../uapi/socket.js';
import { ANY_V4, ANY_V6, type IpAddress, isAny, isV4, isV6 } from '../ip-address.js';
import type { NetSettings } from '../settings.js';
import type { SocketOptions } from '../socket-options.js';

/** What has a port. */
export interface PortUser {
  readonly local: IpAddress;
  readonly localPort: number;
  readonly options: SocketOptions;
  /** IPV6_V6ONLY: :: does not stand for IPv4's addresses too. */
  readonly v6Only: boolean;
  /** Whose it is: only sockets of one user share a port by SO_REUSEPORT. */
  readonly uid: number;
  /** It waits for connections: such a port is not shared by SO_REUSEADDR. */
  readonly listening: boolean;
}

/** Whether packets to an address are for a socket that is bound so. */
export function coversAddress(
  { local, v6Only }: Pick<PortUser, 'local' | 'v6Only'>,
  address: IpAddress,
): boolean {
  if (local === address) return true;
  if (local === ANY_V4) return isV4(address);
  return local === ANY_V6 && (isV6(address) || !v6Only);
}

const overlap = (a: PortUser, b: PortUser): boolean =>
  (isAny(a.local) && coversAddress(a, b.local)) ||
  (isAny(b.local) && coversAddress(b, a.local)) ||
  a.local === b.local;

const maySameDevice = (a: PortUser, b: PortUser): boolean =>
  a.options.boundDevice === 0 ||
  b.options.boundDevice === 0 ||
  a.options.boundDevice === b.options.boundDevice;

/** Whether `user` may have a port that `other` has. */
const mayShare = (user: PortUser, other: PortUser): boolean =>
  (user.options.has(SO_REUSEADDR) && other.options.has(SO_REUSEADDR) && !other.listening) ||
  (user.options.has(SO_REUSEPORT) && other.options.has(SO_REUSEPORT) && user.uid === other.uid);

export class PortTable<T extends PortUser> {
  private readonly byPort = new Map<number, Set<T>>();

  constructor(private readonly settings: NetSettings) {}

  /** Those who have a port. */
  at(port: number): Iterable<T> {
    return this.byPort.get(port) ?? [];
  }

  isUsed(port: number): boolean {
    return this.byPort.has(port);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const users of this.byPort.values()) yield* users;
  }

  conflicts(user: T, port: number): boolean {
    for (const other of this.at(port))
      if (other !== user && overlap(user, other) && maySameDevice(user, other) && !mayShare(user, other))
        return true;
    return false;
  }

  /** EADDRINUSE */
  check(user: T, port: number): void {
    if (this.conflicts(user, port)) throw EADDRINUSE;
  }

  add(user: T, port: number): void {
    const users = this.byPort.get(port);
    if (users === undefined) this.byPort.set(port, new Set([user]));
    else users.add(user);
  }

  remove(user: T, port: number): void {
    const users = this.byPort.get(port);
    if (users?.delete(user) === true && users.size === 0) this.byPort.delete(port);
  }

  /** A port that nobody has in a way that would disturb; `random` decides where the search begins. EADDRINUSE. */
  choose(user: T, random: number): number {
    const { localPortFirst, localPortLast } = this.settings;
    const count = localPortLast - localPortFirst + 1;
    for (let tries = 0; tries < count; tries++) {
      const port = localPortFirst + ((random + tries) % count);
      // Even where it could be shared: who asks for any port wants one of its own.
      if (!this.isUsed(port) || ![...this.at(port)].some((other) => overlap(user, other))) return port;
    }
    throw EADDRINUSE;
  }
}
