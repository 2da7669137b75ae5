/* sigaction(2): flags, masks, nesting, queueing, siginfo. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

/* A call's result, and its error if it failed. */
static void result(const char *what, long r) { printf("%s: %ld errno %d\n", what, r, r < 0 ? errno : 0); }
static void say(const char *what, long value) { printf("%s: %ld\n", what, value); }

static volatile int depth, deepest, count, order[64], values[64];
static siginfo_t last;

static void note(int sig, siginfo_t *info, void *context) {
  (void)context;
  last = *info;
  values[count] = info->si_value.sival_int;
  order[count++] = sig;
}

static void nest(int sig, siginfo_t *info, void *context) {
  (void)info, (void)context;
  if (++depth > deepest) deepest = depth;
  order[count++] = sig;
  if (count < 3) raise(sig);
  depth--;
}

static void set(int sig, void (*handler)(int, siginfo_t *, void *), int flags, int blocked) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  if (blocked) sigaddset(&action.sa_mask, blocked);
  sigaction(sig, &action, NULL);
}

static void show(const char *what) {
  printf("%s:", what);
  for (int i = 0; i < count; i++) printf(" %d", order[i]);
  printf("\n");
  count = 0;
}

static void block(int how, int a, int b) {
  sigset_t s;
  sigemptyset(&s);
  if (a) sigaddset(&s, a);
  if (b) sigaddset(&s, b);
  sigprocmask(how, &s, NULL);
}

static void info(void) {
  set(SIGUSR1, note, 0, 0);
  raise(SIGUSR1);
  printf("raise: signo %d code %d pid is mine %d uid is mine %d\n", last.si_signo, last.si_code,
         last.si_pid == getpid(), last.si_uid == getuid());
  kill(getpid(), SIGUSR1);
  printf("kill: code %d\n", last.si_code);
  union sigval value = {.sival_ptr = (void *)0x123456789abcdefL};
  sigqueue(getpid(), SIGUSR1, value);
  printf("sigqueue: code %d value %lx\n", last.si_code, (long)last.si_value.sival_ptr);
  pthread_kill(pthread_self(), SIGUSR1);
  printf("pthread_kill: code %d\n", last.si_code);
  siginfo_t made;
  memset(&made, 0, sizeof made);
  made.si_code = -7;
  made.si_errno = 42;
  made.si_pid = 5;
  made.si_uid = 6;
  made.si_value.sival_int = 7;
  long r = syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &made);
  printf("rt_sigqueueinfo: %ld code %d errno %d pid %d uid %d value %d\n", r, last.si_code, last.si_errno,
         last.si_pid, last.si_uid, last.si_value.sival_int);
  made.si_code = SI_USER;
  r = syscall(SYS_rt_sigqueueinfo, getppid(), 0, &made);
  result("rt_sigqueueinfo to another as SI_USER", r);
  count = 0;
}

static void flags(void) {
  set(SIGUSR1, nest, SA_NODEFER, 0);
  raise(SIGUSR1);
  say("SA_NODEFER nests to", deepest);
  deepest = count = 0;
  set(SIGUSR1, nest, 0, 0);
  raise(SIGUSR1);
  say("without it, to", deepest);
  show("runs");
  set(SIGUSR1, note, SA_RESETHAND, 0);
  raise(SIGUSR1);
  struct sigaction old;
  sigaction(SIGUSR1, NULL, &old);
  say("SA_RESETHAND leaves the default", old.sa_handler == SIG_DFL);
  say("and the flags", (old.sa_flags & SA_RESETHAND) != 0);
  struct sigaction odd = {.sa_handler = SIG_IGN, .sa_flags = 0x400 | 0x40};
  sigaction(SIGUSR2, &odd, NULL);
  sigaction(SIGUSR2, NULL, &old);
  say("unknown flags are dropped", (old.sa_flags & (0x400 | 0x40)) == 0);
  count = 0;
}

static int in_mask(int sig) {
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  return sigismember(&now, sig);
}

static void check_mask(int sig, siginfo_t *i, void *c) {
  (void)i, (void)c;
  printf("in handler of %d: USR1 %d USR2 %d KILL %d\n", sig, in_mask(SIGUSR1), in_mask(SIGUSR2), in_mask(SIGKILL));
}

