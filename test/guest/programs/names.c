/* Names: the calls that have flags which the shell does not use, and the order of their errors. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static void result(const char *what, long r) { printf("%s: %ld errno %d\n", what, r, r < 0 ? errno : 0); }
/* For descriptors, whose numbers do not matter. */
static int opened(const char *what, int fd) {
  printf("%s: %s errno %d\n", what, fd < 0 ? "failed" : "open", fd < 0 ? errno : 0);
  return fd;
}
static void put(const char *name, const char *text) {
  int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  if (write(fd, text, strlen(text)) < 0) perror(name);
  close(fd);
}
static void show(const char *name) {
  struct stat s;
  if (lstat(name, &s) < 0) { printf("  %s: errno %d\n", name, errno); return; }
  printf("  %s: %o links %d owner %d:%d size %lld\n", name, s.st_mode, S_ISDIR(s.st_mode) ? 0 : (int)s.st_nlink, s.st_uid, s.st_gid,
         S_ISDIR(s.st_mode) ? 0LL : (long long)s.st_size);
}
static int openat2_(int dirfd, const char *name, unsigned long long flags, unsigned long long mode, unsigned long long resolve) {
  struct open_how how = {flags, mode, resolve};
  return syscall(SYS_openat2, dirfd, name, &how, sizeof how);
}
static int rename2(const char *from, const char *to, unsigned flags) { return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags); }

