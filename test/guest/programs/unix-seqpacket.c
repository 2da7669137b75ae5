/* Unix seqpacket sockets: connections of messages. unix(7) */
#include "socket-facts.h"

static void receive(int fd, size_t size, int flags) {
  char buffer[64] = "", control[64];
  struct iovec part = {buffer, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(fd, &message, flags | MSG_DONTWAIT);
  if (count < 0) fact("recvmsg: %s", strerrorname_np(errno));
  else fact("recvmsg: %zd '%s', flags %s, control %zu", count, buffer, message_flags(message.msg_flags), message.msg_controllen);
}

int main(void) {
  time_limit();
  int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0), client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  char buffer[8];
  fact("events: %s", all_events(listener));
  fact("unconnected: %s, %s", outcome(send(client, "x", 1, 0)), outcome(recv(client, buffer, 1, 0)));
  fact("listen unbound: %s", outcome(listen(listener, 1)));
  bind_to(listener, "seqpacket");
  listen(listener, 1);
  fact("connect: %s", outcome(connect_to(client, "seqpacket")));
  int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  fact("flags %d %d", fcntl(accepted, F_GETFD), !!(fcntl(accepted, F_GETFL) & O_NONBLOCK));
  fact("names: %s; %s", own_name(accepted), peer_name(client));
  fact("events: %s", all_events(accepted));
  send(client, "first", 5, 0);
  write(client, "second", 6);
  send(client, "", 0, 0);
  send(client, "third", 5, MSG_EOR);
  fact("pending %d", pending(accepted));
  receive(accepted, 64, MSG_PEEK);
  receive(accepted, 2, MSG_PEEK | MSG_TRUNC);
  receive(accepted, 3, 0);
  receive(accepted, 64, MSG_WAITALL);
  receive(accepted, 64, 0);
  receive(accepted, 64, 0);
  receive(accepted, 64, 0);
  fact("address is ignored: %s", outcome(sendto(accepted, "back", 4, 0, (struct sockaddr *)"\1\0x", 4)));
  receive(client, 64, 0);
  fact("oob: %s, %s", outcome(send(client, "x", 1, MSG_OOB)), outcome(recv(client, buffer, 1, MSG_OOB)));
  send(accepted, "last", 4, 0);
  close(accepted);
  fact("events: %s", all_events(client));
  receive(client, 64, 0);
  receive(client, 64, 0);
  fact("send: %s", outcome(send(client, "x", 1, 0)));
  IN_CHILD("and no signal", fact("write: %s", outcome(write(client, "x", 1))));
  close(client), close(listener);
  unlink("seqpacket");
  return 0;
}
