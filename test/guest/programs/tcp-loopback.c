/* TCP over lo: tcp(7). */
#include "inet-facts.h"
#include <pthread.h>

static int pair[2];

/* A connection; returns its port at the server. */
static int connected(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  inet_bind(listener, "127.0.0.1", 0);
  listen(listener, 5);
  int port = port_of(listener);
  pair[0] = socket(AF_INET, SOCK_STREAM, 0);
  inet_connect(pair[0], "127.0.0.1", port);
  pair[1] = accept(listener, NULL, NULL);
  close(listener);
  return port;
}
static void done(void) { close(pair[0]), close(pair[1]); }

static const char *state_of(int fd) {
  static const char *const names[] = {"?", "established", "syn-sent", "syn-received", "fin-wait-1", "fin-wait-2", "time-wait", "closed", "close-wait", "last-ack", "listen", "closing"};
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return strerrorname_np(errno);
  return names[info.tcpi_state];
}

static void connecting(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  char buffer[8];
  fact("fresh: events %s, state %s", all_events(client), state_of(client));
  fact("accept: %s", outcome(accept(listener, NULL, NULL)));
  fact("send: %s", outcome(send(client, "x", 1, MSG_NOSIGNAL)));
  fact("recv: %s", outcome(recv(client, buffer, 1, 0)));
  fact("shutdown: %s", outcome(shutdown(client, SHUT_RDWR)));
  close(client);
  client = socket(AF_INET, SOCK_STREAM, 0);
  fact("listen unbound: %s", outcome(listen(listener, 5)));
  fact("name: %s", inet_own(listener));
  fact("state %s, accepts %d, events %s", state_of(listener), int_option(listener, SOL_SOCKET, SO_ACCEPTCONN), all_events(listener));
  int port = port_of(listener);
  fact("connect: %s", outcome(inet_connect(client, "127.0.0.1", port)));
  fact("again: %s", outcome(inet_connect(client, "127.0.0.1", port)));
  fact("names: %s; %s", inet_own(client), inet_peer(client));
  fact("listener: events %s", all_events(listener));
  any_address address;
  socklen_t length = sizeof address;
  int accepted = accept4(listener, (void *)&address, &length, SOCK_CLOEXEC);
  fact("from %s", inet_shown(&address, length));
  fact("its port is the client's: %d", ntohs(((struct sockaddr_in *)&address)->sin_port) == port_of(client));
  fact("names: %s; %s", inet_own(accepted), inet_peer(accepted));
  fact("states: %s, %s", state_of(client), state_of(accepted));
  fact("events: %s", all_events(client));
  fact("connect of a listener: %s", outcome(inet_connect(listener, "127.0.0.1", port)));
  fact("recv on a listener: %s", outcome(recv(listener, buffer, 1, 0)));
  fact("send on a listener: %s", outcome(send(listener, "x", 1, MSG_NOSIGNAL)));
  fact("bind of a connection: %s", outcome(inet_bind(client, "127.0.0.1", 0)));
  fact("listen on a connection: %s", outcome(listen(client, 1)));
  fact("accept of a connection: %s", outcome(accept(client, NULL, NULL)));
  fact("address is ignored: %s", outcome(inet_send(client, "x", "127.0.0.1", 9)));
  fact("oob without any: %s", outcome(recv(accepted, buffer, 1, MSG_OOB)));
  close(client), close(accepted), close(listener);

  client = socket(AF_INET, SOCK_STREAM, 0);
  port = free_port(SOCK_STREAM);
  fact("nobody listens: %s", outcome(inet_connect(client, "127.0.0.1", port)));
  fact("again: %s", outcome(inet_connect(client, "127.0.0.1", port)));
  fact("events: %s", all_events(client));
  fact("short address: %s", outcome(connect(client, (void *)"\2\0\0\0", 4)));
  fact("very short: %s", outcome(connect(client, (void *)"\2", 1)));
  fact("group: %s", outcome(inet_connect(client, "224.0.0.1", 9)));
  close(client);
  client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  fact("without waiting: %s", outcome(inet_connect(client, "127.0.0.1", port)));
  nap(10);
  fact("events: %s", all_events(client));
  fact("error: %s", strerrorname_np(int_option(client, SOL_SOCKET, SO_ERROR)));
  fact("error: %d", int_option(client, SOL_SOCKET, SO_ERROR));
  close(client);

  listener = socket(AF_INET, SOCK_STREAM, 0);
  listen(listener, 5);
  client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  fact("without waiting: %s", outcome(inet_connect(client, "127.0.0.1", port_of(listener))));
  nap(10);
  fact("events: %s", all_events(client));
  fact("error: %d", int_option(client, SOL_SOCKET, SO_ERROR));
  fact("again: %s", outcome(inet_connect(client, "127.0.0.1", port_of(listener))));
  fact("and again: %s", outcome(inet_connect(client, "127.0.0.1", port_of(listener))));
  close(listener);
  nap(10);
  fact("listener gone: events %s", all_events(client));
  fact("recv: %s", outcome(recv(client, buffer, 1, 0)));
  fact("recv: %s", outcome(recv(client, buffer, 1, 0)));
  close(client);
}

