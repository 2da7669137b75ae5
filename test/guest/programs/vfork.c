/* vfork(2): shared memory, and a parent that waits until the child has a program or is gone. */
#include "facts.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/time.h>

static volatile int order, seen;

static long milliseconds(void) {
  struct timeval now;
  gettimeofday(&now, NULL);
  return now.tv_sec * 1000 + now.tv_usec / 1000;
}

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

static void executes(void) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) < 0) return;
  long start = milliseconds();
  order = 0;
  pid_t child = vfork();
  if (child == 0) {
    usleep(20000);
    order = 2;
    execl("/bin/sh", "sh", "-c", "sleep 0.3; exit 4", (char *)NULL);
    _exit(127);
  }
  long elapsed = milliseconds() - start;
  fact("after execve: %d, before its end: %d", order, elapsed < 250);
  fact("%s", join(child));
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

/* The parent of a vfork can be killed, though nothing else wakes it. */
static void parent_killed(void) {
  int fds[2];
  if (pipe(fds) < 0) return;
  pid_t parent = fork();
  if (parent == 0) {
    close(fds[0]);
    if (vfork() == 0) {
      if (write(fds[1], "x", 1) < 0) _exit(1);
      usleep(300000);
      _exit(0);
    }
    _exit(6);
  }
  close(fds[1]);
  char byte;
  if (read(fds[0], &byte, 1) != 1) return;
  long start = milliseconds();
  kill(parent, SIGKILL);
  fact("waiting parent: %s, at once: %d", join(parent), milliseconds() - start < 200);
  if (read(fds[0], &byte, 1) == 0) fact("its child has ended");
  close(fds[0]);
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
