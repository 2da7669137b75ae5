/* IP, UDP and raw sockets over lo: ip(7), ipv6(7), udp(7), icmp(7). */
#include "inet-facts.h"
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>

static void making(void) {
  static const int families[] = {AF_INET, AF_INET6};
  static const struct { int type, protocol; } kinds[] = {
      {SOCK_STREAM, 0}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_STREAM, IPPROTO_UDP}, {SOCK_DGRAM, 0}, {SOCK_DGRAM, IPPROTO_UDP},
      {SOCK_DGRAM, IPPROTO_TCP}, {SOCK_RAW, 0}, {SOCK_SEQPACKET, 0}, {SOCK_RDM, 0}, {SOCK_STREAM, -1}, {SOCK_STREAM, 300}, {0, 0},
  };
  for (size_t f = 0; f < COUNT(families); f++)
    for (size_t i = 0; i < COUNT(kinds); i++) {
      int fd = socket(families[f], kinds[i].type, kinds[i].protocol);
      fact("family %d, type %d, protocol %d: %s", families[f], kinds[i].type, kinds[i].protocol, success(fd));
      if (fd >= 0) {
        fact("  protocol %d, domain %d, type %d", int_option(fd, SOL_SOCKET, SO_PROTOCOL), int_option(fd, SOL_SOCKET, SO_DOMAIN), int_option(fd, SOL_SOCKET, SO_TYPE));
        close(fd);
      }
    }
  int pair[2];
  fact("pair: %s", outcome(socketpair(AF_INET, SOCK_STREAM, 0, pair)));
}

