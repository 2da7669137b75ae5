/* ptrace(2): stops, registers, memory, events, job control. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <elf.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

static volatile long shared = 0x1122334455667788;
static volatile int handled;
static void handler(int sig) { (void)sig, handled++; }

static void result(const char *what, long r) { printf("%s: %ld errno %d\n", what, r, r < 0 ? errno : 0); }

/* Waits, and says what for. */
static int see(const char *what, pid_t pid) {
  int status;
  if (waitpid(pid, &status, __WALL) != pid) {
    printf("%s: wait errno %d\n", what, errno);
    return -1;
  }
  if (WIFSTOPPED(status)) printf("%s: stopped %d event %d\n", what, WSTOPSIG(status), status >> 16);
  else if (WIFSIGNALED(status)) printf("%s: killed %d\n", what, WTERMSIG(status));
  else printf("%s: exited %d\n", what, WEXITSTATUS(status));
  return status;
}

static pid_t start(void (*body)(void)) {
  fflush(stdout);
  pid_t pid = make_child();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    body();
    fflush(stdout);
    _exit(0);
  }
  see("started", pid);
  return pid;
}

static void finish(pid_t pid) {
  ptrace(PTRACE_KILL, pid, 0, 0);
  see("end", pid);
}

static void few_calls(void) {
  syscall(SYS_getppid);
  syscall(SYS_close, 77);
  syscall(SYS_getuid);
  _exit(5);
}

static void calls(void) {
  pid_t pid = start(few_calls);
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
  struct user_regs_struct regs;
  for (int i = 0; i < 7; i++) {
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    see("syscall", pid);
    ptrace(PTRACE_GETREGS, pid, 0, &regs);
    struct __ptrace_syscall_info info;
    long size = ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
      printf("  entry %lld of %lld rax %lld, size %ld arch %x\n", regs.orig_rax, (long long)info.entry.nr, regs.rax, size, info.arch);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
      printf("  exit of %lld: mine %d error %d %lld\n", regs.orig_rax, regs.rax == (unsigned long)getpid(),
             info.exit.is_error, info.exit.is_error ? (long long)info.exit.rval : 0);
    unsigned long message;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    siginfo_t si;
    ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
    printf("  message %lu, siginfo %d code %d\n", message, si.si_signo, si.si_code);
  }
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("left alone", pid);
}

static void meddled(void) {
  long a = syscall(SYS_getppid);
  long b = syscall(SYS_getppid);
  long c = syscall(SYS_getppid);
  printf("  tracee got %ld %d %ld, memory %lx\n", a, b == getpid(), c, shared);
}

static void meddling(void) {
  pid_t pid = start(meddled);
  struct user_regs_struct regs;
  long word = ptrace(PTRACE_PEEKDATA, pid, &shared, 0);
  printf("peek: %lx\n", word);
  result("poke", ptrace(PTRACE_POKEDATA, pid, &shared, 0xfedcba9876543210));
  errno = 0;
  ptrace(PTRACE_PEEKDATA, pid, 8, 0);
  printf("peek at nothing: errno %d\n", errno);
  /* The result of one call, the number of another, and one that is not made. */
  for (int i = 0; i < 6; i++) {
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    int status;
    waitpid(pid, &status, 0);
    ptrace(PTRACE_GETREGS, pid, 0, &regs);
    if (i == 1) regs.rax = 4242;
    if (i == 2) regs.orig_rax = SYS_getpid;
    if (i == 4) regs.orig_rax = -1;
    if (i == 5) regs.rax = -7;
    ptrace(PTRACE_SETREGS, pid, 0, &regs);
  }
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("meddled", pid);
}

static void signalled(void) {
  signal(SIGUSR1, handler), signal(SIGUSR2, handler);
  raise(SIGUSR1);
  int first = handled;
  raise(SIGUSR1);
  int second = handled;
  raise(SIGUSR2);
  printf("  handled %d %d %d\n", first, second, handled);
  fflush(stdout);
  raise(SIGTERM);
}

