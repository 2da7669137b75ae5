/* vfork(2): shared memory, and a parent that waits until the child has a program or is gone. */
#include "facts.h"
#include <fcntl.h>
#include <sched.h>

static volatile int order, seen;

static void exits(void) {
  order = 0;
  pid_t child = vfork();
  if (child == 0) {
    usleep(20000);
    order = 1;
    _exit(3);
  }
  seen = order;
  fact("after exit: %d, %s", seen, join(child));
}

/* The new program waits for a line that its parent writes after vfork has returned. */
static void executes(void) {
  int fds[2];
  if (pipe(fds) < 0) return;
  order = 0;
  pid_t child = vfork();
  if (child == 0) {
    usleep(20000);
    order = 2;
    dup2(fds[0], 0);
    execl("/bin/sh", "sh", "-c", "read line; exit $line", (char *)NULL);
    _exit(127);
  }
  fact("after execve: %d", order);
  if (write(fds[1], "4\n", 2) != 2) fact("short write");
  fact("%s", join(child));
  close(fds[0]);
  close(fds[1]);
}

static void fails(void) {
  pid_t child = vfork();
  if (child == 0) {
    execl("/does/not/exist", "x", (char *)NULL);
    order = errno;
    _exit(5);
  }
  fact("failed execve: %s, %s", strerrorname_np(order), join(child));
}

static void killed(void) {
  pid_t child = vfork();
  if (child == 0) {
    kill(getpid(), SIGKILL);
    _exit(0);
  }
  fact("killed child: %s", join(child));
}

/* The parent of a vfork can be killed, though nothing else wakes it. The child ends when nobody can write any more. */
static void parent_killed(void) {
  int ready[2], hold[2], end[2];
  if (pipe(ready) < 0 || pipe(hold) < 0 || pipe(end) < 0) return;
  pid_t parent = fork();
  char byte;
  if (parent == 0) {
    close(hold[1]);
    close(end[0]);
    if (vfork() == 0) {
      if (write(ready[1], "x", 1) < 0 || read(hold[0], &byte, 1) < 0) _exit(1);
      _exit(0);
    }
    _exit(6);
  }
  close(end[1]);
  if (read(ready[0], &byte, 1) != 1) return;
  kill(parent, SIGKILL);
  fact("waiting parent: %s", join(parent));
  close(hold[1]);
  fact("its child ends: %s", outcome(read(end[0], &byte, 1)));
  close(ready[0]);
  close(ready[1]);
  close(hold[0]);
  close(end[0]);
}

static void on_alarm(int signal) {
  (void)signal;
  seen++;
}

static void signalled(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGUSR1, &action, NULL);
  pid_t me = getpid();
  seen = 0;
  order = 0;
  pid_t child = vfork();
  if (child == 0) {
    kill(me, SIGUSR1);
    usleep(20000);
    order = seen + 10;
    _exit(0);
  }
  int during = order;
  fact("signal waits: %d, comes: %d, %s", during, seen, join(child));
}

static char stack[65536] __attribute__((aligned(16)));
static int clone_body(void *argument) {
  usleep(20000);
  order = *(int *)argument;
  return 7;
}

static void cloned(void) {
  int argument = 9;
  order = 0;
  pid_t child = clone(clone_body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &argument);
  seen = order;
  fact("clone with CLONE_VFORK: %d, %s", seen, join(child));
  order = 0;
  child = clone(clone_body, stack + sizeof stack, CLONE_VFORK | SIGCHLD, &argument);
  seen = order;
  fact("without CLONE_VM: %d, %s", seen, join(child));
}

int main(void) {
  exits();
  executes();
  fails();
  killed();
  parent_killed();
  signalled();
  cloned();
  return 0;
}
