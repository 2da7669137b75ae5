/* Unix datagram sockets: unix(7). */
#include "socket-facts.h"
#include <pthread.h>

static ssize_t send_to(int fd, const char *text, const char *to, int flags) {
  struct sockaddr_un address;
  socklen_t length = name(&address, to);
  return sendto(fd, text, strlen(text), flags, (struct sockaddr *)&address, length);
}

static void receive(int fd, size_t size, int flags) {
  char buffer[64] = "";
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  memset(&address, 0, sizeof address);
  ssize_t count = recvfrom(fd, buffer, size, flags | MSG_DONTWAIT, (struct sockaddr *)&address, &length);
  if (count < 0) fact("recvfrom: %s", strerrorname_np(errno));
  else fact("recvfrom: %zd '%s' from %s", count, buffer, shown(&address, length));
}

static void addresses(void) {
  int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
  fact("events: %s", all_events(a));
  fact("send without an address: %s", outcome(send(a, "x", 1, 0)));
  fact("send to nobody: %s", outcome(send_to(a, "x", "@nobody at all", 0)));
  fact("bind: %s", outcome(bind_to(a, "dgram")));
  fact("bind: %s", outcome(bind_to(b, "@dgram b")));
  fact("listen: %s", outcome(listen(a, 1)));
  fact("accept: %s", outcome(accept(a, NULL, NULL)));
  fact("send: %s", outcome(send_to(b, "from b", "dgram", 0)));
  receive(a, 64, 0);
  int c = socket(AF_UNIX, SOCK_DGRAM, 0);
  send_to(c, "from unnamed", "dgram", 0);
  receive(a, 64, 0);
  send_to(c, "cut", "dgram", 0);
  receive(a, 2, 0);
  receive(a, 64, 0);
  send_to(c, "cut", "dgram", 0);
  receive(a, 2, MSG_TRUNC | MSG_PEEK);
  receive(a, 2, MSG_TRUNC);
  send_to(c, "", "dgram", 0);
  fact("empty message: events %s, pending %d", all_events(a), pending(a));
  receive(a, 64, 0);
  send_to(c, "one", "dgram", 0);
  send_to(c, "three", "dgram", 0);
  fact("pending %d", pending(a));
  receive(a, 64, 0);
  receive(a, 64, 0);
  fact("to itself: %s", outcome(send_to(a, "self", "dgram", 0)));
  receive(a, 64, 0);
  int stream = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("stream to dgram: %s", outcome(connect_to(stream, "dgram")));
  close(stream);
  unlink("dgram");
  close(a), close(b), close(c);
}

static void connected(void) {
  int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind_to(a, "@conn a"), bind_to(b, "@conn b"), bind_to(c, "@conn c");
  fact("connect: %s", outcome(connect_to(a, "@conn b")));
  fact("peer: %s", peer_name(a));
  fact("send: %s", outcome(send(a, "to b", 4, 0)));
  receive(b, 64, 0);
  fact("to another all the same: %s", outcome(send_to(a, "to c", "@conn c", 0)));
  receive(c, 64, 0);
  fact("b connects to a: %s", outcome(connect_to(b, "@conn a")));
  fact("c may not send to b: %s", outcome(send_to(c, "x", "@conn b", 0)));
  fact("nor connect: %s", outcome(connect_to(c, "@conn b")));
  fact("a reconnects: %s", outcome(connect_to(a, "@conn c")));
  fact("send: %s", outcome(send(a, "to c", 4, 0)));
  receive(c, 64, 0);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  fact("disconnect: %s", outcome(connect(a, &none, sizeof none)));
  fact("peer: %s", peer_name(a));
  fact("send: %s", outcome(send(a, "x", 1, 0)));
  connect_to(a, "@conn c");
  close(c);
  fact("events after the peer has closed: %s", all_events(a));
  fact("send: %s", outcome(send(a, "x", 1, 0)));
  fact("send: %s", outcome(send(a, "x", 1, 0)));
  fact("short address: %s", outcome(connect(a, &none, 1)));
  close(a), close(b);
}

static void limits(void) {
  int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  bind_to(a, "@limits");
  connect_to(b, "@limits");
  int sent = 0;
  while (send(b, "x", 1, 0) == 1) sent++;
  fact("messages until it is full: %d (%s)", sent, strerrorname_np(errno));
  fact("events: %s", all_events(b));
  receive(a, 64, 0);
  fact("events: %s", all_events(b));
  fact("send: %s", outcome(send(b, "x", 1, 0)));
  struct timeval limit = {0, 20000};
  fcntl(b, F_SETFL, 0);
  setsockopt(b, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  fact("send with a time limit: %s", outcome(send(b, "x", 1, 0)));
  static char big[1 << 20];
  fact("too large: %s", outcome(send(b, big, sizeof big, 0)));
  close(a), close(b);

  int fds[2];
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds);
  fact("large: %s", outcome(send(fds[0], big, 100000, 0)));
  fact("received: %s", outcome(recv(fds[1], big, sizeof big, 0)));
  set_int(fds[0], SOL_SOCKET, SO_SNDBUF, 10000);
  fact("buffer %d", int_option(fds[0], SOL_SOCKET, SO_SNDBUF));
  fact("too large for the buffer: %s", outcome(send(fds[0], big, 20000, 0)));
  fact("just fits: %s", outcome(send(fds[0], big, 20000 - 32, 0)));
  sent = 0;
  while (send(fds[0], "x", 1, 0) == 1) sent++;
  fact("more is a matter of memory: %s", strerrorname_np(errno));
  fact("events: %s", all_events(fds[0]));
  while (recv(fds[1], big, sizeof big, 0) > 0) continue;
  fact("events: %s", all_events(fds[0]));
  close(fds[0]), close(fds[1]);
}

static int receiver;
static void *late_reader(void *unused) {
  char buffer[8];
  nap(20);
  recv(receiver, buffer, sizeof buffer, 0);
  return unused;
}

static void blocking(void) {
  int b = socket(AF_UNIX, SOCK_DGRAM, 0);
  receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind_to(receiver, "@blocking");
  while (send_to(b, "fill", "@blocking", MSG_DONTWAIT) == 4) continue;
  pthread_t thread;
  pthread_create(&thread, NULL, late_reader, NULL);
  fact("send that waits: %s", outcome(send_to(b, "waited", "@blocking", 0)));
  pthread_join(thread, NULL);
  while (send_to(b, "fill", "@blocking", MSG_DONTWAIT) == 4) continue;
  connect_to(b, "@blocking");
  pthread_create(&thread, NULL, late_reader, NULL);
  struct pollfd item = {b, POLLOUT, 0};
  fact("poll: %d", poll(&item, 1, 5000));
  pthread_join(thread, NULL);
  close(b), close(receiver);
}

static void errors_of_peers(void) {
  int fds[2];
  char buffer[8];
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds);
  int c = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind_to(c, "@errors c");
  send(fds[1], "lost", 4, 0);
  fact("reconnect with a message unread: %s", outcome(connect_to(fds[0], "@errors c")));
  fact("the former peer: events %s", all_events(fds[1]));
  fact("error %d", int_option(fds[1], SOL_SOCKET, SO_ERROR));
  fact("the message: %s", outcome(recv(fds[0], buffer, 8, 0)));
  fact("send of the former peer: %s", outcome(send(fds[1], "x", 1, 0)));
  close(c), close(fds[0]);
  fact("and once its peer has closed: %s", outcome(send(fds[1], "x", 1, 0)));
  close(fds[1]);
}

int main(void) {
  time_limit();
  addresses();
  connected();
  limits();
  blocking();
  errors_of_peers();
  return 0;
}