static void data(void) {
  char buffer[32] = "";
  connected();
  fact("write: %s", outcome(write(pair[0], "hello", 5)));
  nap(5);
  fact("pending %d, events %s", pending(pair[1]), all_events(pair[1]));
  fact("peek: %s %s", outcome(recv(pair[1], buffer, 3, MSG_PEEK)), buffer);
  fact("read: %s %s", outcome(recv(pair[1], buffer, sizeof buffer, 0)), buffer);
  fact("nothing: %s", outcome(recv(pair[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  write(pair[0], "dropped", 7);
  nap(5);
  fact("trunc: %s", outcome(recv(pair[1], NULL, 4, MSG_TRUNC)));
  memset(buffer, 0, sizeof buffer);
  fact("read: %s %s", outcome(recv(pair[1], buffer, sizeof buffer, 0)), buffer);
  struct iovec parts[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  fact("writev: %s", outcome(writev(pair[1], parts, 3)));
  nap(5);
  memset(buffer, 0, sizeof buffer);
  fact("read: %s %s", outcome(read(pair[0], buffer, sizeof buffer)), buffer);
  fact("read of 0 bytes: %s", outcome(read(pair[0], buffer, 0)));
  fact("write of 0 bytes: %s", outcome(write(pair[0], buffer, 0)));
  fact("bad address: %s", outcome(syscall(SYS_write, pair[0], (void *)8, 4)));
  fact("lseek: %s", outcome(lseek(pair[0], 0, SEEK_CUR)));
  done();
}

static void closing(void) {
  char buffer[8];
  connected();
  write(pair[0], "rest", 4);
  fact("shutdown: %s", outcome(shutdown(pair[0], SHUT_WR)));
  nap(10);
  fact("state: %s", state_of(pair[1]));
  fact("events: %s; %s", all_events(pair[0]), all_events(pair[1]));
  fact("send: %s", outcome(send(pair[0], "x", 1, MSG_NOSIGNAL)));
  fact("read: %s", outcome(read(pair[1], buffer, 8)));
  fact("read: %s", outcome(read(pair[1], buffer, 8)));
  fact("other way: %s", outcome(write(pair[1], "back", 4)));
  nap(5);
  fact("read: %s", outcome(read(pair[0], buffer, 8)));
  close(pair[1]);
  nap(10);
  fact("state: %s, events %s", state_of(pair[0]), all_events(pair[0]));
  fact("read: %s", outcome(read(pair[0], buffer, 8)));
  fact("peer: %s", inet_peer(pair[0]));
  fact("shutdown: %s", outcome(shutdown(pair[0], SHUT_RDWR)));
  close(pair[0]);

  connected();
  close(pair[0]);
  nap(10);
  fact("closed: state %s, events %s", state_of(pair[1]), all_events(pair[1]));
  fact("read: %s", outcome(read(pair[1], buffer, 8)));
  fact("first write: %s", outcome(send(pair[1], "x", 1, MSG_NOSIGNAL)));
  nap(10);
  fact("events: %s", all_events(pair[1]));
  fact("second: %s", outcome(send(pair[1], "x", 1, MSG_NOSIGNAL)));
  fact("read: %s", outcome(read(pair[1], buffer, 8)));
  close(pair[1]);

  connected();
  write(pair[1], "unread", 6);
  nap(10);
  close(pair[0]);
  nap(10);
  fact("unread data: events %s", all_events(pair[1]));
  fact("read: %s", outcome(read(pair[1], buffer, 8)));
  fact("read: %s", outcome(read(pair[1], buffer, 8)));
  close(pair[1]);

  connected();
  struct linger hard = {1, 0};
  setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(pair[0]);
  nap(10);
  fact("linger of 0: error %s", strerrorname_np(int_option(pair[1], SOL_SOCKET, SO_ERROR)));
  fact("write: %s", outcome(send(pair[1], "x", 1, MSG_NOSIGNAL)));
  close(pair[1]);

  connected();
  fact("shutdown read: %s", outcome(shutdown(pair[0], SHUT_RD)));
  fact("events: %s", all_events(pair[0]));
  fact("read: %s", outcome(read(pair[0], buffer, 8)));
  fact("the peer writes: %s", outcome(send(pair[1], "x", 1, MSG_NOSIGNAL)));
  nap(5);
  fact("read: %s", outcome(read(pair[0], buffer, 8)));
  done();

  connected();
  IN_CHILD("write after shutdown", shutdown(pair[0], SHUT_WR); fact("write: %s", outcome(write(pair[0], "x", 1))));
  done();

  connected();
  shutdown(pair[0], SHUT_WR), shutdown(pair[1], SHUT_WR);
  nap(10);
  fact("both: events %s; %s", all_events(pair[0]), all_events(pair[1]));
  fact("disconnect: %s", outcome(connect(pair[1], (void *)"\0\0", 2)));
  fact("state: %s", state_of(pair[1]));
  done();
}

static void ports(void) {
  int port = connected(), fd = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
  fact("a connection has the port: %s", outcome(inet_bind(fd, "127.0.0.1", port)));
  set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  fact("reuse by one side: %s", outcome(inet_bind(fd, "127.0.0.1", port)));
  close(pair[1]);
  nap(10);
  close(pair[0]);
  nap(10);
  fact("time-wait: %s", outcome(inet_bind(other, "127.0.0.1", port)));
  close(fd), close(other);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  set_int(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  inet_bind(listener, "127.0.0.1", 0);
  listen(listener, 1);
  port = port_of(listener);
  pair[0] = socket(AF_INET, SOCK_STREAM, 0);
  inet_connect(pair[0], "127.0.0.1", port);
  pair[1] = accept(listener, NULL, NULL);
  fact("inherited: %d", int_option(pair[1], SOL_SOCKET, SO_REUSEADDR));
  fd = socket(AF_INET, SOCK_STREAM, 0);
  set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  fact("while it listens: %s", outcome(inet_bind(fd, "127.0.0.1", port)));
  close(listener);
  fact("once it does not: %s", outcome(inet_bind(fd, "127.0.0.1", port)));
  fact("listen: %s", outcome(listen(fd, 1)));
  close(fd);
  done();
  fd = socket(AF_INET, SOCK_STREAM, 0);
  port = free_port(SOCK_STREAM);
  inet_bind(fd, "127.0.0.1", port);
  fact("to itself: %s", outcome(inet_connect(fd, "127.0.0.1", port)));
  fact("write: %s", outcome(write(fd, "me", 2)));
  char buffer[8] = "";
  fact("read: %s %s", outcome(read(fd, buffer, 8)), buffer);
  close(fd);
}

static void version6(void) {
  int listener = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0), four = socket(AF_INET, SOCK_STREAM, 0);
  inet_bind(listener, "::", 0);
  listen(listener, 5);
  fact("v6: %s", outcome(inet_connect(client, "::1", port_of(listener))));
  int accepted = accept(listener, NULL, NULL);
  fact("names: %s; %s", inet_own(accepted), inet_peer(accepted));
  close(accepted);
  fact("v4: %s", outcome(inet_connect(four, "127.0.0.1", port_of(listener))));
  accepted = accept(listener, NULL, NULL);
  fact("names: %s; %s", inet_own(accepted), inet_peer(accepted));
  close(accepted), close(four), close(client);
  client = socket(AF_INET6, SOCK_STREAM, 0);
  fact("mapped: %s", outcome(inet_connect(client, "::ffff:127.0.0.1", port_of(listener))));
  fact("names: %s; %s", inet_own(client), inet_peer(client));
  close(client), close(listener);
  client = socket(AF_INET6, SOCK_STREAM, 0);
  fact("nobody: %s", outcome(inet_connect(client, "::1", free_port(SOCK_STREAM))));
  fact("no family: %s", outcome(inet_connect(client, "127.0.0.1", 9)));
  close(client);
}

static void *drain(void *sum) {
  static char buffer[70000];
  ssize_t count;
  while ((count = read(pair[1], buffer, sizeof buffer)) > 0)
    for (ssize_t i = 0; i < count; i++) *(unsigned *)sum = *(unsigned *)sum * 31 + (unsigned char)buffer[i];
  fact("end: %s", outcome(count));
  return NULL;
}

static char bulk[8 << 20];

static void much(void) {
  unsigned sum = 0, expected = 0;
  for (size_t i = 0; i < sizeof bulk; i++) {
    bulk[i] = i * 7 + (i >> 9);
    expected = expected * 31 + (unsigned char)bulk[i];
  }
  pthread_t thread;
  connected();
  pthread_create(&thread, NULL, drain, &sum);
  fact("write of much: %s", outcome(write(pair[0], bulk, sizeof bulk)));
  shutdown(pair[0], SHUT_WR);
  pthread_join(thread, NULL);
  fact("arrived as sent: %d", sum == expected);
  done();
  connected();
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  ssize_t count = 0, part;
  while ((part = write(pair[0], bulk, sizeof bulk)) > 0) count += part;
  fact("without waiting: some %d, then %s", count > 100000, strerrorname_np(errno));
  fact("events: %s", all_events(pair[0]));
  ssize_t got = 0;
  while (got < count && (part = read(pair[1], bulk, 50000)) > 0) got += part;
  fact("all of it: %d", got == count);
  nap(10);
  fact("events: %s", all_events(pair[0]));
  done();
}

/* Small buffers at both ends: the window closes and opens again. */
static void windows(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  unsigned sum = 0, expected = 0;
  set_int(listener, SOL_SOCKET, SO_RCVBUF, 4000);
  listen(listener, 1);
  pair[0] = socket(AF_INET, SOCK_STREAM, 0);
  set_int(pair[0], SOL_SOCKET, SO_SNDBUF, 10000);
  inet_connect(pair[0], "127.0.0.1", port_of(listener));
  pair[1] = accept(listener, NULL, NULL);
  fact("buffers %d, %d", int_option(pair[0], SOL_SOCKET, SO_SNDBUF), int_option(pair[1], SOL_SOCKET, SO_RCVBUF));
  for (size_t i = 0; i < 200000; i++) expected = expected * 31 + (unsigned char)bulk[i];
  pthread_t thread;
  pthread_create(&thread, NULL, drain, &sum);
  fact("write: %s", outcome(write(pair[0], bulk, 200000)));
  shutdown(pair[0], SHUT_WR);
  pthread_join(thread, NULL);
  fact("arrived as sent: %d", sum == expected);
  close(listener);
  done();
}

static void options(void) {
  static const struct { int option; const char *name; int value; } cases[] = {
      {TCP_NODELAY, "nodelay", 1}, {TCP_NODELAY, "nodelay", 0}, {TCP_CORK, "cork", 1}, {TCP_CORK, "cork", 0}, {TCP_KEEPIDLE, "keepidle", 10},
      {TCP_KEEPIDLE, "keepidle", 0}, {TCP_KEEPINTVL, "keepintvl", 5}, {TCP_KEEPCNT, "keepcnt", 3}, {TCP_KEEPCNT, "keepcnt", 128}, {TCP_SYNCNT, "syncnt", 2},
      {TCP_USER_TIMEOUT, "user timeout", 1000}, {TCP_USER_TIMEOUT, "user timeout", -1}, {TCP_LINGER2, "linger2", 20}, {9999, "unknown", 1},
  };
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  for (size_t i = 0; i < COUNT(cases); i++) {
    int before = int_option(fd, IPPROTO_TCP, cases[i].option);
    const char *set = outcome(set_int(fd, IPPROTO_TCP, cases[i].option, cases[i].value));
    fact("%s: %d, set to %d: %s, %d", cases[i].name, before, cases[i].value, set, int_option(fd, IPPROTO_TCP, cases[i].option));
  }
  fact("buffers: %d, %d", int_option(fd, SOL_SOCKET, SO_SNDBUF), int_option(fd, SOL_SOCKET, SO_RCVBUF));
  fact("short: %s", outcome(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, "", 1)));
  close(fd);
  connected();
  fact("segment over lo: %d", int_option(pair[0], IPPROTO_TCP, TCP_MAXSEG) > 32000);
  fact("fresh error: %d", int_option(pair[0], SOL_SOCKET, SO_ERROR));
  done();
}

static void on_signal(int signal) { (void)signal; }

static void waits(void) {
  char buffer[4];
  struct sigaction action = {.sa_handler = on_signal};
  struct itimerval timer = {{0, 0}, {0, 20000}};
  struct timeval limit = {0, 30000};
  sigaction(SIGALRM, &action, NULL);
  connected();
  setitimer(ITIMER_REAL, &timer, NULL);
  fact("read: %s", outcome(read(pair[0], buffer, 1)));
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fact("with a time limit: %s", outcome(read(pair[0], buffer, 1)));
  setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ssize_t count = write(pair[0], bulk, sizeof bulk);
  while (count > 0) count = write(pair[0], bulk, sizeof bulk);
  fact("write with a time limit: %s", outcome(count));
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  listen(listener, 1);
  setitimer(ITIMER_REAL, &timer, NULL);
  fact("accept: %s", outcome(accept(listener, NULL, NULL)));
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fact("with a time limit: %s", outcome(accept(listener, NULL, NULL)));
  fcntl(listener, F_SETFL, O_NONBLOCK);
  fact("without waiting: %s", outcome(accept(listener, NULL, NULL)));
  close(listener);
  done();
}

int main(void) {
  time_limit();
  connecting();
  data();
  closing();
  ports();
  version6();
  much();
  windows();
  options();
  waits();
  return 0;
}
