/*
 * Random system calls with random arguments, for SECONDS, from SEED: `random-calls SECONDS SEED`. A child makes them, as
 * nobody where that is possible, until it dies of one or has made some thousands; then the next child goes on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static char *area;
static uint64_t argument(void) {
  static const uint64_t odd[] = {0, 1, 2, 3, 8, 0x7f, 0xff, 0x1000, 0xffffffff, 0x7fffffff, 0x80000000, -1, -2, -100,
                                 0x7fffffffffffffff, 0x8000000000000000, 0x7ffffffff000, 0x7ff000000000, 0xdead0000beef};
  switch (next() % 8) {
    case 0: return next();
    case 1: return next() % 64;
    case 2: return odd[next() % (sizeof odd / sizeof *odd)];
    case 3: return 1ul << (next() % 64);
    case 4: return (uint64_t)area + next() % 65536;
    case 5: return (uint64_t)area + (next() % 16) * 4096;
    case 6: return next() % 8192;
    default: return next() % 4;
  }
}

/* What would only wait, or stop the test itself. */
static int skipped(long number) {
  switch (number) {
    case SYS_pause: case SYS_rt_sigsuspend: case SYS_exit: case SYS_exit_group: case SYS_vfork: case SYS_fork:
    case SYS_clone: case SYS_clone3: case SYS_select: case SYS_pselect6: case SYS_poll: case SYS_ppoll: case SYS_kill:
    case SYS_tkill: case SYS_tgkill: case SYS_setrlimit: case SYS_prlimit64: return 1;
  }
  return 0;
}

static void child(uint64_t seed) {
  state = seed | 1;
  struct rlimit files = {256, 256};
  setrlimit(RLIMIT_NOFILE, &files);
  if (setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) != 0) _exit(1);
  if (chdir("/tmp")) _exit(1);
  area = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 65536; i += 8) *(uint64_t *)(area + i) = next();
  strcpy(area + 4096, "/tmp/random-calls-file");
  strcpy(area + 8192, "/proc/self/maps");
  strcpy(area + 12288, "/dev/null");
  /* Of a call that waits, the next child knows nothing. */
  ualarm(200000, 0);
  for (int i = 0; i < 4000; i++) {
    long number = next() % 462;
    if (skipped(number)) continue;
    syscall(number, argument(), argument(), argument(), argument(), argument(), argument());
  }
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  time_t end = time(NULL) + atoi(argv[1]);
  uint64_t seed = strtoull(argv[2], NULL, 0);
  signal(SIGHUP, SIG_IGN);
  int count = 0;
  while (time(NULL) < end) {
    pid_t pid = fork();
    if (pid == 0) {
      setsid();
      int null = open("/dev/null", O_RDWR);
      dup2(null, 0), dup2(null, 1), dup2(null, 2);
      child(seed + 0x9e3779b97f4a7c15 * ++count);
    }
    if (pid < 0) continue;
    count++;
    int status;
    for (int waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited++) {
      if (waited > 1000) kill(pid, SIGKILL);
      usleep(1000);
    }
  }
  printf("random calls: done\n");
  return 0;
}
