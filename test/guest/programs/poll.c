/* select(2) and poll(2), with their variants. */
#include "file-facts.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

static char buffer[1 << 17];
static volatile sig_atomic_t signals;

static void on_signal(int signal) {
  (void)signal;
  signals++;
}

static void polling(void) {
  int p[2], file = open("regular", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
  pipe(p);
  events("file", file, ALL_EVENTS);
  events("directory", directory, ALL_EVENTS);
  events("closed", 99, 0);
  events("negative", -1, ALL_EVENTS);
  int path = open(".", O_PATH);
  events("O_PATH", path, ALL_EVENTS);
  struct pollfd set[65] = {{p[0], POLLIN, 7}, {p[1], POLLOUT, 7}, {-5, POLLIN, 7}, {77, 0, 7}};
  FACT(poll(set, 4, -1));
  for (int i = 0; i < 4; i++) fact("set %d:%s", i, event_names(set[i].revents));
  FACT(poll(set, 1, 0));
  FACT(poll(set, 1, 10));
  FACT(poll(NULL, 0, 5));
  FACT(poll(nowhere(), 1, 0));
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 64;
  setrlimit(RLIMIT_NOFILE, &limit);
  FACT(poll(set, 65, 0));
  close(path), close(file), close(directory), close(p[0]), close(p[1]);
  unlink("regular");
}

static void *write_later(void *argument) {
  pause_ms(20);
  write(*(int *)argument, "x", 1);
  return NULL;
}

static void sleeping(void) {
  int p[2];
  pthread_t thread;
  pipe(p);
  struct pollfd set = {p[0], POLLIN, 0};
  pthread_create(&thread, NULL, write_later, &p[1]);
  FACT(poll(&set, 1, 2000));
  fact("found%s", event_names(set.revents));
  pthread_join(thread, NULL);
  read(p[0], buffer, 1);
  struct timespec limit = {2, 0};
  pthread_create(&thread, NULL, write_later, &p[1]);
  FACT(ppoll(&set, 1, &limit, NULL));
  pthread_join(thread, NULL);
  read(p[0], buffer, 1);
  limit = (struct timespec){2, 0};
  pthread_create(&thread, NULL, write_later, &p[1]);
  FACT(syscall(SYS_ppoll, &set, 1, &limit, NULL, 0));
  fact("time left: %s", limit.tv_sec == 1 ? "less than two seconds" : "wrong");
  pthread_join(thread, NULL);
  read(p[0], buffer, 1);
  limit = (struct timespec){0, 1000};
  FACT(syscall(SYS_ppoll, &set, 1, &limit, NULL, 0));
  fact("time left: %ld %ld", (long)limit.tv_sec, limit.tv_nsec);
  limit = (struct timespec){0, 1000000000};
  FACT(ppoll(&set, 1, &limit, NULL));
  limit = (struct timespec){-1, 0};
  FACT(ppoll(&set, 1, &limit, NULL));
  close(p[0]), close(p[1]);
}

static void interrupted(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  int p[2];
  pipe(p);
  struct pollfd set = {p[0], POLLIN, 9};
  sigset_t none, usr1;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigaction(SIGUSR1, &action, NULL);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    pause_ms(20);
    kill(parent, SIGUSR1);
    pause_ms(20);
    kill(parent, SIGUSR1);
    pause_ms(20);
    kill(parent, SIGCONT); /* ignored: nothing is interrupted */
    pause_ms(20);
    write(p[1], "x", 1);
    _exit(0);
  }
  FACT(poll(&set, 1, 2000));
  fact("revents %d", set.revents);
  fd_set reading;
  FD_ZERO(&reading);
  FD_SET(p[0], &reading);
  FACT(select(p[0] + 1, &reading, NULL, NULL, NULL));
  fact("set left alone: %d", FD_ISSET(p[0], &reading) != 0);
  FACT(poll(&set, 1, 2000));
  fact("child: %s", join(child));
  read(p[0], buffer, 1);
  /* A mask of its own. */
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  signals = 0;
  raise(SIGUSR1);
  FACT(poll(&set, 1, 10));
  fact("signals %d", (int)signals);
  FACT(ppoll(&set, 1, NULL, &none));
  fact("signals %d", (int)signals);
  raise(SIGUSR1);
  write(p[1], "x", 1);
  /* An event is found before the signal is. */
  FACT(ppoll(&set, 1, NULL, &none));
  fact("signals %d", (int)signals);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  fact("blocked again: %d", sigismember(&now, SIGUSR1));
  read(p[0], buffer, 1);
  FACT(pselect(0, NULL, NULL, NULL, NULL, &none));
  fact("signals %d", (int)signals);
  FACT(syscall(SYS_ppoll, &set, 1, NULL, &none, 4L));
  sigprocmask(SIG_UNBLOCK, &usr1, NULL);
  close(p[0]), close(p[1]);
}

static void selecting(void) {
  int p[2], s[2];
  fd_set in, out, ex;
  struct timeval limit = {0, 0};
  pipe(p);
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&ex);
  for (int i = 0; i < 2; i++) {
    FD_SET(p[i], &in);
    FD_SET(p[i], &out);
    FD_SET(p[i], &ex);
  }
  FACT(select(p[1] + 1, &in, &out, &ex, &limit));
  fact("in %d %d out %d %d ex %d %d", FD_ISSET(p[0], &in) != 0, FD_ISSET(p[1], &in) != 0, FD_ISSET(p[0], &out) != 0,
       FD_ISSET(p[1], &out) != 0, FD_ISSET(p[0], &ex) != 0, FD_ISSET(p[1], &ex) != 0);
  FD_ZERO(&in);
  FD_SET(p[0], &in);
  close(p[1]);
  FACT(select(p[0] + 1, &in, NULL, NULL, NULL));
  fact("end of file: %d", FD_ISSET(p[0], &in) != 0);
  close(p[0]);
  FACT(select(p[0] + 1, &in, NULL, NULL, &limit));
  FACT(select(-1, NULL, NULL, NULL, &limit));
  FACT(select(0, NULL, NULL, NULL, &limit));
  FACT(select(1024, nowhere(), NULL, NULL, &limit));
  limit = (struct timeval){0, -1};
  FACT(select(0, NULL, NULL, NULL, &limit));
  limit = (struct timeval){0, 2000};
  FACT(select(0, NULL, NULL, NULL, &limit));
  fact("time left %ld %ld", (long)limit.tv_sec, (long)limit.tv_usec);
  /* A bit beyond the count does not matter, nor does one beyond the table. */
  FD_ZERO(&in);
  FD_SET(60, &in);
  limit = (struct timeval){0, 0};
  FACT(select(60, &in, NULL, NULL, &limit));
  FD_ZERO(&in);
  FD_SET(60, &in);
  FACT(select(61, &in, NULL, NULL, &limit));
  FD_ZERO(&in);
  FD_SET(900, &in);
  FACT(select(1024, &in, NULL, NULL, &limit));
  fact("bit 900: %d", FD_ISSET(900, &in) != 0);
  FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  events("socket", s[0], ALL_EVENTS);
  FACT(shutdown(s[1], SHUT_WR));
  events("peer shut down", s[0], ALL_EVENTS);
  close(s[1]);
  events("peer closed", s[0], ALL_EVENTS);
  close(s[0]);
  struct timespec spec = {0, 0};
  FACT(pselect(0, NULL, NULL, NULL, &spec, NULL));
  spec = (struct timespec){0, -5};
  FACT(pselect(0, NULL, NULL, NULL, &spec, NULL));
}

int main(void) {
  close_others();
  polling();
  sleeping();
  interrupted();
  selecting();
  return 0;
}
