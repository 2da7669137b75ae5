/* Netlink sockets, and what rtnetlink tells of lo: netlink(7), rtnetlink(7), netdevice(7). */
#include "socket-facts.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

static struct { struct nlmsghdr header; char bytes[1000]; } request;
static char answer[65536];

/* A request with a structure of `size` bytes. */
static void prepare(int type, int flags, const void *body, size_t size) {
  memset(&request, 0, sizeof request);
  request.header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 42};
  memcpy(NLMSG_DATA(&request.header), body, size);
}
static ssize_t ask(int fd) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  return sendto(fd, &request, request.header.nlmsg_len, 0, (void *)&kernel, sizeof kernel);
}

static const char *error_name(int error) { return error == 0 ? "ok" : strerrorname_np(-error); }

/* One message that acknowledges. */
static void acknowledged(int fd, const char *what) {
  ssize_t count = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
  struct nlmsghdr *header = (void *)answer;
  if (count < 0) {
    fact("%s: no answer, %s", what, strerrorname_np(errno));
    return;
  }
  struct nlmsgerr *error = NLMSG_DATA(header);
  if (header->nlmsg_type != NLMSG_ERROR) fact("%s: an answer, sequence %u", what, header->nlmsg_seq);
  else
    fact("%s: %s, sequence %u, length %u, flags %#x, of a message of type %u and length %u", what, error_name(error->error),
         header->nlmsg_seq, header->nlmsg_len, header->nlmsg_flags, error->msg.nlmsg_type, error->msg.nlmsg_len);
}

static void making(void) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
  for (size_t i = 0; i < COUNT(types); i++) fact("type %d: %s", types[i], success(socket(AF_NETLINK, types[i], NETLINK_ROUTE)));
  fact("protocol -1: %s", outcome(socket(AF_NETLINK, SOCK_RAW, -1)));
  fact("protocol 32: %s", outcome(socket(AF_NETLINK, SOCK_RAW, 32)));
  fact("protocol 31: %s", outcome(socket(AF_NETLINK, SOCK_RAW, 31)));
  int pair[2];
  fact("pair: %s", outcome(socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, pair)));
}

static void names(void) {
  int a = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), b = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  socklen_t length = sizeof address;
  getsockname(a, (void *)&address, &length);
  fact("unbound: length %d, pid %u, groups %u", length, address.nl_pid, address.nl_groups);
  fact("short: %s", outcome(bind(a, (void *)&address, 11)));
  address.nl_family = AF_UNIX;
  fact("wrong family: %s", outcome(bind(a, (void *)&address, sizeof address)));
  address = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR};
  int first = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
  fact("bind: %s", outcome(bind(a, (void *)&address, sizeof address)));
  getsockname(a, (void *)&address, &length);
  fact("pid is ours or taken: %d, groups %#x", address.nl_pid != 0, address.nl_groups);
  address.nl_groups = 0;
  fact("leave the groups: %s", outcome(bind(a, (void *)&address, sizeof address)));
  getsockname(a, (void *)&address, &length);
  fact("groups %#x", address.nl_groups);
  fact("taken: %s", outcome(bind(b, (void *)&address, sizeof address)));
  address.nl_pid++;
  fact("another address: %s", outcome(bind(a, (void *)&address, sizeof address)));
  address = (struct sockaddr_nl){.nl_family = AF_NETLINK};
  fact("connect to the kernel: %s", outcome(connect(b, (void *)&address, sizeof address)));
  getpeername(b, (void *)&address, &length);
  fact("peer: pid %u, groups %u", address.nl_pid, address.nl_groups);
  address.nl_pid = 0x7ffffff0;
  fact("send to nobody: %s", outcome(sendto(b, "0123456789abcdef", 16, 0, (void *)&address, sizeof address)));
  fact("send nothing: %s", outcome(send(b, "", 0, 0)));
  fact("send rubbish: %s", outcome(send(b, "rubbish", 7, 0)));
  fact("no answer: %s", outcome(recv(b, answer, sizeof answer, MSG_DONTWAIT)));
  fact("listen: %s", outcome(listen(b, 1)));
  fact("accept: %s", outcome(accept(b, NULL, NULL)));
  fact("shutdown: %s", outcome(shutdown(b, SHUT_RD)));
  fact("events: %s", all_events(b));
  address = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_groups = 1};
  fact("uevents: %s", outcome(bind(first, (void *)&address, sizeof address)));
  fact("none: %s", outcome(recv(first, answer, sizeof answer, MSG_DONTWAIT)));
  close(a), close(b), close(first);
}

