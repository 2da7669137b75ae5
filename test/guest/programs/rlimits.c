/* getrlimit(2), setrlimit(2), prlimit(2): setting and reading, inheritance, errors, and that limits limit. */
#include "facts.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

static const char *show(rlim_t value) {
  static char text[4][32];
  static int next;
  char *result = text[next++ % 4];
  if (value == RLIM_INFINITY) return "unlimited";
  snprintf(result, 32, "%lu", (unsigned long)value);
  return result;
}

static void tell(const char *what, int resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) < 0) fact("%s: %s", what, outcome(-1));
  else fact("%s: %s, %s", what, show(limit.rlim_cur), show(limit.rlim_max));
}

static long set(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit limit = {soft, hard};
  return setrlimit(resource, &limit);
}

static void values(void) {
  static const rlim_t odd[] = {0, 1, 4095, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x123456789abc, RLIM_INFINITY};
  for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
    fact("set: %s", outcome(set(RLIMIT_LOCKS, odd[i], RLIM_INFINITY)));
    tell("get", RLIMIT_LOCKS);
  }
  fact("lower the hard limit: %s", outcome(set(RLIMIT_LOCKS, 1000, 2000)));
  fact("soft above hard: %s", outcome(set(RLIMIT_LOCKS, 3000, 2000)));
  tell("unchanged", RLIMIT_LOCKS);
  fact("no such resource: %s", outcome(set(16, 1, 1)));
  tell("no such resource", 16);
  fact("bad address: %s", outcome(syscall(SYS_setrlimit, RLIMIT_CORE, 8)));
  fact("bad address: %s", outcome(syscall(SYS_getrlimit, RLIMIT_CORE, 8)));
}

static void process(void) {
  struct rlimit limit = {10, 20}, old;
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  fact("prlimit of a child: %s", outcome(prlimit(child, RLIMIT_CORE, &limit, NULL)));
  fact("and back: %s", outcome(prlimit(child, RLIMIT_CORE, NULL, &old)));
  fact("%s, %s", show(old.rlim_cur), show(old.rlim_max));
  limit.rlim_cur = 5;
  fact("both: %s", outcome(prlimit(child, RLIMIT_CORE, &limit, &old)));
  fact("before: %s", show(old.rlim_cur));
  fact("neither: %s", outcome(prlimit(child, RLIMIT_CORE, NULL, NULL)));
  fact("nobody: %s", outcome(prlimit(999999, RLIMIT_CORE, NULL, &old)));
  kill(child, SIGKILL);
  join(child);
  IN_CHILD("inherited", set(RLIMIT_CORE, 7, 9); IN_CHILD("by its child", tell("limit", RLIMIT_CORE)));
  IN_CHILD("over execve", set(RLIMIT_CORE, 0, 512); execl("/bin/sh", "sh", "-c", "ulimit -H -c; ulimit -S -c", NULL));
}

static void unprivileged(void) {
  if (getuid() != 0) return;
  IN_CHILD("not root", {
    set(RLIMIT_NOFILE, 20, 40);
    if (setresuid(54321, 54321, 54321) < 0) _exit(1);
    fact("raise the soft limit: %s", outcome(set(RLIMIT_NOFILE, 40, 40)));
    fact("raise the hard limit: %s", outcome(set(RLIMIT_NOFILE, 40, 41)));
    fact("lower the hard limit: %s", outcome(set(RLIMIT_NOFILE, 30, 30)));
    fact("and raise it again: %s", outcome(set(RLIMIT_NOFILE, 30, 40)));
    struct rlimit limit;
    fact("of root's process: %s", outcome(prlimit(getppid(), RLIMIT_CORE, NULL, &limit)));
  });
  fact("more files than there can be: %s", outcome(set(RLIMIT_NOFILE, 1, 1ul << 32)));
}

static void files(void) {
  set(RLIMIT_NOFILE, 8, 100);
  int last = -1, fd;
  while ((fd = dup(1)) >= 0) last = fd;
  fact("last descriptor %d: %s", last, outcome(-1));
  fact("dup2 at the limit: %s", outcome(dup2(1, 8)));
  fact("F_DUPFD at the limit: %s", outcome(fcntl(1, F_DUPFD, 8)));
  fact("raised: %s", outcome(set(RLIMIT_NOFILE, 9, 100)));
  fact("one more: %s", outcome(dup(1)));
  set(RLIMIT_NOFILE, 3, 100);
  fact("open ones stay open: %s", outcome(fcntl(7, F_GETFD)));
}

static void file_size(void) {
  signal(SIGXFSZ, SIG_IGN);
  set(RLIMIT_FSIZE, 1000, 1000);
  int fd = open("sized", O_CREAT | O_RDWR | O_TRUNC, 0600);
  char bytes[600] = {0};
  fact("first: %s", outcome(write(fd, bytes, sizeof bytes)));
  fact("to the limit: %s", outcome(write(fd, bytes, sizeof bytes)));
  fact("beyond: %s", outcome(write(fd, bytes, sizeof bytes)));
  fact("truncate: %s", outcome(ftruncate(fd, 1001)));
  unlink("sized");
}

static void killed_by_size(void) {
  set(RLIMIT_FSIZE, 0, 0);
  int fd = open("sized", O_CREAT | O_RDWR | O_TRUNC, 0600);
  unlink("sized");
  fact("not reached: %s", outcome(write(fd, "x", 1)));
}

static void memory(void) {
  set(RLIMIT_AS, 64 << 20, 64 << 20);
  fact("128 MiB: %s", success((long)mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  fact("1 MiB: %s", success((long)mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
}

static int deeper(int depth) {
  volatile char room[65536];
  room[0] = depth;
  return depth == 0 ? 0 : deeper(depth - 1) + room[0];
}

static void stack(void) {
  set(RLIMIT_STACK, 1 << 20, RLIM_INFINITY);
  execl("/proc/self/exe", "rlimits", "stack", "8", NULL);
}

static void deep_stack(void) {
  set(RLIMIT_STACK, 1 << 20, RLIM_INFINITY);
  execl("/proc/self/exe", "rlimits", "stack", "32", NULL);
}

static void cpu_time(void) {
  set(RLIMIT_CPU, 1, 2);
  tell("limit", RLIMIT_CPU);
}

int main(int argc, char **argv) {
  if (argc > 2) return deeper(atoi(argv[2])) != 0 ? 11 : 10;
  IN_CHILD("values", values());
  process();
  unprivileged();
  IN_CHILD("files", files());
  IN_CHILD("file size", file_size());
  IN_CHILD("file size, not ignored", killed_by_size());
  IN_CHILD("memory", memory());
  IN_CHILD("half a stack", stack());
  IN_CHILD("two stacks", deep_stack());
  IN_CHILD("CPU time", cpu_time());
  return 0;
}
