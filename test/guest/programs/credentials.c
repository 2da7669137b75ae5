/* User and group IDs and capabilities: credentials(7), capabilities(7). Each case in a child of its own; run as root. */
#include "facts.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* The system calls themselves: the C library would change all threads. */
static long set_uid(uid_t id) { return syscall(SYS_setuid, id); }
static long set_gid(gid_t id) { return syscall(SYS_setgid, id); }
static long set_reuid(int r, int e) { return syscall(SYS_setreuid, r, e); }
static long set_regid(int r, int e) { return syscall(SYS_setregid, r, e); }
static long set_resuid(int r, int e, int s) { return syscall(SYS_setresuid, r, e, s); }
static long set_resgid(int r, int e, int s) { return syscall(SYS_setresgid, r, e, s); }
static long set_fsuid(int id) { return syscall(SYS_setfsuid, id); }
static long set_fsgid(int id) { return syscall(SYS_setfsgid, id); }

static void show(const char *what) {
  uid_t r, e, s;
  gid_t rg, eg, sg;
  getresuid(&r, &e, &s);
  getresgid(&rg, &eg, &sg);
  fact("%s: users %d %d %d %ld, groups %d %d %d %ld", what, r, e, s, set_fsuid(-1), rg, eg, sg, set_fsgid(-1));
}

static int get_capabilities(pid_t pid, struct __user_cap_data_struct data[2]) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, pid};
  return syscall(SYS_capget, &header, data);
}

static int set_capabilities(unsigned long effective, unsigned long permitted, unsigned long inheritable) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {
      {effective, permitted, inheritable},
      {effective >> 32, permitted >> 32, inheritable >> 32},
  };
  return syscall(SYS_capset, &header, data);
}

/* Only whether there are any: how many there are is up to the kernel. */
static void show_capabilities(const char *what) {
  struct __user_cap_data_struct data[2];
  get_capabilities(0, data);
  fact("%s: effective %d, permitted %d, inheritable %d", what, (data[0].effective | data[1].effective) != 0,
       (data[0].permitted | data[1].permitted) != 0, (data[0].inheritable | data[1].inheritable) != 0);
}

static int holds(int capability) {
  struct __user_cap_data_struct data[2];
  get_capabilities(0, data);
  return data[capability / 32].effective >> (capability % 32) & 1;
}

static void users_as_root(void) {
  show("root");
  fact("setuid: %s", outcome(set_uid(1000)));
  show("all of them");
  fact("back: %s", outcome(set_uid(0)));
  fact("to itself: %s", outcome(set_uid(1000)));
}

static void resuid(void) {
  fact("setresuid: %s", outcome(set_resuid(1000, 1001, 1002)));
  show("three");
  fact("swap: %s", outcome(set_resuid(1002, 1000, 1001)));
  show("swapped");
  fact("another: %s", outcome(set_resuid(-1, 1003, -1)));
  fact("setuid to the saved: %s", outcome(set_uid(1001)));
  show("effective only");
  fact("setuid to another: %s", outcome(set_uid(1000)));
  fact("keep all: %s", outcome(set_resuid(-1, -1, -1)));
  show("kept");
}

static void reuid(void) {
  fact("setreuid: %s", outcome(set_reuid(1000, 1001)));
  show("saved follows");
  fact("swap: %s", outcome(set_reuid(1001, 1000)));
  show("swapped");
  fact("effective alone, the real: %s", outcome(set_reuid(-1, 1001)));
  show("saved stays");
  fact("effective alone, the saved: %s", outcome(set_reuid(-1, 1000)));
  show("back");
  fact("real, another: %s", outcome(set_reuid(1005, -1)));
  fact("effective, another: %s", outcome(set_reuid(-1, 1005)));
}

static void temporary(void) {
  fact("drop: %s", outcome(set_resuid(-1, 1000, -1)));
  show_capabilities("dropped");
  fact("regain: %s", outcome(set_resuid(-1, 0, -1)));
  show_capabilities("regained");
  fact("drop for good: %s", outcome(set_resuid(1000, 1000, 1000)));
  show_capabilities("gone");
  fact("regain: %s", outcome(set_resuid(-1, 0, -1)));
}

static void groups_as_root(void) {
  fact("setgid: %s", outcome(set_gid(100)));
  show("all of them");
  fact("setresgid: %s", outcome(set_resgid(1, 2, 3)));
  show("three");
  fact("setregid: %s", outcome(set_regid(4, 5)));
  show("saved follows");
  set_uid(1000);
  fact("no longer root, another: %s", outcome(set_gid(7)));
  fact("the real: %s", outcome(set_gid(4)));
  show("effective only");
  fact("setresgid, another: %s", outcome(set_resgid(-1, 9, -1)));
  fact("setregid, another: %s", outcome(set_regid(-1, 9)));
  fact("setregid, the saved: %s", outcome(set_regid(-1, 5)));
  show("saved");
}