static void options(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  static const int names[] = {NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK};
  for (size_t i = 0; i < COUNT(names); i++) {
    int before = int_option(fd, SOL_NETLINK, names[i]);
    const char *set = outcome(set_int(fd, SOL_NETLINK, names[i], 5));
    fact("option %d: %d, %s, %d", names[i], before, set, int_option(fd, SOL_NETLINK, names[i]));
  }
  fact("join group 0: %s", outcome(set_int(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 0)));
  fact("join group 1000: %s", outcome(set_int(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1000)));
  fact("join group 1: %s", outcome(set_int(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1)));
  unsigned groups[8] = {0};
  socklen_t length = sizeof groups;
  fact("memberships: %s, first word %#x", outcome(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &length)), groups[0]);
  fact("unknown option: %s", outcome(set_int(fd, SOL_NETLINK, 99, 1)));
  fact("unknown level: %s", outcome(set_int(fd, 12345, 1, 1)));
  close(fd);
}

static void links(int fd) {
  struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
  const char *discipline = "?";
  prepare(RTM_GETLINK, NLM_F_DUMP, &head, sizeof head);
  ask(fd);
  fact("too small a buffer: %s", outcome(recv(fd, answer, 20, MSG_PEEK)));
  fact("the size: %d", recv(fd, answer, 20, MSG_PEEK | MSG_TRUNC) > 100);
  for (;;) {
    ssize_t count = recv(fd, answer, sizeof answer, 0);
    for (struct nlmsghdr *message = (void *)answer; NLMSG_OK(message, count); message = NLMSG_NEXT(message, count)) {
      if (message->nlmsg_type == NLMSG_DONE) {
        fact("done: length %u, flags %#x, status %d", message->nlmsg_len, message->nlmsg_flags, *(int *)NLMSG_DATA(message));
        return;
      }
      struct ifinfomsg *link = NLMSG_DATA(message);
      int left = IFLA_PAYLOAD(message);
      if (link->ifi_type != ARPHRD_LOOPBACK) continue;
      fact("link: type %d, flags %#x, index %d, kind %d, is up %d", message->nlmsg_type, message->nlmsg_flags, link->ifi_index, link->ifi_type,
           (link->ifi_flags & (IFF_UP | IFF_RUNNING | IFF_LOOPBACK)) == (IFF_UP | IFF_RUNNING | IFF_LOOPBACK));
      for (struct rtattr *attribute = IFLA_RTA(link); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        switch (attribute->rta_type) {
          case IFLA_IFNAME: fact("name %s", (char *)RTA_DATA(attribute)); break;
          case IFLA_MTU: fact("mtu %u", *(unsigned *)RTA_DATA(attribute)); break;
          case IFLA_OPERSTATE: fact("state %u", *(unsigned char *)RTA_DATA(attribute)); break;
          case IFLA_QDISC: discipline = RTA_DATA(attribute); break;
          case IFLA_TXQLEN: fact("queue %u", *(unsigned *)RTA_DATA(attribute)); break;
          case IFLA_ADDRESS: fact("address of %d bytes", (int)RTA_PAYLOAD(attribute)); break;
          case IFLA_STATS64: fact("statistics: %d", RTA_PAYLOAD(attribute) >= 192); break;
        }
      }
      fact("qdisc %s", discipline);
    }
  }
}

static void addresses(int fd) {
  struct ifaddrmsg head = {.ifa_family = AF_INET};
  prepare(RTM_GETADDR, NLM_F_DUMP, &head, sizeof head);
  ask(fd);
  for (;;) {
    ssize_t count = recv(fd, answer, sizeof answer, 0);
    for (struct nlmsghdr *message = (void *)answer; NLMSG_OK(message, count); message = NLMSG_NEXT(message, count)) {
      if (message->nlmsg_type == NLMSG_DONE) return;
      struct ifaddrmsg *address = NLMSG_DATA(message);
      int left = IFA_PAYLOAD(message);
      if (address->ifa_index != 1) continue;
      fact("address: family %d, prefix %d, flags %#x, scope %d", address->ifa_family, address->ifa_prefixlen, address->ifa_flags, address->ifa_scope);
      for (struct rtattr *attribute = IFA_RTA(address); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == IFA_LOCAL || attribute->rta_type == IFA_ADDRESS)
          fact("attribute %d: %s", attribute->rta_type, inet_ntoa(*(struct in_addr *)RTA_DATA(attribute)));
        if (attribute->rta_type == IFA_LABEL) fact("label %s", (char *)RTA_DATA(attribute));
        if (attribute->rta_type == IFA_FLAGS) fact("flags %#x", *(unsigned *)RTA_DATA(attribute));
      }
    }
  }
}