static void binding(int type) {
  int fd = socket(AF_INET, type, 0);
  any_address address;
  fact("unbound: %s; %s", inet_own(fd), inet_peer(fd));
  fact("events: %s", all_events(fd));
  inet_name(&address, "127.0.0.1", 0);
  fact("short: %s", outcome(bind(fd, (void *)&address, 15)));
  address.ss_family = AF_INET6;
  fact("other family: %s", outcome(bind(fd, (void *)&address, sizeof(struct sockaddr_in))));
  address.ss_family = AF_UNSPEC;
  fact("no family: %s", outcome(bind(fd, (void *)&address, sizeof(struct sockaddr_in))));
  fact("not ours: %s", outcome(inet_bind(fd, "192.0.2.1", 0)));
  fact("bind: %s", outcome(inet_bind(fd, "127.1.2.3", 0)));
  fact("name: %s", inet_own(fd));
  fact("again: %s", outcome(inet_bind(fd, "127.0.0.1", 0)));
  int port = port_of(fd), other = socket(AF_INET, type, 0), third = socket(AF_INET, type, 0);
  fact("ephemeral: %d", port >= 1024);
  fact("taken: %s", outcome(inet_bind(other, "127.1.2.3", port)));
  fact("any is taken too: %s", outcome(inet_bind(other, "0.0.0.0", port)));
  fact("another address: %s", outcome(inet_bind(other, "127.0.0.1", port)));
  set_int(third, SOL_SOCKET, SO_REUSEADDR, 1);
  fact("one that would share: %s", outcome(inet_bind(third, "127.0.0.1", port)));
  set_int(other, SOL_SOCKET, SO_REUSEADDR, 1);
  fact("both would: %s", outcome(inet_bind(third, "127.0.0.1", port)));
  close(other), close(third), close(fd);
  int a = socket(AF_INET, type, 0), b = socket(AF_INET, type, 0);
  set_int(a, SOL_SOCKET, SO_REUSEPORT, 1), set_int(b, SOL_SOCKET, SO_REUSEPORT, 1);
  inet_bind(a, "127.0.0.1", 0);
  fact("reuseport: %s", outcome(inet_bind(b, "127.0.0.1", port_of(a))));
  close(a), close(b);
  int v6 = socket(AF_INET6, type, 0);
  fact("v6: %s", outcome(inet_bind(v6, "::", 0)));
  fact("name: %s", inet_own(v6));
  fd = socket(AF_INET, type, 0);
  fact("v4 any conflicts: %s", outcome(inet_bind(fd, "0.0.0.0", port_of(v6))));
  port = port_of(v6);
  close(v6);
  v6 = socket(AF_INET6, type, 0);
  set_int(v6, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  fact("v6 only: %s", outcome(inet_bind(v6, "::", port)));
  fact("v4 any does not conflict: %s", outcome(inet_bind(fd, "0.0.0.0", port)));
  fact("too late: %s", outcome(set_int(v6, IPPROTO_IPV6, IPV6_V6ONLY, 0)));
  close(v6), close(fd);
  if (geteuid() == 0)
    IN_CHILD("by a user", setresuid(1000, 1000, 1000); fd = socket(AF_INET, type, 0); fact("port 80: %s", outcome(inet_bind(fd, "127.0.0.1", 80)));
             fact("port 1024 or above: %s", outcome(inet_bind(fd, "127.0.0.1", free_port(type)))));
}

static void receive(int fd, size_t size, int flags) {
  char buffer[64] = "";
  any_address address;
  socklen_t length = sizeof address;
  ssize_t count = recvfrom(fd, buffer, size, flags | MSG_DONTWAIT, (void *)&address, &length);
  if (count < 0) fact("recvfrom: %s", strerrorname_np(errno));
  else fact("recvfrom: %zd '%s' from %s", count, buffer, inet_shown(&address, length));
}

static void datagrams(void) {
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  inet_bind(a, "127.0.0.1", 0);
  int port = port_of(a);
  fact("no destination: %s", outcome(send(b, "x", 1, 0)));
  fact("port 0: %s", outcome(inet_send(b, "x", "127.0.0.1", 0)));
  fact("send: %s", outcome(inet_send(b, "hello", "127.0.0.1", port)));
  fact("sender got a name: %s", inet_own(b));
  receive(a, 64, 0);
  inet_send(b, "cut", "127.0.0.1", port);
  receive(a, 2, MSG_PEEK);
  receive(a, 2, MSG_TRUNC);
  receive(a, 2, 0);
  inet_send(b, "", "127.0.0.1", port);
  fact("empty: events %s, pending %d", all_events(a), pending(a));
  receive(a, 64, 0);
  fact("to another address of lo: %s", outcome(inet_send(b, "x", "127.0.0.2", port)));
  receive(a, 64, 0);
  fact("to any: %s", outcome(inet_send(b, "any", "0.0.0.0", port)));
  receive(a, 64, 0);
  fact("connect: %s", outcome(inet_connect(b, "127.0.0.1", port)));
  fact("names: %s; %s", inet_own(b), inet_peer(b));
  fact("send: %s", outcome(send(b, "connected", 9, 0)));
  receive(a, 64, 0);
  int c = socket(AF_INET, SOCK_DGRAM, 0);
  inet_send(c, "not for it", "127.0.0.1", port_of(b));
  receive(b, 64, 0);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  fact("disconnect: %s", outcome(connect(b, &none, sizeof none)));
  fact("peer: %s", inet_peer(b));
  fact("to nobody: %s", outcome(inet_send(b, "x", "127.0.0.1", free_port(SOCK_DGRAM))));
  fact("who is not connected is not told: %s", outcome(inet_send(b, "x", "127.0.0.1", port)));
  receive(a, 64, 0);
  inet_connect(b, "127.0.0.1", free_port(SOCK_DGRAM));
  fact("to nobody: %s", outcome(send(b, "x", 1, 0)));
  fact("events: %s", all_events(b));
  fact("told: %s", outcome(send(b, "x", 1, 0)));
  fact("sent: %s", outcome(send(b, "x", 1, 0)));
  fact("error: %s", strerrorname_np(int_option(b, SOL_SOCKET, SO_ERROR)));
  static char big[70000];
  any_address address;
  socklen_t length = inet_name(&address, "127.0.0.1", port);
  fact("largest: %s", outcome(sendto(c, big, 65507, 0, (void *)&address, length)));
  fact("received: %s", outcome(recv(a, big, sizeof big, MSG_DONTWAIT)));
  fact("too large: %s", outcome(sendto(c, big, 65508, 0, (void *)&address, length)));
  fact("far too large: %s", outcome(sendto(c, big, 70000, 0, (void *)&address, length)));
  fact("oob: %s", outcome(send(b, "x", 1, MSG_OOB)));
  fact("shutdown: %s", outcome(shutdown(c, SHUT_RD)));
  fact("shutdown of a connected one: %s", outcome(shutdown(b, SHUT_RDWR)));
  fact("events: %s", all_events(b));
  fact("send: %s", outcome(send(b, "x", 1, 0)));
  close(a), close(b), close(c);
}

static void together(void) {
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  inet_bind(a, "127.0.0.1", 0);
  inet_connect(b, "127.0.0.1", port_of(a));
  fact("more to come: %s", outcome(send(b, "one,", 4, MSG_MORE)));
  receive(a, 64, 0);
  fact("more to come: %s", outcome(send(b, "two,", 4, MSG_MORE)));
  fact("the end: %s", outcome(send(b, "three", 5, 0)));
  receive(a, 64, 0);
  fact("cork: %s", outcome(set_int(b, IPPROTO_UDP, 1, 1)));
  send(b, "a", 1, 0), send(b, "b", 1, 0);
  receive(a, 64, 0);
  fact("uncork: %s", outcome(set_int(b, IPPROTO_UDP, 1, 0)));
  receive(a, 64, 0);
  fact("bind to a device: %s", outcome(setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)));
  char name[16] = "";
  socklen_t length = sizeof name;
  fact("which: %s", outcome(getsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, name, &length)));
  fact("%s, length %d", name, length);
  fact("to none: %s", outcome(setsockopt(b, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 8)));
  send(b, "through lo", 10, 0);
  receive(a, 64, 0);
  close(a), close(b);
}

