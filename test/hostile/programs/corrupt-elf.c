/*
 * Executes ROUNDS damaged copies of the program ELF, from SEED: `corrupt-elf ELF ROUNDS SEED`. Each must end somehow: by an
 * errno of execve, a status or a signal; one that runs on is ended by SIGALRM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* ELF header, program headers, or anywhere. */
static void damage(unsigned char *bytes, size_t length) {
  static const uint64_t odd[] = {0, 1, 0xff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff, 0x7ffffffff000, 0x7ff000000000,
                                 0x7fffffffffffffff, 0x8000000000000000, -1, -4096};
  for (int count = 1 + next() % 3; count > 0; count--) {
    size_t limit = next() % 8 == 0 ? length - 8 : next() % 2 ? 64 : 64 + 56 * 4;
    size_t at = next() % limit;
    switch (next() % 3) {
      case 0: bytes[at] ^= 1 << next() % 8; break;
      case 1: bytes[at] = (unsigned char)next(); break;
      default: at &= ~(size_t)7; memcpy(bytes + at, &odd[next() % (sizeof odd / sizeof *odd)], 8);
    }
  }
}

static void execute(const char *path) {
  int null = open("/dev/null", O_RDWR);
  dup2(null, 0), dup2(null, 1), dup2(null, 2);
  if (setgroups(0, NULL) || setgid(65534) || setuid(65534)) _exit(99);
  struct itimerval soon = {{0, 0}, {0, 300000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  char *const arguments[] = {"damaged", NULL};
  execve(path, arguments, arguments + 1);
  _exit(100);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  state = strtoull(argv[3], NULL, 0) | 1;
  static unsigned char original[65536], bytes[65536];
  int file = open(argv[1], O_RDONLY);
  ssize_t length = read(file, original, sizeof original);
  if (length < 512) return 2;
  int refused = 0, ended = 0, killed = 0;
  for (int round = 0; round < atoi(argv[2]); round++) {
    memcpy(bytes, original, length);
    if (round > 0) damage(bytes, length);
    size_t size = next() % 16 == 0 && round > 0 ? next() % length : length;
    char path[64];
    sprintf(path, "/tmp/damaged-%d", round);
    int copy = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (write(copy, bytes, size) != (ssize_t)size) return 3;
    fchmod(copy, 0755);
    close(copy);
    pid_t pid = fork();
    if (pid == 0) execute(path);
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return 4;
    if (round == 0 && status != 0) return 5;
    if (WIFSIGNALED(status)) killed++;
    else if (WEXITSTATUS(status) == 100) refused++;
    else ended++;
    unlink(path);
  }
  printf("refused %d, ended %d, killed %d\n", refused > 0, ended > 0, killed > 0);
  return 0;
}
