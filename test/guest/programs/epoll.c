/* epoll(7). */
#include "file-facts.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static char buffer[1 << 17];
static int epoll;

/* What a wait finds, in the order of the data. */
static void look(const char *what, int fd) {
  struct epoll_event found[8];
  int count = epoll_wait(fd, found, 8, 0);
  if (count < 0) {
    fact("%s: %s", what, outcome(count));
    return;
  }
  char text[400] = "";
  for (int i = 0; i < count; i++)
    sprintf(text + strlen(text), " [%d%s]", (int)found[i].data.u64, event_names(found[i].events));
  fact("%s: %d%s", what, count, text);
}

static int control(int fd, int operation, int target, unsigned events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(fd, operation, target, &event);
}

static void errors(void) {
  int p[2], file = open("regular", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
  struct epoll_event found[2];
  pipe(p);
  FACT(epoll_create(0));
  FACT(epoll_create(-1));
  FACT(epoll_create1(1));
  int e = epoll_create1(EPOLL_CLOEXEC);
  FACT(fcntl(e, F_GETFD));
  FACT(fcntl(e, F_GETFL));
  FACT(control(e, EPOLL_CTL_ADD, file, EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_ADD, directory, EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_ADD, e, EPOLLIN, 0));
  FACT(control(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_ADD, 99, EPOLLIN, 0));
  FACT(control(99, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_MOD, p[0], EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_DEL, p[0], EPOLLIN, 0));
  FACT(control(e, 7, p[0], EPOLLIN, 0));
  FACT(epoll_ctl(e, EPOLL_CTL_ADD, p[0], NULL));
  FACT(control(e, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
  FACT(epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL));
  FACT(epoll_wait(e, found, 0, 0));
  int few = atoi("-1");
  FACT(epoll_wait(e, found, few, 0));
  FACT(epoll_wait(p[0], found, 1, 0));
  FACT(epoll_wait(99, found, 1, 0));
  FACT(epoll_wait(e, found, 1, 0));
  FACT(read(e, found, 8));
  FACT(write(e, found, 8));
  FACT(lseek(e, 5, SEEK_SET));
  FACT(fsync(e));
  FACT(control(e, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 0));
  FACT(control(e, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLEXCLUSIVE, 0));
  FACT(control(e, EPOLL_CTL_MOD, p[1], EPOLLOUT, 0));
  FACT(control(e, EPOLL_CTL_MOD, p[1], EPOLLOUT | EPOLLEXCLUSIVE, 0));
  FACT(control(e, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
  FACT(control(e, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
  close(e), close(p[0]), close(p[1]), close(file), close(directory);
  unlink("regular");
}

static void triggers(void) {
  int p[2];
  pipe2(p, O_NONBLOCK);
  control(epoll, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
  look("level, empty", epoll);
  write(p[1], "ab", 2);
  look("level", epoll);
  look("level again", epoll);
  read(p[0], buffer, 1);
  look("level, half read", epoll);
  read(p[0], buffer, 1);
  look("level, read", epoll);
  control(epoll, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2);
  look("edge, empty", epoll);
  write(p[1], "ab", 2);
  look("edge", epoll);
  look("edge again", epoll);
  read(p[0], buffer, 1);
  look("edge, half read", epoll);
  write(p[1], "c", 1);
  look("edge, more", epoll);
  look("edge, more again", epoll);
  control(epoll, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3);
  look("edge, modified", epoll);
  control(epoll, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4);
  look("one shot", epoll);
  look("one shot again", epoll);
  write(p[1], "d", 1);
  look("one shot, more", epoll);
  control(epoll, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5);
  look("one shot, armed", epoll);
  control(epoll, EPOLL_CTL_MOD, p[0], 0, 6);
  look("nothing asked", epoll);
  close(p[1]);
  look("hang-up unasked", epoll);
  control(epoll, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLRDNORM | EPOLLPRI, 7);
  look("data and hang-up", epoll);
  close(p[0]);
  look("closed", epoll);
}

static void writers(void) {
  int p[2];
  pipe2(p, O_NONBLOCK);
  control(epoll, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 1);
  look("room", epoll);
  look("room again", epoll);
  FACT(write(p[1], buffer, 65536));
  look("full", epoll);
  read(p[0], buffer, 100);
  look("100 bytes read", epoll);
  read(p[0], buffer, 4096);
  look("a page read", epoll);
  look("a page read, again", epoll);
  read(p[0], buffer, 4096);
  look("another page", epoll);
  close(p[0]);
  look("no reader", epoll);
  look("no reader, again", epoll);
  close(p[1]);
}

/* Items belong to open files, not to descriptors. */
static void lifetimes(void) {
  int p[2];
  pipe(p);
  int copy = dup(p[1]);
  control(epoll, EPOLL_CTL_ADD, p[1], EPOLLOUT, 1);
  FACT(control(epoll, EPOLL_CTL_ADD, copy, EPOLLOUT, 2));
  look("both numbers", epoll);
  int number = p[1];
  close(p[1]);
  look("one closed", epoll);
  FACT(control(epoll, EPOLL_CTL_DEL, number, 0, 0));
  FACT(dup2(copy, number) == number);
  FACT(control(epoll, EPOLL_CTL_DEL, number, 0, 0));
  look("deleted by a new descriptor", epoll);
  close(number);
  pid_t child = fork();
  if (child == 0) {
    pause_ms(30);
    _exit(0);
  }
  close(copy);
  look("the child still has it", epoll);
  fact("child: %s", join(child));
  look("nobody has it", epoll);
  close(p[0]);
}

static void nested(void) {
  int e[6], p[2];
  pipe(p);
  for (int i = 0; i < 6; i++) e[i] = epoll_create1(0);
  control(e[0], EPOLL_CTL_ADD, p[0], EPOLLIN, 10);
  for (int i = 1; i < 6; i++) fact("level %d: %s", i, outcome(control(e[i], EPOLL_CTL_ADD, e[i - 1], EPOLLIN, i)));
  FACT(control(e[0], EPOLL_CTL_ADD, e[3], EPOLLIN, 0));
  FACT(control(e[1], EPOLL_CTL_ADD, e[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
  look("outer, nothing", e[4]);
  events("outer by poll", e[4], POLLIN);
  write(p[1], "x", 1);
  look("outer", e[4]);
  events("outer by poll", e[4], ALL_EVENTS);
  look("inner", e[0]);
  read(p[0], buffer, 1);
  look("outer, read", e[4]);
  for (int i = 0; i < 6; i++) close(e[i]);
  close(p[0]), close(p[1]);
}

static void *waiter(void *argument) {
  struct epoll_event found;
  (void)argument;
  return (void *)(long)epoll_wait(epoll, &found, 1, 2000);
}

static void sleeping(void) {
  struct epoll_event found[4];
  pthread_t thread;
  void *result;
  int p[2];
  pipe(p);
  control(epoll, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
  pthread_create(&thread, NULL, waiter, NULL);
  pause_ms(20);
  write(p[1], "x", 1);
  pthread_join(thread, &result);
  fact("woken by a write: %ld", (long)result);
  read(p[0], buffer, 1);
  FACT(epoll_wait(epoll, found, 4, 20));
  pthread_create(&thread, NULL, waiter, NULL);
  pause_ms(20);
  int event = eventfd(1, 0);
  control(epoll, EPOLL_CTL_ADD, event, EPOLLIN, 2);
  pthread_join(thread, &result);
  fact("woken by an addition: %ld", (long)result);
  close(event);
  close(p[0]), close(p[1]);
}

static void on_signal(int signal) { (void)signal; }

static void interrupted(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  struct epoll_event found[4];
  sigset_t none, usr1;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigaction(SIGUSR1, &action, NULL);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    pause_ms(30);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  FACT(epoll_wait(epoll, found, 4, 2000));
  fact("child: %s", join(child));
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  raise(SIGUSR1);
  FACT(epoll_wait(epoll, found, 4, 10));
  FACT(epoll_pwait(epoll, found, 4, 2000, &none));
  FACT(epoll_pwait(epoll, found, 4, 10, &none));
  FACT(syscall(SYS_epoll_pwait, epoll, found, 4, 10, &none, 4L));
  struct timespec limit = {0, 5000000}, bad = {0, 2000000000};
  FACT(epoll_pwait2(epoll, found, 4, &limit, NULL));
  FACT(epoll_pwait2(epoll, found, 4, &bad, NULL));
  sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

static void in_turn(void) {
  int event[4];
  struct epoll_event found[2];
  for (int i = 0; i < 4; i++) {
    event[i] = eventfd(1, 0);
    control(epoll, EPOLL_CTL_ADD, event[i], EPOLLIN, i);
  }
  for (int round = 0; round < 3; round++) {
    int count = epoll_wait(epoll, found, 2, 0);
    fact("round %d: %d: %d %d", round, count, (int)found[0].data.u64, (int)found[1].data.u64);
  }
  for (int i = 0; i < 4; i++) close(event[i]);
}

static void sockets(void) {
  int s[2];
  FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  control(epoll, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1);
  look("socket", epoll);
  write(s[1], "x", 1);
  look("socket, data", epoll);
  shutdown(s[1], SHUT_WR);
  look("socket, shut down", epoll);
  close(s[1]);
  look("socket, closed", epoll);
  close(s[0]);
}

int main(void) {
  close_others();
  errors();
  epoll = epoll_create1(0);
  triggers();
  writers();
  lifetimes();
  nested();
  sleeping();
  interrupted();
  in_turn();
  sockets();
  return 0;
}
