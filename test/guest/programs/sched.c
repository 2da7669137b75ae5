/* sched(7): policies, priorities, nice values, affinity: what is kept, inherited and refused. */
#include "facts.h"
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

struct attributes {
  unsigned size, policy;
  unsigned long flags;
  int nice;
  unsigned priority;
  unsigned long runtime, deadline, period;
  unsigned util_min, util_max;
};

static long set_attributes(pid_t pid, struct attributes *a, unsigned flags) {
  return syscall(SYS_sched_setattr, pid, a, flags);
}
static long get_attributes(pid_t pid, struct attributes *a, unsigned size, unsigned flags) {
  return syscall(SYS_sched_getattr, pid, a, size, flags);
}

static void show(const char *what) {
  struct sched_param param = {-1};
  sched_getparam(0, &param);
  fact("%s: policy %#x, priority %d, nice %d", what, sched_getscheduler(0), param.sched_priority,
       getpriority(PRIO_PROCESS, 0));
}

static long set(int policy, int priority) {
  struct sched_param param = {priority};
  return sched_setscheduler(0, policy, &param);
}

static void nice_values(void) {
  fact("set 5: %s", outcome(setpriority(PRIO_PROCESS, 0, 5)));
  fact("get: %s", outcome(getpriority(PRIO_PROCESS, 0)));
  fact("raw: %s", outcome(syscall(SYS_getpriority, PRIO_PROCESS, 0)));
  fact("too large: %s", outcome(setpriority(PRIO_PROCESS, 0, 100)));
  fact("get: %s", outcome(getpriority(PRIO_PROCESS, 0)));
  fact("too small: %s", outcome(setpriority(PRIO_PROCESS, 0, -100)));
  fact("raw: %s", outcome(syscall(SYS_getpriority, PRIO_PROCESS, 0)));
  setpriority(PRIO_PROCESS, 0, 3);
  IN_CHILD("child inherits", _exit(getpriority(PRIO_PROCESS, 0)));
  fact("nobody: %s", outcome(setpriority(PRIO_PROCESS, 999999, 1)));
  fact("unknown kind: %s", outcome(setpriority(3, 0, 1)));
  fact("of a group: %s", outcome(setpriority(PRIO_PGRP, 0, 6)));
  fact("get: %s", outcome(getpriority(PRIO_PGRP, 0)));
  fact("no such group: %s", outcome(getpriority(PRIO_PGRP, 999999)));
  fact("no such user: %s", outcome(getpriority(PRIO_USER, 987654)));
}

static void unprivileged(void) {
  if (getuid() != 0) return;
  setpriority(PRIO_PROCESS, 0, 5);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_NICE, &none);
  setrlimit(RLIMIT_RTPRIO, &none);
  if (setresuid(54321, 54321, 54321) < 0) return;
  fact("worse: %s", outcome(setpriority(PRIO_PROCESS, 0, 6)));
  fact("better: %s", outcome(setpriority(PRIO_PROCESS, 0, 5)));
  fact("of root's process: %s", outcome(setpriority(PRIO_PROCESS, getppid(), 19)));
  fact("real time: %s", outcome(set(SCHED_FIFO, 1)));
  fact("batch: %s", outcome(set(SCHED_BATCH, 0)));
  fact("root's process: %s", outcome(sched_setscheduler(getppid(), SCHED_BATCH, &(struct sched_param){0})));
  fact("ask for root's process: %s", outcome(sched_getscheduler(getppid())));
}

static void policies(void) {
  show("default");
  fact("batch: %s", outcome(set(SCHED_BATCH, 0)));
  show("batch");
  fact("idle: %s", outcome(set(SCHED_IDLE, 0)));
  show("idle");
  fact("normal with priority: %s", outcome(set(SCHED_OTHER, 1)));
  fact("fifo without: %s", outcome(set(SCHED_FIFO, 0)));
  fact("fifo 100: %s", outcome(set(SCHED_FIFO, 100)));
  fact("fifo -1: %s", outcome(set(SCHED_FIFO, -1)));
  fact("unknown policy: %s", outcome(set(4, 0)));
  fact("unknown policy: %s", outcome(set(99, 0)));
  fact("negative policy: %s", outcome(set(-1, 0)));
  fact("negative process: %s", outcome(sched_getscheduler(-1)));
  fact("nobody: %s", outcome(sched_getscheduler(999999)));
  fact("no parameters: %s", outcome(sched_setscheduler(0, SCHED_OTHER, NULL)));
  fact("no parameters: %s", outcome(sched_getparam(0, NULL)));
  fact("priorities: %d to %d, %d to %d, %d to %d", sched_get_priority_min(SCHED_OTHER),
       sched_get_priority_max(SCHED_OTHER), sched_get_priority_min(SCHED_FIFO), sched_get_priority_max(SCHED_FIFO),
       sched_get_priority_min(SCHED_RR), sched_get_priority_max(SCHED_RR));
  fact("of no policy: %s", outcome(sched_get_priority_max(77)));
}

