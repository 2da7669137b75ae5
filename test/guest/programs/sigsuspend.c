/* sigsuspend(2), pselect(2), ppoll(2), epoll_pwait(2): masks that hold during a wait. sigwait(3), signalfd(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

static int masked(int sig) {
  sigset_t s;
  sigprocmask(SIG_SETMASK, NULL, &s);
  return sigismember(&s, sig);
}

static void handler(int sig) { printf("  handler %d: USR1 %d USR2 %d\n", sig, masked(SIGUSR1), masked(SIGUSR2)); }

static void after(const char *what, int r) {
  int error = r < 0 ? errno : 0;
  printf("%s: %d errno %d, USR1 %d USR2 %d\n", what, r, error, masked(SIGUSR1), masked(SIGUSR2));
}

static void *waiter(void *set) {
  int sig;
  int r = sigwait(set, &sig);
  printf("thread: %d %d\n", r, sig);
  return NULL;
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  signal(SIGUSR1, handler), signal(SIGUSR2, handler);
  sigset_t one, other;
  sigemptyset(&one), sigaddset(&one, SIGUSR1);
  sigemptyset(&other), sigaddset(&other, SIGUSR2);
  sigprocmask(SIG_SETMASK, &one, NULL);
  struct timespec none = {0, 0}, little = {0, 1000000}, second = {1, 0};

  raise(SIGUSR1);
  after("sigsuspend", sigsuspend(&other));
  raise(SIGUSR1);
  after("pselect", pselect(0, NULL, NULL, NULL, &second, &other));
  after("pselect times out", pselect(0, NULL, NULL, NULL, &little, &other));
  raise(SIGUSR1);
  after("ppoll", ppoll(NULL, 0, &second, &other));
  after("ppoll times out", ppoll(NULL, 0, &none, &other));
  int e = epoll_create1(0);
  struct epoll_event ev;
  raise(SIGUSR1);
  after("epoll_pwait", epoll_pwait(e, &ev, 1, 1000, &other));
  after("epoll_pwait times out", epoll_pwait(e, &ev, 1, 0, &other));

  int p[2];
  if (pipe(p) || write(p[1], "x", 1) != 1) return 1;
  struct pollfd ready = {p[0], POLLIN, 0};
  raise(SIGUSR1);
  after("ppoll with something ready", ppoll(&ready, 1, &second, &other));
  raise(SIGUSR2);
  after("both pending", sigsuspend(&(sigset_t){{0}}));

  siginfo_t info;
  raise(SIGUSR1);
  after("sigtimedwait", sigtimedwait(&one, &info, &none));
  printf("code %d\n", info.si_code);
  after("sigtimedwait of nothing", sigtimedwait(&one, &info, &none));

  int fd = signalfd(-1, &one, SFD_NONBLOCK);
  struct signalfd_siginfo got;
  after("signalfd of nothing", read(fd, &got, sizeof got));
  kill(getpid(), SIGUSR1);
  int r = read(fd, &got, sizeof got);
  printf("signalfd: %d signo %u code %d mine %d\n", r, got.ssi_signo, got.ssi_code, got.ssi_pid == getpid());

  pthread_t t;
  pthread_create(&t, NULL, waiter, &one);
  kill(getpid(), SIGUSR1);
  pthread_join(t, NULL);

  pid_t self = getpid(), child = make_child();
  if (child == 0) {
    usleep(10000);
    kill(self, SIGUSR1);
    _exit(0);
  }
  after("sigsuspend that waits", sigsuspend(&other));
  waitpid(child, NULL, 0);
  return 0;
}
