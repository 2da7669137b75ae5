/* eventfd(2). */
#include "file-facts.h"
#include <pthread.h>
#include <sys/eventfd.h>

static uint64_t value;

static const char *take(int fd) {
  static char text[40];
  if (read(fd, &value, 8) != 8) return strerrorname_np(errno);
  sprintf(text, "%llu", (unsigned long long)value);
  return text;
}

static long give(int fd, uint64_t count) { return write(fd, &count, 8); }

static void *taker(void *argument) {
  static uint64_t got;
  read(*(int *)argument, &got, 8);
  return &got;
}

static void *giver(void *argument) { return (void *)give(*(int *)argument, 5); }

int main(void) {
  close_others();
  FACT(eventfd(0, 2));
  int fd = eventfd(7, EFD_NONBLOCK | EFD_CLOEXEC);
  FACT(fd);
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_GETFD));
  events("count 7", fd, ALL_EVENTS);
  fact("read %s", take(fd));
  events("count 0", fd, ALL_EVENTS);
  fact("read %s", take(fd));
  FACT(give(fd, 3));
  FACT(give(fd, 0));
  fact("read %s", take(fd));
  FACT(read(fd, &value, 7));
  FACT(write(fd, &value, 7));
  FACT(read(fd, &value, 0));
  FACT(give(fd, UINT64_MAX));
  FACT(give(fd, UINT64_MAX - 1));
  events("full", fd, ALL_EVENTS);
  FACT(give(fd, 1));
  FACT(give(fd, 0));
  fact("read %s", take(fd));
  FACT(give(fd, 0xffffffff));
  FACT(give(fd, 1));
  char big[16] = {0};
  FACT(read(fd, big, 16));
  bytes("read", big, 16);
  big[0] = 9;
  FACT(write(fd, big, 16));
  fact("read %s", take(fd));
  FACT(pread(fd, &value, 8, 0));
  FACT(pwrite(fd, &value, 8, 0));
  FACT(lseek(fd, 3, SEEK_SET));
  FACT(fsync(fd));
  FACT(ftruncate(fd, 0));
  FACT(give(fd, 2));
  FACT(read(fd, nowhere(), 8));
  fact("read after a fault: %s", take(fd));
  FACT(write(fd, nowhere(), 8));
  struct stat st;
  FACT(fstat(fd, &st));
  fact("mode %o", st.st_mode);
  char path[40], target[64] = "";
  sprintf(path, "/proc/self/fd/%d", fd);
  readlink(path, target, 63);
  fact("link %s", target);
  FACT(open(path, O_RDWR));
  close(fd);

  fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
  for (int i = 0; i < 4; i++) fact("semaphore %s", take(fd));
  give(fd, 0x100000000);
  fact("semaphore %s", take(fd));
  fact("semaphore %s", take(fd));
  close(fd);

  fd = eventfd(0, 0);
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, taker, &fd);
  pause_ms(20);
  FACT(give(fd, 4));
  pthread_join(thread, &result);
  fact("waited for %llu", (unsigned long long)*(uint64_t *)result);
  give(fd, UINT64_MAX - 2);
  pthread_create(&thread, NULL, giver, &fd);
  pause_ms(20);
  fact("read %s", take(fd));
  pthread_join(thread, &result);
  fact("writer %ld", (long)result);
  fact("read %s", take(fd));
  return 0;
}
