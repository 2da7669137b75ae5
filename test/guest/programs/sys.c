/* uname(2), sysinfo(2), getrandom(2), times(2), reboot(2), syslog(2), unshare(2), setns(2) and others: what can be told of
   them everywhere, and their errors. */
#include "facts.h"
#include <fcntl.h>
#include <linux/reboot.h>
#include <sched.h>
#include <sys/klog.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

static void names(void) {
  struct utsname uts;
  fact("uname: %s", outcome(uname(&uts)));
  fact("%s, %s", uts.sysname, uts.machine);
  fact("bad address: %s", outcome(syscall(SYS_uname, 8)));
  if (getuid() != 0) return;
  fact("new namespace: %s", outcome(unshare(CLONE_NEWUTS)));
  char name[65];
  memset(name, 'n', sizeof name);
  fact("64 bytes: %s", outcome(sethostname(name, 64)));
  uname(&uts);
  fact("all: %d", strlen(uts.nodename) == 64);
  fact("65 bytes: %s", outcome(sethostname(name, 65)));
  fact("negative: %s", outcome(syscall(SYS_sethostname, name, -1)));
  fact("bad address: %s", outcome(syscall(SYS_sethostname, 8, 5)));
  sethostname("guest", 5);
  setdomainname("example.org", 11);
  uname(&uts);
  fact("%s.%s", uts.nodename, uts.domainname);
  IN_CHILD("child inherits", uname(&uts); fact("%s", uts.nodename); sethostname("changed", 7));
  uname(&uts);
  fact("shared: %s", uts.nodename);
  IN_CHILD("own", {
    unshare(CLONE_NEWUTS);
    sethostname("apart", 5);
  });
  uname(&uts);
  fact("apart: %s", uts.nodename);
  if (setresuid(54321, 54321, 54321) < 0) return;
  fact("not root: %s", outcome(sethostname("x", 1)));
  fact("not root: %s", outcome(unshare(CLONE_NEWUTS)));
}

static void memory(void) {
  struct sysinfo info;
  fact("sysinfo: %s", outcome(sysinfo(&info)));
  fact("memory: %d, free is less: %d, unit %u", info.totalram > 0, info.freeram < info.totalram, info.mem_unit);
  fact("up: %d, processes: %d", info.uptime >= 0, info.procs > 0);
  fact("bad address: %s", outcome(syscall(SYS_sysinfo, 8)));
}

static void random_bytes(void) {
  unsigned char a[64] = {0}, b[64] = {0};
  fact("getrandom: %s", outcome(getrandom(a, 64, 0)));
  fact("again: %s, different: %d", outcome(getrandom(b, 64, GRND_NONBLOCK)), memcmp(a, b, 64) != 0);
  fact("random: %s", outcome(getrandom(a, 64, GRND_RANDOM)));
  fact("nothing: %s", outcome(getrandom(a, 0, 0)));
  fact("unknown flag: %s", outcome(getrandom(a, 64, 0x80)));
  fact("both: %s", outcome(getrandom(a, 64, GRND_RANDOM | 4)));
  fact("bad address: %s", outcome(syscall(SYS_getrandom, 8, 64, 0)));
  char *large = malloc(300000);
  fact("much: %s", outcome(getrandom(large, 300000, 0)));
  free(large);
}

static void times_and_usage(void) {
  struct tms tms;
  struct rusage usage;
  clock_t before = times(&tms);
  fact("times goes on: %d", times(NULL) >= before);
  fact("bad address: %s", outcome(syscall(SYS_times, 8)));
  fact("getrusage: %s", outcome(getrusage(RUSAGE_SELF, &usage)));
  fact("thread: %s", outcome(getrusage(RUSAGE_THREAD, &usage)));
  fact("nobody: %s", outcome(getrusage(7, &usage)));
  fact("bad address: %s", outcome(syscall(SYS_getrusage, RUSAGE_SELF, 8)));
}

static void reboots(void) {
  fact("bad magic: %s", outcome(syscall(SYS_reboot, 1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL)));
  fact("bad magic: %s", outcome(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, 1, LINUX_REBOOT_CMD_CAD_OFF, NULL)));
  fact("unknown: %s", outcome(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 5, NULL)));
  if (getuid() != 0 || setresuid(54321, 54321, 54321) < 0) return;
  fact("not root: %s", outcome(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 5, NULL)));
}

static void kernel_log(void) {
  char text[64];
  fact("size is there: %d", klogctl(10, NULL, 0) > 0);
  fact("no buffer: %s", outcome(klogctl(3, NULL, 10)));
  fact("negative: %s", outcome(klogctl(3, text, -1)));
  fact("nothing: %s", outcome(klogctl(3, text, 0)));
  fact("unknown: %s", outcome(klogctl(99, text, 10)));
  fact("level 0: %s", outcome(klogctl(8, NULL, 0)));
  fact("level 9: %s", outcome(klogctl(8, NULL, 9)));
  fact("open, close: %s, %s", outcome(klogctl(1, NULL, 0)), outcome(klogctl(0, NULL, 0)));
}

static void sharing(void) {
  fact("nothing: %s", outcome(unshare(0)));
  fact("unknown: %s", outcome(unshare(1)));
  fact("directory: %s", outcome(unshare(CLONE_FS)));
  fact("files: %s", outcome(unshare(CLONE_FILES)));
  fact("alone, memory: %s", outcome(unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)));
  fact("setns, bad descriptor: %s", outcome(setns(999, 0)));
  fact("setns, no namespace: %s", outcome(setns(1, 0)));
}

/* A child that shares descriptors and directory, and stops doing so. */
static char stack[65536] __attribute__((aligned(16)));
static int apart(void *argument) {
  int *fds = argument;
  close(fds[0]);
  umask(011);
  unshare(CLONE_FS | CLONE_FILES);
  close(fds[1]);
  umask(077);
  return 0;
}

static void unsharing(void) {
  int fds[2] = {dup(1), dup(1)};
  umask(022);
  pid_t child = clone(apart, stack + sizeof stack, CLONE_FS | CLONE_FILES | SIGCHLD, fds);
  fact("child %s", join(child));
  fact("closed while shared: %s", success(fcntl(fds[0], F_GETFD)));
  fact("closed apart: %s", success(fcntl(fds[1], F_GETFD)));
  fact("umask %o", umask(022));
  close(fds[1]);
}

int main(void) {
  IN_CHILD("names", names());
  memory();
  random_bytes();
  times_and_usage();
  IN_CHILD("reboot", reboots());
  IN_CHILD("kernel log", kernel_log());
  IN_CHILD("unshare", sharing());
  unsharing();
  return 0;
}
