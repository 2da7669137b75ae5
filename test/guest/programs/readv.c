/* read(2), write(2) and their relatives, lseek(2). */
#include "file-facts.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

static char buffer[70000];
static volatile sig_atomic_t signals;

static void on_signal(int signal) {
  (void)signal;
  signals++;
}

static void vectors(int fd) {
  char a[4] = "ab", b[4] = "cde", c[4] = "";
  struct iovec v[1025] = {{a, 2}, {b, 0}, {b, 3}, {nowhere(), 0}};
  FACT(writev(fd, v, 4));
  FACT(writev(fd, v, 0));
  int few = atoi("-1");
  FACT(writev(fd, v, few));
  for (int i = 4; i < 1025; i++) v[i] = (struct iovec){a, 1};
  FACT(writev(fd, v, 1024));
  FACT(writev(fd, v, 1025));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(ftruncate(fd, 5));
  lseek(fd, 0, SEEK_SET);
  struct iovec in[3] = {{a, 1}, {b, 2}, {c, 4}};
  FACT(readv(fd, in, 3));
  bytes("a", a, 1);
  bytes("b", b, 2);
  bytes("c", c, 2);
  FACT(readv(fd, in, 3));
  FACT(preadv(fd, in, 2, 2));
  bytes("b", b, 2);
  FACT(preadv(fd, in, 2, -1));
  FACT(pwritev(fd, in, 2, 10));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(lseek(fd, 0, SEEK_END));
  in[1].iov_base = nowhere();
  lseek(fd, 0, SEEK_SET);
  FACT(readv(fd, in, 3));
  FACT(lseek(fd, 0, SEEK_CUR));
  in[0].iov_base = nowhere();
  FACT(readv(fd, in, 3));
  in[2].iov_len = (size_t)-1;
  FACT(readv(fd, in, 3));
  FACT(readv(fd, nowhere(), 1));
  FACT(readv(99, in, 1));
  struct iovec huge[2] = {{buffer, 10}, {(void *)0xffff800000000000, 10}};
  FACT(readv(fd, huge, 2));
  /* Flags. */
  struct iovec one = {a, 2};
  FACT(pwritev2(fd, &one, 1, 0, RWF_APPEND));
  FACT(lseek(fd, 0, SEEK_END));
  FACT(pwritev2(fd, &one, 1, 0, RWF_DSYNC | RWF_SYNC));
  FACT(pwritev2(fd, &one, 1, 0, 0x40000000));
  FACT(preadv2(fd, &one, 1, -1, 0));
  lseek(fd, 3, SEEK_SET);
  FACT(preadv2(fd, &one, 1, -1, 0));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(pwritev2(fd, &one, 1, -2, 0));
  int p[2];
  pipe(p);
  FACT(preadv2(p[0], &one, 1, -1, RWF_NOWAIT));
  FACT(preadv2(p[0], &one, 1, 0, 0));
  FACT(preadv(p[0], &one, 1, 0));
  FACT(pwritev2(p[1], &one, 1, -1, 0));
  close(p[0]), close(p[1]);
}

static void seeking(int fd) {
  ftruncate(fd, 10);
  FACT(lseek(fd, 3, SEEK_SET));
  FACT(lseek(fd, 4, SEEK_CUR));
  FACT(lseek(fd, -1, SEEK_END));
  FACT(lseek(fd, -11, SEEK_END));
  FACT(lseek(fd, -1, SEEK_SET));
  FACT(lseek(fd, 0, 9));
  FACT(lseek(99, 0, SEEK_SET));
  FACT(lseek(99, 0, 9));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(lseek(fd, 10, SEEK_DATA));
  FACT(lseek(fd, 10, SEEK_HOLE));
  FACT(lseek(fd, -1, SEEK_DATA));
  FACT(lseek(fd, 1000000, SEEK_SET));
  FACT(read(fd, buffer, 1));
  FACT(write(fd, "x", 1));
  FACT(lseek(fd, 0, SEEK_END));
  FACT(pread(fd, buffer, 3, 999999));
  bytes("hole and x", buffer, 2);
  FACT(lseek(fd, 5, SEEK_SET));
  FACT(pread(fd, buffer, 1, -1));
  FACT(pwrite(fd, buffer, 1, -1));
  FACT(pread(99, buffer, 1, -1));
  FACT(pwrite(fd, "yy", 2, 20));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(read(fd, nowhere(), 0));
  FACT(write(fd, nowhere(), 0));
  FACT(read(fd, nowhere(), 1));
  FACT(write(fd, nowhere(), 1));
  FACT(syscall(SYS_read, fd, buffer, -1L));
  FACT(syscall(SYS_read, fd, buffer, 0x7fffffffffffffffL));
  FACT(lseek(fd, 0, SEEK_CUR));
}

static void faults(int fd) {
  char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  memset(page, 'z', 4096);
  ftruncate(fd, 0);
  FACT(pwrite(fd, page + 4000, 200, 0));
  FACT(lseek(fd, 0, SEEK_END));
  ftruncate(fd, 300);
  FACT(pread(fd, page + 4000, 200, 0));
  FACT(pread(fd, page + 4096, 200, 0));
  FACT(pwrite(fd, page + 4096, 200, 0));
  mprotect(page, 4096, PROT_READ);
  FACT(pread(fd, page, 200, 0));
  FACT(pwrite(fd, page, 200, 0));
  munmap(page, 4096);
}

static void appending(void) {
  int fd = open("appended", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
  FACT(write(fd, "abc", 3));
  FACT(lseek(fd, 0, SEEK_SET));
  FACT(read(fd, buffer, 1));
  FACT(write(fd, "d", 1));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(pwrite(fd, "e", 1, 0));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(pread(fd, buffer, 10, 0));
  bytes("appended", buffer, 5);
  int other = open("appended", O_WRONLY);
  FACT(pwrite(other, "x", 1, 100));
  FACT(write(fd, "y", 1));
  FACT(lseek(fd, 0, SEEK_CUR));
  FACT(read(other, buffer, 1));
  close(other);
  other = open("appended", O_RDONLY);
  FACT(write(other, buffer, 1));
  FACT(write(other, nowhere(), 1));
  FACT(pwrite(other, buffer, 1, 0));
  close(other), close(fd);
  unlink("appended");
}

/* Kept until the limit is gone, since standard output may be a file. */
static char kept[20][100];
static int count;
#define KEEP(call) sprintf(kept[count++], "%s: %s", #call, outcome((long)(call)))

static void limits(int fd) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGXFSZ, &action, NULL);
  struct rlimit limit = {100, RLIM_INFINITY};
  ftruncate(fd, 0);
  lseek(fd, 0, SEEK_SET);
  KEEP(setrlimit(RLIMIT_FSIZE, &limit));
  KEEP(write(fd, buffer, 90));
  KEEP(write(fd, buffer, 20));
  KEEP(signals);
  KEEP(write(fd, buffer, 1));
  KEEP(signals);
  KEEP(write(fd, buffer, 0));
  KEEP(pwrite(fd, buffer, 5, 98));
  KEEP(pwrite(fd, buffer, 5, 200));
  KEEP(signals);
  KEEP(ftruncate(fd, 101));
  KEEP(signals);
  int p[2];
  pipe(p);
  KEEP(write(p[1], buffer, 200));
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  for (int i = 0; i < count; i++) fact("%s", kept[i]);
  close(p[0]), close(p[1]);
}

int main(void) {
  close_others();
  int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
  vectors(fd);
  seeking(fd);
  faults(fd);
  appending();
  limits(fd);
  close(fd);
  unlink("data");
  return 0;
}
