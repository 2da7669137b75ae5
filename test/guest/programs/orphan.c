/* Orphaned process groups: their stopped members get SIGHUP and SIGCONT, and terminal stops do nothing to them.
   setpgid(2), signal(7), POSIX 3.264. */
#include "facts.h"
#include <sys/prctl.h>

static int fds[2];

static void on_signal(int signal) {
  char text[32];
  int length = snprintf(text, sizeof text, "SIG%s\n", sigabbrev_np(signal));
  if (write(fds[1], text, length) != length) _exit(9);
}

static void listen_to_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGHUP, &action, NULL);
  sigaction(SIGCONT, &action, NULL);
}

/* A "shell" with a job in another group: the shell's exit leaves the job an orphan. */
static void shell(int stop_signal) {
  pid_t shell = fork();
  if (shell == 0) {
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      listen_to_signals();
      if (stop_signal != 0) raise(stop_signal);
      usleep(50000);
      if (write(fds[1], "goes on\n", 8) != 8) _exit(1);
      _exit(0);
    }
    setpgid(job, job);
    if (stop_signal != 0) {
      int status;
      waitpid(job, &status, WUNTRACED);
      fact("job %s", ending(status));
    }
    _exit(3);
  }
  fact("shell %s", join(shell));
}

static void read_all(void) {
  close(fds[1]);
  char text[256];
  size_t length = 0;
  ssize_t count;
  while ((count = read(fds[0], text + length, sizeof text - 1 - length)) > 0) length += count;
  text[length] = 0;
  /* Both come at once: the order in which their handlers run is not a fact. */
  fact("SIGHUP %d, SIGCONT %d, goes on %d", strstr(text, "SIGHUP") != NULL, strstr(text, "SIGCONT") != NULL,
       strstr(text, "goes on") != NULL);
  close(fds[0]);
}

static void in_session(const char *what, int stop_signal) {
  if (pipe(fds) < 0) return;
  fact("%s", what);
  pid_t leader = fork();
  if (leader == 0) {
    setsid();
    shell(stop_signal);
    _exit(0);
  }
  read_all();
  fact("leader %s", join(leader));
  fact("adopted job: %d", wait(NULL) > 0);
}

/* Its parent is in another session, so nobody could continue it: only SIGSTOP stops it. */
static void unstoppable(void) {
  pid_t child = fork();
  if (child == 0) {
    setsid();
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    _exit(4);
  }
  int status;
  waitpid(child, &status, WUNTRACED);
  fact("terminal stops in an orphaned group: %s", ending(status));
  child = fork();
  if (child == 0) {
    setsid();
    raise(SIGSTOP);
    _exit(5);
  }
  waitpid(child, &status, WUNTRACED);
  fact("SIGSTOP: %s", ending(status));
  kill(child, SIGCONT);
  fact("%s", join(child));
}

int main(void) {
  /* Who adopts the jobs is in another session than they are. */
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  in_session("a stopped job", SIGSTOP);
  in_session("a job stopped by SIGTSTP", SIGTSTP);
  in_session("a running job", 0);
  unstoppable();
  return 0;
}