static void version6(void) {
  int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
  inet_bind(a, "::", 0);
  int port = port_of(a);
  fact("v6 to v6: %s", outcome(inet_send(b, "six", "::1", port)));
  receive(a, 64, 0);
  fact("v4 to v6: %s", outcome(inet_send(c, "four", "127.0.0.1", port)));
  receive(a, 64, 0);
  fact("mapped: %s", outcome(inet_send(b, "mapped", "::ffff:127.0.0.1", port)));
  receive(a, 64, 0);
  fact("connect to mapped: %s", outcome(inet_connect(b, "::ffff:127.0.0.1", port)));
  fact("names: %s; %s", inet_own(b), inet_peer(b));
  close(b);
  b = socket(AF_INET6, SOCK_DGRAM, 0);
  set_int(b, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  fact("mapped, v6 only: %s", outcome(inet_send(b, "mapped", "::ffff:127.0.0.1", port)));
  fact("to nobody: %s", outcome(inet_connect(b, "::1", free_port(SOCK_DGRAM))));
  send(b, "x", 1, 0);
  fact("told: %s", outcome(send(b, "x", 1, 0)));
  fact("short address: %s", outcome(bind(c, (void *)"\2\0\0\0", 4)));
  close(a), close(b), close(c);
}

static void control(void) {
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  inet_bind(a, "0.0.0.0", 0);
  set_int(a, IPPROTO_IP, IP_PKTINFO, 1), set_int(a, IPPROTO_IP, IP_RECVTTL, 1), set_int(a, IPPROTO_IP, IP_RECVTOS, 1);
  set_int(b, IPPROTO_IP, IP_TTL, 33), set_int(b, IPPROTO_IP, IP_TOS, 0x10);
  inet_send(b, "x", "127.0.0.7", port_of(a));
  char buffer[8], space[256];
  struct iovec part = {buffer, sizeof buffer};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  fact("recvmsg: %s", outcome(recvmsg(a, &message, 0)));
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo *info = (void *)CMSG_DATA(header);
      fact("interface %d, to %s", info->ipi_ifindex, inet_ntoa(info->ipi_addr));
    }
    if (header->cmsg_type == IP_TTL) fact("ttl %d", *(int *)CMSG_DATA(header));
    if (header->cmsg_type == IP_TOS) fact("tos %d, length %d", *(unsigned char *)CMSG_DATA(header), (int)header->cmsg_len);
  }
  close(a), close(b);
}

