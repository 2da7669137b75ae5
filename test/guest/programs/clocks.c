/* Clocks: clock_gettime(2) and relatives, by the vDSO and by system calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static void result(const char *what, long r) { printf("%s: %ld errno %d\n", what, r, r < 0 ? errno : 0); }
static double seconds(struct timespec t) { return t.tv_sec + t.tv_nsec / 1e9; }
static double by_call(int clock) {
  struct timespec t;
  return syscall(SYS_clock_gettime, clock, &t) ? -1 : seconds(t);
}
static double by_vdso(int clock) {
  struct timespec t;
  return clock_gettime(clock, &t) ? -1 : seconds(t);
}

static volatile int stop;
static void *spin(void *clock) {
  pthread_getcpuclockid(pthread_self(), clock);
  while (!stop) ;
  return NULL;
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    double a = by_vdso(clocks[i]), b = by_call(clocks[i]), c = by_vdso(clocks[i]);
    printf("clock %d: there %d, call and vDSO agree %d\n", clocks[i], a > 0, a <= b + 0.011 && b <= c + 0.011);
  }
  int ordered = 1;
  for (int i = 0; i < 1000; i++) {
    double a = by_vdso(CLOCK_MONOTONIC), b = by_call(CLOCK_MONOTONIC), c = by_vdso(CLOCK_MONOTONIC);
    if (a > b || b > c) ordered = 0;
  }
  printf("monotonic over both ways: %d\n", ordered);
  struct timespec res, t;
  clock_getres(CLOCK_MONOTONIC, &res);
  printf("resolution: %ld %ld\n", (long)res.tv_sec, res.tv_nsec);
  result("getres of CPU time", clock_getres(CLOCK_PROCESS_CPUTIME_ID, &res));
  result("unknown clock", syscall(SYS_clock_gettime, 77, &t));
  result("unknown resolution", syscall(SYS_clock_getres, 77, &t));
  result("bad address", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8));
  result("set monotonic", syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t));

  struct timeval tv;
  struct timezone tz;
  syscall(SYS_gettimeofday, &tv, &tz);
  time_t sec = syscall(SYS_time, &sec);
  printf("gettimeofday and time agree: %d\n", sec - tv.tv_sec <= 1 && sec - time(NULL) <= 1);

  double start = by_vdso(CLOCK_PROCESS_CPUTIME_ID);
  double wall = by_vdso(CLOCK_MONOTONIC);
  while (by_vdso(CLOCK_MONOTONIC) - wall < 0.05) ;
  double used = by_vdso(CLOCK_PROCESS_CPUTIME_ID) - start;
  printf("CPU time of a busy loop: %d\n", used > 0 && used < 0.2);
  start = by_vdso(CLOCK_THREAD_CPUTIME_ID);
  usleep(50000);
  printf("CPU time of a sleep: %d\n", by_vdso(CLOCK_THREAD_CPUTIME_ID) - start < 0.02);
  pthread_t thread;
  clockid_t clock = 0;
  pthread_create(&thread, NULL, spin, &clock);
  usleep(60000);
  double other = by_vdso(clock);
  printf("CPU time of another thread: %d\n", other > 0 && other <= by_vdso(CLOCK_PROCESS_CPUTIME_ID));
  stop = 1;
  pthread_join(thread, NULL);
  /* It has been waited for a little before it is gone. */
  for (int tries = 0; tries < 1000 && clock_gettime(clock, &t) == 0; tries++) usleep(1000);
  result("of a thread that is gone", clock_gettime(clock, &t));
  clock_getcpuclockid(0, &clock);
  result("of a process", clock_gettime(clock, &t));
  printf("clock_getcpuclockid of nobody: %d\n", clock_getcpuclockid(999999, &clock));

  struct timespec request = {0, 20000000};
  wall = by_vdso(CLOCK_MONOTONIC);
  result("nanosleep", nanosleep(&request, NULL));
  double slept = by_vdso(CLOCK_MONOTONIC) - wall;
  printf("long enough %d\n", slept >= 0.02 && slept < 2);
  request.tv_nsec = 1000000000;
  result("bad time", nanosleep(&request, NULL));
  request = (struct timespec){-1, 0};
  result("negative time", nanosleep(&request, NULL));
  request = (struct timespec){0, 0};
  result("no time", nanosleep(&request, NULL));
  clock_gettime(CLOCK_REALTIME, &request);
  request.tv_nsec += 10000000;
  if (request.tv_nsec >= 1000000000) request.tv_sec++, request.tv_nsec -= 1000000000;
  printf("until a time: %d\n", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &request, NULL));
  clock_gettime(CLOCK_REALTIME, &t);
  printf("reached: %d\n", seconds(t) >= seconds(request));
  request.tv_sec -= 100;
  printf("in the past: %d\n", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &request, NULL));
  printf("on a coarse clock: %d\n", clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &request, NULL));
  printf("on a thread's clock: %ld\n", syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &request, NULL));
  printf("on no clock: %d\n", clock_nanosleep(77, 0, &request, NULL));
  return 0;
}
