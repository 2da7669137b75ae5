/* Errors of system calls on sockets, as unix(7), socket(2), bind(2)... say and do not say. */
#include "socket-facts.h"
#include <sys/stat.h>

static void making(void) {
  static const int families[] = {-1, 0, AF_UNIX, 46, 1000};
  for (size_t i = 0; i < COUNT(families); i++)
    for (int type = 0; type <= 11; type++) fact("socket(%d, %d): %s", families[i], type, success(socket(families[i], type, 0)));
  for (int fd = 3; fd < 100; fd++) close(fd);
  fact("flags: %s", outcome(socket(AF_UNIX, SOCK_STREAM | 0x100, 0)));
  fact("protocol: %s", outcome(socket(AF_UNIX, SOCK_STREAM, 2)));
  fact("AF_APPLETALK: %s", outcome(socket(AF_APPLETALK, SOCK_DGRAM, 0)));
}

/* Every call on something that is no socket. */
static void no_socket(int fd) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t length = sizeof address;
  struct msghdr message = {0};
  struct mmsghdr messages[1] = {{{0}}};
  int value = 0;
  socklen_t size = sizeof value;
  fact("bind: %s", outcome(bind(fd, (void *)&address, length)));
  fact("connect: %s", outcome(connect(fd, (void *)&address, length)));
  fact("listen: %s", outcome(listen(fd, 1)));
  fact("accept: %s", outcome(accept(fd, NULL, NULL)));
  fact("accept4: %s", outcome(accept4(fd, NULL, NULL, 0)));
  fact("getsockname: %s", outcome(getsockname(fd, (void *)&address, &length)));
  fact("getpeername: %s", outcome(getpeername(fd, (void *)&address, &length)));
  fact("send: %s", outcome(send(fd, "x", 1, 0)));
  fact("recv: %s", outcome(recv(fd, &value, 1, 0)));
  fact("sendmsg: %s", outcome(sendmsg(fd, &message, 0)));
  fact("recvmsg: %s", outcome(recvmsg(fd, &message, 0)));
  fact("sendmmsg: %s", outcome(sendmmsg(fd, messages, 1, 0)));
  fact("recvmmsg: %s", outcome(recvmmsg(fd, messages, 1, 0, NULL)));
  fact("shutdown: %s", outcome(shutdown(fd, SHUT_RD)));
  fact("getsockopt: %s", outcome(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size)));
  fact("setsockopt: %s", outcome(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, size)));
}

static void addresses(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "addresses"};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  socklen_t lengths[] = {0, 1, 2, 3, 110, 111, 128, 129, -1};
  for (size_t i = 0; i < COUNT(lengths); i++) {
    char large[256] = {0};
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(large, &address, sizeof address);
    fact("bind with length %d: %s", (int)lengths[i], outcome(bind(other, (void *)large, lengths[i])));
    fact("connect with length %d: %s", (int)lengths[i], outcome(connect(fd, (void *)large, lengths[i])));
    unlink("addresses"), unlink("a");
    close(other);
  }
  address.sun_family = AF_INET;
  fact("wrong family: %s", outcome(bind(fd, (void *)&address, sizeof address)));
  fact("wrong family: %s", outcome(connect(fd, (void *)&address, sizeof address)));
  fact("bad address: %s", outcome(bind(fd, (void *)8, sizeof address)));
  fact("bad address: %s", outcome(connect(fd, (void *)8, sizeof address)));
  address.sun_family = AF_UNIX;
  memset(address.sun_path, 'x', sizeof address.sun_path);
  fact("longest path: %s", outcome(bind(fd, (void *)&address, sizeof address)));
  char large[256];
  socklen_t length = sizeof large;
  fact("its name: %s", outcome(getsockname(fd, (void *)large, &length)));
  fact("length %d", length);
  length = 5;
  memset(large, '-', sizeof large);
  fact("cut: %s", outcome(getsockname(fd, (void *)large, &length)));
  fact("length %d, '%.4s'", length, large + 2);
  length = 0;
  fact("no room: %s", outcome(getsockname(fd, NULL, &length)));
  fact("length %d", length);
  length = -1;
  fact("negative room: %s", outcome(getsockname(fd, (void *)large, &length)));
  fact("bad length address: %s", outcome(getsockname(fd, (void *)large, (void *)8)));
  length = sizeof large;
  fact("bad address: %s", outcome(getsockname(fd, (void *)8, &length)));
  memset(large, 'x', sizeof large);
  large[108] = 0;
  unlink(large);
  close(fd);
}

