/* Unix stream sockets: names, connecting, accepting, blocking. unix(7) */
#include "socket-facts.h"
#include <pthread.h>
#include <sys/stat.h>

static void naming(void) {
  struct stat status;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("unbound: %s; %s", own_name(fd), peer_name(fd));
  fact("events: %s", all_events(fd));
  umask(027);
  fact("bind: %s", outcome(bind_to(fd, "stream")));
  fact("name: %s", own_name(fd));
  umask(022);
  stat("stream", &status);
  fact("mode %o, size %d, links %d", status.st_mode, (int)status.st_size, (int)status.st_nlink);
  fact("open: %s", outcome(open("stream", O_RDWR)));
  fact("bind again: %s", outcome(bind_to(fd, "other")));
  fact("other was not made: %s", outcome(access("other", F_OK)));
  int second = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("bind to a taken name: %s", outcome(bind_to(second, "stream")));
  fact("connect before listen: %s", outcome(connect_to(second, "stream")));
  fact("accept before listen: %s", outcome(accept(fd, NULL, NULL)));
  fact("listen: %s", outcome(listen(fd, 5)));
  fact("accepts: %d, events: %s", int_option(fd, SOL_SOCKET, SO_ACCEPTCONN), all_events(fd));
  fact("connect of a listener: %s", outcome(connect_to(fd, "stream")));
  fact("connect: %s", outcome(connect_to(second, "stream")));
  fact("connect again: %s", outcome(connect_to(second, "stream")));
  fact("names: %s; %s", own_name(second), peer_name(second));
  fact("listener events: %s, pending %d", all_events(fd), pending(fd));
  fact("send before accept: %s", outcome(send(second, "early", 5, 0)));
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  int accepted = accept(fd, (struct sockaddr *)&address, &length);
  fact("accepted: %s", shown(&address, length));
  fact("names: %s; %s", own_name(accepted), peer_name(accepted));
  char buffer[16] = "";
  fact("read: %s %s", outcome(read(accepted, buffer, sizeof buffer)), buffer);
  fact("send on listener: %s", outcome(send(fd, "x", 1, 0)));
  fact("recv on listener: %s", outcome(recv(fd, buffer, 1, 0)));
  fact("unlink: %s", outcome(unlink("stream")));
  int third = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("connect to what is unlinked: %s", outcome(connect_to(third, "stream")));
  close(third), close(second), close(accepted), close(fd);
}

static void abstract(void) {
  int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  fact("bind: %s", outcome(bind_to(a, "@facts of stream")));
  fact("name: %s", own_name(a));
  fact("bind to a taken name: %s", outcome(bind_to(b, "@facts of stream")));
  fact("the same for another type: %s", outcome(bind_to(c, "@facts of stream")));
  fact("connect before listen: %s", outcome(connect_to(b, "@facts of stream")));
  listen(a, 0);
  fact("connect to another type: %s", outcome(connect_to(c, "@facts of stream")));
  fact("a longer name: %s", outcome(connect_to(b, "@facts of streams")));
  fact("connect: %s", outcome(connect_to(b, "@facts of stream")));
  close(a);
  fact("after the listener has closed: %s", all_events(b));
  fact("error %d", int_option(b, SOL_SOCKET, SO_ERROR));
  close(b);
  b = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("the name is free: %s", outcome(bind_to(b, "@facts of stream")));
  close(b), close(c);

  a = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  fact("autobind: %s", outcome(bind(a, (struct sockaddr *)&address, sizeof(sa_family_t))));
  socklen_t length = sizeof address;
  getsockname(a, (struct sockaddr *)&address, &length);
  fact("length %d, abstract %d", length, address.sun_path[0] == 0);
  fact("autobind again: %s", outcome(bind(a, (struct sockaddr *)&address, sizeof(sa_family_t))));
  fact("bind after autobind: %s", outcome(bind_to(a, "@x")));
  close(a);
}

static void backlog(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0), fds[4];
  bind_to(fd, "@backlog");
  listen(fd, 1);
  for (size_t i = 0; i < COUNT(fds); i++) {
    fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    fact("connect %zu: %s", i, outcome(connect_to(fds[i], "@backlog")));
  }
  int one = accept(fd, NULL, NULL);
  fact("after an accept: %s", outcome(connect_to(fds[3], "@backlog")));
  struct timeval limit = {0, 20000};
  fcntl(fds[2], F_SETFL, 0);
  setsockopt(fds[2], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  fact("connect with a time limit: %s", outcome(connect_to(fds[2], "@backlog")));
  fact("listen more: %s", outcome(listen(fd, 10)));
  fact("connect: %s", outcome(connect_to(fds[2], "@backlog")));
  fact("shutdown of the listener: %s", outcome(shutdown(fd, SHUT_RD)));
  int late = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("connect: %s", outcome(connect_to(late, "@backlog")));
  fcntl(fd, F_SETFL, 0);
  for (int i = 0; i < 4; i++) fact("accept: %s", success(accept(fd, NULL, NULL)));
  close(one), close(late), close(fd);
  for (size_t i = 0; i < COUNT(fds); i++) close(fds[i]);
}

static int shared[2];

static void *reader(void *unused) {
  char buffer[16] = "";
  ssize_t count = recv(shared[0], buffer, 8, MSG_WAITALL);
  fact("reader got %zd %s", count, buffer);
  count = read(shared[0], buffer, sizeof buffer);
  fact("reader got %zd at the end", count);
  return unused;
}

