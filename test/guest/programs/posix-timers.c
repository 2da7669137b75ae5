/* timer_create(2) and its family. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int count, overruns;
static siginfo_t last;
static void on(int sig, siginfo_t *info, void *c) { (void)sig, (void)c, count++, last = *info, overruns += info->si_overrun; }

static void result(const char *what, long r) { printf("%s: %ld errno %d\n", what, r, r < 0 ? errno : 0); }
static int between(double x, double low, double high) { return x >= low && x <= high; }
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static timer_t make(clockid_t clock, int notify, int sig, int value) {
  struct sigevent e;
  memset(&e, 0, sizeof e);
  e.sigev_notify = notify;
  e.sigev_signo = sig;
  e.sigev_value.sival_int = value;
  if (notify == SIGEV_THREAD_ID) e.sigev_notify_thread_id = syscall(SYS_gettid);
  timer_t t = NULL;
  if (timer_create(clock, &e, &t)) printf("timer_create: errno %d\n", errno);
  return t;
}
static void set(timer_t t, long first_us, long interval_us) {
  struct itimerspec s = {{interval_us / 1000000, interval_us % 1000000 * 1000}, {first_us / 1000000, first_us % 1000000 * 1000}};
  if (timer_settime(t, 0, &s, NULL)) printf("timer_settime: errno %d\n", errno);
}

static volatile int notified;
static void on_thread(union sigval v) { notified = v.sival_int; }

static void *in_thread(void *unused) {
  sigset_t s;
  siginfo_t i;
  sigemptyset(&s), sigaddset(&s, SIGUSR2);
  timer_t t = make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR2, 5);
  set(t, 5000, 0);
  int r = sigwaitinfo(&s, &i);
  printf("thread got %d value %d\n", r, i.si_value.sival_int);
  timer_delete(t);
  return unused;
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  struct sigaction a = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &a, NULL), sigaction(SIGRTMIN, &a, NULL), sigaction(SIGALRM, &a, NULL);

  timer_t t = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 42);
  double start = now();
  set(t, 30000, 0);
  struct itimerspec got;
  timer_gettime(t, &got);
  printf("armed: %d, interval %ld\n", got.it_value.tv_sec == 0 && between(got.it_value.tv_nsec, 1, 30e6), got.it_interval.tv_nsec);
  while (!count) pause();
  printf("one shot: in time %d code %d value %d overrun %d\n", between(now() - start, 0.03, 2), last.si_code,
         last.si_value.sival_int, last.si_overrun);
  timer_gettime(t, &got);
  printf("spent: %ld %ld\n", (long)got.it_value.tv_sec, got.it_value.tv_nsec);
  result("timer_delete", timer_delete(t));
  result("again", syscall(SYS_timer_delete, 12345));

  count = 0;
  t = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN, 7);
  sigset_t s, old;
  sigfillset(&s);
  sigprocmask(SIG_SETMASK, &s, &old);
  set(t, 10000, 10000);
  usleep(55000);
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf("blocked meanwhile: delivered at least %d, overruns in range %d\n", count >= 1, between(overruns, 3, 1000));
  int counted = count;
  while (count < counted + 2) pause();
  struct itimerspec zero = {{0, 0}, {0, 0}};
  timer_settime(t, 0, &zero, &got);
  printf("stopped: interval was %ld\n", got.it_interval.tv_nsec);
  counted = count;
  usleep(25000);
  printf("quiet: %d\n", count == counted);
  timer_delete(t);

  count = 0;
  struct itimerspec absolute = {{0, 0}, {0, 0}};
  clock_gettime(CLOCK_REALTIME, &absolute.it_value);
  t = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 1);
  absolute.it_value.tv_sec -= 10;
  timer_settime(t, TIMER_ABSTIME, &absolute, NULL);
  usleep(5000);
  printf("in the past: %d\n", count);
  timer_delete(t);

  t = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
  set(t, 20000, 0);
  timer_gettime(t, &got);
  printf("silent: runs %d\n", got.it_value.tv_nsec > 0);
  usleep(30000);
  timer_gettime(t, &got);
  printf("silent: spent %ld\n", got.it_value.tv_nsec);
  timer_delete(t);

  count = 0;
  t = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 3);
  set(t, 20000, 0);
  while (!count) ;
  printf("CPU time: value %d\n", last.si_value.sival_int);
  timer_delete(t);

  struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 99};
  timer_create(CLOCK_MONOTONIC, &e, &t);
  set(t, 5000, 0);
  for (int i = 0; i < 100 && !notified; i++) usleep(5000);
  printf("SIGEV_THREAD: %d\n", notified);
  timer_delete(t);

  sigset_t two;
  sigemptyset(&two), sigaddset(&two, SIGUSR2);
  sigprocmask(SIG_BLOCK, &two, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, in_thread, NULL);
  pthread_join(thread, NULL);

  count = 0;
  timer_create(CLOCK_MONOTONIC, NULL, &t);
  set(t, 1000, 0);
  while (!count) pause();
  printf("no sigevent: signal %d value is number %d\n", last.si_signo, last.si_value.sival_int == (int)(long)t);
  timer_delete(t);

  timer_t kernel_id;
  e = (struct sigevent){.sigev_notify = 77};
  result("unknown kind", syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &kernel_id));
  e = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
  result("bad signal", syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &kernel_id));
  result("unknown clock", syscall(SYS_timer_create, 99, NULL, &kernel_id));
  result("coarse clock", syscall(SYS_timer_create, CLOCK_MONOTONIC_COARSE, NULL, &kernel_id));
  t = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
  zero.it_value.tv_nsec = 1000000000;
  result("bad time", timer_settime(t, 0, &zero, NULL));
  result("overrun", timer_getoverrun(t));
  fflush(stdout);
  if (make_child() == 0) {
    result("not inherited", timer_gettime(t, &got));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  return 0;
}