static void masks(void) {
  set(SIGUSR1, check_mask, 0, SIGUSR2);
  raise(SIGUSR1);
  printf("after: USR1 %d USR2 %d\n", in_mask(SIGUSR1), in_mask(SIGUSR2));
  sigset_t all, pending;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  printf("blocked all: KILL %d STOP %d TERM %d\n", in_mask(SIGKILL), in_mask(SIGSTOP), in_mask(SIGTERM));
  kill(getpid(), SIGUSR2);
  sigpending(&pending);
  printf("pending: USR1 %d USR2 %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
  signal(SIGUSR2, SIG_IGN);
  sigpending(&pending);
  printf("ignored while pending: USR2 %d\n", sigismember(&pending, SIGUSR2));
  kill(getpid(), SIGUSR2);
  sigpending(&pending);
  printf("sent while ignored and blocked: USR2 %d\n", sigismember(&pending, SIGUSR2));
  block(SIG_SETMASK, 0, 0);
  long r = syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 4);
  result("set of 4 bytes", r);
  r = syscall(SYS_rt_sigprocmask, 77, &all, NULL, 8);
  result("unknown how", r);
  r = syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, 8);
  result("bad address", r);
}

static void queueing(void) {
  int rt = SIGRTMIN;
  set(SIGUSR1, note, 0, 0), set(SIGUSR2, note, 0, 0), set(rt, note, 0, 0), set(rt + 1, note, 0, 0);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (int i = 1; i <= 3; i++) {
    sigqueue(getpid(), rt + 1, (union sigval){.sival_int = 10 + i});
    sigqueue(getpid(), rt, (union sigval){.sival_int = 20 + i});
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 30 + i});
    kill(getpid(), SIGUSR2);
  }
  for (;;) {
    siginfo_t i;
    struct timespec none = {0, 0};
    int s = sigtimedwait(&all, &i, &none);
    if (s < 0) break;
    printf("took %d with %d\n", s >= rt ? 1000 + s - rt : s, s == SIGUSR2 ? 0 : i.si_value.sival_int);
  }
  printf("then errno %d\n", errno);
  sigqueue(getpid(), rt, (union sigval){.sival_int = 1});
  pthread_kill(pthread_self(), rt + 1);
  sigqueue(getpid(), rt, (union sigval){.sival_int = 2});
  block(SIG_SETMASK, 0, 0);
  for (int i = 0; i < count; i++) order[i] += 1000 - rt;
  show("order of handlers");
}

static void errors(void) {
  result("kill 65", kill(getpid(), 65));
  result("kill nobody", kill(999999, SIGUSR1));
  result("kill group nobody", kill(-999999, SIGUSR1));
  result("tgkill 0", syscall(SYS_tgkill, 0, 1, SIGUSR1));
  result("tgkill of another", syscall(SYS_tgkill, getppid(), getpid(), 0));
  result("tkill -1", syscall(SYS_tkill, -1, SIGUSR1));
  struct sigaction a = {.sa_handler = SIG_IGN};
  result("ignore KILL", sigaction(SIGKILL, &a, NULL));
  printf("ask about KILL: %d\n", sigaction(SIGKILL, NULL, &a));
  result("signal 0 to self", kill(getpid(), 0));
}

static void death(int sig) {
  fflush(stdout);
  pid_t child = make_child();
  if (child == 0) {
    signal(sig, SIG_DFL);
    raise(sig);
    _exit(3);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("signal %d kills with %d\n", sig, WTERMSIG(status));
  else printf("signal %d: exit %d\n", sig, WEXITSTATUS(status));
}

static volatile long fault_code, fault_address;
static void on_fault(int sig, siginfo_t *i, void *c) {
  (void)sig, (void)c;
  fault_code = i->si_code;
  fault_address = (long)i->si_addr;
  printf("fault: signal %d code %d address %lx\n", sig, i->si_code, sig == SIGFPE ? 0 : (long)i->si_addr);
  fflush(stdout);
  _exit(0);
}

static void faults(int which) {
  fflush(stdout);
  if (make_child() == 0) {
    set(SIGSEGV, on_fault, 0, 0), set(SIGFPE, on_fault, 0, 0), set(SIGILL, on_fault, 0, 0), set(SIGTRAP, on_fault, 0, 0);
    volatile int zero = 0;
    if (which == 0) *(volatile int *)0x1230 = 1;
    if (which == 1) *(volatile char *)"constant" = 1;
    if (which == 2) __asm__ volatile("movabs $0x8000000000000000, %%rax; movb $0, (%%rax)" ::: "rax", "memory");
    if (which == 3) block(SIG_BLOCK, SIGSEGV, 0), *(volatile int *)0x1230 = 1;
    if (which == 4) signal(SIGSEGV, SIG_IGN), *(volatile int *)0x1230 = 1;
    if (which == 5) printf("%d\n", 5 / zero);
    _exit(9);
  }
  int status;
  wait(&status);
  printf("fault %d ends with %s %d\n", which, WIFSIGNALED(status) ? "signal" : "exit",
         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  info();
  flags();
  masks();
  queueing();
  errors();
  int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGUSR1, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGPWR, SIGRTMIN};
  for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++) death(fatal[i]);
  for (int i = 0; i < 6; i++) if (i != 1) faults(i);
  return 0;
}