static void requests(int fd) {
  struct ifinfomsg link = {.ifi_index = 1}, none = {.ifi_index = 99999};
  prepare(RTM_GETLINK, 0, &link, sizeof link);
  ask(fd), acknowledged(fd, "link 1");
  prepare(RTM_GETLINK, NLM_F_ACK, &none, sizeof none);
  ask(fd), acknowledged(fd, "link 99999");
  prepare(RTM_MAX + 4, 0, &link, sizeof link);
  ask(fd), acknowledged(fd, "unknown message");
  prepare(NLMSG_NOOP, NLM_F_ACK, &link, sizeof link);
  ask(fd), acknowledged(fd, "nothing");
  prepare(NLMSG_NOOP, 0, &link, sizeof link);
  ask(fd), acknowledged(fd, "nothing, without acknowledgement");
  prepare(RTM_GETLINK, NLM_F_ACK, &link, sizeof link);
  request.header.nlmsg_flags = NLM_F_ACK;
  ask(fd), acknowledged(fd, "no request");
  set_int(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  prepare(RTM_GETLINK, NLM_F_ACK, &none, sizeof none);
  ask(fd), acknowledged(fd, "link 99999, capped");
  prepare(RTM_GETLINK, 0, &link, sizeof link);
  request.header.nlmsg_len = 4;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  fact("length too small: %s", outcome(sendto(fd, &request, 32, 0, (void *)&kernel, sizeof kernel)));
  acknowledged(fd, "it");
  if (geteuid() != 0) return;
  pid_t child = fork();
  if (child == 0) {
    setresuid(1000, 1000, 1000);
    int own = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    prepare(RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
    ask(own), acknowledged(own, "change by a user");
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = 1};
    fact("user to user: %s", outcome(sendto(own, &request, 32, 0, (void *)&address, sizeof address)));
    _exit(0);
  }
  fact("child %s", join(child));
}

static void library(void) {
  struct ifaddrs *list;
  fact("index of lo: %u", if_nametoindex("lo"));
  fact("of nothing: %u, %s", if_nametoindex("nothing"), strerrorname_np(errno));
  char name[IF_NAMESIZE];
  fact("name of 1: %s", if_indextoname(1, name));
  getifaddrs(&list);
  for (struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next)
    if (strcmp(entry->ifa_name, "lo") == 0 && entry->ifa_addr != NULL && entry->ifa_addr->sa_family != AF_INET6)
      fact("%s: family %d, up %d", entry->ifa_name, entry->ifa_addr->sa_family, !!(entry->ifa_flags & IFF_UP));
  freeifaddrs(list);
}

static void ioctls(void) {
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct ifreq record = {.ifr_name = "lo"};
  fact("flags: %s, %d", outcome(ioctl(fd, SIOCGIFFLAGS, &record)), (record.ifr_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK));
  fact("mtu: %s", outcome(ioctl(fd, SIOCGIFMTU, &record)));
  fact("%d", record.ifr_mtu);
  fact("hardware: %s", outcome(ioctl(fd, SIOCGIFHWADDR, &record)));
  fact("%d", record.ifr_hwaddr.sa_family);
  fact("index: %s", outcome(ioctl(fd, SIOCGIFINDEX, &record)));
  fact("%d", record.ifr_ifindex);
  record.ifr_ifindex = 1;
  fact("name: %s", outcome(ioctl(fd, SIOCGIFNAME, &record)));
  fact("%s", record.ifr_name);
  fact("metric: %s", outcome(ioctl(fd, SIOCGIFMETRIC, &record)));
  fact("queue: %s", outcome(ioctl(fd, SIOCGIFTXQLEN, &record)));
  fact("address, of a unix socket: %s", outcome(ioctl(fd, SIOCGIFADDR, &record)));
  strcpy(record.ifr_name, "nothing");
  fact("no device: %s", outcome(ioctl(fd, SIOCGIFFLAGS, &record)));
  fact("bad address: %s", outcome(ioctl(fd, SIOCGIFFLAGS, (void *)8)));
  struct ifconf list = {.ifc_len = 0, .ifc_buf = NULL};
  fact("list: %s", outcome(ioctl(fd, SIOCGIFCONF, &list)));
  fact("room for %d", list.ifc_len >= (int)sizeof(struct ifreq));
  struct ifreq records[8];
  list = (struct ifconf){.ifc_len = sizeof(struct ifreq) + 5, .ifc_req = records};
  fact("list: %s", outcome(ioctl(fd, SIOCGIFCONF, &list)));
  fact("%d, first %s, %s", list.ifc_len == sizeof(struct ifreq), records[0].ifr_name, inet_ntoa(((struct sockaddr_in *)&records[0].ifr_addr)->sin_addr));
  if (geteuid() == 0)
    IN_CHILD("by a user", setresuid(1000, 1000, 1000); strcpy(record.ifr_name, "lo"); record.ifr_flags = IFF_UP; fact("set flags: %s", outcome(ioctl(fd, SIOCSIFFLAGS, &record))));
  close(fd);
}

int main(void) {
  time_limit();
  making();
  names();
  options();
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  links(fd);
  addresses(fd);
  requests(fd);
  library();
  ioctls();
  return 0;
}
