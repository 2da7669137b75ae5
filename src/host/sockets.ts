/**
 * Sockets of the host, for consoles on ports: listening and accepting. Connections are read, written and closed as files are
 * (files.ts); all of them are non-blocking. Results are zero or more, or a negated errno.
 */
export interface HostSockets {
  /** A socket that listens for TCP connections on all of the host's IPv4 addresses. */
  listenTcp(port: number): number;
  /** A socket that listens at a name in the host's file system; one that nobody listens at any more is replaced. */
  listenUnix(path: string): number;
  /** The next connection; EAGAIN when there is none. */
  accept(listener: number): number;
}
