/* Who has sent a message, who is at the other end: SCM_CREDENTIALS, SO_PASSCRED, SO_PEERCRED. unix(7) */
#include "socket-facts.h"

static const char *who(const struct ucred *credentials) {
  static char text[64];
  snprintf(text, sizeof text, "pid %s, uid %d, gid %d",
           credentials->pid == getpid() ? "own" : credentials->pid == 0 ? "0" : credentials->pid == getppid() ? "parent's" : "another",
           credentials->uid, credentials->gid);
  return text;
}

static void receive(int fd, size_t room) {
  char buffer[64] = "", control[128];
  struct iovec part = {buffer, sizeof buffer};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room ? control : NULL, .msg_controllen = room};
  ssize_t count = recvmsg(fd, &message, MSG_DONTWAIT);
  if (count < 0) {
    fact("recvmsg: %s", strerrorname_np(errno));
    return;
  }
  fact("recvmsg: %zd '%s', flags %s, control %zu", count, buffer, message_flags(message.msg_flags), message.msg_controllen);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len == CMSG_LEN(sizeof(struct ucred)))
    fact("  %s", who((struct ucred *)CMSG_DATA(header)));
}

static ssize_t send_claim(int fd, const char *text, struct ucred claim) {
  char control[CMSG_SPACE(sizeof claim)] = "";
  struct iovec part = {(void *)text, strlen(text)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof claim), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
  memcpy(CMSG_DATA(header), &claim, sizeof claim);
  return sendmsg(fd, &message, MSG_DONTWAIT);
}

static void passing(int type) {
  int pair[2];
  socketpair(AF_UNIX, type, 0, pair);
  write(pair[0], "before", 6);
  fact("passcred: %s", outcome(set_int(pair[1], SOL_SOCKET, SO_PASSCRED, 1)));
  write(pair[0], "after", 5);
  receive(pair[1], 64);
  receive(pair[1], 64);
  write(pair[0], "no room", 7);
  receive(pair[1], 0);
  write(pair[0], "some room", 9);
  receive(pair[1], 20);
  fact("claim oneself: %s", outcome(send_claim(pair[0], "own", (struct ucred){getpid(), getuid(), getgid()})));
  receive(pair[1], 64);
  if (geteuid() == 0) {
    fact("claim another: %s", outcome(send_claim(pair[0], "other", (struct ucred){getppid(), 123, 456})));
    receive(pair[1], 64);
  }
  fact("claim nobody: %s", outcome(send_claim(pair[0], "x", (struct ucred){4000000, getuid(), getgid()})));
  fact("claim uid -1: %s", outcome(send_claim(pair[0], "x", (struct ucred){getpid(), -1, getgid()})));
  pid_t child = fork();
  if (child == 0) {
    write(pair[0], "child", 5);
    _exit(0);
  }
  join(child);
  write(pair[0], "parent", 6);
  receive(pair[1], 64);
  receive(pair[1], 64);
  receive(pair[1], 64);
  set_int(pair[1], SOL_SOCKET, SO_PASSCRED, 0);
  write(pair[0], "off", 3);
  receive(pair[1], 64);
  close(pair[0]), close(pair[1]);
}

static const char *peer(int fd) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return strerrorname_np(errno);
  return who(&credentials);
}

static void peers(void) {
  int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  fact("pair: %s", peer(pair[0]));
  fact("unconnected: %s", peer(client));
  bind_to(listener, "@peers");
  listen(listener, 5);
  fact("listener: %s", peer(listener));
  pid_t child = fork();
  if (child == 0) {
    fact("connect: %s", outcome(connect_to(client, "@peers")));
    fact("client sees: %s", peer(client));
    _exit(0);
  }
  join(child);
  int accepted = accept(listener, NULL, NULL);
  fact("server sees: %s", peer(accepted));
  char label[64];
  socklen_t length = sizeof label;
  fact("no label: %s", success(getsockopt(pair[0], SOL_SOCKET, SO_PEERSEC, label, &length)));
  fact("passcred binds: %s", outcome(set_int(client, SOL_SOCKET, SO_PASSCRED, 1)));
  int late = socket(AF_UNIX, SOCK_STREAM, 0);
  set_int(late, SOL_SOCKET, SO_PASSCRED, 1);
  fact("connect: %s", outcome(connect_to(late, "@peers")));
  struct sockaddr_un address;
  length = sizeof address;
  getsockname(late, (struct sockaddr *)&address, &length);
  fact("got a name of length %d", length);
}

static void unprivileged(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  if (geteuid() != 0) return;
  pid_t child = fork();
  if (child == 0) {
    setresgid(1000, 1001, 1002);
    setresuid(1000, 1001, 1002);
    for (int id = 999; id <= 1003; id++) {
      fact("uid %d: %s", id, outcome(send_claim(pair[0], "x", (struct ucred){getpid(), id, 1000})));
      fact("gid %d: %s", id, outcome(send_claim(pair[0], "x", (struct ucred){getpid(), 1000, id})));
    }
    fact("pid of the parent: %s", outcome(send_claim(pair[0], "x", (struct ucred){getppid(), 1000, 1000})));
    int other[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, other);
    fact("pair: %s", peer(other[0]));
    set_int(other[1], SOL_SOCKET, SO_PASSCRED, 1);
    write(other[0], "x", 1);
    receive(other[1], 64);
    _exit(0);
  }
  fact("child %s", join(child));
}

int main(void) {
  time_limit();
  fact("-- stream");
  passing(SOCK_STREAM);
  fact("-- dgram");
  passing(SOCK_DGRAM);
  peers();
  unprivileged();
  return 0;
}
