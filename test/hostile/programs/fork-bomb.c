/*
 * A fork bomb in a session of its own: `fork-bomb` as root, `fork-bomb LIMIT` as nobody with RLIMIT_NPROC. Its first process
 * says when a fork was refused, and how many it had made itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv) {
  setsid();
  if (argc > 1) {
    struct rlimit limit = {atoi(argv[1]), atoi(argv[1])};
    if (setrlimit(RLIMIT_NPROC, &limit) || setgroups(0, NULL) || setgid(65534) || setuid(65534)) return 1;
  }
  pid_t first = getpid();
  for (int told = 0;;) {
    pid_t pid = fork();
    if (pid < 0 && !told && getpid() == first) {
      told = 1;
      printf("refused: %s\n", strerrorname_np(errno));
      fflush(stdout);
    }
  }
}