static void errors(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  set_int(fd, IPPROTO_IP, IP_RECVERR, 1);
  inet_connect(fd, "127.0.0.1", free_port(SOCK_DGRAM));
  char buffer[16] = "", space[256];
  fact("empty error queue: %s", outcome(recv(fd, buffer, sizeof buffer, MSG_ERRQUEUE)));
  send(fd, "lost", 4, 0);
  struct iovec part = {buffer, sizeof buffer};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  fact("error queue: %s", outcome(recvmsg(fd, &message, MSG_ERRQUEUE)));
  fact("'%s', flags %#x", buffer, message.msg_flags);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL) {
    struct sock_extended_err *error = (void *)CMSG_DATA(header);
    fact("type %d, %s, origin %d, icmp %d/%d, from %s", header->cmsg_type, strerrorname_np(error->ee_errno), error->ee_origin, error->ee_type, error->ee_code,
         inet_ntoa(((struct sockaddr_in *)SO_EE_OFFENDER(error))->sin_addr));
  }
  close(fd);
}

static void options(void) {
  static const struct { int level, option; const char *name; int value; } cases[] = {
      {IPPROTO_IP, IP_TTL, "ttl", 7}, {IPPROTO_IP, IP_TTL, "ttl", 0}, {IPPROTO_IP, IP_TTL, "ttl", 256}, {IPPROTO_IP, IP_TTL, "ttl", -1},
      {IPPROTO_IP, IP_TOS, "tos", 0x10}, {IPPROTO_IP, IP_MTU_DISCOVER, "mtu discover", 2}, {IPPROTO_IP, IP_MTU_DISCOVER, "mtu discover", 9},
      {IPPROTO_IP, IP_MULTICAST_TTL, "multicast ttl", 5}, {IPPROTO_IP, IP_MULTICAST_LOOP, "multicast loop", 0}, {IPPROTO_IP, IP_PKTINFO, "pktinfo", 1},
      {IPPROTO_IP, IP_RECVERR, "recverr", 1}, {IPPROTO_IP, IP_FREEBIND, "freebind", 1}, {IPPROTO_IP, IP_HDRINCL, "hdrincl", 1}, {IPPROTO_IP, 9999, "unknown", 1},
      {IPPROTO_IPV6, IPV6_V6ONLY, "v6only", 1}, {9999, 1, "unknown level", 1},
  };
  int fd = socket(AF_INET, SOCK_DGRAM, 0), v6 = socket(AF_INET6, SOCK_DGRAM, 0);
  for (size_t i = 0; i < COUNT(cases); i++) {
    int before = int_option(fd, cases[i].level, cases[i].option);
    const char *set = outcome(set_int(fd, cases[i].level, cases[i].option, cases[i].value));
    fact("%s: %d, set to %d: %s, %d", cases[i].name, before, cases[i].value, set, int_option(fd, cases[i].level, cases[i].option));
  }
  fact("mtu, unconnected: %s", strerrorname_np(-int_option(fd, IPPROTO_IP, IP_MTU)));
  inet_connect(fd, "127.0.0.1", 9);
  fact("mtu: %d", int_option(fd, IPPROTO_IP, IP_MTU));
  fact("hops: %d", int_option(v6, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
  fact("set: %s", outcome(set_int(v6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5)));
  fact("hops: %d", int_option(v6, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
  fact("v6only: %d", int_option(v6, IPPROTO_IPV6, IPV6_V6ONLY));
  fact("ttl of a v6 socket: %d", int_option(v6, IPPROTO_IP, IP_TTL));
  unsigned char byte = 0;
  socklen_t length = 1;
  fact("a byte: %s", outcome(getsockopt(fd, IPPROTO_IP, IP_TTL, &byte, &length)));
  fact("%d, length %d", byte, length);
  close(fd), close(v6);
}

static void groups(void) {
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  struct ip_mreqn join = {.imr_ifindex = 1};
  inet_pton(AF_INET, "239.1.2.3", &join.imr_multiaddr);
  inet_bind(a, "0.0.0.0", 0);
  fact("join: %s", outcome(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join)));
  fact("again: %s", outcome(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join)));
  fact("interface: %s", outcome(setsockopt(b, IPPROTO_IP, IP_MULTICAST_IF, &join, sizeof join)));
  fact("leave: %s", outcome(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof join)));
  fact("again: %s", outcome(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof join)));
  inet_pton(AF_INET, "10.1.2.3", &join.imr_multiaddr);
  fact("no group: %s", outcome(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join)));
  close(a), close(b);
}