static void real_time(void) {
  if (getuid() != 0) return;
  fact("round robin: %s", outcome(set(SCHED_RR, 10)));
  show("round robin");
  struct timespec slice = {7, 7};
  fact("interval: %s", outcome(sched_rr_get_interval(0, &slice)));
  fact("100 ms: %d", slice.tv_sec == 0 && slice.tv_nsec == 100000000);
  fact("of nobody: %s", outcome(sched_rr_get_interval(999999, &slice)));
  struct sched_param param = {20};
  fact("setparam: %s", outcome(sched_setparam(0, &param)));
  show("priority 20");
  IN_CHILD("child inherits", show("child"));
  fact("reset on fork: %s", outcome(set(SCHED_RR | SCHED_RESET_ON_FORK, 10)));
  show("with the flag");
  IN_CHILD("child does not", show("child"));
  fact("back: %s", outcome(set(SCHED_OTHER, 0)));
  show("back");
  setpriority(PRIO_PROCESS, 0, -5);
  set(SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
  show("negative nice value");
  IN_CHILD("reset in the child", show("child"));
}

static void attributes(void) {
  struct attributes a = {0};
  setpriority(PRIO_PROCESS, 0, 4);
  fact("get: %s", outcome(get_attributes(0, &a, sizeof a, 0)));
  fact("size %u, policy %u, flags %lu, nice %d, priority %u", a.size, a.policy, a.flags, a.nice, a.priority);
  fact("size 48: %s, %u", outcome(get_attributes(0, &a, 48, 0)), a.size);
  fact("size 47: %s", outcome(get_attributes(0, &a, 47, 0)));
  fact("size 5000: %s", outcome(get_attributes(0, &a, 5000, 0)));
  fact("flags: %s", outcome(get_attributes(0, &a, sizeof a, 1)));
  fact("nobody: %s", outcome(get_attributes(999999, &a, sizeof a, 0)));
  a = (struct attributes){.size = sizeof a, .policy = SCHED_BATCH, .nice = 7};
  fact("set: %s", outcome(set_attributes(0, &a, 0)));
  show("batch and nice");
  a.flags = 0x8;
  a.policy = SCHED_IDLE;
  a.nice = 9;
  fact("keep the policy: %s", outcome(set_attributes(0, &a, 0)));
  show("only nice");
  a.flags = 0x1000000;
  fact("unknown flag: %s", outcome(set_attributes(0, &a, 0)));
  a.flags = 0;
  fact("argument: %s", outcome(set_attributes(0, &a, 1)));
  a.size = 10;
  fact("too small: %s", outcome(set_attributes(0, &a, 0)));
  a.size = sizeof a;
  a.policy = -1;
  fact("negative policy: %s", outcome(set_attributes(0, &a, 0)));
  a.policy = SCHED_RR;
  fact("real time without priority: %s", outcome(set_attributes(0, &a, 0)));
}

static void affinity(void) {
  cpu_set_t set, one;
  fact("get: %s", success(sched_getaffinity(0, sizeof set, &set)));
  fact("some: %d", CPU_COUNT(&set) > 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &set)) cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  fact("one: %s", outcome(sched_setaffinity(0, sizeof one, &one)));
  sched_getaffinity(0, sizeof set, &set);
  fact("exactly: %d", CPU_EQUAL(&set, &one));
  unsigned current = 99, node = 99;
  fact("getcpu: %s", outcome(syscall(SYS_getcpu, &current, &node, NULL)));
  fact("it is that: %d, node %u", current == (unsigned)cpu, node);
  IN_CHILD("child inherits", sched_getaffinity(0, sizeof set, &set); _exit(CPU_EQUAL(&set, &one)));
  CPU_ZERO(&one);
  fact("none: %s", outcome(sched_setaffinity(0, sizeof one, &one)));
  CPU_SET(1000, &one);
  fact("one that is not there: %s", outcome(sched_setaffinity(0, sizeof one, &one)));
  fact("nobody: %s", outcome(sched_setaffinity(999999, sizeof set, &set)));
  fact("no room: %s", outcome(syscall(SYS_sched_getaffinity, 0, 0, &set)));
  fact("odd size: %s", outcome(syscall(SYS_sched_getaffinity, 0, 129, &set)));
  fact("bad address: %s", outcome(syscall(SYS_sched_getaffinity, 0, 128, 8)));
}

static void io_priority(void) {
  enum { PROCESS = 1, GROUP = 2, CLASS = 13 };
  fact("get: %s", outcome(syscall(SYS_ioprio_get, PROCESS, 0)));
  fact("set: %s", outcome(syscall(SYS_ioprio_set, PROCESS, 0, 2 << CLASS | 6)));
  fact("get: %s", outcome(syscall(SYS_ioprio_get, PROCESS, 0)));
  IN_CHILD("child inherits", _exit(syscall(SYS_ioprio_get, PROCESS, 0) == (2 << CLASS | 6)));
  fact("none with a level: %s", outcome(syscall(SYS_ioprio_set, PROCESS, 0, 3)));
  fact("no such class: %s", outcome(syscall(SYS_ioprio_set, PROCESS, 0, 7 << CLASS)));
  fact("no such kind: %s", outcome(syscall(SYS_ioprio_set, 9, 0, 2 << CLASS)));
  fact("nobody: %s", outcome(syscall(SYS_ioprio_get, PROCESS, 999999)));
}

int main(void) {
  setpgid(0, 0);
  IN_CHILD("nice values", nice_values());
  IN_CHILD("unprivileged", unprivileged());
  IN_CHILD("policies", policies());
  IN_CHILD("real time", real_time());
  IN_CHILD("attributes", attributes());
  IN_CHILD("affinity", affinity());
  IN_CHILD("I/O priority", io_priority());
  fact("yield: %s", outcome(sched_yield()));
  return 0;
}