static void blocking(void) {
  pthread_t thread;
  socketpair(AF_UNIX, SOCK_STREAM, 0, shared);
  pthread_create(&thread, NULL, reader, NULL);
  nap(10);
  write(shared[1], "one,", 4);
  nap(10);
  write(shared[1], "two,", 4);
  nap(10);
  shutdown(shared[1], SHUT_WR);
  pthread_join(thread, NULL);
  close(shared[0]), close(shared[1]);
}

static void *drain(void *sum) {
  static char buffer[70000];
  ssize_t count;
  while ((count = read(shared[0], buffer, sizeof buffer)) > 0)
    for (ssize_t i = 0; i < count; i++) *(unsigned *)sum = *(unsigned *)sum * 31 + (unsigned char)buffer[i];
  return NULL;
}

static void much(void) {
  static char data[3000000];
  unsigned sum = 0, expected = 0;
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = i * 7 + (i >> 9);
    expected = expected * 31 + (unsigned char)data[i];
  }
  pthread_t thread;
  socketpair(AF_UNIX, SOCK_STREAM, 0, shared);
  pthread_create(&thread, NULL, drain, &sum);
  fact("write of much: %s", outcome(write(shared[1], data, sizeof data)));
  shutdown(shared[1], SHUT_WR);
  pthread_join(thread, NULL);
  fact("arrived as sent: %d", sum == expected);
  close(shared[0]), close(shared[1]);

  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, shared);
  ssize_t count = write(shared[1], data, sizeof data);
  fact("without waiting, some: %d", count > 100000 && count < 1000000);
  fact("then: %s", outcome(write(shared[1], data, 1)));
  fact("events: %s", all_events(shared[1]));
  ssize_t got = 0;
  while (got < count) {
    static char buffer[5000];
    ssize_t part = read(shared[0], buffer, sizeof buffer);
    if (part <= 0 || memcmp(buffer, data + got, part) != 0) {
      fact("differs");
      break;
    }
    got += part;
  }
  fact("all of it: %d, %s", got == count, all_events(shared[1]));
  close(shared[0]), close(shared[1]);
}

static void on_signal(int signal) { (void)signal; }

static void interrupted(void) {
  char buffer[4];
  struct sigaction action = {.sa_handler = on_signal};
  struct itimerval timer = {{0, 0}, {0, 20000}};
  sigaction(SIGALRM, &action, NULL);
  socketpair(AF_UNIX, SOCK_STREAM, 0, shared);
  setitimer(ITIMER_REAL, &timer, NULL);
  fact("read: %s", outcome(read(shared[0], buffer, 1)));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  bind_to(fd, "@interrupted");
  listen(fd, 0);
  setitimer(ITIMER_REAL, &timer, NULL);
  fact("accept: %s", outcome(accept(fd, NULL, NULL)));
  struct timeval limit = {0, 30000};
  setsockopt(shared[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fact("read with a time limit: %s", outcome(read(shared[0], buffer, 1)));
  limit.tv_usec = 500000;
  setsockopt(shared[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
  fact("the same with a signal that restarts calls: %s", outcome(read(shared[0], buffer, 1)));
  limit.tv_usec = 30000;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  fact("accept with a time limit: %s", outcome(accept(fd, NULL, NULL)));
  static char data[1000000];
  setsockopt(shared[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ssize_t count = write(shared[0], data, sizeof data);
  fact("write with a time limit, some: %d", count > 0 && count < (ssize_t)sizeof data);
  fact("then: %s", outcome(write(shared[0], data, sizeof data)));
  close(fd), close(shared[0]), close(shared[1]);
}

static void bad_memory(void) {
  char buffer[16] = "", *nowhere = (char *)8;
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, shared);
  fact("write from nowhere: %s", outcome(syscall(SYS_write, shared[0], nowhere, 4)));
  fact("events: %s", all_events(shared[1]));
  write(shared[0], "data", 4);
  fact("read to nowhere: %s", outcome(syscall(SYS_read, shared[1], nowhere, 4)));
  fact("it is still there: %s %s", outcome(read(shared[1], buffer, sizeof buffer)), buffer);
  struct iovec parts[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
  fact("writev: %s", outcome(writev(shared[0], parts, 3)));
  struct iovec into[2] = {{buffer, 1}, {buffer + 1, 9}};
  fact("readv: %s %s", outcome(readv(shared[1], into, 2)), buffer);
  close(shared[0]), close(shared[1]);
}

static void peeking(void) {
  char buffer[16];
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, shared);
  fact("peek offset: %s", outcome(set_int(shared[1], SOL_SOCKET, SO_PEEK_OFF, 0)));
  fact("offset %d", int_option(shared[1], SOL_SOCKET, SO_PEEK_OFF));
  write(shared[0], "abcdef", 6);
  for (int i = 0; i < 3; i++) {
    memset(buffer, 0, sizeof buffer);
    fact("peek: %s %s", outcome(recv(shared[1], buffer, 2, MSG_PEEK)), buffer);
  }
  fact("peek at the end: %s", outcome(recv(shared[1], buffer, 2, MSG_PEEK)));
  fact("read: %s", outcome(recv(shared[1], buffer, 2, 0)));
  fact("offset %d", int_option(shared[1], SOL_SOCKET, SO_PEEK_OFF));
  fact("trunc has no meaning: %s", outcome(recv(shared[1], buffer, 2, MSG_TRUNC)));
  close(shared[0]), close(shared[1]);
}

int main(void) {
  time_limit();
  naming();
  abstract();
  backlog();
  blocking();
  much();
  interrupted();
  bad_memory();
  peeking();
  return 0;
}
