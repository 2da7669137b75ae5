/* signalfd(2). */
#include "file-facts.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static struct signalfd_siginfo found[4];

static void show(const char *what, int fd, int room) {
  ssize_t count = read(fd, found, room * sizeof *found);
  if (count < 0) {
    fact("%s: %s", what, strerrorname_np(errno));
    return;
  }
  for (int i = 0; i < (int)(count / sizeof *found); i++)
    fact("%s: SIG%s code %d from %s uid %s value %d status %d", what,
         found[i].ssi_signo >= (unsigned)SIGRTMIN ? "RT" : sigabbrev_np(found[i].ssi_signo), found[i].ssi_code,
         found[i].ssi_pid == (unsigned)getpid() ? "self" : found[i].ssi_pid == 0 ? "nobody" : "another",
         found[i].ssi_uid == getuid() ? "same" : "other", found[i].ssi_int, found[i].ssi_status);
}

static void *raiser(void *argument) {
  (void)argument;
  pause_ms(20);
  kill(getpid(), SIGUSR1);
  return NULL;
}

int main(void) {
  close_others();
  sigset_t all, two, usr1;
  sigemptyset(&all);
  sigaddset(&all, SIGUSR1), sigaddset(&all, SIGUSR2), sigaddset(&all, SIGTERM), sigaddset(&all, SIGCHLD);
  sigaddset(&all, SIGRTMIN + 1), sigaddset(&all, SIGALRM);
  sigprocmask(SIG_BLOCK, &all, NULL);
  two = all;
  sigdelset(&two, SIGTERM);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  FACT(signalfd(-1, &two, 1));
  FACT(signalfd(99, &two, 0));
  FACT(signalfd(0, &two, 0));
  FACT(syscall(SYS_signalfd4, -1, &two, 4L, 0));
  FACT(syscall(SYS_signalfd4, -1, NULL, 8L, 0));
  int fd = signalfd(-1, &two, SFD_NONBLOCK | SFD_CLOEXEC);
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_GETFD));
  show("nothing", fd, 1);
  events("nothing", fd, ALL_EVENTS);
  raise(SIGTERM);
  events("not in the set", fd, ALL_EVENTS);
  show("not in the set", fd, 1);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGUSR2);
  events("two", fd, ALL_EVENTS);
  show("two", fd, 4);
  show("after", fd, 4);
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 11});
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 22});
  show("queued", fd, 1);
  show("queued", fd, 4);
  FACT(read(fd, found, sizeof *found - 1));
  FACT(write(fd, found, sizeof *found));
  FACT(lseek(fd, 1, SEEK_SET));
  pid_t child = fork();
  if (child == 0) _exit(3);
  waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
  show("child", fd, 4);
  fact("child: %s", join(child));
  child = fork();
  if (child == 0) {
    /* Reads its own signals, not its parent's. */
    show("in the child", fd, 1);
    raise(SIGUSR1);
    show("in the child", fd, 1);
    _exit(0);
  }
  fact("child: %s", join(child));
  show("child", fd, 4);
  raise(SIGUSR2);
  FACT(signalfd(fd, &usr1, 0) == fd);
  events("changed set", fd, ALL_EVENTS);
  sigset_t kill_only;
  sigemptyset(&kill_only);
  sigaddset(&kill_only, SIGKILL);
  FACT(signalfd(fd, &kill_only, 0) == fd);
  FACT(signalfd(fd, &all, 0) == fd);
  show("changed back", fd, 4);
  struct itimerspec soon = {{0, 0}, {0, 1000000}};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = 33};
  timer_t timer;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &soon, NULL);
  pause_ms(20);
  show("timer", fd, 1);
  timer_delete(timer);
  close(fd);
  fd = signalfd(-1, &all, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, raiser, NULL);
  show("waited", fd, 1);
  pthread_join(thread, NULL);
  int epoll = epoll_create1(0);
  struct epoll_event ready = {.events = EPOLLIN};
  FACT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ready));
  FACT(epoll_wait(epoll, &ready, 1, 0));
  pthread_create(&thread, NULL, raiser, NULL);
  FACT(epoll_wait(epoll, &ready, 1, 2000));
  pthread_join(thread, NULL);
  show("by epoll", fd, 1);
  char target[64] = "", path[40];
  sprintf(path, "/proc/self/fd/%d", fd);
  readlink(path, target, 63);
  fact("link %s", target);
  return 0;
}
