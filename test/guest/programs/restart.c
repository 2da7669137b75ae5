/* Which calls a handler interrupts, with SA_RESTART and without: signal(7). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

static volatile int handled;
static int pipes[2], full[2], pair[2];
static pid_t child;

static void handler(int sig) { (void)sig, handled++; }

/* Sends a signal to the parent while it sits in its call, then makes the call's event happen. */
static void helper(int sig, void (*finish)(void)) {
  pid_t parent = getpid();
  child = make_child();
  if (child) return;
  usleep(20000);
  kill(parent, sig);
  usleep(20000);
  if (finish) finish();
  _exit(7);
}

static void fill(void) {
  static char zeros[4096];
  fcntl(full[1], F_SETFL, O_NONBLOCK);
  while (write(full[1], zeros, sizeof zeros) > 0) ;
  fcntl(full[1], F_SETFL, 0);
}

static void feed(void) { if (write(pipes[1], "x", 1) != 1) _exit(1); }
static void drain(void) { char b[65536]; if (read(full[0], b, sizeof b) < 0) _exit(1); }
static void talk(void) { if (write(pair[1], "y", 1) != 1) _exit(1); }

static long do_read(void) { char c; return read(pipes[0], &c, 1); }
static long do_write(void) { return write(full[1], "zz", 2); }
static long do_recv(void) { char c; return recv(pair[0], &c, 1, 0); }
static long do_wait(void) { int st; return waitpid(child, &st, 0) == child ? WEXITSTATUS(st) : -1; }
static long do_poll(void) { struct pollfd p = {pipes[0], POLLIN, 0}; return poll(&p, 1, 1000); }
static long do_select(void) {
  fd_set s; FD_ZERO(&s); FD_SET(pipes[0], &s);
  struct timeval t = {1, 0};
  return select(pipes[0] + 1, &s, NULL, NULL, &t);
}
static long do_epoll(void) {
  int e = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN}, got;
  epoll_ctl(e, EPOLL_CTL_ADD, pipes[0], &ev);
  long r = epoll_wait(e, &got, 1, 1000);
  int saved = errno;
  close(e);
  errno = saved;
  return r;
}
static long do_sleep(void) {
  struct timespec t = {2, 0}, rest = {9, 9};
  long r = nanosleep(&t, &rest);
  if (r < 0 && !(rest.tv_sec == 0 && rest.tv_nsec > 0 && rest.tv_nsec < 60000000)) printf("bad rest\n");
  return r;
}
static long do_clock_sleep(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_nsec += 60000000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  int r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  errno = r;
  return r ? -1 : 0;
}
static long do_pause(void) { return pause(); }
static int word;
static long do_futex(void) {
  struct timespec t = {0, 60000000};
  return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0);
}
static long do_open_fifo(void) {
  int fd = open("restart.fifo", O_RDONLY);
  if (fd >= 0) close(fd);
  return fd >= 0 ? 0 : -1;
}
/* The reader may be gone, and then nobody is to be waited for. */
static void open_other(void) {
  int fd = open("restart.fifo", O_WRONLY | O_NONBLOCK);
  if (fd >= 0) close(fd);
}
static long do_sigwait(void) {
  sigset_t s;
  sigemptyset(&s), sigaddset(&s, SIGUSR2);
  struct timespec t = {0, 60000000};
  return sigtimedwait(&s, NULL, &t);
}

static void try(const char *name, long (*call)(void), void (*finish)(void), int sig) {
  for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    if (sig == SIGUSR1) sigaction(SIGUSR1, &a, NULL);
    handled = 0;
    fflush(stdout);
    helper(sig, finish);
    errno = 0;
    long r = call();
    int error = errno;
    printf("%s%s: %ld %s, handled %d\n", name, flags ? " with SA_RESTART" : "", r,
           r < 0 ? strerrorname_np(error) : "", handled);
    if (call != do_wait || r < 0) waitpid(child, NULL, 0);
    /* What the helper has done although the call was interrupted. */
    char c;
    if (finish == feed && (r < 0 || call == do_poll || call == do_select || call == do_epoll)) r = read(pipes[0], &c, 1);
    if (finish == talk && r < 0) r = recv(pair[0], &c, 1, 0);
    if (finish == drain) fill();
  }
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  unlink("restart.fifo");
  if (pipe(pipes) || pipe(full) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || mkfifo("restart.fifo", 0600)) return 1;
  fill();
  try("read", do_read, feed, SIGUSR1);
  try("write", do_write, drain, SIGUSR1);
  try("recv", do_recv, talk, SIGUSR1);
  try("wait", do_wait, NULL, SIGUSR1);
  try("poll", do_poll, feed, SIGUSR1);
  try("select", do_select, feed, SIGUSR1);
  try("epoll_wait", do_epoll, feed, SIGUSR1);
  try("nanosleep", do_sleep, NULL, SIGUSR1);
  try("clock_nanosleep", do_clock_sleep, NULL, SIGUSR1);
  try("pause", do_pause, NULL, SIGUSR1);
  try("futex", do_futex, NULL, SIGUSR1);
  try("open of a FIFO", do_open_fifo, open_other, SIGUSR1);
  try("sigtimedwait", do_sigwait, NULL, SIGUSR1);
  /* A signal that nobody handles and that does nothing interrupts nothing. */
  try("read and SIGWINCH", do_read, feed, SIGWINCH);
  try("nanosleep and SIGURG", do_sleep, NULL, SIGURG);
  unlink("restart.fifo");
  return 0;
}
