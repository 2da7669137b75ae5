/* fcntl(2), dup(2), close_range(2), and ioctl(2) as every file knows it. */
#include "file-facts.h"
#include <linux/close_range.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

static char buffer[100];

/* Which descriptors below 40 are open, with a + where close-on-exec is set. */
static void open_ones(const char *what) {
  char text[400] = "";
  for (int fd = 0; fd < 40; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) sprintf(text + strlen(text), " %d%s", fd, flags ? "+" : "");
  }
  fact("%s:%s", what, text);
}

static void duplicating(void) {
  int fd = open("regular", O_RDWR | O_CREAT | O_TRUNC, 0600);
  FACT(fd);
  FACT(dup(fd));
  FACT(fcntl(fd, F_DUPFD, 10));
  FACT(fcntl(fd, F_DUPFD, 10));
  FACT(fcntl(fd, F_DUPFD_CLOEXEC, 10));
  FACT(dup2(fd, 20));
  FACT(dup2(fd, fd));
  FACT(dup2(99, 5));
  FACT(dup2(fd, -1));
  FACT(dup2(99, 99));
  FACT(syscall(SYS_dup3, fd, fd, 0));
  FACT(dup3(fd, 21, O_CLOEXEC));
  FACT(dup3(fd, 21, 1));
  FACT(dup3(99, 21, 0));
  open_ones("open");
  FACT(write(fd, "hello", 5));
  FACT(lseek(20, 0, SEEK_CUR));
  FACT(fcntl(20, F_SETFL, O_APPEND));
  FACT(fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000);
  FACT(fcntl(fd, F_SETFD, FD_CLOEXEC));
  FACT(fcntl(20, F_GETFD));
  FACT(close(10));
  FACT(dup(fd));
  FACT(fcntl(fd, F_DUPFD, 10));
  FACT(close(99));
  FACT(close(-1));
  struct rlimit limit = {30, 100};
  FACT(setrlimit(RLIMIT_NOFILE, &limit));
  FACT(fcntl(fd, F_DUPFD, 30));
  FACT(fcntl(fd, F_DUPFD, -1));
  FACT(fcntl(fd, F_DUPFD, 29));
  FACT(fcntl(fd, F_DUPFD, 29));
  FACT(dup2(fd, 30));
  FACT(dup2(fd, 29));
  FACT(dup3(fd, 30, 0));
  while (dup(fd) >= 0)
    ;
  fact("dup: %s", strerrorname_np(errno));
  FACT(open("regular", O_RDONLY));
  FACT(eventfd(0, 0));
  int p[2];
  FACT(pipe(p));
  FACT(close(28));
  FACT(pipe(p));
  FACT(dup(fd));
  limit.rlim_cur = 100;
  setrlimit(RLIMIT_NOFILE, &limit);
  FACT(close_range(3, 2, 0));
  FACT(close_range(3, 4, 8));
  FACT(close_range(5, 9, CLOSE_RANGE_CLOEXEC));
  FACT(close_range(12, 19, 0));
  open_ones("open");
  FACT(close_range(4, ~0U, CLOSE_RANGE_UNSHARE));
  open_ones("open");
  FACT(close(fd));
}

static void status_flags(void) {
  int fd = open("regular", O_WRONLY | O_APPEND | O_CLOEXEC);
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_GETFD));
  FACT(fcntl(fd, F_SETFL, O_NONBLOCK | O_RDWR | O_CREAT | O_TRUNC));
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_SETFL, O_ASYNC));
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_SETFD, 2));
  FACT(fcntl(fd, F_GETFD));
  FACT(fcntl(fd, F_SETFD, -1));
  FACT(fcntl(fd, F_GETFD));
  FACT(fcntl(fd, 12345, 0));
  FACT(fcntl(fd, -1, 0));
  FACT(fcntl(99, F_GETFL));
  FACT(fcntl(fd, F_GETPIPE_SZ));
  close(fd);
  fd = open("regular", O_PATH);
  FACT(fcntl(fd, F_GETFL));
  FACT(fcntl(fd, F_SETFL, 0));
  FACT(fcntl(fd, F_GETFD));
  FACT(fcntl(fd, F_GETOWN));
  int copy = fcntl(fd, F_DUPFD, 0);
  FACT(copy);
  FACT(read(fd, buffer, 1));
  FACT(lseek(fd, 0, SEEK_SET));
  FACT(ioctl(fd, FIOCLEX));
  FACT(fsync(fd));
  close(fd), close(copy);
  fd = open(".", O_RDONLY | O_DIRECTORY);
  FACT(fcntl(fd, F_GETFL));
  FACT(read(fd, buffer, 1));
  FACT(write(fd, buffer, 1));
  FACT(pread(fd, buffer, 1, 0));
  close(fd);
}

