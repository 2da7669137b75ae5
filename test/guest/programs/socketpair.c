/* socketpair(2), unix(7): two ends, flags, shutting down and closing one. */
#include "socket-facts.h"

static const struct { int type; const char *name; } types[] = {
    {SOCK_STREAM, "stream"}, {SOCK_DGRAM, "dgram"}, {SOCK_SEQPACKET, "seqpacket"},
};

static void flags(void) {
  int fds[2] = {-1, -1}, *nowhere = (int *)8;
  fact("cloexec and nonblock: %s", outcome(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds)));
  for (int i = 0; i < 2; i++) {
    fact("fd flags %d, nonblock %d, access %d", fcntl(fds[i], F_GETFD), !!(fcntl(fds[i], F_GETFL) & O_NONBLOCK),
         fcntl(fds[i], F_GETFL) & O_ACCMODE);
    close(fds[i]);
  }
  fact("bad flag: %s", outcome(socketpair(AF_UNIX, SOCK_STREAM | 0x10000, 0, fds)));
  fact("bad family: %s", outcome(socketpair(12345, SOCK_STREAM, 0, fds)));
  fact("bad type: %s", outcome(socketpair(AF_UNIX, SOCK_RDM, 0, fds)));
  fact("bad protocol: %s", outcome(socketpair(AF_UNIX, SOCK_STREAM, 7, fds)));
  fact("protocol AF_UNIX: %s", outcome(socketpair(AF_UNIX, SOCK_STREAM, AF_UNIX, fds)));
  close(fds[0]), close(fds[1]);
  fact("bad address: %s", outcome(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, nowhere)));
  int next = dup(0);
  fact("no descriptor was used: %d", next == fds[0]);
  close(next);
  fact("raw is dgram: %s", outcome(socketpair(AF_UNIX, SOCK_RAW, 0, fds)));
  fact("type is dgram: %d", int_option(fds[0], SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
  close(fds[0]), close(fds[1]);
}

static void basics(int type) {
  int fds[2];
  char buffer[64];
  socketpair(AF_UNIX, type, 0, fds);
  fact("events: %s", all_events(fds[0]));
  fact("names: %s; %s", own_name(fds[0]), peer_name(fds[0]));
  fact("write: %s", outcome(write(fds[0], "hello", 5)));
  fact("write: %s", outcome(write(fds[0], "world", 5)));
  fact("events: %s", all_events(fds[1]));
  fact("pending %d", pending(fds[1]));
  memset(buffer, 0, sizeof buffer);
  fact("peek: %s %s", outcome(recv(fds[1], buffer, 3, MSG_PEEK)), buffer);
  memset(buffer, 0, sizeof buffer);
  fact("read: %s %s", outcome(read(fds[1], buffer, 4)), buffer);
  memset(buffer, 0, sizeof buffer);
  fact("read: %s %s", outcome(read(fds[1], buffer, sizeof buffer)), buffer);
  fact("read nothing: %s", outcome(recv(fds[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  fact("read of 0 bytes: %s", outcome(read(fds[1], buffer, 0)));
  fact("write of 0 bytes: %s", outcome(write(fds[0], buffer, 0)));
  fact("pending %d, events: %s", pending(fds[1]), all_events(fds[1]));
  fact("recv of 0 bytes: %s", outcome(recv(fds[1], buffer, 0, MSG_DONTWAIT)));
  fact("lseek: %s", outcome(lseek(fds[0], 0, SEEK_SET)));
  fact("pread: %s", outcome(pread(fds[0], buffer, 1, 0)));
  fact("pwrite: %s", outcome(pwrite(fds[0], buffer, 1, 0)));
  fact("oob: %s", outcome(type == SOCK_STREAM ? 0 : send(fds[0], "x", 1, MSG_OOB)));
  close(fds[0]), close(fds[1]);
}

static void half_closed(int type) {
  int fds[2];
  char buffer[64];
  socketpair(AF_UNIX, type, 0, fds);
  write(fds[0], "rest", 4);
  fact("shutdown write: %s", outcome(shutdown(fds[0], SHUT_WR)));
  fact("events: %s; %s", all_events(fds[0]), all_events(fds[1]));
  fact("write: %s", outcome(send(fds[0], "x", 1, MSG_NOSIGNAL)));
  fact("read: %s", outcome(read(fds[1], buffer, sizeof buffer)));
  fact("read: %s", outcome(recv(fds[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  fact("other way: %s", outcome(write(fds[1], "back", 4)));
  fact("read: %s", outcome(read(fds[0], buffer, sizeof buffer)));
  fact("shutdown read: %s", outcome(shutdown(fds[0], SHUT_RD)));
  fact("events: %s; %s", all_events(fds[0]), all_events(fds[1]));
  fact("write to it: %s", outcome(send(fds[1], "x", 1, MSG_NOSIGNAL)));
  fact("read from it: %s", outcome(recv(fds[0], buffer, sizeof buffer, MSG_DONTWAIT)));
  fact("bad shutdown: %s, %s", outcome(shutdown(fds[0], 3)), outcome(shutdown(fds[0], -1)));
  close(fds[0]), close(fds[1]);
}

static void closed(int type) {
  int fds[2];
  char buffer[64];
  socketpair(AF_UNIX, type, 0, fds);
  write(fds[0], "rest", 4);
  close(fds[0]);
  fact("events: %s", all_events(fds[1]));
  fact("read: %s", outcome(recv(fds[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  fact("read: %s", outcome(recv(fds[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  fact("write: %s", outcome(send(fds[1], "x", 1, MSG_NOSIGNAL)));
  fact("write: %s", outcome(send(fds[1], "x", 1, MSG_NOSIGNAL)));
  fact("events: %s", all_events(fds[1]));
  fact("peer: %s", peer_name(fds[1]));
  close(fds[1]);

  socketpair(AF_UNIX, type, 0, fds);
  write(fds[1], "unread", 6);
  close(fds[0]);
  fact("events after a peer that left data unread: %s", all_events(fds[1]));
  fact("error %d", int_option(fds[1], SOL_SOCKET, SO_ERROR));
  fact("error %d", int_option(fds[1], SOL_SOCKET, SO_ERROR));
  close(fds[1]);

  socketpair(AF_UNIX, type, 0, fds);
  write(fds[1], "unread", 6);
  close(fds[0]);
  fact("read: %s", outcome(recv(fds[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  fact("read: %s", outcome(recv(fds[1], buffer, sizeof buffer, MSG_DONTWAIT)));
  close(fds[1]);
}

static void signals(int type) {
  int fds[2];
  socketpair(AF_UNIX, type, 0, fds);
  close(fds[0]);
  IN_CHILD("write to a closed peer", fact("write: %s", outcome(write(fds[1], "x", 1))));
  IN_CHILD("the same with MSG_NOSIGNAL", fact("send: %s", outcome(send(fds[1], "x", 1, MSG_NOSIGNAL))));
  signal(SIGPIPE, SIG_IGN);
  IN_CHILD("the same with SIGPIPE ignored", fact("write: %s", outcome(write(fds[1], "x", 1))));
  signal(SIGPIPE, SIG_DFL);
  close(fds[1]);
}

int main(void) {
  time_limit();
  flags();
  for (size_t i = 0; i < COUNT(types); i++) {
    fact("-- %s", types[i].name);
    basics(types[i].type);
    half_closed(types[i].type);
    closed(types[i].type);
    signals(types[i].type);
  }
  return 0;
}
