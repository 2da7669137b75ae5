/* What the programs about sockets share. */
#ifndef SOCKET_FACTS_H
#define SOCKET_FACTS_H
#include "facts.h"
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The events that hold now, by name. */
static inline const char *events_of(int fd, short wanted) {
  static char texts[4][128];
  static int next;
  char *text = texts[next++ % 4];
  static const struct { short bit; const char *name; } names[] = {
      {POLLIN, "IN"},   {POLLPRI, "PRI"}, {POLLOUT, "OUT"},     {POLLERR, "ERR"},      {POLLHUP, "HUP"},
      {POLLNVAL, "NVAL"}, {POLLRDNORM, "RDNORM"}, {POLLWRNORM, "WRNORM"}, {POLLRDHUP, "RDHUP"},
  };
  struct pollfd item = {fd, wanted, 0};
  poll(&item, 1, 0);
  text[0] = 0;
  for (size_t i = 0; i < COUNT(names); i++)
    if (item.revents & names[i].bit) {
      if (text[0]) strcat(text, "|");
      strcat(text, names[i].name);
    }
  if (!text[0]) strcpy(text, "-");
  return text;
}
static inline const char *all_events(int fd) {
  return events_of(fd, POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP);
}

static inline const char *message_flags(int flags) {
  static char text[128];
  snprintf(text, sizeof text, "%s%s%s%s%s%#x", flags & MSG_TRUNC ? "TRUNC|" : "", flags & MSG_CTRUNC ? "CTRUNC|" : "",
           flags & MSG_EOR ? "EOR|" : "", flags & MSG_OOB ? "OOB|" : "", flags & MSG_CMSG_CLOEXEC ? "CLOEXEC|" : "",
           flags & ~(MSG_TRUNC | MSG_CTRUNC | MSG_EOR | MSG_OOB | MSG_CMSG_CLOEXEC));
  return text;
}

/* The address of a path, or of an abstract name if it begins with '@'. Returns the length. */
static inline socklen_t name(struct sockaddr_un *address, const char *text) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  size_t length = strlen(text);
  memcpy(address->sun_path, text, length);
  if (text[0] != '@') return offsetof(struct sockaddr_un, sun_path) + length + 1;
  address->sun_path[0] = 0;
  return offsetof(struct sockaddr_un, sun_path) + length;
}

static inline int bind_to(int fd, const char *text) {
  struct sockaddr_un address;
  socklen_t length = name(&address, text);
  return bind(fd, (struct sockaddr *)&address, length);
}
static inline int connect_to(int fd, const char *text) {
  struct sockaddr_un address;
  socklen_t length = name(&address, text);
  return connect(fd, (struct sockaddr *)&address, length);
}

static inline const char *shown(const struct sockaddr_un *address, socklen_t length) {
  static char texts[4][160];
  static int next;
  char *text = texts[next++ % 4];
  if (length == 0) snprintf(text, 160, "none");
  else if (length <= offsetof(struct sockaddr_un, sun_path)) snprintf(text, 160, "family %d, length %d", address->sun_family, length);
  else if (address->sun_path[0] == 0)
    snprintf(text, 160, "@%.*s, length %d", (int)(length - offsetof(struct sockaddr_un, sun_path) - 1), address->sun_path + 1, length);
  else snprintf(text, 160, "%s, length %d", address->sun_path, length);
  return text;
}

static inline const char *own_name(int fd) {
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  memset(&address, 0, sizeof address);
  if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return strerrorname_np(errno);
  return shown(&address, length);
}
static inline const char *peer_name(int fd) {
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  memset(&address, 0, sizeof address);
  if (getpeername(fd, (struct sockaddr *)&address, &length) < 0) return strerrorname_np(errno);
  return shown(&address, length);
}

static inline int pending(int fd) {
  int count = -1;
  return ioctl(fd, FIONREAD, &count) < 0 ? -errno : count;
}

static inline int int_option(int fd, int level, int option) {
  int value = -12345;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, option, &value, &length) < 0 ? -errno : value;
}
static inline int set_int(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

/* Fails the program rather than let it hang. */
static inline void time_limit(void) { alarm(10); }

static inline void nap(int ms) { usleep(ms * 1000); }

#endif