static void opens(void) {
  puts("open");
  mkdir("dir", 0755);
  put("file", "0123456789");
  symlink("file", "link");
  symlink("nowhere", "dangling");
  symlink("dir/", "slashed");
  struct { const char *name; int flags; } tries[] = {
    {"file", O_RDONLY}, {"file", O_DIRECTORY}, {"file/", O_RDONLY}, {"dir", O_WRONLY}, {"dir", O_RDONLY | O_CREAT},
    {"dir/", O_RDONLY}, {"new/", O_CREAT | O_WRONLY}, {"file/", O_CREAT | O_WRONLY}, {"link", O_NOFOLLOW}, {"link", O_CREAT | O_EXCL},
    {"dangling", O_RDONLY}, {"dangling", O_CREAT | O_EXCL | O_WRONLY}, {"dangling", O_CREAT | O_NOFOLLOW | O_WRONLY},
    {"slashed", O_RDONLY}, {"slashed", O_NOFOLLOW}, {".", O_CREAT}, {"..", O_CREAT | O_EXCL}, {"", O_RDONLY}, {"", O_CREAT},
    {"file", 3}, {"file", O_TRUNC | O_PATH}, {"dir", O_TMPFILE | O_RDONLY}, {"file", O_TMPFILE | O_RDWR}, {"none", O_TMPFILE | O_RDWR},
    {"none/x", O_CREAT}, {"file/x", O_CREAT}, {"dir", O_DIRECTORY | O_CREAT}, {"none", O_DIRECTORY | O_CREAT}, {"file", O_DIRECTORY | O_CREAT},
    {"dir", O_PATH | O_NOFOLLOW | O_DIRECTORY}, {"link", O_PATH | O_NOFOLLOW}, {"link", O_PATH}, {"file", O_RDONLY | O_TRUNC},
  };
  for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
    char what[64];
    snprintf(what, sizeof what, "open %s %o", tries[i].name, tries[i].flags);
    int fd = opened(what, open(tries[i].name, tries[i].flags, 0600));
    if (fd < 0) continue;
    printf("  flags %o\n", fcntl(fd, F_GETFL));
    close(fd);
  }
  show("nowhere");
  show("file");
  close(opened("through the dangling link", open("dangling", O_CREAT | O_WRONLY, 0640)));
  show("nowhere");
  unlink("nowhere");
  int fd = open("link", O_PATH | O_NOFOLLOW);
  char text[16] = "";
  result("readlinkat of a descriptor", readlinkat(fd, "", text, sizeof text));
  printf("  %s\n", text);
  result("readlink into nothing", syscall(SYS_readlink, "link", text, 0));
  result("readlink of a file", readlink("file", text, sizeof text));
  result("read from a place", read(fd, text, 1));
  result("fchmod of a place", fchmod(fd, 0600));
  result("fchown of a place by path", fchownat(fd, "", 0, 0, AT_EMPTY_PATH));
  result("fstat of a place", fstat(fd, &(struct stat){0}));
  close(fd);
  result("nothing but O_CREAT leaves flags", openat2_(AT_FDCWD, "file", O_RDONLY, 0644, 0));
  result("unknown flag", openat2_(AT_FDCWD, "file", 1ull << 40, 0, 0));
  result("O_PATH with others", openat2_(AT_FDCWD, "file", O_PATH | O_RDWR, 0, 0));
  result("unknown resolve", openat2_(AT_FDCWD, "file", 0, 0, 0x100));
  result("too short", syscall(SYS_openat2, AT_FDCWD, "file", &(struct open_how){0}, 8));
  result("beneath and out", openat2_(AT_FDCWD, "dir/../..", O_PATH, 0, RESOLVE_BENEATH));
  close(opened("beneath", openat2_(AT_FDCWD, "dir/../file", O_RDONLY, 0, RESOLVE_BENEATH)));
  result("no magic links", openat2_(AT_FDCWD, "/proc/self/exe", O_PATH, 0, RESOLVE_NO_MAGICLINKS));
  close(opened("no magic links, ordinary link", openat2_(AT_FDCWD, "link", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS)));
  result("no links", openat2_(AT_FDCWD, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
  result("other mount", openat2_(AT_FDCWD, "/proc/self", O_PATH, 0, RESOLVE_NO_XDEV));
}

static void renames(void) {
  puts("rename");
  mkdir("r", 0755);
  if (chdir("r")) return;
  put("a", "a"); put("b", "bb"); mkdir("d", 0700); mkdir("e", 0711); put("e/x", "x"); symlink("a", "l");
  struct { const char *from, *to; unsigned flags; } tries[] = {
    {"a", "b", RENAME_NOREPLACE}, {"a", "c", RENAME_NOREPLACE}, {"c", "a", 0}, {"a", "b", RENAME_EXCHANGE}, {"a", "none", RENAME_EXCHANGE},
    {"a", "d", RENAME_EXCHANGE}, {"a", "d", RENAME_EXCHANGE}, {"d", "d/x", 0}, {"d", "d/x", RENAME_EXCHANGE}, {"e/x", "e", 0}, {"d", "e", 0}, {"d", "e", RENAME_EXCHANGE},
    {"a", "d", 0}, {"d", "a", 0}, {"a/", "c", 0}, {"a", "c/", 0}, {"d/", "f/", 0}, {"f", "d", 0}, {"d", ".", 0}, {"d/.", "x", 0}, {"d/..", "x", 0},
    {"a", "..", RENAME_NOREPLACE}, {"none", "a", 0}, {"a", "none/x", 0}, {"a", "b/x", 0}, {"l", "m", 0}, {"a", "a", 0}, {"a", "a", RENAME_NOREPLACE},
    {"a", "b", 8}, {"a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE}, {"a", "b", RENAME_WHITEOUT | RENAME_EXCHANGE}, {"a", "/proc/x", 0}, {"e", "e/x/y", 0},
  };
  for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
    char what[64];
    snprintf(what, sizeof what, "%s -> %s %u", tries[i].from, tries[i].to, tries[i].flags);
    result(what, rename2(tries[i].from, tries[i].to, tries[i].flags));
  }
  const char *names[] = {"a", "b", "c", "d", "e", "e/x", "d/x", "l", "m"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) show(names[i]);
  link("a", "hard");
  result("onto another name of the same file", rename("a", "hard"));
  show("a");
  if (chdir("..")) return;
}

static void links(void) {
  puts("link and unlink");
  put("one", "1");
  symlink("one", "sym");
  result("hard link to a link", link("sym", "sym2"));
  show("sym2");
  result("hard link through a link", linkat(AT_FDCWD, "sym", AT_FDCWD, "two", AT_SYMLINK_FOLLOW));
  show("two");
  result("directory", link("dir", "dir2"));
  result("exists", link("one", "two"));
  result("slash", link("one", "three/"));
  result("unknown flag", linkat(AT_FDCWD, "one", AT_FDCWD, "x", 0x10000));
  int fd = opened("unnamed", open(".", O_TMPFILE | O_RDWR, 0600));
  if (write(fd, "tmp", 3) != 3) perror("write");
  struct stat s;
  fstat(fd, &s);
  printf("  links %d\n", (int)s.st_nlink);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  result("give it a name", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  show("named");
  close(fd);
  fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  result("never a name", linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
  close(fd);
  fd = open("one", O_RDONLY);
  unlink("one"); unlink("two");
  fstat(fd, &s);
  printf("  links %d\n", (int)s.st_nlink);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  char target[256] = "";
  if (readlink(path, target, sizeof target - 1) < 0) perror("readlink");
  printf("  %s\n", strrchr(target, '/'));
  result("a name for what is gone", linkat(AT_FDCWD, path, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
  close(opened("open again", open(path, O_RDONLY)));
  close(fd);
  result("unlink a directory", unlink("dir"));
  result("unlinkat of one", unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
  result("unlinkat of a file as one", unlinkat(AT_FDCWD, "file", AT_REMOVEDIR));
  result("unknown flag", unlinkat(AT_FDCWD, "file", 1));
  result("rmdir .", rmdir("."));
  result("rmdir r/..", rmdir("r/.."));
  result("rmdir /", rmdir("/"));
  result("rmdir full", rmdir("r"));
  result("unlink .", unlink("."));
  result("unlink /", unlink("/"));
  result("unlink with slash", unlink("file/"));
  result("mkdir .", mkdir(".", 0777));
  result("mkdir with slash", mkdir("slash/", 0777));
  result("mkdir x/.", mkdir("slash/x/.", 0777));
  result("symlink empty", symlink("", "x"));
  result("symlink with slash", symlink("a", "x/"));
  result("mknod directory", mknod("x", S_IFDIR | 0700, 0));
  result("mknod link", mknod("x", S_IFLNK | 0700, 0));
  result("mknod plain", mknod("plain", 0640, 0));
  result("mknod fifo", mknod("fifo", S_IFIFO | 0666, 5));
  result("mknod socket", mknod("socket", S_IFSOCK | 0666, 0));
  show("plain"); show("fifo"); show("socket");
  opened("open socket", open("socket", O_RDONLY));
  result("truncate fifo", truncate("fifo", 0));
  result("truncate directory", truncate("r", 0));
  result("truncate negative", truncate("plain", -1));
}

static void attributes(void) {
  puts("attributes");
  umask(027);
  put("u", "x");
  mkdir("um", 07777);
  show("u"); show("um");
  umask(0);
  mkdir("sgid", 02775);
  if (chown("sgid", -1, getgid())) perror("chown");
  mkdir("sgid/sub", 0700);
  show("sgid/sub");
  result("chmod", chmod("u", 06755));
  show("u");
  result("write takes no set-id from root", open("u", O_WRONLY) < 0);
  result("fchmodat of a link", fchmodat(AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW));
  result("lchown", lchown("link", -1, -1));
  result("access of nothing", faccessat(AT_FDCWD, "none", F_OK, 0));
  result("access bad mode", access("u", 8));
  result("faccessat2 of link", syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
  result("faccessat2 unknown flag", syscall(SYS_faccessat2, AT_FDCWD, "u", F_OK, 1));
  struct timespec t[2] = {{1000000000, 123456789}, {0, UTIME_OMIT}};
  result("utimensat", utimensat(AT_FDCWD, "u", t, 0));
  struct stat s;
  stat("u", &s);
  printf("  atime %ld.%09ld\n", (long)s.st_atime, s.st_atim.tv_nsec);
  t[1] = (struct timespec){-5, 999999999};
  result("before 1970", utimensat(AT_FDCWD, "u", t, 0));
  stat("u", &s);
  printf("  mtime %ld.%09ld\n", (long)s.st_mtime, s.st_mtim.tv_nsec);
  t[1].tv_nsec = 1000000000;
  result("too many nanoseconds", utimensat(AT_FDCWD, "u", t, 0));
  t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
  result("nothing to set, nothing there", utimensat(AT_FDCWD, "none", t, 0));
  result("of a descriptor by null", syscall(SYS_utimensat, 99, NULL, NULL, 0));
  result("null path at the working directory", syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
  result("unknown flag", syscall(SYS_utimensat, AT_FDCWD, "u", NULL, 1));
  struct timeval tv[2] = {{5, 1000000}, {5, 0}};
  result("utimes bad", utimes("u", tv));
  result("utime now", utime("u", NULL));
  struct statx x;
  memset(&x, 0xff, sizeof x);
  result("statx", syscall(SYS_statx, AT_FDCWD, "u", 0, STATX_BASIC_STATS, &x));
  printf("  mask %x mode %o nlink %u size %llu\n", x.stx_mask & STATX_BASIC_STATS, x.stx_mode, x.stx_nlink, (unsigned long long)x.stx_size);
  result("statx reserved", syscall(SYS_statx, AT_FDCWD, "u", 0, 0x80000000u, &x));
  result("statx both syncs", syscall(SYS_statx, AT_FDCWD, "u", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &x));
  result("statx unknown", syscall(SYS_statx, AT_FDCWD, "u", 1, 0, &x));
  result("fstatat unknown", syscall(SYS_newfstatat, AT_FDCWD, "u", &s, 1));
  result("fstatat empty", syscall(SYS_newfstatat, AT_FDCWD, "", &s, 0));
  result("fstatat empty path", syscall(SYS_newfstatat, AT_FDCWD, "", &s, AT_EMPTY_PATH));
  result("stat bad address", syscall(SYS_stat, "u", 8));
  result("stat bad name", syscall(SYS_stat, 8, &s));
}

static void xattrs(void) {
  puts("xattr");
  static char big[65537];
  char value[64] = "", list[256];
  put("x", "");
  result("none", getxattr("x", "user.a", value, sizeof value));
  result("set", setxattr("x", "user.a", "value", 5, XATTR_CREATE));
  result("create again", setxattr("x", "user.a", "v", 1, XATTR_CREATE));
  result("replace none", setxattr("x", "user.b", "v", 1, XATTR_REPLACE));
  result("both", setxattr("x", "user.b", "v", 1, XATTR_REPLACE | XATTR_CREATE));
  result("unknown flag", setxattr("x", "user.b", "v", 1, 4));
  result("length", getxattr("x", "user.a", NULL, 0));
  result("too small", getxattr("x", "user.a", value, 2));
  result("get", getxattr("x", "user.a", value, sizeof value));
  printf("  %.5s\n", value);
  result("list", listxattr("x", list, sizeof list));
  printf("  %s\n", list);
  result("list too small", listxattr("x", list, 3));
  result("bad prefix", setxattr("x", "colour.a", "v", 1, 0));
  result("no name", setxattr("x", "user.", "v", 1, 0));
  result("empty", setxattr("x", "", "v", 1, 0));
  char longest[300];
  memset(longest, 'n', sizeof longest);
  memcpy(longest, "user.", 5);
  longest[255] = 0;
  result("255 bytes", getxattr("x", longest, NULL, 0));
  longest[255] = 'n'; longest[256] = 0;
  result("256 bytes", getxattr("x", longest, NULL, 0));
  result("too long a value", setxattr("x", "user.big", big, sizeof big, 0));
  symlink("x", "xl");
  result("user on a link", lsetxattr("xl", "user.a", "v", 1, 0));
  result("read user on a link", lgetxattr("xl", "user.a", NULL, 0));
  result("through a link", getxattr("xl", "user.a", NULL, 0));
  result("remove", removexattr("x", "user.a"));
  result("remove again", removexattr("x", "user.a"));
  int fd = open("x", O_PATH);
  result("of a place", fgetxattr(fd, "user.a", NULL, 0));
  close(fd);
}

static void sizes(void) {
  puts("sizes");
  int fd = open("s", O_CREAT | O_RDWR | O_TRUNC, 0644);
  result("extend", ftruncate(fd, 10000));
  result("write", pwrite(fd, "data", 4, 5000));
  result("shrink", ftruncate(fd, 5002));
  result("extend again", ftruncate(fd, 6000));
  char c[4] = "????";
  result("read", pread(fd, c, 4, 5000));
  printf("  %d %d %d %d\n", c[0], c[1], c[2], c[3]);
  result("allocate", fallocate(fd, 0, 0, 20000));
  show("s");
  result("keep size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 20000, 20000));
  show("s");
  result("punch without keep", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
  result("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5001, 100));
  result("read", pread(fd, c, 4, 5000));
  printf("  %d %d %d %d\n", c[0], c[1], c[2], c[3]);
  result("no length", fallocate(fd, 0, 0, 0));
  result("negative", fallocate(fd, 0, -1, 10));
  result("unknown", fallocate(fd, 0x100, 0, 10));
  result("collapse and keep", fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
  close(fd);
  fd = open("s", O_RDONLY);
  result("allocate read-only", fallocate(fd, 0, 0, 10));
  result("ftruncate read-only", ftruncate(fd, 0));
  close(fd);
  fd = open(".", O_RDONLY);
  result("ftruncate directory", ftruncate(fd, 0));
  result("read directory", read(fd, c, 1));
  result("getdents too small", syscall(SYS_getdents64, fd, c, 1));
  close(fd);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  umask(0);
  opens();
  renames();
  links();
  attributes();
  xattrs();
  sizes();
  return 0;
}
