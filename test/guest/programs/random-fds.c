/* The same random sequence of calls on pipes, eventfds, files and epoll instances, wherever this runs. */
#include "file-facts.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define FDS 20
#define STEPS 6000

static uint32_t state = 1;

static uint32_t any(uint32_t below) {
  state = state * 1664525 + 1013904223;
  return (uint32_t)(((uint64_t)(state >> 4) * below) >> 28);
}

static int some_fd(void) { return 3 + any(FDS); }

/* Sizes around those at which something changes. */
static long some_size(void) {
  static const long sizes[] = {0, 1, 2, 7, 8, 9, 16, 100, 1000, 3000, 4095, 4096, 4097, 5000, 8192, 20000, 65536, 70000};
  return any(3) ? sizes[any(sizeof sizes / sizeof *sizes)] : any(10000);
}

static unsigned char data[140000], got[140000];
static unsigned next;

static unsigned sum(const unsigned char *from, long count) {
  unsigned value = 0;
  for (long i = 0; i < count; i++) value = value * 31 + from[i];
  return value;
}

static char line[300];

static void step(void) {
  int fd = some_fd(), other = some_fd();
  long size = some_size(), result;
  switch (any(26)) {
    case 0: {
      int p[2] = {0, 0}, flags = O_NONBLOCK | (any(4) ? 0 : O_DIRECT);
      result = pipe2(p, flags);
      sprintf(line, "pipe2 %x: %s %d %d", flags, outcome(result), p[0], p[1]);
      if (result == 0 && (p[0] >= 3 + FDS || p[1] >= 3 + FDS)) close(p[0]), close(p[1]);
      return;
    }
    case 1: {
      int flags = EFD_NONBLOCK | (any(2) ? EFD_SEMAPHORE : 0);
      result = eventfd(any(5), flags);
      sprintf(line, "eventfd %x: %s", flags, outcome(result));
      if (result >= 3 + FDS) close(result);
      return;
    }
    case 2:
      result = epoll_create1(0);
      sprintf(line, "epoll_create: %s", outcome(result));
      if (result >= 3 + FDS) close(result);
      return;
    case 3: {
      static const int flags[] = {O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_APPEND, O_RDWR | O_TRUNC, O_PATH};
      int which = any(6);
      result = open("random", flags[which] | O_CREAT, 0600);
      sprintf(line, "open %d: %s", which, outcome(result));
      if (result >= 3 + FDS) close(result);
      return;
    }
    case 4:
      sprintf(line, "close %d: %s", fd, outcome(close(fd)));
      return;
    case 5:
      result = dup(fd);
      sprintf(line, "dup %d: %s", fd, outcome(result));
      if (result >= 3 + FDS) close(result);
      return;
    case 6:
      sprintf(line, "dup2 %d %d: %s", fd, other, outcome(dup2(fd, other)));
      return;
    case 7:
    case 8:
    case 9:
      for (long i = 0; i < size; i++) data[i] = next++ % 251;
      sprintf(line, "write %d %ld: %s", fd, size, outcome(write(fd, data, size)));
      return;
    case 10:
    case 11:
    case 12:
      result = read(fd, got, size);
      sprintf(line, "read %d %ld: %s %u", fd, size, outcome(result), sum(got, result));
      return;
    case 13: {
      struct iovec v[3] = {{got, size}, {got + 70000, any(5000)}, {got + 80000, any(2) * 4096}};
      result = any(2) ? readv(fd, v, 3) : preadv(fd, v, 3, any(10000));
      sprintf(line, "readv %d: %s", fd, outcome(result));
      return;
    }
    case 14: {
      struct iovec v[2] = {{data, size}, {data + 70000, any(5000)}};
      int positioned = any(2);
      result = positioned ? pwritev(fd, v, 2, any(10000)) : writev(fd, v, 2);
      sprintf(line, "%s %d: %s", positioned ? "pwritev" : "writev", fd, outcome(result));
      return;
    }
    case 15:
    case 16: {
      struct pollfd p[3] = {{fd, any(2) ? ALL_EVENTS : POLLIN, 0}, {other, any(2) ? POLLOUT : 0, 0}, {some_fd(), POLLIN, 0}};
      result = poll(p, 3, 0);
      sprintf(line, "poll %d %d: %s %x %x %x", fd, other, outcome(result), p[0].revents, p[1].revents, p[2].revents);
      return;
    }
    case 17:
    case 18: {
      static const unsigned options[] = {0, 0, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLET | EPOLLONESHOT};
      static const unsigned kinds[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, 0};
      unsigned wanted = options[any(6)] | kinds[any(4)];
      struct epoll_event event = {.events = wanted, .data.u64 = next++};
      int operation = 1 + any(3);
      result = epoll_ctl(fd, operation, other, &event);
      sprintf(line, "epoll_ctl %d %d %d %x: %s", fd, operation, other, wanted, outcome(result));
      return;
    }
    case 19:
    case 20: {
      struct epoll_event found[4];
      result = epoll_wait(fd, found, 1 + any(4), 0);
      sprintf(line, "epoll_wait %d: %s", fd, outcome(result));
      for (long i = 0; i < result; i++)
        sprintf(line + strlen(line), " %x:%d", found[i].events, (int)found[i].data.u64);
      return;
    }
    case 21: {
      int n = -1;
      result = ioctl(fd, FIONREAD, &n);
      /* How an epoll instance says no depends on the version. */
      sprintf(line, "FIONREAD %d: %s %d", fd, result == 0 ? "ok" : "no", n);
      return;
    }
    case 22: {
      static const int sizes[] = {1, 4096, 8192, 16384, 65536, 131072};
      int wanted = sizes[any(6)];
      sprintf(line, "F_SETPIPE_SZ %d %d: %s", fd, wanted, outcome(fcntl(fd, F_SETPIPE_SZ, wanted)));
      return;
    }
    case 23: {
      /* A pipe that was filled from a file shares its pages on Linux: what is written to the file shows in the pipe. */
      struct stat st;
      if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        result = copy_file_range(fd, NULL, other, NULL, size, 0);
        sprintf(line, "copy_file_range %d %d %ld: %s", fd, other, size, outcome(result));
        return;
      }
      result = splice(fd, NULL, other, NULL, size, SPLICE_F_NONBLOCK);
      sprintf(line, "splice %d %d %ld: %s", fd, other, size, outcome(result));
      return;
    }
    case 24:
      result = tee(fd, other, size, SPLICE_F_NONBLOCK);
      sprintf(line, "tee %d %d %ld: %s", fd, other, size, outcome(result));
      return;
    case 25: {
      int whence = any(4);
      long offset = (long)any(20000) - 5000;
      if (any(2)) sprintf(line, "lseek %d %ld %d: %s", fd, offset, whence, outcome(lseek(fd, offset, whence)));
      else sprintf(line, "F_GETFL %d: %s", fd, outcome(fcntl(fd, F_GETFL)));
      return;
    }
  }
}

int main(int argc, char **argv) {
  if (argc > 1) state = atoi(argv[1]);
  close_others();
  signal(SIGPIPE, SIG_IGN);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < STEPS / 4; i++) {
      step();
      fact("%d %s", i, line);
    }
    close_others();
    unlink("random");
  }
  return 0;
}
