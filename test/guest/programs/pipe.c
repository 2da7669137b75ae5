/* Pipes: pipe(2), pipe(7). */
#include "file-facts.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

static char buffer[1 << 21];
static volatile sig_atomic_t signals;

static void on_signal(int number) {
  (void)number;
  signals++;
}

static void basics(void) {
  int p[2], n;
  struct stat st;

  FACT(pipe(p));
  FACT(pipe2(p, 1));
  FACT(syscall(SYS_pipe2, 8L, 0));
  FACT(dup(0));
  FACT(close(5));
  fact("ends %d %d", p[0], p[1]);
  FACT(fcntl(p[0], F_GETFL));
  FACT(fcntl(p[1], F_GETFL));
  FACT(fcntl(p[0], F_GETFD));
  FACT(write(p[1], "hello", 5));
  FACT(ioctl(p[0], FIONREAD, &n));
  FACT(n);
  FACT(ioctl(p[1], FIONREAD, &n));
  FACT(n);
  FACT(read(p[0], buffer, 2));
  bytes("read", buffer, 2);
  FACT(read(p[0], buffer, 100));
  bytes("read", buffer, 3);
  FACT(read(p[1], buffer, 1));
  FACT(write(p[0], buffer, 1));
  FACT(write(p[1], buffer, 0));
  FACT(read(p[0], buffer, 0));
  FACT(lseek(p[0], 0, SEEK_CUR));
  FACT(pread(p[0], buffer, 1, 0));
  FACT(pwrite(p[1], buffer, 1, 0));
  FACT(ftruncate(p[1], 0));
  FACT(fsync(p[1]));
  FACT(fstat(p[0], &st));
  fact("mode %o links %d size %d blksize %d", st.st_mode, (int)st.st_nlink, (int)st.st_size, (int)st.st_blksize);
  FACT(ioctl(p[0], 0x5401, buffer));
  FACT(close(p[0]));
  FACT(close(p[1]));
  FACT(pipe2(p, O_CLOEXEC | O_NONBLOCK));
  FACT(fcntl(p[0], F_GETFL));
  FACT(fcntl(p[1], F_GETFL));
  FACT(fcntl(p[0], F_GETFD));
  close(p[0]);
  close(p[1]);
}

static void ends_close(void) {
  int p[2];

  signal(SIGPIPE, on_signal);
  pipe(p);
  write(p[1], "abc", 3);
  close(p[1]);
  events("data, no writer", p[0], ALL_EVENTS);
  FACT(read(p[0], buffer, 10));
  events("no data, no writer", p[0], ALL_EVENTS);
  FACT(read(p[0], buffer, 10));
  close(p[0]);
  pipe(p);
  events("empty read end", p[0], ALL_EVENTS);
  events("empty write end", p[1], ALL_EVENTS);
  close(p[0]);
  events("no reader", p[1], ALL_EVENTS);
  events("no reader, nothing asked", p[1], 0);
  FACT(write(p[1], "x", 1));
  fact("signals %d", (int)signals);
  FACT(write(p[1], "x", 0));
  close(p[1]);
}

static void filling(void) {
  int p[2];
  long total = 0, n;

  pipe2(p, O_NONBLOCK);
  FACT(read(p[0], buffer, 1));
  FACT(write(p[1], buffer, 100000));
  events("full write end", p[1], ALL_EVENTS);
  events("full read end", p[0], ALL_EVENTS);
  FACT(write(p[1], buffer, 1));
  FACT(read(p[0], buffer, 1));
  FACT(write(p[1], buffer, 1));
  FACT(read(p[0], buffer, 4094));
  FACT(write(p[1], buffer, 1));
  events("one byte below a page", p[1], ALL_EVENTS);
  FACT(read(p[0], buffer, 1));
  events("a page free", p[1], ALL_EVENTS);
  FACT(write(p[1], buffer, 4097));
  FACT(read(p[0], buffer, 70000));
  for (n = 0; write(p[1], buffer, 3000) == 3000; n++)
    ;
  FACT(n);
  FACT(write(p[1], buffer, 1000));
  FACT(write(p[1], buffer, 97));
  while ((n = read(p[0], buffer, 1000)) > 0)
    total += n;
  FACT(total);
  for (n = 0; write(p[1], buffer, 5000) == 5000; n++)
    ;
  FACT(n);
  FACT(write(p[1], buffer, 5000));
  FACT(write(p[1], buffer, 5000));
  for (total = 0; (n = read(p[0], buffer, 100000)) > 0;)
    total += n;
  FACT(total);
  for (n = 0; write(p[1], buffer, 1) == 1; n++)
    ;
  FACT(n);
  for (total = 0; (n = read(p[0], buffer, 100000)) > 0;)
    total += n;
  FACT(total);
  FACT(write(p[1], buffer, 4095));
  FACT(write(p[1], buffer, 2));
  FACT(write(p[1], buffer, 4096 + 100));
  FACT(write(p[1], buffer, 3000));
  FACT(write(p[1], buffer, 1));
  for (n = 0; write(p[1], buffer, 4096) == 4096; n++)
    ;
  FACT(n);
  close(p[0]);
  close(p[1]);
}

