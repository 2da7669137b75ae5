/* Access control lists: acl(5), as extended attributes. */
#include "file-facts.h"
#include <sys/xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
struct entry { uint16_t tag, perm; uint32_t id; };
struct list { uint32_t version; struct entry entries[8]; };

static const char *show(const char *name, const char *attribute) {
  static char text[4][400];
  static int next;
  char *to = text[next++ % 4], *start = to;
  struct list list;
  long size = getxattr(name, attribute, &list, sizeof list);
  if (size < 0) return strerrorname_np(errno);
  to += sprintf(to, "v%u", list.version);
  for (int i = 0; i < (size - 4) / 8; i++) to += sprintf(to, " %u:%o:%d", list.entries[i].tag, list.entries[i].perm, (int)list.entries[i].id);
  return start;
}
static void mode(const char *name) {
  struct stat s;
  if (stat(name, &s)) { fact("%s: %s", name, strerrorname_np(errno)); return; }
  fact("%s: mode %o access [%s] default [%s]", name, s.st_mode, show(name, ACCESS), show(name, DEFAULT));
}
static long set(const char *name, const char *attribute, int count, const struct entry *entries) {
  struct list list = {2};
  memcpy(list.entries, entries, count * sizeof *entries);
  return setxattr(name, attribute, &list, 4 + count * 8, 0);
}
#define SET(name, attribute, ...) do { struct entry e[] = {__VA_ARGS__}; \
  fact("set %s %s %s: %s", name, attribute, #__VA_ARGS__, success(set(name, attribute, sizeof e / sizeof *e, e))); mode(name); } while (0)

int main(void) {
  umask(022);
  mkdir("dir", 0755);
  close(open("file", O_CREAT | O_WRONLY, 0644));
  mode("file");
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {GROUP_OBJ, 4, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {USER_OBJ, 7, -1}, {USER, 5, 1234}, {GROUP_OBJ, 4, -1}, {GROUP, 7, 99}, {MASK, 6, -1}, {OTHER, 1, -1});
  FACT(chmod("file", 0604)); mode("file");
  FACT(chmod("file", 0777)); mode("file");
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {GROUP_OBJ, 6, -1}, {MASK, 4, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {USER, 6, 5}, {GROUP_OBJ, 6, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {GROUP_OBJ, 6, -1}, {USER_OBJ, 6, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {USER_OBJ, 6, -1}, {GROUP_OBJ, 6, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {USER_OBJ, 8, -1}, {GROUP_OBJ, 6, -1}, {OTHER, 0, -1});
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {GROUP_OBJ, 6, -1}, {OTHER, 0, -1}, {64, 0, -1});
  SET("file", DEFAULT, {USER_OBJ, 6, -1}, {GROUP_OBJ, 6, -1}, {OTHER, 0, -1});
  char bad[] = {3, 0, 0, 0};
  FACT(setxattr("file", ACCESS, bad, 4, 0));
  FACT(setxattr("file", ACCESS, bad, 3, 0));
  bad[0] = 2;
  FACT(setxattr("file", ACCESS, bad, 4, 0)); mode("file");
  SET("file", ACCESS, {USER_OBJ, 6, -1}, {USER, 6, 5}, {GROUP_OBJ, 6, -1}, {MASK, 7, -1}, {OTHER, 0, -1});
  char names[100];
  long length = listxattr("file", names, sizeof names);
  bytes("names", names, length);
  FACT(removexattr("file", ACCESS)); mode("file");
  FACT(removexattr("file", ACCESS));
  FACT(removexattr("file", DEFAULT));
  FACT(removexattr("dir", DEFAULT));
  SET("dir", DEFAULT, {USER_OBJ, 7, -1}, {USER, 7, 1234}, {GROUP_OBJ, 5, -1}, {MASK, 7, -1}, {OTHER, 0, -1});
  close(open("dir/file", O_CREAT | O_WRONLY, 0666)); mode("dir/file");
  close(open("dir/private", O_CREAT | O_WRONLY, 0600)); mode("dir/private");
  mkdir("dir/sub", 0777); mode("dir/sub");
  mkfifo("dir/fifo", 0666); mode("dir/fifo");
  FACT(symlink("nowhere", "dir/link"));
  SET("dir", DEFAULT, {USER_OBJ, 7, -1}, {GROUP_OBJ, 7, -1}, {OTHER, 5, -1});
  close(open("dir/wide", O_CREAT | O_WRONLY, 0666)); mode("dir/wide");
  mkdir("dir/wide.d", 0777); mode("dir/wide.d");
  umask(077);
  close(open("dir/unmasked", O_CREAT | O_WRONLY, 0666)); mode("dir/unmasked");
  FACT(lsetxattr("dir/link", ACCESS, bad, 4, 0));
  FACT(lgetxattr("dir/link", ACCESS, names, sizeof names));
  return 0;
}