static void signals(void) {
  pid_t pid = start(signalled);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("signal", pid);
  siginfo_t si;
  ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
  printf("  siginfo %d code %d from itself %d\n", si.si_signo, si.si_code, si.si_pid == pid);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("suppressed, next", pid);
  ptrace(PTRACE_CONT, pid, 0, SIGUSR1);
  see("let through, next", pid);
  ptrace(PTRACE_CONT, pid, 0, SIGUSR1);
  see("changed, next", pid);
  result("bad signal", ptrace(PTRACE_CONT, pid, 0, 65));
  ptrace(PTRACE_CONT, pid, 0, SIGINT);
  see("changed into a deadly one", pid);
}

extern char loop_start[], loop_end[];
static void stepped(void) {
  __asm__ volatile(
      "int3\n"
      ".globl loop_start\nloop_start:\n"
      "mov $3, %%ecx\n"
      "1: dec %%ecx\n"
      "jnz 1b\n"
      "mov $39, %%eax\n"
      "syscall\n"
      "nop\n"
      ".globl loop_end\nloop_end:\n"
      "nop\n" ::: "rax", "rcx", "r11", "memory");
}

static void steps(void) {
  pid_t pid = start(stepped);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("int3", pid);
  struct user_regs_struct regs;
  siginfo_t si;
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  ptrace(PTRACE_GETSIGINFO, pid, 0, &si);
  printf("  behind it %d, code %d, trap flag %lld\n", regs.rip == (unsigned long)loop_start, si.si_code, regs.eflags >> 8 & 1);
  int count = 0, bad = 0;
  while (regs.rip != (unsigned long)loop_end && count < 50) {
    int status;
    ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) bad++;
    ptrace(PTRACE_GETREGS, pid, 0, &regs);
    if (regs.eflags >> 8 & 1) bad++;
    count++;
  }
  printf("  steps %d, bad %d, call made %d\n", count, bad, regs.rax == (unsigned long)pid);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("stepped", pid);
}

static void *in_thread(void *unused) { return syscall(SYS_getppid), unused; }
static void makes(void) {
  pid_t child = make_child();
  if (child == 0) _exit(3);
  waitpid(child, NULL, 0);
  if (vfork() == 0) _exit(4);
  wait(NULL);
  pthread_t t;
  pthread_create(&t, NULL, in_thread, NULL);
  pthread_join(t, NULL);
  execl("/bin/true", "true", NULL);
}

static void events(void) {
  pid_t pid = start(makes), child;
  ptrace(PTRACE_SETOPTIONS, pid, 0,
         PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
             PTRACE_O_TRACEVFORKDONE);
  unsigned long message;
  ptrace(PTRACE_CONT, pid, 0, 0);
  /* Three children: a fork, a vfork, a thread. */
  for (int i = 0; i < 3; i++) {
    see("makes a child", pid);
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    child = message;
    see("  child", child);
    result("  child is traced", ptrace(PTRACE_CONT, child, 0, 0));
    if (i != 1) ptrace(PTRACE_CONT, pid, 0, 0);
    see("  child", child);
    ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
    printf("  exit status %lx\n", message);
    ptrace(PTRACE_CONT, child, 0, 0);
    see("  child", child);
    if (i == 1) {
      ptrace(PTRACE_CONT, pid, 0, 0);
      see("vfork done", pid);
      ptrace(PTRACE_CONT, pid, 0, 0);
    }
    if (i < 2) {
      see("SIGCHLD", pid);
      ptrace(PTRACE_CONT, pid, 0, SIGCHLD);
    }
  }
  see("execve", pid);
  ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
  printf("  by itself %d\n", message == (unsigned long)pid);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("exits", pid);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("gone", pid);
}

static void exec_only(void) { execl("/bin/true", "true", NULL); }

static void idle(void) { for (;;) pause(); }
static pid_t untraced(void (*body)(void)) {
  fflush(stdout);
  pid_t pid = make_child();
  if (pid == 0) body(), _exit(0);
  usleep(5000);
  return pid;
}

