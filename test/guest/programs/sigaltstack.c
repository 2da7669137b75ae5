/* sigaltstack(2): switching, nesting, SS_AUTODISARM, overflow of the ordinary stack. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char area[65536], second[65536];
static sigjmp_buf away;

static int on(const void *p, const char *stack) { return (uintptr_t)p - (uintptr_t)stack < 65536; }

static void handler(int sig, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *u = context;
  stack_t now;
  int r = sigaltstack(NULL, &now);
  int here;
  printf("signal %d: on the stack %d, flags %d (%d), frame says size %zu flags %x, aligned %d\n", sig, on(&here, area),
         now.ss_flags, r, u->uc_stack.ss_size, u->uc_stack.ss_flags & ~SS_DISABLE,
         (int)((uintptr_t)__builtin_frame_address(0) & 15));
  if (sig == SIGUSR1) raise(SIGUSR2);
}

static void change(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)info, (void)context;
  stack_t other = {.ss_sp = second, .ss_size = sizeof second};
  int r = sigaltstack(&other, NULL);
  printf("change while in use: %d errno %d\n", r, r < 0 ? errno : 0);
}

static void overflowed(int sig, siginfo_t *info, void *context) {
  (void)info, (void)context;
  int here;
  printf("overflow: signal %d on the stack %d\n", sig, on(&here, area));
  siglongjmp(away, 1);
}

static void set(int sig, void (*f)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {.sa_sigaction = f, .sa_flags = SA_SIGINFO | flags};
  sigaction(sig, &a, NULL);
}

static void result(const char *what, int r) { printf("%s: %d errno %d\n", what, r, r < 0 ? errno : 0); }

static volatile int sink;
static int deeper(volatile char *p) {
  if (p == NULL) return 0;
  volatile char room[4096];
  room[0] = *p;
  sink += room[0];
  return deeper(room) + 1;
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  stack_t old, st = {.ss_sp = area, .ss_size = sizeof area};
  result("first", sigaltstack(NULL, &old));
  printf("disabled at first: %d size %zu\n", old.ss_flags, old.ss_size);
  st.ss_size = 1000;
  result("too small", sigaltstack(&st, NULL));
  st.ss_size = sizeof area;
  st.ss_flags = 0x10;
  result("bad flags", sigaltstack(&st, NULL));
  st.ss_flags = SS_ONSTACK;
  result("SS_ONSTACK is allowed", sigaltstack(&st, NULL));
  result("bad address", sigaltstack((void *)8, NULL));
  set(SIGUSR1, handler, SA_ONSTACK);
  set(SIGUSR2, handler, SA_ONSTACK);
  raise(SIGUSR1);
  set(SIGUSR2, handler, 0);
  raise(SIGUSR1);
  raise(SIGUSR2);
  set(SIGUSR2, change, SA_ONSTACK);
  raise(SIGUSR2);
  set(SIGUSR2, change, 0);
  raise(SIGUSR2);
  sigaltstack(NULL, &old);
  printf("now the second %d\n", old.ss_sp == second);

  st.ss_flags = SS_AUTODISARM;
  result("autodisarm", sigaltstack(&st, NULL));
  set(SIGUSR2, handler, SA_ONSTACK);
  raise(SIGUSR2);
  sigaltstack(NULL, &old);
  printf("rearmed: size %zu flags %x\n", old.ss_size, old.ss_flags);

  struct rlimit limit = {256 * 1024, 8 << 20};
  setrlimit(RLIMIT_STACK, &limit);
  st.ss_flags = 0;
  sigaltstack(&st, NULL);
  set(SIGSEGV, overflowed, SA_ONSTACK);
  if (sigsetjmp(away, 1) == 0) deeper((char *)&st);
  printf("survived\n");
  fflush(stdout);
  if (make_child() == 0) {
    sigaltstack(NULL, &old);
    printf("child inherits size %zu\n", old.ss_size);
    fflush(stdout);
    st.ss_flags = SS_DISABLE;
    sigaltstack(&st, NULL);
    deeper((char *)&st);
  }
  int status;
  wait(&status);
  printf("without a stack for the handler: killed by %d\n", WTERMSIG(status));
  return 0;
}