static void invalid(void) {
  fact("setuid(-1): %s", outcome(set_uid(-1)));
  fact("setgid(-1): %s", outcome(set_gid(-1)));
  fact("setfsuid(-1): %s", outcome(set_fsuid(-1)));
  fact("getresuid, bad address: %s", outcome(syscall(SYS_getresuid, 8, 8, 8)));
}

static void file_system(void) {
  fact("setfsuid: %ld, %ld", set_fsuid(1000), set_fsuid(-1));
  show("file system only");
  fact("CAP_CHOWN %d, CAP_DAC_OVERRIDE %d, CAP_SYS_ADMIN %d", holds(CAP_CHOWN), holds(CAP_DAC_OVERRIDE),
       holds(CAP_SYS_ADMIN));
  set_fsuid(0);
  fact("back: CAP_CHOWN %d", holds(CAP_CHOWN));
  fact("setfsgid: %ld", set_fsgid(77));
  set_resuid(1000, 1001, 1002);
  set_fsuid(1005);
  fact("not allowed: %ld", set_fsuid(-1));
  set_fsuid(1002);
  fact("allowed: %ld", set_fsuid(-1));
  fact("effective resets it: %s", outcome(set_resuid(-1, 1000, -1)));
  fact("%ld", set_fsuid(-1));
}

static void supplementary(void) {
  gid_t set[5] = {9, 3, 7, 3, 0}, got[8] = {0};
  fact("setgroups: %s", outcome(syscall(SYS_setgroups, 5, set)));
  fact("count: %s", outcome(syscall(SYS_getgroups, 0, NULL)));
  fact("too few: %s", outcome(syscall(SYS_getgroups, 4, got)));
  fact("negative: %s", outcome(syscall(SYS_getgroups, -1, got)));
  fact("getgroups: %s", outcome(syscall(SYS_getgroups, 8, got)));
  fact("%d %d %d %d %d", got[0], got[1], got[2], got[3], got[4]);
  fact("too many: %s", outcome(syscall(SYS_setgroups, 65537, set)));
  fact("bad address: %s", outcome(syscall(SYS_setgroups, 1, 8)));
  fact("none: %s", outcome(syscall(SYS_setgroups, 0, NULL)));
  fact("count: %s", outcome(syscall(SYS_getgroups, 0, NULL)));
  set_uid(1000);
  fact("not root: %s", outcome(syscall(SYS_setgroups, 0, NULL)));
}

static void access_by_group(void) {
  int fd = open("secret", O_CREAT | O_RDWR | O_TRUNC, 0640);
  if (fchown(fd, 0, 4321) < 0) return;
  gid_t group = 4321;
  IN_CHILD("without the group", syscall(SYS_setgroups, 0, NULL); set_gid(1); set_uid(1000);
           fact("open: %s", success(open("secret", O_RDONLY))));
  IN_CHILD("with it", syscall(SYS_setgroups, 1, &group); set_gid(1); set_uid(1000);
           fact("open: %s", success(open("secret", O_RDONLY)));
           fact("to write: %s", success(open("secret", O_RDWR))));
  IN_CHILD("as effective group", syscall(SYS_setgroups, 0, NULL); set_gid(4321); set_uid(1000);
           fact("open: %s", success(open("secret", O_RDONLY))));
  unlink("secret");
}

static void capability_calls(void) {
  struct __user_cap_header_struct header = {0x12345678, 0};
  struct __user_cap_data_struct data[2];
  fact("unknown version: %s", outcome(syscall(SYS_capget, &header, data)));
  fact("preferred: %#x", header.version);
  header.version = 0;
  fact("only asking: %s", outcome(syscall(SYS_capget, &header, NULL)));
  header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, -1};
  fact("negative process: %s", outcome(syscall(SYS_capget, &header, data)));
  fact("nobody: %s", outcome(get_capabilities(999999, data)));
  fact("parent: %s", outcome(get_capabilities(getppid(), data)));
  header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, getppid()};
  fact("set the parent's: %s", outcome(syscall(SYS_capset, &header, data)));
  header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_1, 0};
  fact("version 1: %s", outcome(syscall(SYS_capget, &header, data)));
  unsigned long chown = 1ul << CAP_CHOWN, kill = 1ul << CAP_KILL;
  fact("effective beyond permitted: %s", outcome(set_capabilities(chown | kill, chown, 0)));
  fact("fewer: %s", outcome(set_capabilities(0, chown | kill, 0)));
  show_capabilities("after");
  fact("regain a permitted one: %s", outcome(set_capabilities(chown, chown | kill, 0)));
  fact("one that is gone: %s", outcome(set_capabilities(0, chown | kill | 1ul << CAP_SYS_ADMIN, 0)));
  fact("inheritable: %s", outcome(set_capabilities(0, kill, chown)));
  fact("and no more: %s", outcome(set_capabilities(0, kill, chown | kill)));
  fact("neither permitted nor inheritable: %s", outcome(set_capabilities(0, kill, 1ul << CAP_SYS_ADMIN)));
}

