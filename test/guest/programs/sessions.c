/* setsid(2), setpgid(2), getpgid(2), getsid(2): who may do what to whom, and all the errors. */
#include "facts.h"

static int fds[2], back[2];

static void tell(int fd) {
  if (write(fd, "x", 1) != 1) _exit(98);
}
static void hear(int fd) {
  char byte;
  if (read(fd, &byte, 1) != 1) _exit(97);
}

static void identity(void) {
  pid_t me = getpid();
  fact("group of 0 is mine: %d", getpgid(0) == getpgrp());
  fact("group by number: %d", getpgid(me) == getpgrp());
  fact("session of 0 is mine: %d", getsid(0) == getsid(me));
  fact("group of nobody: %s", outcome(getpgid(999999)));
  fact("session of nobody: %s", outcome(getsid(999999)));
  fact("negative: %s, %s", outcome(getpgid(-1)), outcome(getsid(-5)));
}

static void leader(void) {
  fact("new session: %d", setsid() == getpid());
  fact("its group: %d, its number: %d", getpgrp() == getpid(), getsid(0) == getpid());
  fact("again: %s", outcome(setsid()));
  fact("a leader stays in its group: %s", outcome(setpgid(0, 0)));
  pid_t child = fork();
  if (child == 0) {
    pid_t parent = getppid();
    fact("child is in the session: %d, in the group: %d", getsid(0) == parent, getpgrp() == parent);
    fact("own group: %s", outcome(setpgid(0, 0)));
    fact("done: %d", getpgrp() == getpid());
    fact("group leader, new session: %s", outcome(setsid()));
    fact("back: %s", outcome(setpgid(0, parent)));
    fact("done: %d", getpgrp() == parent);
    fact("a group that is not there: %s", outcome(setpgid(0, 999999)));
    fact("its parent: %s", outcome(setpgid(parent, 0)));
    fact("nobody: %s", outcome(setpgid(999999, 0)));
    fact("negative group: %s", outcome(setpgid(0, -1)));
    fact("negative process: %s", outcome(setpgid(-1, 0)));
    fact("now a session: %d", setsid() == getpid());
    fact("a group of the old one: %s", outcome(setpgid(0, parent)));
    _exit(0);
  }
  join(child);
}

static void children(void) {
  pid_t child = fork();
  if (child == 0) {
    hear(fds[0]);
    int own = getpgrp() == getpid();
    tell(back[1]);
    hear(fds[0]);
    execl("/bin/sleep", "sleep", "100", (char *)NULL);
    _exit(own);
  }
  fact("a child's own group: %s", outcome(setpgid(child, child)));
  fact("done: %d", getpgid(child) == child);
  fact("into our group: %s", outcome(setpgid(child, getpgrp())));
  fact("done: %d", getpgid(child) == getpgrp());
  fact("into its own again: %s", outcome(setpgid(child, 0)));
  tell(fds[1]);
  hear(back[0]);
  tell(fds[1]);
  for (int tries = 0; tries < 200 && setpgid(child, 0) == 0; tries++) usleep(5000);
  fact("after execve: %s", outcome(setpgid(child, 0)));
  kill(child, SIGKILL);
  siginfo_t info;
  waitid(P_PID, child, &info, WEXITED | WNOWAIT);
  fact("zombie's group: %d", getpgid(child) == child);
  join(child);
  fact("after it: %s", outcome(getpgid(child)));
  fact("a group without members: %s", outcome(kill(-child, 0)));
}

static void other_session(void) {
  pid_t child = fork();
  if (child == 0) {
    setsid();
    tell(back[1]);
    hear(fds[0]);
    _exit(0);
  }
  hear(back[0]);
  fact("child in another session: %s", outcome(setpgid(child, getpgrp())));
  fact("its session: %d", getsid(child) == child);
  pid_t second = fork();
  if (second == 0) {
    fact("join a group of another session: %s", outcome(setpgid(0, child)));
    _exit(0);
  }
  join(second);
  tell(fds[1]);
  join(child);
}

/* A group goes on without its leader, and its number is not free. */
static void without_leader(void) {
  pid_t first = fork();
  if (first == 0) {
    setpgid(0, 0);
    tell(back[1]);
    hear(fds[0]);
    _exit(0);
  }
  hear(back[0]);
  pid_t second = fork();
  if (second == 0) {
    fact("join: %s", outcome(setpgid(0, first)));
    tell(fds[1]);
    tell(back[1]);
    for (;;) pause();
  }
  join(first);
  hear(back[0]);
  fact("group without its leader: %d", getpgid(second) == first);
  fact("a third can join: %s", outcome(setpgid(second, first)));
  fact("it can be signalled: %s", outcome(kill(-first, SIGTERM)));
  fact("%s", join(second));
}

static void signals(void) {
  pid_t children[3];
  for (int i = 0; i < 3; i++) {
    children[i] = fork();
    if (children[i] == 0)
      for (;;) pause();
    setpgid(children[i], children[0]);
  }
  fact("kill of a group: %s", outcome(kill(-children[0], SIGUSR1)));
  for (int i = 0; i < 3; i++) fact("member %s", join(children[i]));
  fact("wait for a group: %s", outcome(waitpid(-children[0], NULL, 0)));
}

int main(void) {
  if (pipe(fds) < 0 || pipe(back) < 0) return 1;
  identity();
  IN_CHILD("leader", leader());
  children();
  other_session();
  without_leader();
  signals();
  return 0;
}
