/* wait4(2), waitid(2): every kind of status, options, whom they wait for, errors. */
#include "facts.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

static void show(const char *what, int result, const siginfo_t *info) {
  fact("%s: %s, signo %d, errno %d, code %d, status %d", what, success(result), info->si_signo, info->si_errno,
       info->si_code, info->si_status);
}

static pid_t spawn(int code) {
  pid_t child = fork();
  if (child == 0) _exit(code);
  return child;
}

static pid_t sleeper(void) {
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  return child;
}

static void endings(void) {
  static const int codes[] = {0, 1, 255, 256, 257, -1};
  for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) fact("exit(%d): %s", codes[i], join(spawn(codes[i])));
  static const int fatal[] = {SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGPIPE, SIGALRM, SIGTERM, SIGIO, 34};
  for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    pid_t child = sleeper();
    kill(child, fatal[i]);
    int status;
    waitpid(child, &status, 0);
    fact("signal %d: killed %d by %d", fatal[i], WIFSIGNALED(status), WTERMSIG(status));
  }
}

static void info(void) {
  siginfo_t info;
  pid_t child = spawn(42);
  memset(&info, 0, sizeof info);
  show("exited, kept", waitid(P_PID, child, &info, WEXITED | WNOWAIT), &info);
  fact("of the child: %d, of us: %d", info.si_pid == child, info.si_uid == getuid());
  show("exited", waitid(P_PID, child, &info, WEXITED), &info);
  show("again", waitid(P_PID, child, &info, WEXITED), &info);
  child = sleeper();
  kill(child, SIGTERM);
  show("killed", waitid(P_PID, child, &info, WEXITED), &info);
  child = spawn(1);
  waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
  fact("only stops, of a zombie: %s", success(waitid(P_PID, child, &info, WSTOPPED)));
  fact("without siginfo: %s", success(waitid(P_ALL, 0, NULL, WEXITED)));
}

static void stops(void) {
  siginfo_t info;
  int status;
  pid_t child = sleeper();
  /* In a group of its own, which is not orphaned, whatever ours is, so that SIGTSTP stops it. */
  setpgid(child, child);
  kill(child, SIGSTOP);
  show("stopped, kept", waitid(P_PID, child, &info, WSTOPPED | WNOWAIT), &info);
  show("stopped", waitid(P_PID, child, &info, WSTOPPED), &info);
  memset(&info, 255, sizeof info);
  show("told once", waitid(P_PID, child, &info, WSTOPPED | WNOHANG), &info);
  fact("pid %d, uid %d", info.si_pid, info.si_uid);
  kill(child, SIGCONT);
  show("continued, kept", waitid(P_PID, child, &info, WCONTINUED | WNOWAIT), &info);
  show("continued", waitid(P_PID, child, &info, WCONTINUED), &info);
  show("told once", waitid(P_PID, child, &info, WCONTINUED | WNOHANG), &info);
  kill(child, SIGTSTP);
  fact("WUNTRACED: %d", waitpid(child, &status, WUNTRACED) == child);
  fact("%s", ending(status));
  kill(child, SIGCONT);
  fact("WCONTINUED: %d", waitpid(child, &status, WCONTINUED) == child);
  fact("%s, %#x", ending(status), status);
  kill(child, SIGSTOP);
  waitpid(child, &status, WUNTRACED);
  fact("not for WEXITED: %d", waitpid(child, &status, WNOHANG));
  kill(child, SIGKILL);
  fact("%s", join(child));
}

static void choices(void) {
  pid_t a = spawn(1), b = spawn(2);
  int status;
  fact("second: %d", waitpid(b, &status, 0) == b && WEXITSTATUS(status) == 2);
  fact("any: %d", wait(&status) == a && WEXITSTATUS(status) == 1);
  a = sleeper();
  fact("running: %s", outcome(waitpid(a, &status, WNOHANG)));
  fact("any running: %s", outcome(waitpid(-1, &status, WNOHANG)));
  setpgid(a, a);
  fact("own group: %s", outcome(waitpid(0, &status, WNOHANG)));
  fact("its group: %s", outcome(waitpid(-a, &status, WNOHANG)));
  fact("waitid, its group: %s", outcome(waitid(P_PGID, a, NULL, WEXITED | WNOHANG)));
  fact("waitid, own group: %s", outcome(waitid(P_PGID, 0, NULL, WEXITED | WNOHANG)));
  fact("clone children only: %s", outcome(waitpid(-1, &status, __WCLONE | WNOHANG)));
  fact("all kinds: %s", outcome(waitpid(-1, &status, __WALL | WNOHANG)));
  kill(a, SIGKILL);
  fact("%s", join(a));
}

