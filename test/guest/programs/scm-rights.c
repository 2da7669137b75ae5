/* Open files in messages: SCM_RIGHTS. unix(7), cmsg(3) */
#include "socket-facts.h"
#include <sys/resource.h>

static ssize_t send_files(int fd, const char *text, const int *files, int count, int flags) {
  char control[CMSG_SPACE(sizeof(int) * 300)] = "";
  struct iovec part = {(void *)text, strlen(text)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(header), files, sizeof(int) * count);
  return sendmsg(fd, &message, flags | MSG_DONTWAIT);
}

/* Receives into `files`; returns how many. */
static int receive_files(int fd, int *files, size_t size, size_t room, int flags) {
  char buffer[64] = "", control[CMSG_SPACE(sizeof(int) * 300)] = "";
  struct iovec part = {buffer, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
  ssize_t count = recvmsg(fd, &message, flags | MSG_DONTWAIT);
  if (count < 0) {
    fact("recvmsg: %s", strerrorname_np(errno));
    return 0;
  }
  int found = 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
    found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(files, CMSG_DATA(header), found * sizeof(int));
  }
  fact("recvmsg: %zd '%s', %d files, flags %s, control %zu", count, buffer, found, message_flags(message.msg_flags), message.msg_controllen);
  return found;
}

static void passing(int type) {
  int pair[2], ends[2], got[8];
  char buffer[16] = "";
  socketpair(AF_UNIX, type, 0, pair);
  pipe(ends);
  fact("send: %s", outcome(send_files(pair[0], "pipe", ends, 2, 0)));
  close(ends[0]);
  int count = receive_files(pair[1], got, 64, 64, 0);
  if (count == 2) {
    fact("cloexec %d", fcntl(got[0], F_GETFD));
    write(got[1], "through", 7);
    fact("read: %s %s", outcome(read(got[0], buffer, sizeof buffer)), buffer);
    close(got[0]), close(got[1]);
  }
  send_files(pair[0], "again", &ends[1], 1, 0);
  if (receive_files(pair[1], got, 64, 64, MSG_CMSG_CLOEXEC) == 1) {
    fact("cloexec %d", fcntl(got[0], F_GETFD));
    close(got[0]);
  }
  int three[3] = {ends[1], ends[1], ends[1]};
  send_files(pair[0], "three", three, 3, 0);
  count = receive_files(pair[1], got, 64, CMSG_LEN(sizeof(int) * 2), 0);
  for (int i = 0; i < count; i++) close(got[i]);
  send_files(pair[0], "no room", three, 3, 0);
  receive_files(pair[1], got, 64, CMSG_LEN(0), 0);
  send_files(pair[0], "read", three, 1, 0);
  fact("read drops them: %s", outcome(read(pair[1], buffer, sizeof buffer)));
  send_files(pair[0], "peek", three, 1, 0);
  count = receive_files(pair[1], got, 64, 64, MSG_PEEK);
  for (int i = 0; i < count; i++) close(got[i]);
  count = receive_files(pair[1], got, 64, 64, 0);
  for (int i = 0; i < count; i++) close(got[i]);
  fact("bad descriptor: %s", outcome(send_files(pair[0], "x", (int[]){ends[1], 999}, 2, 0)));
  static int many[254];
  for (int i = 0; i < 254; i++) many[i] = ends[1];
  fact("253 files: %s", outcome(send_files(pair[0], "x", many, 253, 0)));
  fact("254 files: %s", outcome(send_files(pair[0], "x", many, 254, 0)));
  close(pair[0]), close(pair[1]), close(ends[1]);
}

/* Where a stream's receive stops. */
static void boundaries(void) {
  int pair[2], got[8], null = open("/dev/null", O_RDWR);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  write(pair[0], "ab", 2);
  send_files(pair[0], "cd", &null, 1, 0);
  write(pair[0], "ef", 2);
  write(pair[0], "gh", 2);
  for (int i = 0; i < 2; i++)
    if (receive_files(pair[1], got, 64, 64, 0)) close(got[0]);
  send_files(pair[0], "one", &null, 1, 0);
  send_files(pair[0], "two", &null, 1, 0);
  for (int i = 0; i < 2; i++)
    if (receive_files(pair[1], got, 64, 64, 0)) close(got[0]);
  send_files(pair[0], "part", &null, 1, 0);
  write(pair[0], "more", 4);
  for (int i = 0; i < 3; i++)
    if (receive_files(pair[1], got, 2, 64, 0)) close(got[0]);
  if (receive_files(pair[1], got, 64, 64, 0)) close(got[0]);
  fact("without data: %s", outcome(send_files(pair[0], "", &null, 1, 0)));
  receive_files(pair[1], got, 64, 64, 0);
  close(pair[0]), close(pair[1]), close(null);
}