static void paths(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer = socket(AF_UNIX, SOCK_STREAM, 0);
  close(open("regular", O_CREAT | O_WRONLY, 0600));
  mkdir("dir", 0700);
  mkfifo("fifo", 0600);
  symlink("nowhere", "dangling");
  static const char *const names[] = {"regular", "dir", "fifo", "dangling", "missing/x", "regular/x", "dir/", "dir/x/", "/", ".", "x/../y"};
  for (size_t i = 0; i < COUNT(names); i++) {
    fact("bind to %s: %s", names[i], outcome(bind_to(fd, names[i])));
    fact("connect to %s: %s", names[i], outcome(connect_to(peer, names[i])));
  }
  fact("nowhere was not made: %s", outcome(access("nowhere", F_OK)));
  fact("bind: %s", outcome(bind_to(fd, "dir/socket")));
  fact("bound, to a taken name: %s", outcome(bind_to(fd, "regular")));
  fact("bound, to a bad path: %s", outcome(bind_to(fd, "missing/x")));
  fact("bound, to a good name: %s", outcome(bind_to(fd, "good")));
  listen(fd, 5);
  symlink("dir/socket", "link");
  fact("connect through a link: %s", outcome(connect_to(peer, "link")));
  fact("peer name: %s", peer_name(peer));
  rename("dir/socket", "moved");
  int second = socket(AF_UNIX, SOCK_STREAM, 0), third = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("connect to the new name: %s", outcome(connect_to(second, "moved")));
  link("moved", "hard");
  fact("connect to a hard link: %s", outcome(connect_to(third, "hard")));
  close(fd);
  int fourth = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("connect to what is left: %s", outcome(connect_to(fourth, "moved")));
  fact("bind to what is left: %s", outcome(bind_to(fourth, "moved")));
  unlink("regular"), unlink("fifo"), unlink("dangling"), unlink("moved"), unlink("hard"), unlink("link"), rmdir("dir");
  close(peer), close(second), close(third), close(fourth);
}

static void permission(void) {
  if (geteuid() != 0) return;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  chmod(".", 0755);
  bind_to(fd, "guarded");
  listen(fd, 50);
  static const int modes[] = {0777, 0755, 0722, 0700, 0};
  for (size_t i = 0; i < COUNT(modes); i++) {
    chmod("guarded", modes[i]);
    pid_t child = fork();
    if (child == 0) {
      setresgid(1000, 1000, 1000);
      setresuid(1000, 1000, 1000);
      int other = socket(AF_UNIX, SOCK_STREAM, 0);
      fact("mode %o, a user: %s", modes[i], outcome(connect_to(other, "guarded")));
      if (i == 0) fact("bind where one may not write: %s", outcome(bind_to(other, "mine")));
      _exit(0);
    }
    join(child);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    fact("mode %o, root: %s", modes[i], outcome(connect_to(other, "guarded")));
    close(other);
  }
  unlink("guarded");
  close(fd);
}

