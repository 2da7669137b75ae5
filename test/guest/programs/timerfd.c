/* timerfd_create(2). */
#include "file-facts.h"
#include <sys/timerfd.h>

static uint64_t ticks;

static const char *take(int fd) {
  static char text[40];
  if (read(fd, &ticks, 8) != 8) return strerrorname_np(errno);
  sprintf(text, "%llu", (unsigned long long)ticks);
  return text;
}

#define MS 1000000L

static int set(int fd, int flags, long ns, long interval) {
  struct itimerspec spec = {{interval / 1000000000, interval % 1000000000}, {ns / 1000000000, ns % 1000000000}};
  return timerfd_settime(fd, flags, &spec, NULL);
}

int main(void) {
  close_others();
  static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID,
                               CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, 99};
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    int fd = timerfd_create(clocks[i], 0);
    fact("clock %d: %s", clocks[i], success(fd));
    if (fd >= 0) close(fd);
  }
  FACT(timerfd_create(CLOCK_MONOTONIC, 1));
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_GETFD));
  fact("unarmed: %s", take(fd));
  events("unarmed", fd, ALL_EVENTS);
  FACT(set(fd, 0, 20 * MS, 0));
  events("armed", fd, ALL_EVENTS);
  struct itimerspec spec;
  FACT(timerfd_gettime(fd, &spec));
  fact("left: %s", spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec > 0 && spec.it_value.tv_nsec <= 20 * MS ? "some" : "wrong");
  pause_ms(30);
  events("expired", fd, ALL_EVENTS);
  FACT(timerfd_gettime(fd, &spec));
  fact("left: %ld %ld", (long)spec.it_value.tv_sec, spec.it_value.tv_nsec);
  fact("read %s", take(fd));
  fact("read %s", take(fd));
  FACT(set(fd, 0, 1, 0));
  pause_ms(5);
  fact("one nanosecond: %s", take(fd));
  FACT(set(fd, 0, 10 * MS, 100 * MS));
  pause_ms(160);
  fact("periodic: %s", take(fd));
  events("between", fd, ALL_EVENTS);
  pause_ms(100);
  fact("periodic: %s", take(fd));
  struct itimerspec old;
  spec = (struct itimerspec){{0, 0}, {0, 0}};
  FACT(timerfd_settime(fd, 0, &spec, &old));
  fact("old interval %ld, value %s", old.it_interval.tv_nsec, old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 100 * MS ? "some" : "wrong");
  FACT(timerfd_gettime(fd, &spec));
  fact("disarmed %ld %ld %ld", (long)spec.it_value.tv_sec, spec.it_value.tv_nsec, spec.it_interval.tv_nsec);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  spec = (struct itimerspec){{0, 0}, {now.tv_sec - 1, now.tv_nsec}};
  FACT(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
  fact("in the past: %s", take(fd));
  spec = (struct itimerspec){{0, 100 * MS}, {now.tv_sec - 1, now.tv_nsec}};
  FACT(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
  fact("periodic since a second: %s", take(fd));
  FACT(set(fd, 8, 1, 0));
  FACT(set(fd, 0, 0, 0));
  spec = (struct itimerspec){{0, 0}, {0, 1000000000}};
  FACT(timerfd_settime(fd, 0, &spec, NULL));
  spec = (struct itimerspec){{0, 0}, {-1, 0}};
  FACT(timerfd_settime(fd, 0, &spec, NULL));
  FACT(timerfd_settime(fd, 0, nowhere(), NULL));
  FACT(timerfd_settime(0, 0, &spec, NULL));
  FACT(timerfd_gettime(99, &spec));
  FACT(timerfd_gettime(0, &spec));
  FACT(read(fd, &ticks, 4));
  FACT(write(fd, &ticks, 8));
  FACT(lseek(fd, 1, SEEK_SET));
  FACT(pread(fd, &ticks, 8, 0));
  set(fd, 0, MS, 0);
  pause_ms(5);
  FACT(read(fd, nowhere(), 8));
  fact("after a fault: %s", take(fd));
  close(fd);

  fd = timerfd_create(CLOCK_REALTIME, 0);
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec += 20 * MS;
  if (now.tv_nsec >= 1000000000) now.tv_sec++, now.tv_nsec -= 1000000000;
  spec = (struct itimerspec){{0, 0}, now};
  FACT(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL));
  fact("waited: %s", take(fd));
  struct timespec after;
  clock_gettime(CLOCK_REALTIME, &after);
  fact("not too early: %d", after.tv_sec > now.tv_sec || (after.tv_sec == now.tv_sec && after.tv_nsec >= now.tv_nsec));
  set(fd, 0, 10 * MS, 0);
  struct pollfd p = {fd, POLLIN, 0};
  FACT(poll(&p, 1, 1000));
  char target[64] = "", path[40];
  sprintf(path, "/proc/self/fd/%d", fd);
  readlink(path, target, 63);
  fact("link %s", target);
  return 0;
}