static void attaching(void) {
  pid_t pid = untraced(idle);
  result("attach", ptrace(PTRACE_ATTACH, pid, 0, 0));
  see("attached", pid);
  result("attach twice", ptrace(PTRACE_ATTACH, pid, 0, 0));
  result("attach to oneself", ptrace(PTRACE_ATTACH, getpid(), 0, 0));
  result("nobody", ptrace(PTRACE_ATTACH, 999999, 0, 0));
  result("detach", ptrace(PTRACE_DETACH, pid, 0, 0));
  result("not mine any more", ptrace(PTRACE_CONT, pid, 0, 0));
  result("seize", ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
  result("runs", ptrace(PTRACE_CONT, pid, 0, 0));
  result("interrupt", ptrace(PTRACE_INTERRUPT, pid, 0, 0));
  see("interrupted", pid);
  ptrace(PTRACE_SYSCALL, pid, 0, 0);
  see("call goes on", pid);
  struct user_regs_struct regs;
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  printf("  call %lld\n", regs.orig_rax);
  ptrace(PTRACE_CONT, pid, 0, 0);
  kill(pid, SIGSTOP);
  see("stop signal", pid);
  ptrace(PTRACE_CONT, pid, 0, SIGSTOP);
  see("group stop", pid);
  result("listen", ptrace(PTRACE_LISTEN, pid, 0, 0));
  kill(pid, SIGCONT);
  see("group stop ends", pid);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("SIGCONT", pid);
  ptrace(PTRACE_CONT, pid, 0, SIGCONT);
  kill(pid, SIGKILL);
  see("killed", pid);
}

static void dying_tracer(int option) {
  int p[2];
  if (pipe(p)) exit(1);
  fflush(stdout);
  pid_t tracer = make_child();
  if (tracer == 0) {
    pid_t pid = fork();
    if (pid == 0) idle();
    if (pid < 0) _exit(99);
    ptrace(PTRACE_SEIZE, pid, 0, option);
    if (write(p[1], &pid, sizeof pid) < 0) _exit(1);
    _exit(0);
  }
  pid_t pid;
  if (read(p[0], &pid, sizeof pid) != sizeof pid || pid <= 0) exit(1);
  waitpid(tracer, NULL, 0);
  close(p[1]);
  /* It holds the pipe's other end while it lives. */
  struct pollfd end = {p[0], POLLIN, 0};
  int alive = poll(&end, 1, 30) == 0;
  printf("tracee after its tracer, option %x: alive %d\n", option, alive);
  if (alive) kill(pid, SIGKILL);
}

static volatile double number = 2.5;
static void floats(void) {
  double d = number;
  __asm__ volatile("movsd %0, %%xmm3; int3; movsd %%xmm3, %0" : "+m"(d)::"xmm3");
  printf("  tracee has %.2f\n", d);
}

static void registers(void) {
  pid_t pid = start(floats);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("int3", pid);
  struct user_fpregs_struct fp;
  struct iovec v = {&fp, sizeof fp};
  result("NT_PRFPREG", ptrace(PTRACE_GETREGSET, pid, NT_PRFPREG, &v));
  double d;
  memcpy(&d, (char *)fp.xmm_space + 48, 8);
  printf("xmm3 %.2f, length %zu, mxcsr %x\n", d, v.iov_len, fp.mxcsr);
  d = 7.25;
  memcpy((char *)fp.xmm_space + 48, &d, 8);
  result("set", ptrace(PTRACE_SETREGSET, pid, NT_PRFPREG, &v));
  fp.mxcsr = 0xffffffff;
  result("bad mxcsr", ptrace(PTRACE_SETFPREGS, pid, 0, &fp));
  static char area[16384];
  v = (struct iovec){area, sizeof area};
  result("NT_X86_XSTATE", ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &v));
  memcpy(&d, area + 160 + 48, 8);
  printf("xmm3 %.2f, features %d\n", d, (area[464] & 3) == 3);
  result("and back", ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &v));
  struct user_regs_struct regs;
  v = (struct iovec){&regs, sizeof regs};
  result("NT_PRSTATUS", ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v));
  printf("cs %llx ss %llx length %zu\n", regs.cs, regs.ss, v.iov_len);
  long rip = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0);
  printf("PEEKUSER agrees %d\n", rip == (long)regs.rip);
  result("unknown set", ptrace(PTRACE_GETREGSET, pid, 0x7777, &v));
  result("unknown request", ptrace(0x7777, pid, 0, 0));
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("done", pid);
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 16384);
  calls();
  meddling();
  signals();
  steps();
  events();
  pid_t pid = start(exec_only);
  ptrace(PTRACE_CONT, pid, 0, 0);
  see("execve without options", pid);
  finish(pid);
  attaching();
  dying_tracer(0);
  dying_tracer(PTRACE_O_EXITKILL);
  registers();
  return 0;
}