static void sizes(void) {
  int p[2];

  pipe2(p, O_NONBLOCK);
  FACT(fcntl(p[0], F_GETPIPE_SZ));
  FACT(fcntl(p[0], F_SETPIPE_SZ, 1));
  FACT(write(p[1], buffer, 10000));
  FACT(fcntl(p[1], F_SETPIPE_SZ, 5000));
  FACT(fcntl(p[1], F_GETPIPE_SZ));
  FACT(write(p[1], buffer, 10000));
  FACT(fcntl(p[1], F_SETPIPE_SZ, 4096));
  FACT(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
  FACT(write(p[1], buffer, 1 << 21));
  FACT(fcntl(p[1], F_SETPIPE_SZ, 0));
  FACT(read(p[0], buffer, 1 << 21));
  FACT(fcntl(p[1], F_SETPIPE_SZ, 0));
  FACT(fcntl(p[1], F_SETPIPE_SZ, -1));
  FACT(fcntl(0, F_GETPIPE_SZ) == -1 ? errno == EBADF : 1);
  close(p[0]);
  close(p[1]);
}

static void packets(void) {
  int p[2], n;

  FACT(pipe2(p, O_DIRECT | O_NONBLOCK));
  FACT(fcntl(p[0], F_GETFL));
  FACT(fcntl(p[1], F_GETFL));
  FACT(write(p[1], "abcdef", 6));
  FACT(write(p[1], "ghi", 3));
  FACT(write(p[1], "", 0));
  ioctl(p[0], FIONREAD, &n);
  FACT(n);
  FACT(read(p[0], buffer, 2));
  bytes("read", buffer, 2);
  FACT(read(p[0], buffer, 100));
  bytes("read", buffer, 3);
  FACT(read(p[0], buffer, 100));
  FACT(write(p[1], buffer, 5000));
  FACT(read(p[0], buffer, 10000));
  FACT(read(p[0], buffer, 10000));
  for (n = 0; write(p[1], buffer, 1) == 1; n++)
    ;
  FACT(n);
  FACT(fcntl(p[1], F_SETFL, O_NONBLOCK));
  FACT(read(p[0], buffer, 1));
  FACT(write(p[1], "xx", 2));
  FACT(write(p[1], "yy", 2));
  close(p[0]);
  close(p[1]);
}

static void faults(void) {
  int p[2], n;
  char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct iovec v[3];

  munmap(page + 4096, 4096);
  pipe2(p, O_NONBLOCK);
  FACT(write(p[1], page + 4090, 10));
  FACT(write(p[1], page, 8192));
  FACT(read(p[0], page + 4000, 4096));
  ioctl(p[0], FIONREAD, &n);
  FACT(n);
  FACT(read(p[0], buffer, 4096));
  FACT(write(p[1], nowhere(), 1));
  FACT(write(p[1], (void *)-1L, 1));
  FACT(read(p[0], (void *)-1L, 1));
  v[0].iov_base = "ab";
  v[0].iov_len = 2;
  v[1].iov_base = (void *)8;
  v[1].iov_len = 1;
  v[2].iov_base = "cd";
  v[2].iov_len = 2;
  FACT(writev(p[1], v, 3));
  FACT(read(p[0], buffer, 100));
  v[1].iov_len = 0;
  FACT(writev(p[1], v, 3));
  FACT(read(p[0], buffer, 100));
  bytes("read", buffer, 4);
  close(p[0]);
  close(p[1]);
}

/* A writer of more than fits, and a slow reader. */
static void transfer(void) {
  int p[2];
  long total = 0, n, sum = 0;
  pid_t child;

  pipe(p);
  child = fork();
  if (child == 0) {
    close(p[0]);
    for (int i = 0; i < 1000000; i++)
      buffer[i] = i % 251;
    _exit(write(p[1], buffer, 1000000) == 1000000 ? 7 : 8);
  }
  close(p[1]);
  pause_ms(10);
  while ((n = read(p[0], buffer, 777)) > 0) {
    for (int i = 0; i < n; i++)
      sum += (unsigned char)buffer[i];
    total += n;
  }
  FACT(total);
  FACT(sum);
  fact("writer: %s", join(child));
  close(p[0]);
}

/* A blocked writer that loses its reader, or gets a signal. */
static void interrupted(void) {
  struct sigaction action = { .sa_handler = on_signal };
  int p[2];
  pid_t child;

  pipe(p);
  child = fork();
  if (child == 0) {
    long n;

    close(p[0]);
    signals = 0;
    n = write(p[1], buffer, 200000);
    FACT(n);
    fact("signals %d", (int)signals);
    _exit(0);
  }
  close(p[1]);
  pause_ms(30);
  read(p[0], buffer, 5000);
  pause_ms(10);
  close(p[0]);
  fact("writer: %s", join(child));

  pipe(p);
  sigaction(SIGUSR1, &action, 0);
  child = fork();
  if (child == 0) {
    FACT(write(p[1], buffer, 200000));
    FACT(write(p[1], buffer, 200000));
    _exit(0);
  }
  pause_ms(30);
  kill(child, SIGUSR1);
  pause_ms(30);
  kill(child, SIGUSR1);
  fact("writer: %s", join(child));
  close(p[0]);
  close(p[1]);

  pipe(p);
  child = fork();
  if (child == 0) {
    FACT(read(p[0], buffer, 1));
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, 0);
    FACT(read(p[0], buffer, 1));
    _exit(0);
  }
  pause_ms(30);
  kill(child, SIGUSR1);
  pause_ms(30);
  kill(child, SIGUSR1);
  pause_ms(20);
  write(p[1], "x", 1);
  fact("reader: %s", join(child));
  close(p[0]);
  close(p[1]);
}

