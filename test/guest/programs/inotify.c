/* inotify(7). */
#include "file-facts.h"
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/time.h>

static int in;

/* All events that there are, one a line; cookies as numbers of moves. */
static void show(const char *what) {
  static char buffer[65536] __attribute__((aligned(8)));
  static const struct {
    unsigned bit;
    const char *name;
  } names[] = {{IN_ACCESS, "ACCESS"},       {IN_MODIFY, "MODIFY"},           {IN_ATTRIB, "ATTRIB"},
               {IN_CLOSE_WRITE, "CLOSE_WRITE"}, {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"}, {IN_OPEN, "OPEN"},
               {IN_MOVED_FROM, "MOVED_FROM"}, {IN_MOVED_TO, "MOVED_TO"},       {IN_CREATE, "CREATE"},
               {IN_DELETE, "DELETE"},       {IN_DELETE_SELF, "DELETE_SELF"}, {IN_MOVE_SELF, "MOVE_SELF"},
               {IN_UNMOUNT, "UNMOUNT"},     {IN_Q_OVERFLOW, "Q_OVERFLOW"},   {IN_IGNORED, "IGNORED"},
               {IN_ISDIR, "ISDIR"}};
  unsigned cookies[20];
  int known = 0;
  ssize_t count = read(in, buffer, sizeof buffer);
  fact("- %s%s%s", what, count < 0 ? ": " : "", count < 0 ? strerrorname_np(errno) : "");
  for (char *at = buffer; at < buffer + count;) {
    struct inotify_event *event = (void *)at;
    char text[400];
    int move = 0;
    sprintf(text, "%d", event->wd);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
      if (event->mask & names[i].bit) sprintf(text + strlen(text), " %s", names[i].name);
    if (event->cookie) {
      while (move < known && cookies[move] != event->cookie) move++;
      if (move == known) cookies[known++] = event->cookie;
      sprintf(text + strlen(text), " move %d", move + 1);
    }
    if (event->len) sprintf(text + strlen(text), " '%s' (%u)", event->name, event->len);
    fact("  %s", text);
    at += sizeof *event + event->len;
  }
}

static void touch(const char *path) { close(open(path, O_WRONLY | O_CREAT, 0600)); }

static void directories(void) {
  char buffer[10];
  FACT(inotify_add_watch(in, "d", IN_ALL_EVENTS));
  touch("d/f");
  show("create");
  int fd = open("d/f", O_RDWR);
  write(fd, "hello", 5);
  write(fd, "again", 5);
  lseek(fd, 0, SEEK_SET);
  read(fd, buffer, 5);
  read(fd, buffer, 10);
  read(fd, buffer, 10);
  close(fd);
  show("write, read");
  close(open("d/f", O_RDONLY));
  show("open, close");
  close(open("d/f", O_WRONLY | O_TRUNC));
  show("truncate by open");
  fd = open("d/f", O_RDWR);
  ftruncate(fd, 100);
  fchmod(fd, 0644);
  fchown(fd, -1, -1);
  futimens(fd, NULL);
  fallocate(fd, 0, 0, 200);
  close(fd);
  show("descriptor calls");
  truncate("d/f", 3);
  chmod("d/f", 0600);
  chown("d/f", getuid(), getgid());
  utimes("d/f", NULL);
  show("path calls");
  link("d/f", "d/l");
  symlink("f", "d/s");
  mkfifo("d/p", 0600);
  show("links");
  mkdir("d/sub", 0755);
  close(open("d/sub", O_RDONLY));
  rmdir("d/sub");
  show("directories");
  rename("d/l", "d/m");
  rename("d/m", "e/m");
  rename("e/m", "d/n");
  mkdir("e/sub", 0700);
  rename("e/sub", "d/sub");
  show("moves");
  touch("d/g");
  show("another");
  rename("d/g", "d/n");
  show("move over");
  unlink("d/n");
  unlink("d/s");
  unlink("d/p");
  rmdir("d/sub");
  show("removals");
  fd = open("d/f", O_WRONLY);
  unlink("d/f");
  write(fd, "x", 1);
  close(fd);
  show("unlinked, but open");
  chmod("d", 0700);
  close(open("d", O_RDONLY));
  show("the directory itself");
  rename("d", "x");
  rename("x", "d");
  show("the directory moves");
}

static void selves(void) {
  touch("e/f");
  FACT(inotify_add_watch(in, "e/f", IN_ALL_EVENTS));
  FACT(inotify_add_watch(in, "e", IN_ALL_EVENTS));
  int fd = open("e/f", O_WRONLY);
  write(fd, "x", 1);
  close(fd);
  show("file and directory");
  link("e/f", "e/l");
  show("link");
  unlink("e/l");
  show("unlink the link");
  rename("e/f", "e/g");
  show("move");
  touch("e/h");
  rename("e/h", "e/g");
  show("replace");
  FACT(inotify_add_watch(in, "e/g", IN_ALL_EVENTS));
  unlink("e/g");
  show("unlink");
  touch("e/f");
  int wd = inotify_add_watch(in, "e/f", IN_DELETE_SELF | IN_MODIFY);
  FACT(wd);
  fd = open("e/f", O_WRONLY);
  unlink("e/f");
  show("unlink an open file");
  write(fd, "x", 1);
  close(fd);
  show("close it");
  mkdir("e/sub", 0700);
  FACT(inotify_add_watch(in, "e/sub", IN_ALL_EVENTS));
  show("sub");
  rmdir("e/sub");
  show("rmdir");
}

static void masks(void) {
  touch("d/f");
  show("before");
  FACT(inotify_add_watch(in, "d/f", IN_OPEN));
  touch("d/f");
  show("open only");
  FACT(inotify_add_watch(in, "d/f", IN_CLOSE_WRITE | IN_MASK_ADD));
  touch("d/f");
  show("close, too");
  FACT(inotify_add_watch(in, "d/f", IN_CLOSE_WRITE));
  touch("d/f");
  show("close only");
  FACT(inotify_add_watch(in, "d/f", IN_OPEN | IN_MASK_CREATE));
  FACT(inotify_add_watch(in, "d/f", IN_OPEN | IN_ONESHOT));
  touch("d/f");
  touch("d/f");
  show("once");
  FACT(inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK));
  int fd = open("d/f", O_WRONLY);
  unlink("d/f");
  write(fd, "x", 1);
  close(fd);
  show("children without a name are left out");
}