static void arguments(void) {
  int pair[2], value = 0;
  socklen_t size = sizeof value;
  char buffer[8];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  fact("accept4 flags: %s", outcome(accept4(pair[0], NULL, NULL, 1)));
  fact("accept of a connection: %s", outcome(accept(pair[0], NULL, NULL)));
  fact("listen on a connection: %s", outcome(listen(pair[0], 1)));
  fact("connect of a connection: %s", outcome(connect_to(pair[0], "@nobody there")));
  fact("sendto on a connection: %s", outcome(sendto(pair[0], "x", 1, 0, (void *)"\1\0x", 3)));
  int fresh = socket(AF_UNIX, SOCK_STREAM, 0);
  fact("sendto unconnected: %s", outcome(sendto(fresh, "x", 1, 0, (void *)"\1\0x", 3)));
  fact("send unconnected: %s", outcome(send(fresh, "x", 1, 0)));
  fact("recv unconnected: %s", outcome(recv(fresh, buffer, 1, 0)));
  fact("listen unbound: %s", outcome(listen(fresh, 1)));
  fact("shutdown unconnected: %s", outcome(shutdown(fresh, SHUT_RDWR)));
  fact("send after it: %s", outcome(send(fresh, "x", 1, MSG_NOSIGNAL)));
  fact("events: %s", all_events(fresh));
  struct msghdr message = {.msg_iovlen = 1025};
  fact("too many parts: %s, %s", outcome(sendmsg(pair[0], &message, 0)), outcome(recvmsg(pair[0], &message, 0)));
  message = (struct msghdr){.msg_name = buffer, .msg_namelen = -1};
  fact("negative name length: %s, %s", outcome(sendmsg(pair[0], &message, 0)), outcome(recvmsg(pair[0], &message, MSG_DONTWAIT)));
  fact("bad header: %s, %s", outcome(sendmsg(pair[0], (void *)8, 0)), outcome(recvmsg(pair[0], (void *)8, 0)));
  fact("unknown flags are ignored: %s", outcome(send(pair[0], "x", 1, 0x800000)));
  fact("recv of an error queue: %s", outcome(recv(fresh, buffer, 1, MSG_ERRQUEUE)));
  fact("ioctl: %s", outcome(ioctl(pair[0], 0x1234, 0)));
  fact("at mark: %d", ioctl(pair[0], 0x8905, &value) == 0 || errno == ENOTTY);
  fact("of a terminal: %s", outcome(ioctl(pair[0], 0x5401, 0)));
  fact("FIONREAD of a listener: %s", ({ bind_to(fresh, "@arguments"); listen(fresh, 1); outcome(ioctl(fresh, FIONREAD, &value)); }));
  fact("getsockopt: negative length %s", ({ size = -1; outcome(getsockopt(fresh, SOL_SOCKET, SO_TYPE, &value, &size)); }));
  fact("unknown option: %s", ({ size = 4; outcome(getsockopt(fresh, SOL_SOCKET, 9999, &value, &size)); }));
  fact("unknown level: %s", outcome(setsockopt(fresh, 9999, 1, &value, 4)));
  fact("level of TCP: %s", outcome(setsockopt(fresh, 6, 1, &value, 4)));
  fact("setsockopt: length 3 %s", outcome(setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &value, 3)));
  fact("length -1 %s", outcome(setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &value, -1)));
  fact("bad address %s", outcome(setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4)));
  fact("type can't be set: %s", outcome(setsockopt(fresh, SOL_SOCKET, SO_TYPE, &value, 4)));
  close(pair[0]), close(pair[1]), close(fresh);
}

static void many(void) {
  int pair[2];
  char buffers[3][8] = {"one", "two", "three"};
  struct iovec parts[3] = {{buffers[0], 3}, {buffers[1], 3}, {buffers[2], 5}};
  struct mmsghdr messages[3] = {{{0}}};
  for (int i = 0; i < 3; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  fact("sendmmsg: %s", outcome(sendmmsg(pair[0], messages, 3, 0)));
  fact("lengths %u %u %u", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len);
  for (int i = 0; i < 3; i++) parts[i].iov_len = 8;
  fact("recvmmsg: %s", outcome(recvmmsg(pair[1], messages, 2, 0, NULL)));
  fact("lengths %u %u", messages[0].msg_len, messages[1].msg_len);
  fact("recvmmsg, one waits: %s", outcome(recvmmsg(pair[1], messages, 3, MSG_WAITFORONE, NULL)));
  fact("recvmmsg, none: %s", outcome(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL)));
  struct timespec limit = {0, 2000000000};
  fact("bad time limit: %s", outcome(recvmmsg(pair[1], messages, 3, 0, &limit)));
  messages[1].msg_hdr.msg_iovlen = 2000;
  fact("second is bad: %s", outcome(sendmmsg(pair[0], messages, 3, 0)));
  messages[0].msg_hdr.msg_iovlen = 2000;
  fact("first is bad: %s", outcome(sendmmsg(pair[0], messages, 3, 0)));
  fact("none: %s", outcome(sendmmsg(pair[0], messages, 0, 0)));
  close(pair[0]), close(pair[1]);
}

int main(void) {
  time_limit();
  making();
  fact("-- closed");
  no_socket(99);
  fact("-- /dev/null");
  no_socket(open("/dev/null", O_RDWR));
  fact("-- O_PATH");
  no_socket(open("/dev/null", O_PATH));
  addresses();
  paths();
  permission();
  arguments();
  many();
  return 0;
}