static void malformed(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  union { struct cmsghdr header; char bytes[64]; } control;
  struct iovec part = {"x", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  memset(&control, 0, sizeof control);
  fact("length 0: %s", outcome(sendmsg(pair[0], &message, 0)));
  control.header.cmsg_len = 65;
  fact("too long: %s", outcome(sendmsg(pair[0], &message, 0)));
  control.header = (struct cmsghdr){.cmsg_len = 64, .cmsg_level = SOL_SOCKET, .cmsg_type = 99};
  fact("unknown type: %s", outcome(sendmsg(pair[0], &message, 0)));
  control.header.cmsg_level = 12345;
  fact("unknown level: %s", outcome(sendmsg(pair[0], &message, 0)));
  message.msg_controllen = 8;
  fact("shorter than a header: %s", outcome(sendmsg(pair[0], &message, 0)));
  message.msg_controllen = 64;
  message.msg_control = (void *)8;
  fact("bad address: %s", outcome(sendmsg(pair[0], &message, 0)));
  close(pair[0]), close(pair[1]);
}

static void table_full(void) {
  int pair[2], got[8], null = open("/dev/null", O_RDWR), three[3] = {null, null, null};
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  struct rlimit limit, small;
  getrlimit(RLIMIT_NOFILE, &limit);
  small = limit;
  small.rlim_cur = pair[1] + 3;
  send_files(pair[0], "full", three, 3, 0);
  setrlimit(RLIMIT_NOFILE, &small);
  int count = receive_files(pair[1], got, 64, 64, 0);
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < count; i++) close(got[i]);
  close(pair[0]), close(pair[1]), close(null);
}

/* Unreachable sockets go some time after another has been closed. */
static const char *gone(int fd) {
  for (int i = 0; i < 100; i++) {
    close(socket(AF_UNIX, SOCK_STREAM, 0));
    if (write(fd, "x", 1) < 0) return strerrorname_np(errno);
    nap(10);
  }
  return "still there";
}

/* The reading end of a pipe is only in messages that can't be received: once it goes, the writer gets EPIPE. */
static void cycles(void) {
  int pair[2], other[2], ends[2];
  signal(SIGPIPE, SIG_IGN);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  pipe(ends);
  send_files(pair[0], "self", (int[]){pair[1], ends[0]}, 2, 0);
  close(ends[0]), close(pair[0]);
  fact("reachable: %s", outcome(write(ends[1], "x", 1)));
  close(pair[1]);
  fact("a socket in its own queue: %s", gone(ends[1]));
  close(ends[1]);

  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  socketpair(AF_UNIX, SOCK_STREAM, 0, other);
  pipe(ends);
  send_files(pair[0], "other", (int[]){other[1], ends[0]}, 2, 0);
  send_files(other[0], "one", &pair[1], 1, 0);
  close(ends[0]), close(pair[0]), close(pair[1]), close(other[0]);
  fact("reachable through one: %s", outcome(write(ends[1], "x", 1)));
  close(other[1]);
  fact("two in each other's queue: %s", gone(ends[1]));
  close(ends[1]);

  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  bind_to(listener, "@cycle");
  listen(listener, 5);
  connect_to(client, "@cycle");
  pipe(ends);
  send_files(client, "listener", (int[]){listener, ends[0]}, 2, 0);
  close(ends[0]), close(client);
  fact("reachable by the listener: %s", outcome(write(ends[1], "x", 1)));
  close(listener);
  fact("a listener in a connection that waits for it: %s", gone(ends[1]));
  close(ends[1]);
}

static void across_processes(void) {
  int pair[2], got[8];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  pid_t child = fork();
  if (child == 0) {
    int file = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(file, "hello", 5);
    send_files(pair[1], "file", &file, 1, 0);
    _exit(0);
  }
  join(child);
  if (receive_files(pair[0], got, 64, 64, 0) == 1) {
    fact("position is shared: %s", outcome(lseek(got[0], 0, SEEK_CUR)));
    char buffer[8] = "";
    fact("contents: %s %s", outcome(pread(got[0], buffer, 8, 0)), buffer);
  }
  unlink("shared");
  close(pair[0]), close(pair[1]);
}

int main(void) {
  time_limit();
  fact("-- stream");
  passing(SOCK_STREAM);
  fact("-- dgram");
  passing(SOCK_DGRAM);
  fact("-- seqpacket");
  passing(SOCK_SEQPACKET);
  boundaries();
  malformed();
  table_full();
  cycles();
  across_processes();
  return 0;
}