static void errors(void) {
  char small[20];
  int n;
  FACT(inotify_init1(1));
  FACT(fcntl(in, F_GETFL));
  FACT(fcntl(in, F_GETFD));
  FACT(inotify_add_watch(in, "none", IN_OPEN));
  FACT(inotify_add_watch(in, "d", 0));
  FACT(inotify_add_watch(in, "d", IN_ONLYDIR | IN_MASK_ADD | IN_MASK_CREATE));
  FACT(inotify_add_watch(99, "d", IN_OPEN));
  FACT(inotify_add_watch(0, "d", IN_OPEN));
  FACT(inotify_add_watch(in, nowhere(), IN_OPEN));
  FACT(inotify_rm_watch(in, 99));
  FACT(inotify_rm_watch(0, 1));
  FACT(inotify_rm_watch(99, 1));
  touch("plain");
  symlink("plain", "link");
  FACT(inotify_add_watch(in, "plain", IN_OPEN | IN_ONLYDIR));
  int through = inotify_add_watch(in, "link", IN_OPEN), link = inotify_add_watch(in, "link", IN_OPEN | IN_DONT_FOLLOW);
  fact("through %d, the link itself %d", through > 0, link > through);
  touch("plain");
  FACT(read(in, small, 15));
  FACT(read(in, small, 0));
  FACT(ioctl(in, FIONREAD, &n));
  FACT(n);
  FACT(read(in, small, 16));
  FACT(inotify_rm_watch(in, through));
  FACT(inotify_rm_watch(in, through));
  show("removed");
  FACT(inotify_rm_watch(in, link));
  show("removed");
  events("empty", in, ALL_EVENTS);
  FACT(write(in, small, 1));
  FACT(lseek(in, 0, SEEK_SET));
  FACT(fsync(in));
  unlink("plain"), unlink("link");
  char target[64] = "", path[40];
  sprintf(path, "/proc/self/fd/%d", in);
  readlink(path, target, 63);
  fact("link %s", target);
}

static void exchange(void) {
  touch("d/a");
  touch("e/b");
  show("before");
  FACT(syscall(SYS_renameat2, AT_FDCWD, "d/a", AT_FDCWD, "e/b", RENAME_EXCHANGE));
  show("exchanged");
  unlink("d/a"), unlink("e/b");
  show("unlinked");
}

int main(void) {
  close_others();
  in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  umask(022);
  mkdir("d", 0755);
  mkdir("e", 0755);
  directories();
  selves();
  exchange();
  masks();
  errors();
  rmdir("d"), rmdir("e");
  show("the end");
  return 0;
}
