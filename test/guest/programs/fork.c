/* fork(2), clone(2), clone3(2): what a child shares and what it gets a copy of; errors. */
#include "facts.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

static int global = 1;

static void memory(void) {
  int *heap = malloc(sizeof *heap);
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int local = 1;
  *heap = *shared = *private = 1;
  pid_t child = fork();
  if (child == 0) {
    fact("child sees %d %d %d %d %d", global, local, *heap, *shared, *private);
    global = local = *heap = *shared = *private = 2;
    _exit(7);
  }
  fact("child %s", join(child));
  fact("parent sees %d %d %d %d %d", global, local, *heap, *shared, *private);
  munmap(shared, 4096);
  munmap(private, 4096);
  free(heap);
}

static void large(void) {
  size_t size = 8 << 20;
  unsigned char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < size; i += 4096) area[i] = i >> 12;
  pid_t child = fork();
  for (size_t i = 0; i < size; i += 8192) area[i] += child == 0 ? 1 : 2;
  unsigned sum = 0;
  for (size_t i = 0; i < size; i += 4096) sum = sum * 31 + area[i];
  if (child == 0) {
    fact("sum in child %u", sum);
    _exit(0);
  }
  join(child);
  fact("sum in parent %u", sum);
  munmap(area, size);
}

static void files(void) {
  int fd = open("offset", O_RDWR | O_CREAT | O_TRUNC, 0600);
  int kept = open("offset", O_RDONLY | O_CLOEXEC);
  if (write(fd, "0123456789", 10) != 10) fact("short write");
  lseek(fd, 0, SEEK_SET);
  char byte;
  pid_t child = fork();
  if (child == 0) {
    if (read(fd, &byte, 1) == 1) fact("child reads %c", byte);
    fact("close-on-exec is kept: %d", fcntl(kept, F_GETFD));
    close(kept);
    _exit(0);
  }
  join(child);
  if (read(fd, &byte, 1) == 1) fact("parent reads %c", byte);
  fact("parent's other descriptor is open: %s", success(fcntl(kept, F_GETFD)));
  unlink("offset");
}

static void quiet(int signal) { (void)signal; }

