/* What the programs about IP share. */
#ifndef INET_FACTS_H
#define INET_FACTS_H
#include "socket-facts.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

typedef struct sockaddr_storage any_address;

static inline socklen_t inet_name(any_address *address, const char *text, int port) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *v4 = (void *)address;
  struct sockaddr_in6 *v6 = (void *)address;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return sizeof *v4;
  }
  inet_pton(AF_INET6, text, &v6->sin6_addr);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  return sizeof *v6;
}

static inline int port_of(int fd) {
  any_address address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (void *)&address, &length) < 0) return -1;
  return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* Without the port, which differs; but whether there is one. */
static inline const char *inet_shown(const any_address *address, socklen_t length) {
  static char texts[4][100];
  static int next;
  char *text = texts[next++ % 4], host[INET6_ADDRSTRLEN] = "?";
  const struct sockaddr_in *v4 = (const void *)address;
  const struct sockaddr_in6 *v6 = (const void *)address;
  if (length == 0) return "none";
  if (address->ss_family == AF_INET) inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
  else if (address->ss_family == AF_INET6) inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
  snprintf(text, 100, "%s%s, length %d", host, v4->sin_port ? " with a port" : "", length);
  return text;
}
static inline const char *inet_own(int fd) {
  any_address address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (void *)&address, &length) < 0) return strerrorname_np(errno);
  return inet_shown(&address, length);
}
static inline const char *inet_peer(int fd) {
  any_address address;
  socklen_t length = sizeof address;
  if (getpeername(fd, (void *)&address, &length) < 0) return strerrorname_np(errno);
  return inet_shown(&address, length);
}

static inline int inet_bind(int fd, const char *text, int port) {
  any_address address;
  socklen_t length = inet_name(&address, text, port);
  return bind(fd, (void *)&address, length);
}
static inline int inet_connect(int fd, const char *text, int port) {
  any_address address;
  socklen_t length = inet_name(&address, text, port);
  return connect(fd, (void *)&address, length);
}
static inline ssize_t inet_send(int fd, const char *data, const char *text, int port) {
  any_address address;
  socklen_t length = inet_name(&address, text, port);
  return sendto(fd, data, strlen(data), 0, (void *)&address, length);
}

/* A port that nobody has now. */
static inline int free_port(int type) {
  int fd = socket(AF_INET, type, 0);
  inet_bind(fd, "127.0.0.1", 0);
  int port = port_of(fd);
  close(fd);
  return port;
}
#endif
