/* splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2). */
#include "file-facts.h"
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char buffer[200000];
static int file, out, p[2], q[2];

static void put(const char *text) {
  if (write(p[1], text, strlen(text)) < 0) fact("write: %s", strerrorname_np(errno));
}

static void take(const char *what, int fd) {
  ssize_t count = read(fd, buffer, sizeof buffer);
  if (count < 0) fact("%s: %s", what, strerrorname_np(errno));
  else if (count <= 64) bytes(what, buffer, count);
  else fact("%s: %ld bytes", what, (long)count);
}

static void contents(const char *what, int fd) {
  ssize_t count = pread(fd, buffer, sizeof buffer, 0);
  if (count <= 64) bytes(what, buffer, count);
  else fact("%s: %ld bytes", what, (long)count);
}

static void splicing(void) {
  loff_t offset = 4;
  FACT(splice(file, NULL, p[1], NULL, 3, 0));
  FACT(lseek(file, 0, SEEK_CUR));
  take("from the position", p[0]);
  FACT(splice(file, &offset, p[1], NULL, 100, 0));
  fact("offset %ld position %ld", (long)offset, (long)lseek(file, 0, SEEK_CUR));
  take("from an offset", p[0]);
  FACT(splice(file, &offset, p[1], NULL, 100, 0));
  put("hello world");
  FACT(splice(p[0], NULL, out, NULL, 5, 0));
  offset = 10;
  FACT(splice(p[0], NULL, out, &offset, 100, 0));
  fact("offset %ld position %ld", (long)offset, (long)lseek(out, 0, SEEK_CUR));
  contents("out", out);
  FACT(splice(p[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK));
  put("ab");
  put("cd");
  FACT(splice(p[0], NULL, q[1], NULL, 3, SPLICE_F_MOVE | SPLICE_F_MORE));
  take("spliced", q[0]);
  take("left", p[0]);
  FACT(splice(p[0], NULL, q[1], NULL, 3, SPLICE_F_NONBLOCK));
  put("abc");
  FACT(tee(p[0], q[1], 2, 0));
  FACT(tee(p[0], q[1], 100, 0));
  take("copied", q[0]);
  take("still there", p[0]);
  FACT(tee(p[0], q[1], 100, SPLICE_F_NONBLOCK));
  /* The ends of writers and readers. */
  int r[2];
  pipe(r);
  write(r[1], "end", 3);
  close(r[1]);
  FACT(splice(r[0], NULL, q[1], NULL, 100, 0));
  FACT(splice(r[0], NULL, q[1], NULL, 100, 0));
  FACT(splice(r[0], NULL, out, NULL, 100, 0));
  FACT(tee(r[0], q[1], 100, 0));
  take("end", q[0]);
  close(r[0]);
  signal(SIGPIPE, SIG_IGN);
  pipe(r);
  close(r[0]);
  FACT(splice(file, &(loff_t){0}, r[1], NULL, 5, 0));
  close(r[1]);
}

static void errors(void) {
  loff_t offset = 0, negative = -1;
  int read_only = open("file", O_RDONLY), append = open("file", O_WRONLY | O_APPEND), event = eventfd(0, 0),
      directory = open(".", O_RDONLY);
  put("x");
  FACT(splice(file, NULL, out, NULL, 5, 0));
  FACT(splice(p[0], NULL, p[1], NULL, 5, 0));
  FACT(splice(p[0], &offset, out, NULL, 5, 0));
  FACT(splice(file, NULL, p[1], &offset, 5, 0));
  FACT(splice(p[1], NULL, out, NULL, 5, 0));
  FACT(splice(file, NULL, p[0], NULL, 5, 0));
  FACT(splice(p[0], NULL, read_only, NULL, 5, 0));
  FACT(splice(p[0], NULL, append, NULL, 5, 0));
  FACT(splice(99, NULL, p[1], NULL, 5, 0));
  FACT(splice(99, NULL, p[1], NULL, 0, 0));
  FACT(splice(file, NULL, 99, NULL, 5, 0));
  FACT(splice(file, NULL, p[1], NULL, 5, 0x80));
  FACT(splice(file, nowhere(), p[1], NULL, 5, 0));
  FACT(splice(file, &negative, p[1], NULL, 5, 0));
  FACT(splice(event, NULL, p[1], NULL, 8, 0));
  FACT(splice(directory, NULL, p[1], NULL, 8, 0));
  FACT(tee(file, p[1], 5, 0));
  FACT(tee(p[0], p[1], 5, 0));
  FACT(tee(p[1], q[1], 5, 0));
  FACT(tee(p[0], q[1], 5, 0x80));
  FACT(tee(p[0], q[1], 0, 0));
  FACT(sendfile(out, p[0], NULL, 1));
  FACT(sendfile(out, p[0], &offset, 1));
  FACT(sendfile(append, file, NULL, 1));
  FACT(sendfile(read_only, file, NULL, 1));
  FACT(sendfile(out, 99, NULL, 1));
  FACT(sendfile(99, file, NULL, 1));
  FACT(sendfile(out, file, nowhere(), 1));
  FACT(sendfile(out, file, &negative, 1));
  FACT(sendfile(out, directory, NULL, 1));
  FACT(vmsplice(file, NULL, 0, 0));
  FACT(copy_file_range(p[0], NULL, out, NULL, 5, 0));
  FACT(copy_file_range(file, NULL, p[1], NULL, 5, 0));
  FACT(copy_file_range(directory, NULL, out, NULL, 5, 0));
  FACT(copy_file_range(file, NULL, read_only, NULL, 5, 0));
  FACT(copy_file_range(file, NULL, append, NULL, 5, 0));
  FACT(copy_file_range(file, NULL, out, NULL, 5, 1));
  FACT(copy_file_range(99, NULL, out, NULL, 5, 0));
  FACT(copy_file_range(file, &negative, out, NULL, 5, 0));
  FACT(copy_file_range(file, nowhere(), out, NULL, 5, 0));
  take("left", p[0]);
  close(read_only), close(append), close(event), close(directory);
}

static void sending(void) {
  off_t offset = 2;
  ftruncate(out, 0);
  lseek(out, 0, SEEK_SET);
  lseek(file, 0, SEEK_SET);
  FACT(sendfile(out, file, NULL, 4));
  fact("positions %ld %ld", (long)lseek(file, 0, SEEK_CUR), (long)lseek(out, 0, SEEK_CUR));
  FACT(sendfile(out, file, &offset, 3));
  fact("offset %ld position %ld", (long)offset, (long)lseek(file, 0, SEEK_CUR));
  FACT(sendfile(p[1], file, NULL, 100));
  take("sent", p[0]);
  contents("out", out);
  FACT(sendfile(out, file, NULL, 100));
  FACT(sendfile(out, file, NULL, 0));
  struct iovec v[2] = {{"one", 3}, {"two", 3}};
  FACT(vmsplice(p[1], v, 2, 0));
  char got[6];
  struct iovec to = {got, 6};
  FACT(vmsplice(p[0], &to, 1, 0));
  bytes("got", got, 6);
  FACT(vmsplice(p[0], &to, 1, SPLICE_F_NONBLOCK));
  FACT(vmsplice(p[1], v, 0, 0));
}

static void ranges(void) {
  loff_t from = 5, to = 1;
  ftruncate(out, 0);
  lseek(out, 0, SEEK_SET);
  lseek(file, 0, SEEK_SET);
  FACT(copy_file_range(file, NULL, out, NULL, 4, 0));
  fact("positions %ld %ld", (long)lseek(file, 0, SEEK_CUR), (long)lseek(out, 0, SEEK_CUR));
  FACT(copy_file_range(file, &from, out, &to, 100, 0));
  fact("offsets %ld %ld positions %ld %ld", (long)from, (long)to, (long)lseek(file, 0, SEEK_CUR),
       (long)lseek(out, 0, SEEK_CUR));
  contents("out", out);
  FACT(copy_file_range(file, &from, out, NULL, 10, 0));
  from = 0, to = 2;
  FACT(copy_file_range(out, &from, out, &to, 3, 0));
  to = 3;
  FACT(copy_file_range(out, &from, out, &to, 3, 0));
  contents("out", out);
  FACT(copy_file_range(file, NULL, out, NULL, 0, 0));
}

/* More than a pipe holds. */
static void large(void) {
  memset(buffer, 'L', sizeof buffer);
  int big = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(big, buffer, 150000);
  loff_t offset = 0;
  FACT(splice(big, &offset, p[1], NULL, 150000, 0));
  FACT(splice(big, &offset, p[1], NULL, 150000, SPLICE_F_NONBLOCK));
  take("full", p[0]);
  offset = 100;
  FACT(splice(big, &offset, p[1], NULL, 150000, 0));
  take("from within a page", p[0]);
  lseek(big, 0, SEEK_SET);
  ftruncate(out, 0);
  lseek(out, 0, SEEK_SET);
  FACT(sendfile(out, big, NULL, 1000000));
  FACT(lseek(out, 0, SEEK_END));
  FACT(copy_file_range(big, &(loff_t){0}, out, &(loff_t){50000}, 1000000, 0));
  FACT(lseek(out, 0, SEEK_END));
  pid_t child = fork();
  if (child == 0) {
    long total = 0, count;
    while (total < 150000 && (count = splice(p[0], NULL, out, &(loff_t){0}, 10000, 0)) > 0) total += count;
    _exit(total == 150000 ? 5 : 6);
  }
  offset = 0;
  while (offset < 150000 && splice(big, &offset, p[1], NULL, 150000, 0) > 0)
    ;
  fact("child: %s", join(child));
  close(big);
  unlink("big");
}

int main(void) {
  close_others();
  file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(file, "0123456789", 10);
  lseek(file, 0, SEEK_SET);
  pipe(p);
  pipe(q);
  splicing();
  errors();
  sending();
  ranges();
  large();
  unlink("file");
  unlink("out");
  return 0;
}