static unsigned short checksum(const unsigned short *words, int bytes) {
  unsigned sum = 0;
  for (int i = 0; i < bytes / 2; i++) sum += words[i];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static void echo(void) {
  if (geteuid() != 0) return;
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  fact("raw: %s", success(fd));
  if (fd < 0) return;
  struct { struct icmphdr header; char data[16]; } request = {{.type = ICMP_ECHO, .un.echo = {.id = 7, .sequence = 9}}, "echo"};
  request.header.checksum = checksum((void *)&request, sizeof request);
  any_address address;
  socklen_t length = inet_name(&address, "127.0.0.1", 0);
  fact("send: %s", outcome(sendto(fd, &request, sizeof request, 0, (void *)&address, length)));
  unsigned char reply[100];
  for (int i = 0; i < 2; i++) {
    ssize_t count = recv(fd, reply, sizeof reply, MSG_DONTWAIT);
    fact("received %zd: version %d, protocol %d, ttl %d, type %d, data '%s'", count, reply[0] >> 4, reply[9], reply[8], reply[20], reply + 28);
  }
  fact("no more: %s", outcome(recv(fd, reply, sizeof reply, MSG_DONTWAIT)));
  unsigned filter = ~(1u << ICMP_ECHOREPLY);
  fact("filter: %s", outcome(setsockopt(fd, SOL_RAW, 1, &filter, sizeof filter)));
  sendto(fd, &request, sizeof request, 0, (void *)&address, length);
  fact("only the reply: %s", outcome(recv(fd, reply, sizeof reply, MSG_DONTWAIT)));
  fact("no more: %s", outcome(recv(fd, reply, sizeof reply, MSG_DONTWAIT)));
  close(fd);
  IN_CHILD("by a user", setresuid(1000, 1000, 1000); fact("raw: %s", outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))));
}

static void ioctls(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq record = {.ifr_name = "lo"};
  struct sockaddr_in *address = (void *)&record.ifr_addr;
  fact("address: %s", outcome(ioctl(fd, SIOCGIFADDR, &record)));
  fact("%s", inet_ntoa(address->sin_addr));
  fact("netmask: %s", outcome(ioctl(fd, SIOCGIFNETMASK, &record)));
  fact("%s", inet_ntoa(address->sin_addr));
  fact("broadcast: %s", outcome(ioctl(fd, SIOCGIFBRDADDR, &record)));
  fact("%s", inet_ntoa(address->sin_addr));
  fact("flags: %s", outcome(ioctl(fd, SIOCGIFFLAGS, &record)));
  fact("up: %d", !!(record.ifr_flags & IFF_UP));
  strcpy(record.ifr_name, "nothing");
  fact("no device: %s", outcome(ioctl(fd, SIOCGIFADDR, &record)));
  fact("unknown: %s", outcome(ioctl(fd, 0x89ff, &record)));
  close(fd);
}

int main(void) {
  time_limit();
  making();
  fact("-- udp");
  binding(SOCK_DGRAM);
  fact("-- tcp");
  binding(SOCK_STREAM);
  datagrams();
  together();
  version6();
  control();
  errors();
  options();
  groups();
  echo();
  ioctls();
  return 0;
}
