/* Included into every test program: after a failed fork(), kill(child, ...) would be kill(-1, ...), which ends everything. */
#ifndef NO_KILL_ALL_H
#define NO_KILL_ALL_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdlib.h>
static inline int kill_one(pid_t pid, int number) {
  if (pid == -1) abort();
  return kill(pid, number);
}
#define kill kill_one
#endif
