/** What /proc/sys/net sets in a namespace: Documentation/admin-guide/sysctl/net, tcp(7), ip(7). */
export class NetSettings {
  /** core: the most that listen(2), SO_SNDBUF and SO_RCVBUF get; and what sockets begin with. */
  somaxconn = 4096;
  wmemMax = 212_992;
  rmemMax = 212_992;
  wmemDefault = 212_992;
  rmemDefault = 212_992;
  /** unix: messages that wait for a datagram socket which is not connected to their sender. */
  maxDatagrams = 10;
  /** ipv4: ports for those who ask for any. */
  localPortFirst = 32_768;
  localPortLast = 60_999;
  /** Lower ports need CAP_NET_BIND_SERVICE. */
  unprivilegedPortStart = 1024;
  /** What a TCP socket's SO_SNDBUF and SO_RCVBUF show at first. */
  tcpWmem = 16_384;
  tcpRmem = 131_072;
}