static void errors(void) {
  int status;
  fact("no children: %s", outcome(wait(&status)));
  fact("no children, WNOHANG: %s", outcome(waitpid(-1, &status, WNOHANG)));
  fact("not a child: %s", outcome(waitpid(getppid(), &status, 0)));
  fact("unknown option: %s", outcome(waitpid(-1, &status, 0x100)));
  fact("WEXITED for wait4: %s", outcome(waitpid(-1, &status, WEXITED)));
  fact("smallest number: %s", outcome(waitpid(-2147483647 - 1, &status, 0)));
  siginfo_t info;
  fact("waitid, nothing to wait for: %s", outcome(waitid(P_ALL, 0, &info, WNOHANG)));
  fact("waitid, unknown option: %s", outcome(waitid(P_ALL, 0, &info, WEXITED | 0x100)));
  fact("waitid, unknown type: %s", outcome(waitid(77, 0, &info, WEXITED)));
  fact("waitid, process 0: %s", outcome(waitid(P_PID, 0, &info, WEXITED)));
  fact("waitid, negative group: %s", outcome(waitid(P_PGID, -1, &info, WEXITED)));
  fact("waitid, no descriptor: %s", outcome(waitid(P_PIDFD, 999, &info, WEXITED)));
  fact("waitid, not of a process: %s", outcome(waitid(P_PIDFD, 1, &info, WEXITED)));
  spawn(0);
  fact("bad address: %s", outcome(syscall(SYS_wait4, -1, 8, 0, NULL)));
  fact("it is reaped all the same: %s", outcome(wait(NULL)));
}

static void usage(void) {
  struct rusage usage;
  int status;
  pid_t child = fork();
  if (child == 0) {
    while (clock() < CLOCKS_PER_SEC / 20) {
    }
    _exit(0);
  }
  fact("wait4: %d", wait4(child, &status, 0, &usage) == child);
  long ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
            (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
  fact("CPU time is about what it was: %d", ms >= 40 && ms < 1000);
  struct rusage children;
  getrusage(RUSAGE_CHILDREN, &children);
  fact("it counts for the parent: %d", children.ru_utime.tv_sec * 1000 + children.ru_utime.tv_usec / 1000 +
                                               children.ru_stime.tv_sec * 1000 + children.ru_stime.tv_usec / 1000 >=
                                           ms);
}

static volatile int child_signals;
static void on_child(int signal) {
  (void)signal;
  child_signals++;
}

/* Signals the parent a few times, one of which will find it waiting. */
static pid_t pester(pid_t parent, int code) {
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 10; i++) {
      usleep(10000);
      kill(parent, SIGUSR1);
    }
    _exit(code);
  }
  return child;
}

static void interrupted(void) {
  struct sigaction action = {.sa_handler = on_child};
  sigaction(SIGUSR1, &action, NULL);
  pid_t child = pester(getpid(), 9);
  fact("interrupted: %s", outcome(waitpid(child, NULL, 0)));
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  fact("%s", join(child));
  child_signals = 0;
  fact("restarted: %s", join(pester(getpid(), 8)));
  fact("signals: %d", child_signals > 0);
}

static void ignored(void) {
  signal(SIGCHLD, SIG_IGN);
  spawn(1);
  fact("SIGCHLD ignored: %s", outcome(wait(NULL)));
  struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_NOCLDWAIT | SA_RESTART};
  child_signals = 0;
  sigaction(SIGCHLD, &action, NULL);
  spawn(1);
  fact("SA_NOCLDWAIT: %s", outcome(wait(NULL)));
  fact("signals: %d", child_signals);
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &action, NULL);
  child_signals = 0;
  fact("handled: %s", join(spawn(3)));
  fact("signals: %d", child_signals);
  signal(SIGCHLD, SIG_DFL);
}

static void *wait_in_thread(void *result) {
  int status;
  int *results = result;
  results[0] = waitpid(-1, &status, __WNOTHREAD | WNOHANG) == -1 ? errno : 0;
  results[1] = waitpid(-1, &status, 0) > 0 ? WEXITSTATUS(status) : -1;
  return NULL;
}

static void threads(void) {
  pthread_t thread;
  int results[2];
  pid_t child = spawn(4);
  waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
  pthread_create(&thread, NULL, wait_in_thread, results);
  pthread_join(thread, NULL);
  fact("another thread's child: %s with __WNOTHREAD, status %d without", strerrorname_np(results[0]), results[1]);
}

int main(void) {
  errors();
  endings();
  info();
  stops();
  choices();
  usage();
  interrupted();
  ignored();
  threads();
  return 0;
}
