/* The same random changes in a small tree, and what inotify(7) tells of them. */
#include "file-facts.h"
#include <dirent.h>
#include <linux/fs.h>
#include <sys/inotify.h>

#define STEPS 4000
#define FILES 8

static uint32_t state = 1;

static uint32_t any(uint32_t below) {
  state = state * 1664525 + 1013904223;
  return (uint32_t)(((uint64_t)(state >> 4) * below) >> 28);
}

static const char *some_path(void) {
  static const char *const directories[] = {"", "", "a/", "b/", "a/b/", "b/a/"};
  static const char *const names[] = {"a", "b", "c", "d"};
  static char paths[4][20];
  static int next;
  char *path = paths[next++ % 4];
  sprintf(path, "%s%s", directories[any(6)], names[any(4)]);
  return path;
}

static int in, files[FILES];
static char line[300];

/* All events that there are; cookies as numbers from the first one of this reading on. */
static void drain(void) {
  static char buffer[65536] __attribute__((aligned(8)));
  unsigned first = 0;
  ssize_t count;
  while ((count = read(in, buffer, sizeof buffer)) > 0)
    for (char *at = buffer; at < buffer + count;) {
      struct inotify_event *event = (void *)at;
      if (event->cookie && !first) first = event->cookie;
      fact("  %d %x %u %s", event->wd, event->mask, event->cookie ? event->cookie - first + 1 : 0,
           event->len ? event->name : "");
      at += sizeof *event + event->len;
    }
}

static void step(void) {
  const char *path = some_path(), *other = some_path();
  int slot = any(FILES);
  char byte[10] = "";
  switch (any(24)) {
    case 0:
    case 1: {
      static const int flags[] = {O_RDWR, O_RDONLY, O_WRONLY | O_TRUNC, O_RDWR | O_EXCL, O_PATH, O_DIRECTORY};
      int which = any(6);
      if (files[slot] > 0) close(files[slot]);
      files[slot] = open(path, flags[which] | O_NONBLOCK | (which < 4 ? O_CREAT : 0), 0600);
      sprintf(line, "open %d %s %d: %s", slot, path, which, success(files[slot]));
      return;
    }
    case 2:
      sprintf(line, "close %d: %s", slot, success(close(files[slot])));
      files[slot] = -1;
      return;
    case 3:
      sprintf(line, "write %d: %s", slot, outcome(write(files[slot], "hello", any(6))));
      return;
    case 4:
      sprintf(line, "read %d: %s", slot, outcome(pread(files[slot], byte, any(5), 0)));
      return;
    case 5:
      sprintf(line, "mkdir %s: %s", path, outcome(mkdir(path, 0700)));
      return;
    case 6:
      sprintf(line, "rmdir %s: %s", path, outcome(rmdir(path)));
      return;
    case 7:
    case 8:
      sprintf(line, "unlink %s: %s", path, outcome(unlink(path)));
      return;
    case 9:
    case 10:
      sprintf(line, "rename %s %s: %s", path, other, outcome(rename(path, other)));
      return;
    case 11: {
      unsigned flags = any(2) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
      sprintf(line, "renameat2 %s %s %u: %s", path, other, flags,
              outcome(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, flags)));
      return;
    }
    case 12:
      sprintf(line, "link %s %s: %s", path, other, outcome(link(path, other)));
      return;
    case 13:
      sprintf(line, "symlink %s: %s", path, outcome(symlink("c", path)));
      return;
    case 14:
      sprintf(line, "chmod %s: %s", path, outcome(chmod(path, 0700 + any(8))));
      return;
    case 15:
      sprintf(line, "truncate %s: %s", path, outcome(truncate(path, any(10))));
      return;
    case 16: {
      static const struct timespec times[4][2] = {
          {{1, 0}, {2, 0}}, {{0, UTIME_OMIT}, {3, 0}}, {{4, 0}, {0, UTIME_OMIT}}, {{0, UTIME_NOW}, {0, UTIME_NOW}}};
      int which = any(4);
      sprintf(line, "utimensat %s %d: %s", path, which, outcome(utimensat(AT_FDCWD, path, times[which], 0)));
      return;
    }
    case 17:
    case 18:
    case 19: {
      static const unsigned masks[] = {IN_ALL_EVENTS, IN_ALL_EVENTS, IN_ALL_EVENTS | IN_EXCL_UNLINK,
                                       IN_MODIFY | IN_CREATE, IN_ALL_EVENTS | IN_ONESHOT, IN_DELETE | IN_MASK_ADD,
                                       IN_ALL_EVENTS | IN_ONLYDIR, IN_ALL_EVENTS | IN_DONT_FOLLOW};
      int which = any(8);
      const char *watched = any(5) ? path : ".";
      sprintf(line, "watch %s %d: %s", watched, which, outcome(inotify_add_watch(in, watched, masks[which])));
      return;
    }
    case 20:
      if (any(3) == 0) {
        DIR *directory = opendir(any(2) ? "." : path);
        int count = -1;
        if (directory) {
          for (count = 0; readdir(directory);) count++;
          closedir(directory);
        }
        sprintf(line, "readdir %s: %d", path, count);
      } else if (any(3)) sprintf(line, "nothing");
      else {
        int wd = any(60);
        sprintf(line, "unwatch %d: %s", wd, outcome(inotify_rm_watch(in, wd)));
      }
      return;
    case 21:
      sprintf(line, "ftruncate %d: %s", slot, outcome(ftruncate(files[slot], any(10))));
      return;
    case 22:
      sprintf(line, "mknod %s: %s", path, outcome(mkfifo(path, 0600)));
      return;
    case 23:
      if (any(2)) sprintf(line, "chown %s: %s", path, outcome(lchown(path, getuid(), any(2) ? getgid() : (gid_t)-1)));
      else sprintf(line, "fchmod %d: %s", slot, outcome(fchmod(files[slot], 0700)));
      return;
  }
}

int main(int argc, char **argv) {
  if (argc > 1) state = atoi(argv[1]);
  close_others();
  for (int i = 0; i < FILES; i++) files[i] = -1;
  umask(0);
  mkdir("tree", 0700);
  if (chdir("tree") != 0) return 1;
  in = inotify_init1(IN_NONBLOCK);
  for (int i = 0; i < STEPS; i++) {
    step();
    fact("%d %s", i, line);
    /* Now and then several steps are read at once, so that equal events in a row show as one. */
    if (any(3)) drain();
  }
  for (int i = 0; i < FILES; i++)
    if (files[i] > 0) close(files[i]);
  drain();
  close(in);
  return system("cd .. && rm -rf tree");
}