static void ambient(void) {
  unsigned long chown = 1ul << CAP_CHOWN;
  fact("raise, not inheritable: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0)));
  set_capabilities(~0ul, ~0ul, chown);
  struct __user_cap_data_struct data[2];
  get_capabilities(0, data);
  set_capabilities(data[0].effective | (unsigned long)data[1].effective << 32,
                   data[0].permitted | (unsigned long)data[1].permitted << 32, chown);
  fact("raise: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0)));
  fact("is set: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0)));
  fact("another is not: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0)));
  fact("no such capability: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0)));
  fact("no such operation: %s", outcome(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0)));
  fact("arguments of clear: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0)));
  fact("unused argument: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1, 0)));
  set_capabilities(0, 0, chown);
  fact("without permitted: %s", outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0)));
}

static void bounding(void) {
  fact("read: %s", outcome(prctl(PR_CAPBSET_READ, CAP_CHOWN)));
  fact("drop: %s", outcome(prctl(PR_CAPBSET_DROP, CAP_CHOWN)));
  fact("read: %s", outcome(prctl(PR_CAPBSET_READ, CAP_CHOWN)));
  fact("still effective: %d", holds(CAP_CHOWN));
  fact("no such: %s, %s", outcome(prctl(PR_CAPBSET_READ, 64)), outcome(prctl(PR_CAPBSET_DROP, 64)));
  set_uid(1000);
  fact("without CAP_SETPCAP: %s", outcome(prctl(PR_CAPBSET_DROP, CAP_KILL)));
}

static void keep(void) {
  fact("keep: %s", outcome(prctl(PR_SET_KEEPCAPS, 1)));
  fact("kept: %d", prctl(PR_GET_KEEPCAPS));
  fact("neither 0 nor 1: %s", outcome(prctl(PR_SET_KEEPCAPS, 2)));
  set_resuid(1000, 1000, 1000);
  show_capabilities("after setresuid");
}

static void secure_bits(void) {
  fact("bits %d", prctl(PR_GET_SECUREBITS));
  fact("unknown: %s", outcome(prctl(PR_SET_SECUREBITS, 1 << 20)));
  fact("set: %s", outcome(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS_LOCKED)));
  fact("bits %d", prctl(PR_GET_SECUREBITS));
  fact("locked: %s", outcome(prctl(PR_SET_KEEPCAPS, 1)));
  fact("unlock: %s", outcome(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)));
  set_resuid(1000, 1000, 1000);
  show_capabilities("no fixup");
  set_capabilities(0, 0, 0);
  fact("without CAP_SETPCAP: %s", outcome(prctl(PR_SET_SECUREBITS, 0)));
}

static void signals(void) {
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  IN_CHILD("stranger", set_resuid(1000, 1000, 1000); fact("kill: %s", outcome(kill(child, 0))));
  kill(child, SIGKILL);
  join(child);
}

static void dumpable(void) {
  fact("dumpable %d", prctl(PR_GET_DUMPABLE));
  set_resuid(-1, 1000, -1);
  fact("after a change of the effective ID: %d", prctl(PR_GET_DUMPABLE));
}

int main(void) {
  if (getuid() != 0) {
    fact("skipped: not root");
    return 0;
  }
  IN_CHILD("setuid", users_as_root());
  IN_CHILD("setresuid", resuid());
  IN_CHILD("setreuid", reuid());
  IN_CHILD("temporary", temporary());
  IN_CHILD("groups", groups_as_root());
  IN_CHILD("invalid", invalid());
  IN_CHILD("file system", file_system());
  IN_CHILD("supplementary", supplementary());
  access_by_group();
  IN_CHILD("capabilities", capability_calls());
  IN_CHILD("ambient", ambient());
  IN_CHILD("bounding", bounding());
  IN_CHILD("keep", keep());
  IN_CHILD("secure bits", secure_bits());
  signals();
  IN_CHILD("dumpable", dumpable());
  return 0;
}