/* Writes of up to PIPE_BUF are never mixed. */
static void *writer(void *argument) {
  int fd = *(int *)argument;
  static _Atomic int next = 'a';
  char line[1024];

  memset(line, next++, sizeof line);
  for (int i = 0; i < 64; i++)
    write(fd, line, sizeof line);
  return 0;
}

static void atomic_writes(void) {
  pthread_t threads[4];
  int p[2], mixed = 0, counts[4] = { 0 };

  pipe(p);
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], 0, writer, &p[1]);
  for (int i = 0; i < 4 * 64; i++) {
    char line[1024];
    int got = 0;

    while (got < 1024)
      got += read(p[0], line + got, 1024 - got);
    for (int j = 1; j < 1024; j++)
      mixed += line[j] != line[0];
    counts[line[0] - 'a']++;
  }
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], 0);
  fact("mixed %d; %d %d %d %d", mixed, counts[0], counts[1], counts[2], counts[3]);
  close(p[0]);
  close(p[1]);
}

/* A pipe can be opened again through /proc. */
static void reopened(void) {
  int p[2], fd, writer;
  char path[64], target[64];
  ssize_t n;

  pipe(p);
  snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
  n = readlink(path, target, sizeof target);
  fact("link %.6s %c", target, n > 0 ? target[n - 1] : '?');
  fd = open(path, O_RDONLY | O_NONBLOCK);
  fact("reader %s", fd >= 0 ? "opened" : strerrorname_np(errno));
  writer = open(path, O_WRONLY);
  fact("writer %s", writer >= 0 ? "opened" : strerrorname_np(errno));
  FACT(write(writer, "ab", 2));
  FACT(read(fd, buffer, 1));
  FACT(read(fd, buffer, 5));
  FACT(read(fd, buffer, 5));
  close(p[1]);
  FACT(read(fd, buffer, 5));
  close(writer);
  FACT(read(fd, buffer, 5));
  close(fd);
  close(p[0]);
}

int main(void) {
  close_others();
  basics();
  ends_close();
  filling();
  sizes();
  packets();
  faults();
  transfer();
  interrupted();
  atomic_writes();
  reopened();
  return 0;
}
