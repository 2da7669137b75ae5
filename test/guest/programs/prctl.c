/* prctl(2), arch_prctl(2), personality(2): settings of a thread, their inheritance, errors. */
#include "facts.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static void names(void) {
  char name[17];
  memset(name, 'z', sizeof name);
  fact("set: %s", outcome(prctl(PR_SET_NAME, "short")));
  fact("get: %s", outcome(prctl(PR_GET_NAME, name)));
  fact("%s, filled with zeros: %d, no more: %d", name, name[15] == 0 && name[10] == 0, name[16] == 'z');
  prctl(PR_SET_NAME, "exactly-15-byte");
  prctl(PR_GET_NAME, name);
  fact("%s", name);
  prctl(PR_SET_NAME, "more-than-sixteen-bytes");
  prctl(PR_GET_NAME, name);
  fact("%s", name);
  prctl(PR_SET_NAME, "");
  prctl(PR_GET_NAME, name);
  fact("empty: '%s'", name);
  fact("bad address: %s, %s", outcome(prctl(PR_SET_NAME, 8)), outcome(prctl(PR_GET_NAME, 8)));
  prctl(PR_SET_NAME, "parent");
  IN_CHILD("child", prctl(PR_GET_NAME, name); fact("inherits %s", name); prctl(PR_SET_NAME, "child"));
  prctl(PR_GET_NAME, name);
  fact("parent keeps %s", name);
}

static void flags(void) {
  int value = -1;
  fact("dumpable %s", outcome(prctl(PR_GET_DUMPABLE)));
  fact("2: %s", outcome(prctl(PR_SET_DUMPABLE, 2)));
  fact("0: %s", outcome(prctl(PR_SET_DUMPABLE, 0)));
  IN_CHILD("child", _exit(prctl(PR_GET_DUMPABLE)));
  fact("1: %s", outcome(prctl(PR_SET_DUMPABLE, 1)));
  fact("death signal: %s", outcome(prctl(PR_SET_PDEATHSIG, SIGUSR1)));
  fact("get: %s", outcome(prctl(PR_GET_PDEATHSIG, &value)));
  fact("%d", value);
  fact("none: %s, too large: %s", outcome(prctl(PR_SET_PDEATHSIG, 0)), outcome(prctl(PR_SET_PDEATHSIG, 65)));
  fact("subreaper: %s", outcome(prctl(PR_SET_CHILD_SUBREAPER, 1)));
  fact("get: %s", outcome(prctl(PR_GET_CHILD_SUBREAPER, &value)));
  fact("%d", value);
  fact("timing: %s", outcome(prctl(PR_GET_TIMING)));
  fact("set: %s, %s", outcome(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL)), outcome(prctl(PR_SET_TIMING, 5)));
  fact("huge pages: %s", outcome(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)));
  fact("disable: %s", outcome(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)));
  fact("disabled: %s", outcome(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)));
  fact("unused argument: %s", outcome(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0)));
  fact("no such operation: %s", outcome(prctl(123456)));
}

static void new_privileges(void) {
  fact("before: %s", outcome(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  fact("0: %s", outcome(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  fact("unused argument: %s", outcome(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0)));
  fact("1: %s", outcome(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));
  fact("after: %s", outcome(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  fact("unused argument: %s", outcome(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0)));
  IN_CHILD("child", _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
}

static void slack(void) {
  fact("slack %s", outcome(prctl(PR_GET_TIMERSLACK)));
  fact("set: %s", outcome(prctl(PR_SET_TIMERSLACK, 12345)));
  fact("slack %s", outcome(prctl(PR_GET_TIMERSLACK)));
  IN_CHILD("child", {
    fact("slack %s", outcome(prctl(PR_GET_TIMERSLACK)));
    prctl(PR_SET_TIMERSLACK, 1);
    prctl(PR_SET_TIMERSLACK, 0);
    fact("its default %s", outcome(prctl(PR_GET_TIMERSLACK)));
  });
  prctl(PR_SET_TIMERSLACK, 0);
  fact("default %s", outcome(prctl(PR_GET_TIMERSLACK)));
}

static void segments(void) {
  unsigned long fs = 0, gs = 1, value = 77, read = 0;
  fact("get fs: %s", outcome(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs)));
  fact("it is the thread: %d", fs == (unsigned long)pthread_self());
  fact("get gs: %s", outcome(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs)));
  fact("gs %lu", gs);
  fact("set gs: %s", outcome(syscall(SYS_arch_prctl, ARCH_SET_GS, &value)));
  __asm__ volatile("movq %%gs:0, %0" : "=r"(read));
  fact("read by gs: %lu", read);
  IN_CHILD("child", __asm__ volatile("movq %%gs:0, %0" : "=r"(read)); _exit(read));
  fact("not canonical: %s", outcome(syscall(SYS_arch_prctl, ARCH_SET_GS, 1ul << 63)));
  fact("bad address: %s", outcome(syscall(SYS_arch_prctl, ARCH_GET_GS, 8)));
  fact("unknown: %s", outcome(syscall(SYS_arch_prctl, 0x9999, 0)));
  fact("CPUID: %s", outcome(syscall(SYS_arch_prctl, 0x1011, 0)));
}

static void personalities(void) {
  fact("personality %s", outcome(personality(0xffffffff)));
  fact("set: %s", outcome(personality(ADDR_NO_RANDOMIZE)));
  fact("set: %#x", personality(0xffffffff));
  IN_CHILD("child", _exit(personality(0xffffffff) == ADDR_NO_RANDOMIZE));
  IN_CHILD("after execve", execl("/proc/self/exe", "prctl", "personality", NULL));
}

static void *thread_name(void *argument) {
  char name[16];
  prctl(PR_GET_NAME, name);
  fact("a new thread: %s", name);
  prctl(PR_SET_NAME, "thread");
  fact("no_new_privs: %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  return argument;
}

static void threads(void) {
  char name[16];
  pthread_t thread;
  prctl(PR_SET_NAME, "leader");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  pthread_create(&thread, NULL, thread_name, NULL);
  pthread_join(thread, NULL);
  prctl(PR_GET_NAME, name);
  fact("the leader: %s", name);
}

int main(int argc, char **argv) {
  if (argc > 1) return personality(0xffffffff) == ADDR_NO_RANDOMIZE ? 5 : 6;
  IN_CHILD("names", names());
  IN_CHILD("flags", flags());
  IN_CHILD("new privileges", new_privileges());
  IN_CHILD("slack", slack());
  IN_CHILD("segments", segments());
  IN_CHILD("personality", personalities());
  IN_CHILD("threads", threads());
  return 0;
}
