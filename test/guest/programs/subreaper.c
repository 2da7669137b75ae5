/* Orphans: who adopts them, and what they and their children are told. prctl(2) PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG. */
#include "facts.h"
#include <pthread.h>
#include <sys/prctl.h>

static int fds[2], back[2];

static void tell(int fd, int value) {
  if (write(fd, &value, sizeof value) != sizeof value) _exit(98);
}
static int hear(int fd) {
  int value;
  if (read(fd, &value, sizeof value) != sizeof value) _exit(97);
  return value;
}

/* A grandchild that outlives its parent tells who its parent is then. */
static void orphan(int code) {
  pid_t child = fork();
  if (child == 0) {
    pid_t middle = getpid();
    if (fork() == 0) {
      while (getppid() == middle) usleep(1000);
      tell(fds[1], getppid());
      hear(back[0]);
      _exit(code);
    }
    _exit(1);
  }
  fact("middle %s", join(child));
}

static void adopts(void) {
  int status, flag = -1;
  prctl(PR_GET_CHILD_SUBREAPER, &flag);
  fact("flag before: %d", flag);
  fact("set: %s", outcome(prctl(PR_SET_CHILD_SUBREAPER, 7)));
  prctl(PR_GET_CHILD_SUBREAPER, &flag);
  fact("flag: %d", flag);
  orphan(5);
  fact("adopted: %d", hear(fds[0]) == getpid());
  fact("still running: %s", outcome(waitpid(-1, &status, WNOHANG)));
  tell(back[1], 0);
  fact("waited for: %d", wait(&status) > 0);
  fact("%s", ending(status));
  fact("nobody left: %s", outcome(wait(&status)));
  IN_CHILD("not inherited", {
    prctl(PR_GET_CHILD_SUBREAPER, &flag);
    _exit(flag);
  });
  IN_CHILD("but a descendant's orphans come here", orphan(6));
  fact("adopted: %d", hear(fds[0]) == getpid());
  tell(back[1], 0);
  fact("%s", outcome(wait(&status) > 0));
  fact("%s", ending(status));
}

/* A zombie that nobody has waited for goes to the adopter, who is told at once. */
static void zombie(void) {
  pid_t middle = fork();
  if (middle == 0) {
    pid_t child = fork();
    if (child == 0) _exit(8);
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    _exit(0);
  }
  fact("middle %s", join(middle));
  int status;
  fact("its zombie: %d", wait(&status) > 0);
  fact("%s", ending(status));
}

static void on_signal(int signal) {
  (void)signal;
}

/* The signal of an orphan for its parent becomes SIGCHLD. */
static void exit_signal(void) {
  pid_t middle = fork();
  if (middle == 0) {
    if (syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0) == 0) {
      hear(back[0]);
      _exit(9);
    }
    _exit(0);
  }
  fact("middle %s", join(middle));
  tell(back[1], 0);
  int status;
  fact("a clone child, without __WALL: %d", wait(&status) > 0);
  fact("%s", ending(status));
}

static void death_signal(void) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  pid_t middle = fork();
  if (middle == 0) {
    pid_t self = getpid();
    if (fork() == 0) {
      siginfo_t info;
      fact("set: %s", outcome(prctl(PR_SET_PDEATHSIG, SIGUSR1)));
      tell(fds[1], 0);
      fact("signal %d", sigwaitinfo(&set, &info) == SIGUSR1);
      fact("from the parent: %d", info.si_pid == self);
      _exit(0);
    }
    hear(fds[0]);
    _exit(0);
  }
  join(middle);
  fact("%d", wait(NULL) > 0);
  IN_CHILD("not inherited", {
    int signal = -1;
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    if (fork() == 0) {
      prctl(PR_GET_PDEATHSIG, &signal);
      _exit(signal);
    }
    int status;
    wait(&status);
    _exit(WEXITSTATUS(status));
  });
  sigprocmask(SIG_SETMASK, &old, NULL);
  fact("no such signal: %s", outcome(prctl(PR_SET_PDEATHSIG, 65)));
}

/* Children belong to a thread; when it ends, to another of the same process. */
static void *forking(void *argument) {
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    tell(fds[1], 0);
    for (;;) pause();
  }
  hear(fds[0]);
  return argument;
}

static void threads(void) {
  pthread_t thread;
  int status;
  pthread_create(&thread, NULL, forking, NULL);
  pthread_join(thread, NULL);
  fact("child of a thread that ended: %d", wait(&status) > 0);
  fact("%s", ending(status));
}

int main(void) {
  if (pipe(fds) < 0 || pipe(back) < 0) return 1;
  signal(SIGUSR2, on_signal);
  adopts();
  zombie();
  exit_signal();
  death_signal();
  threads();
  return 0;
}
