/* Job control: stopping, continuing, and what a parent sees of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

static volatile int chld, code, status_told, conts;
static void on_child(int sig, siginfo_t *info, void *c) {
  (void)sig, (void)c;
  chld++;
  code = info->si_code;
  status_told = info->si_status;
}
static void on_cont(int sig) { (void)sig, conts++; }

static void catch_child(int flags) {
  struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | flags};
  sigaction(SIGCHLD, &a, NULL);
}

static void show(const char *what, pid_t child, int options) {
  int status;
  pid_t r;
  do r = waitpid(child, &status, options); while (r < 0 && errno == EINTR);
  printf("%s: %s", what, r == child ? "" : r == 0 ? "nothing" : "error");
  if (r == child) {
    if (WIFSTOPPED(status)) printf("stopped %d", WSTOPSIG(status));
    else if (WIFCONTINUED(status)) printf("continued");
    else if (WIFSIGNALED(status)) printf("killed %d", WTERMSIG(status));
    else printf("exited %d", WEXITSTATUS(status));
  }
  printf("\n");
}

static void *busy(void *stop) {
  while (!*(volatile int *)stop) ;
  return NULL;
}
static void *lazy(void *unused) { return pause(), unused; }

static void threads(void) {
  fflush(stdout);
  pid_t child = make_child();
  if (child == 0) {
    /* Whoever runs this test may be an orphaned group, in which SIGTSTP stops nobody. */
    setpgid(0, 0);
    static volatile int stop;
    pthread_t a, b;
    pthread_create(&a, NULL, busy, (void *)&stop);
    pthread_create(&b, NULL, lazy, NULL);
    for (;;) pause();
  }
  usleep(10000);
  kill(child, SIGTSTP);
  show("threads stop together", child, WUNTRACED);
  show("once", child, WUNTRACED | WNOHANG);
  kill(child, SIGCONT);
  show("threads continue", child, WCONTINUED);
  show("once", child, WCONTINUED | WNOHANG);
  kill(child, SIGSTOP);
  show("stop again", child, WUNTRACED);
  kill(child, SIGKILL);
  show("kill", child, 0);
}

static void restarts(void) {
  fflush(stdout);
  int p[2];
  if (pipe(p)) exit(1);
  pid_t child = make_child();
  if (child == 0) {
    char c;
    struct timespec t = {0, 30000000}, before, now;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int r = read(p[0], &c, 1);
    int s = nanosleep(&t, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    long ms = (now.tv_sec - before.tv_sec) * 1000 + (now.tv_nsec - before.tv_nsec) / 1000000;
    _exit(r == 1 && s == 0 && ms >= 30 ? 0 : 1);
  }
  usleep(5000);
  kill(child, SIGSTOP);
  show("stopped in read", child, WUNTRACED);
  if (write(p[1], "x", 1) != 1) exit(1);
  kill(child, SIGCONT);
  usleep(10000);
  kill(child, SIGSTOP);
  show("stopped in nanosleep", child, WUNTRACED);
  kill(child, SIGCONT);
  show("both went on", child, 0);
}

static void handlers(void) {
  fflush(stdout);
  pid_t child = make_child();
  if (child == 0) {
    signal(SIGCONT, on_cont);
    raise(SIGSTOP);
    _exit(conts == 1 ? 0 : 10 + conts);
  }
  show("stops itself", child, WUNTRACED);
  kill(child, SIGCONT);
  show("SIGCONT also runs its handler", child, 0);

  fflush(stdout);
  child = make_child();
  if (child == 0) {
    sigset_t s, pending;
    sigemptyset(&s), sigaddset(&s, SIGTSTP), sigaddset(&s, SIGCONT);
    sigprocmask(SIG_BLOCK, &s, NULL);
    signal(SIGCONT, on_cont);
    raise(SIGTSTP);
    raise(SIGCONT);
    sigpending(&pending);
    int first = sigismember(&pending, SIGTSTP) * 2 + sigismember(&pending, SIGCONT);
    raise(SIGTSTP);
    sigpending(&pending);
    int then = sigismember(&pending, SIGTSTP) * 2 + sigismember(&pending, SIGCONT);
    raise(SIGSTOP);
    _exit(first * 10 + then);
  }
  show("a blocked SIGCONT continues nobody before it is sent", child, WUNTRACED);
  kill(child, SIGCONT);
  show("stop and continue take each other away", child, 0);

  fflush(stdout);
  child = make_child();
  if (child == 0) {
    setsid();
    raise(SIGTSTP);
    raise(SIGTTIN);
    _exit(4);
  }
  show("an orphaned group does not stop", child, WUNTRACED);
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  catch_child(0);
  pid_t child = make_child();
  if (child == 0) for (;;) pause();
  kill(child, SIGSTOP);
  show("stop", child, WUNTRACED);
  printf("SIGCHLD %d code %d status %d\n", chld, code, status_told);
  kill(child, SIGCONT);
  show("continue", child, WCONTINUED);
  /* The child itself sends it, as soon as it runs. */
  while (chld < 2) usleep(1000);
  printf("SIGCHLD %d code %d status %d\n", chld, code, status_told);
  siginfo_t info = {0};
  kill(child, SIGSTOP);
  waitid(P_PID, child, &info, WSTOPPED | WNOWAIT);
  printf("waitid: code %d status %d mine %d\n", info.si_code, info.si_status, info.si_pid == child);
  show("still to be had", child, WUNTRACED | WNOHANG);
  kill(child, SIGTERM);
  usleep(5000);
  show("SIGTERM has to wait", child, WNOHANG);
  kill(child, SIGCONT);
  show("until it continues", child, 0);

  catch_child(SA_NOCLDSTOP);
  chld = 0;
  child = make_child();
  if (child == 0) for (;;) pause();
  kill(child, SIGSTOP);
  show("stop with SA_NOCLDSTOP", child, WUNTRACED);
  kill(child, SIGCONT);
  show("continue", child, WCONTINUED);
  usleep(5000);
  printf("SIGCHLD %d\n", chld);
  kill(child, SIGKILL);
  show("kill", child, 0);
  printf("SIGCHLD %d\n", chld);
  threads();
  restarts();
  handlers();
  return 0;
}