static void signals(void) {
  sigset_t set, old, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  signal(SIGUSR2, quiet);
  signal(SIGHUP, SIG_IGN);
  raise(SIGUSR1);
  struct itimerval timer = {.it_value = {.tv_sec = 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  pid_t child = fork();
  if (child == 0) {
    struct sigaction action;
    sigpending(&pending);
    sigprocmask(SIG_BLOCK, NULL, &set);
    fact("child: pending %d, blocked %d", sigismember(&pending, SIGUSR1), sigismember(&set, SIGUSR1));
    sigaction(SIGUSR2, NULL, &action);
    fact("handler is inherited: %d", action.sa_handler == quiet);
    sigaction(SIGHUP, NULL, &action);
    fact("ignored is inherited: %d", action.sa_handler == SIG_IGN);
    getitimer(ITIMER_REAL, &timer);
    fact("timer is inherited: %d", timer.it_value.tv_sec != 0);
    _exit(0);
  }
  join(child);
  sigpending(&pending);
  fact("parent: pending %d", sigismember(&pending, SIGUSR1));
  alarm(0);
  signal(SIGUSR1, SIG_IGN);
  sigprocmask(SIG_SETMASK, &old, NULL);
}

static void tree(void) {
  int depth = 0;
  pid_t a = 0, b = 0;
  for (; depth < 4; depth++) {
    a = fork();
    if (a == 0) continue;
    b = fork();
    if (b != 0) break;
  }
  if (depth == 4) _exit(1);
  int sum = 0, status;
  while (wait(&status) > 0) sum += WEXITSTATUS(status);
  if (depth > 0) _exit(sum);
  fact("leaves of the tree: %d", sum);
}

static void many(void) {
  int sum = 0, status;
  for (int i = 0; i < 60; i++) {
    pid_t child = fork();
    if (child == 0) _exit(i);
    waitpid(child, &status, 0);
    sum += WEXITSTATUS(status);
  }
  fact("sum of 60: %d", sum);
}

static long clone_raw(unsigned long flags) { return syscall(SYS_clone, flags, 0, 0, 0, 0); }

static void errors(void) {
  fact("THREAD without SIGHAND: %s", outcome(clone_raw(CLONE_THREAD | CLONE_VM)));
  fact("SIGHAND without VM: %s", outcome(clone_raw(CLONE_SIGHAND)));
  fact("NEWNS with FS: %s", outcome(clone_raw(CLONE_NEWNS | CLONE_FS)));
  fact("NEWUSER with FS: %s", outcome(clone_raw(CLONE_NEWUSER | CLONE_FS)));
  fact("PIDFD with DETACHED: %s", outcome(clone_raw(CLONE_PIDFD | CLONE_DETACHED)));
  fact("PIDFD with PARENT_SETTID: %s", outcome(clone_raw(CLONE_PIDFD | CLONE_PARENT_SETTID)));
  struct clone_args args = {0};
  fact("clone3, size 63: %s", outcome(syscall(SYS_clone3, &args, 63)));
  fact("clone3, size 5000: %s", outcome(syscall(SYS_clone3, &args, 5000)));
  args.flags = 1ull << 40;
  fact("clone3, unknown flag: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  args = (struct clone_args){.flags = SIGCHLD};
  fact("clone3, signal in flags: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  args = (struct clone_args){.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM};
  fact("clone3, CLEAR_SIGHAND with SIGHAND: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  args = (struct clone_args){.exit_signal = 65};
  fact("clone3, no such signal: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  args = (struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD};
  fact("clone3, PARENT with a signal: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  args = (struct clone_args){.stack_size = 4096};
  fact("clone3, size without stack: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  args = (struct clone_args){.set_tid_size = 1};
  fact("clone3, no array of numbers: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  pid_t own = getpid();
  args = (struct clone_args){.set_tid = (unsigned long)&own, .set_tid_size = 1};
  fact("clone3, number in use: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  own = 0;
  fact("clone3, number 0: %s", outcome(syscall(SYS_clone3, &args, sizeof args)));
  struct {
    struct clone_args args;
    char more[8];
  } longer = {.args.exit_signal = SIGCHLD, .more = {1}};
  fact("clone3, unknown field set: %s", outcome(syscall(SYS_clone3, &longer, sizeof longer)));
}

static void clone3_child(void) {
  int pidfd = -1, parent_tid = 0;
  struct clone_args args = {
      .flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CLEAR_SIGHAND,
      .pidfd = (unsigned long)&pidfd,
      .parent_tid = (unsigned long)&parent_tid,
      .exit_signal = SIGCHLD,
  };
  signal(SIGUSR2, quiet);
  signal(SIGHUP, SIG_IGN);
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) {
    struct sigaction action;
    sigaction(SIGUSR2, NULL, &action);
    int cleared = action.sa_handler == SIG_DFL;
    sigaction(SIGHUP, NULL, &action);
    _exit(cleared * 2 + (action.sa_handler == SIG_IGN));
  }
  fact("number stored: %d, descriptor: %d, close-on-exec: %d", parent_tid == child, pidfd > 2,
       fcntl(pidfd, F_GETFD));
  siginfo_t info = {0};
  fact("waitid by descriptor: %s", outcome(waitid(P_PIDFD, pidfd, &info, WEXITED)));
  fact("it is the child: %d, handlers: %d", info.si_pid == child, info.si_status);
  fact("a signal by descriptor: %s", outcome(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0)));
  close(pidfd);
  signal(SIGUSR2, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
}

static char stack[65536] __attribute__((aligned(16)));
static volatile int tid_word, shared_value;

static int in_shared_memory(void *argument) {
  shared_value = *(int *)argument + (tid_word == (int)syscall(SYS_gettid));
  return 5;
}

static void shared_memory(void) {
  int argument = 41;
  int parent_tid = 0;
  pid_t child = clone(in_shared_memory, stack + sizeof stack,
                      CLONE_VM | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | SIGCHLD, &argument,
                      &parent_tid, NULL, (int *)&tid_word);
  fact("parent has the number: %d", parent_tid == child);
  fact("child with shared memory %s", join(child));
  fact("value %d, number cleared: %d", shared_value, tid_word == 0);
}

static int as_sibling(void *argument) {
  return getppid() == *(pid_t *)argument ? 3 : 4;
}

static void siblings(void) {
  pid_t me = getpid();
  int pipe_fds[2];
  if (pipe(pipe_fds) < 0) return;
  pid_t child = fork();
  if (child == 0) {
    pid_t sibling = clone(as_sibling, stack + sizeof stack, CLONE_PARENT | CLONE_VM | SIGUSR1, &me);
    if (write(pipe_fds[1], &sibling, sizeof sibling) < 0) _exit(1);
    fact("no child of its own: %s", outcome(wait(NULL)));
    _exit(0);
  }
  pid_t sibling;
  if (read(pipe_fds[0], &sibling, sizeof sibling) < 0) return;
  fact("child %s", join(child));
  fact("sibling %s", join(sibling));
}

static void no_signal(void) {
  pid_t child = clone_raw(0);
  if (child == 0) _exit(6);
  fact("without __WCLONE: %s", outcome(waitpid(child, NULL, 0)));
  int status;
  fact("with __WCLONE: %d", waitpid(child, &status, __WCLONE) == child);
  fact("%s", ending(status));
}

static void limit(void) {
  IN_CHILD("limited", {
    struct rlimit one = {1, 1};
    setrlimit(RLIMIT_NPROC, &one);
    if (setresuid(54321, 54321, 54321) < 0) _exit(1);
    fact("first fork: %s", outcome(fork()));
    fact("clone3: %s", outcome(syscall(SYS_clone3, &(struct clone_args){.exit_signal = SIGCHLD}, 64)));
  });
}

int main(void) {
  pid_t me = getpid();
  IN_CHILD("parent's number", _exit(getppid() == me));
  memory();
  large();
  files();
  signals();
  tree();
  many();
  errors();
  clone3_child();
  shared_memory();
  siblings();
  no_signal();
  limit();
  return 0;
}
