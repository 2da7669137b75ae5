/* setitimer(2), alarm(2), RLIMIT_CPU. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
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

static volatile int count[65];
static siginfo_t last;
static void on(int sig, siginfo_t *info, void *c) { (void)c, count[sig]++, last = *info; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static double used(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static void result(const char *what, int r) { printf("%s: %d errno %d\n", what, r, r < 0 ? errno : 0); }
static int between(double x, double low, double high) { return x >= low && x <= high; }

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  struct sigaction a = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &a, NULL), sigaction(SIGVTALRM, &a, NULL), sigaction(SIGPROF, &a, NULL);
  sigaction(SIGXCPU, &a, NULL);

  struct itimerval set = {{0, 20000}, {0, 20000}}, got;
  double start = now();
  result("setitimer", setitimer(ITIMER_REAL, &set, NULL));
  while (count[SIGALRM] < 5) pause();
  printf("five alarms in time: %d, code %d\n", between(now() - start, 0.1, 2), last.si_code);
  getitimer(ITIMER_REAL, &got);
  printf("running: interval %ld, value in range %d\n", got.it_interval.tv_usec,
         got.it_value.tv_sec == 0 && between(got.it_value.tv_usec, 1, 20000));
  memset(&set, 0, sizeof set);
  setitimer(ITIMER_REAL, &set, &got);
  printf("old one: interval %ld\n", got.it_interval.tv_usec);
  getitimer(ITIMER_REAL, &got);
  printf("stopped: %ld %ld %ld\n", got.it_value.tv_sec, got.it_value.tv_usec, got.it_interval.tv_usec);

  printf("alarm: %u\n", alarm(10));
  printf("alarm again: %u\n", alarm(0));
  printf("none: %u\n", alarm(0));
  set.it_value.tv_usec = 1000000;
  result("too many microseconds", setitimer(ITIMER_REAL, &set, NULL));
  set.it_value.tv_usec = -1;
  result("negative", setitimer(ITIMER_REAL, &set, NULL));
  result("unknown timer", setitimer(5, &set, NULL));
  result("bad address", setitimer(ITIMER_REAL, (void *)8, NULL));

  /* A child has no timers of its parent's; a new program keeps them. */
  set = (struct itimerval){{0, 0}, {0, 100000}};
  setitimer(ITIMER_REAL, &set, NULL);
  fflush(stdout);
  if (make_child() == 0) {
    getitimer(ITIMER_REAL, &got);
    printf("child: %ld %ld\n", got.it_value.tv_sec, got.it_value.tv_usec);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  alarm(0);
  fflush(stdout);
  if (make_child() == 0) {
    signal(SIGALRM, SIG_DFL);
    set = (struct itimerval){{0, 0}, {0, 50000}};
    setitimer(ITIMER_REAL, &set, NULL);
    execl("/bin/sleep", "sleep", "2", NULL);
    _exit(1);
  }
  int status;
  wait(&status);
  printf("after execve: killed by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);

  set = (struct itimerval){{0, 10000}, {0, 10000}};
  double cpu = used();
  setitimer(ITIMER_PROF, &set, NULL);
  while (count[SIGPROF] < 5) ;
  /* Hosts that sample who is running charge a whole tick for less, when others run beside us. */
  printf("SIGPROF by CPU time: %d\n", between(used() - cpu, 0.002, 0.4));
  int before = count[SIGPROF];
  usleep(60000);
  printf("none while asleep: %d\n", count[SIGPROF] - before <= 1);
  memset(&set, 0, sizeof set);
  setitimer(ITIMER_PROF, &set, NULL);
  set.it_value.tv_usec = 20000;
  setitimer(ITIMER_VIRTUAL, &set, NULL);
  while (count[SIGVTALRM] < 1) ;
  getitimer(ITIMER_VIRTUAL, &got);
  printf("SIGVTALRM once: %d left %ld\n", count[SIGVTALRM], got.it_value.tv_usec);

  fflush(stdout);
  if (make_child() == 0) {
    struct rlimit limit = {0, 1};
    setrlimit(RLIMIT_CPU, &limit);
    double t = now();
    while (count[SIGXCPU] == 0 && now() - t < 3) ;
    printf("SIGXCPU %d\n", count[SIGXCPU]);
    getrlimit(RLIMIT_CPU, &limit);
    printf("limits %ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
    fflush(stdout);
    for (;;) ;
  }
  wait(&status);
  printf("RLIMIT_CPU: killed by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return 0;
}
