/* Options of SOL_SOCKET: socket(7). */
#include "socket-facts.h"

static const struct { int option; const char *name; } options[] = {
#define OPTION(name) {name, #name}
    OPTION(SO_DEBUG), OPTION(SO_REUSEADDR), OPTION(SO_TYPE), OPTION(SO_ERROR), OPTION(SO_DONTROUTE), OPTION(SO_BROADCAST),
    OPTION(SO_SNDBUF), OPTION(SO_RCVBUF), OPTION(SO_KEEPALIVE), OPTION(SO_OOBINLINE), OPTION(SO_NO_CHECK), OPTION(SO_PRIORITY),
    OPTION(SO_BSDCOMPAT), OPTION(SO_PASSCRED), OPTION(SO_RCVLOWAT), OPTION(SO_SNDLOWAT), OPTION(SO_TIMESTAMP), OPTION(SO_ACCEPTCONN),
    OPTION(SO_PASSSEC), OPTION(SO_TIMESTAMPNS), OPTION(SO_MARK), OPTION(SO_PROTOCOL), OPTION(SO_DOMAIN), OPTION(SO_RXQ_OVFL),
    OPTION(SO_PEEK_OFF),
};

static void all(int fd) {
  for (size_t i = 0; i < COUNT(options); i++) {
    int before = int_option(fd, SOL_SOCKET, options[i].option);
    const char *set = outcome(set_int(fd, SOL_SOCKET, options[i].option, 1));
    fact("%s: %d, set to 1: %s, %d", options[i].name, before, set, int_option(fd, SOL_SOCKET, options[i].option));
  }
}

static void times(int fd) {
  static const struct timeval values[] = {{1, 500000}, {0, 0}, {-1, 0}, {0, 1000000}, {0, -1}, {3, 0}};
  for (size_t i = 0; i < COUNT(values); i++) {
    struct timeval now = {-7, -7};
    socklen_t length = sizeof now;
    const char *set = outcome(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &values[i], sizeof values[i]));
    getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &now, &length);
    fact("time limit %ld.%06ld: %s, %ld.%06ld, length %d", values[i].tv_sec, values[i].tv_usec, set, now.tv_sec, now.tv_usec, length);
  }
  fact("short: %s", outcome(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &values[0], 8)));
}

static void buffers(int fd) {
  static const int sizes[] = {0, 1, 2303, 2304, 4608, 10000, 212992};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    set_int(fd, SOL_SOCKET, SO_SNDBUF, sizes[i]);
    set_int(fd, SOL_SOCKET, SO_RCVBUF, sizes[i]);
    fact("buffer %d: %d, %d", sizes[i], int_option(fd, SOL_SOCKET, SO_SNDBUF), int_option(fd, SOL_SOCKET, SO_RCVBUF));
  }
  if (geteuid() == 0) {
    set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20);
    set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20);
    fact("forced: %d, %d", int_option(fd, SOL_SOCKET, SO_SNDBUF), int_option(fd, SOL_SOCKET, SO_RCVBUF));
  }
}

static void lingering(int fd) {
  struct linger value = {9, 9};
  socklen_t length = sizeof value;
  fact("linger: %s", outcome(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length)));
  fact("%d %d, length %d", value.l_onoff, value.l_linger, length);
  value = (struct linger){5, 7};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value);
  getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length);
  fact("%d %d", value.l_onoff, value.l_linger);
  value = (struct linger){0, 3};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value);
  getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length);
  fact("%d %d", value.l_onoff, value.l_linger);
  fact("short: %s", outcome(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, 4)));
}

static void lengths(int fd) {
  char buffer[16];
  for (socklen_t room = 0; room <= 8; room++) {
    memset(buffer, '-', sizeof buffer);
    socklen_t length = room;
    const char *result = outcome(getsockopt(fd, SOL_SOCKET, SO_TYPE, buffer, &length));
    fact("room %d: %s, length %d, bytes %02x%02x%02x%02x%02x", room, result, length, buffer[0], buffer[1], buffer[2], buffer[3], buffer[4]);
  }
  int value[2] = {1, 7};
  fact("longer than an int: %s", outcome(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, value, 8)));
}

static void unprivileged(void) {
  if (geteuid() != 0) return;
  pid_t child = fork();
  if (child == 0) {
    setresuid(1000, 1000, 1000);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    fact("debug: %s, %s", outcome(set_int(fd, SOL_SOCKET, SO_DEBUG, 1)), outcome(set_int(fd, SOL_SOCKET, SO_DEBUG, 0)));
    fact("forced: %s", outcome(set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20)));
    fact("priority: %s, %s, %s", outcome(set_int(fd, SOL_SOCKET, SO_PRIORITY, 6)), outcome(set_int(fd, SOL_SOCKET, SO_PRIORITY, 7)),
         outcome(set_int(fd, SOL_SOCKET, SO_PRIORITY, -1)));
    fact("mark: %s", outcome(set_int(fd, SOL_SOCKET, SO_MARK, 1)));
    _exit(0);
  }
  fact("child %s", join(child));
}

static void peers(void) {
  int pair[2];
  char buffer[128];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  socklen_t length = sizeof buffer;
  fact("peer name, too much room: %s", outcome(getsockopt(pair[0], SOL_SOCKET, 28, buffer, &length)));
  length = 2;
  fact("peer name: %s", outcome(getsockopt(pair[0], SOL_SOCKET, 28, buffer, &length)));
  fact("length %d", length);
  int lone = socket(AF_UNIX, SOCK_STREAM, 0);
  length = sizeof buffer;
  fact("without a peer: %s", outcome(getsockopt(lone, SOL_SOCKET, 28, buffer, &length)));
  length = sizeof buffer;
  fact("groups without a peer: %s", outcome(getsockopt(lone, SOL_SOCKET, SO_PEERGROUPS, buffer, &length)));
  length = 4;
  fact("room for no cookie: %s", outcome(getsockopt(lone, SOL_SOCKET, SO_COOKIE, buffer, &length)));
  unsigned long one = 0, two = 0;
  length = 8;
  getsockopt(pair[0], SOL_SOCKET, SO_COOKIE, &one, &length);
  getsockopt(pair[1], SOL_SOCKET, SO_COOKIE, &two, &length);
  fact("cookies differ: %d", one != two && one != 0);
  fact("low water: %s", outcome(set_int(pair[0], SOL_SOCKET, SO_RCVLOWAT, -5)));
  fact("%d", int_option(pair[0], SOL_SOCKET, SO_RCVLOWAT));
  set_int(pair[0], SOL_SOCKET, SO_RCVLOWAT, 0);
  fact("%d", int_option(pair[0], SOL_SOCKET, SO_RCVLOWAT));
}

int main(void) {
  int fd;
  time_limit();
  fact("-- unix stream");
  all(fd = socket(AF_UNIX, SOCK_STREAM, 0));
  times(fd), buffers(fd), lingering(fd), lengths(fd);
  fact("-- unix dgram");
  all(socket(AF_UNIX, SOCK_DGRAM, 0));
  unprivileged();
  peers();
  return 0;
}