static volatile sig_atomic_t got, code, from;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  got = signal;
  code = info->si_code;
  from = info->si_fd;
}

static void signals(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGIO, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  int p[2];
  pipe(p);
  FACT(fcntl(p[0], F_GETOWN));
  FACT(fcntl(p[0], F_SETOWN, getpid()));
  FACT(fcntl(p[0], F_GETOWN) == getpid());
  FACT(fcntl(p[0], F_SETOWN, -getpgrp()));
  struct f_owner_ex owner;
  FACT(fcntl(p[0], F_GETOWN_EX, &owner));
  FACT(owner.type == F_OWNER_PGRP && owner.pid == getpgrp());
  FACT(fcntl(p[0], F_SETOWN, 999999));
  FACT(fcntl(p[0], F_SETOWN, INT32_MIN));
  owner.type = 7;
  FACT(fcntl(p[0], F_SETOWN_EX, &owner));
  FACT(fcntl(p[0], F_SETOWN_EX, nowhere()));
  owner = (struct f_owner_ex){F_OWNER_TID, getpid()};
  FACT(fcntl(p[0], F_SETOWN_EX, &owner));
  FACT(fcntl(p[0], F_GETOWN) == getpid());
  FACT(fcntl(p[0], F_GETSIG));
  FACT(fcntl(p[0], F_SETSIG, 65));
  FACT(fcntl(p[0], F_SETSIG, -1));
  FACT(fcntl(p[0], F_SETFL, O_ASYNC));
  FACT(fcntl(p[0], F_GETFL));
  write(p[1], "x", 1);
  fact("signal %d code %d", (int)got, (int)code);
  got = 0;
  FACT(fcntl(p[0], F_SETSIG, SIGUSR1));
  FACT(fcntl(p[0], F_GETSIG));
  write(p[1], "x", 1);
  fact("signal %d code %d fd %d", (int)got, (int)code, from == p[0]);
  got = 0;
  close(p[1]);
  fact("signal %d code %d", (int)got, (int)code);
  got = 0;
  FACT(fcntl(p[0], F_SETFL, 0));
  FACT(fcntl(p[0], F_GETFL));
  close(p[0]);
}

static void leases_and_seals(void) {
  int fd = open("regular", O_RDONLY);
  FACT(fcntl(fd, F_GETLEASE));
  FACT(fcntl(fd, F_SETLEASE, F_UNLCK));
  FACT(fcntl(fd, F_SETLEASE, 77));
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  close(fd);
  fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  FACT(fcntl(fd, F_GET_SEALS));
  FACT(write(fd, "hello", 5));
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  FACT(ftruncate(fd, 3));
  FACT(ftruncate(fd, 8));
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  FACT(ftruncate(fd, 9));
  FACT(pwrite(fd, "abcdef", 6, 5));
  FACT(pwrite(fd, "a", 1, 8));
  void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  munmap(map, 4096);
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  FACT(write(fd, "x", 1));
  FACT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? errno == EPERM : 2);
  FACT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
  FACT(fcntl(fd, F_ADD_SEALS, 0x4000));
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  FACT(fcntl(fd, F_GET_SEALS));
  close(fd);
  fd = memfd_create("plain", 0);
  FACT(fcntl(fd, F_GET_SEALS));
  FACT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  close(fd);
}

static void controls(void) {
  int n = 1, fd = open("regular", O_RDWR | O_TRUNC), p[2];
  write(fd, "0123456789", 10);
  lseek(fd, 4, SEEK_SET);
  FACT(ioctl(fd, FIONREAD, &n));
  FACT(n);
  FACT(ioctl(fd, FIOCLEX));
  FACT(fcntl(fd, F_GETFD));
  FACT(ioctl(fd, FIONCLEX));
  FACT(fcntl(fd, F_GETFD));
  n = 1;
  FACT(ioctl(fd, FIONBIO, &n));
  FACT(fcntl(fd, F_GETFL));
  n = 0;
  FACT(ioctl(fd, FIONBIO, &n));
  FACT(fcntl(fd, F_GETFL));
  FACT(ioctl(fd, FIONBIO, nowhere()));
  n = 1;
  FACT(ioctl(fd, FIOASYNC, &n));
  FACT(ioctl(fd, 0x5401, buffer));
  FACT(ioctl(fd, 0xdead, 0));
  FACT(ioctl(99, FIOCLEX));
  pipe(p);
  FACT(ioctl(p[0], FIOASYNC, &n));
  FACT(fcntl(p[0], F_GETFL));
  FACT(ioctl(p[0], FIONBIO, &n));
  FACT(read(p[0], buffer, 1));
  close(p[0]), close(p[1]), close(fd);
}

int main(void) {
  close_others();
  duplicating();
  status_flags();
  signals();
  leases_and_seals();
  controls();
  unlink("regular");
  return 0;
}
