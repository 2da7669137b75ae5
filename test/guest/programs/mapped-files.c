/* Files in memory: mmap(2), msync(2), truncation, madvise(2), mincore(2), mlock(2), memfd_create(2), process_vm_readv(2). */
#include "facts.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf escape;
static volatile int caught, code;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  caught = signal;
  code = info->si_code;
  siglongjmp(escape, 1);
}

static const char *poke(volatile unsigned char *at, int write) {
  static char texts[4][64];
  static int next;
  char *text = texts[next++ % 4];
  if (sigsetjmp(escape, 1) == 0) {
    if (write) *at = 7;
    sprintf(text, "%d", *at);
  } else
    sprintf(text, "SIG%s code %d", sigabbrev_np(caught), code);
  return text;
}

static const char *call(void *result) { return result == MAP_FAILED ? strerrorname_np(errno) : "ok"; }

static unsigned char at(int fd, off_t offset) {
  unsigned char byte = 255;
  if (pread(fd, &byte, 1, offset) != 1) return 254;
  return byte;
}

static int make(const char *name, int pages) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  unsigned char page[PAGE];
  for (int index = 0; index < pages; index++) {
    memset(page, index + 1, PAGE);
    if (write(fd, page, PAGE) != PAGE) fact("short write");
  }
  return fd;
}

static void sharing(void) {
  int fd = make("shared", 10);
  if (ftruncate(fd, 9 * PAGE + 100) != 0) fact("ftruncate failed");
  unsigned char *shared = mmap(0, 12 * PAGE, RW, MAP_SHARED, fd, 0);
  unsigned char *private = mmap(0, 12 * PAGE, RW, MAP_PRIVATE, fd, 0);
  unsigned char *second = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 4 * PAGE);
  fact("contents %d %d %d", shared[0], private[5 * PAGE], second[PAGE]);
  shared[4 * PAGE] = 100;
  fact("written through: file %d, other mapping %d", at(fd, 4 * PAGE), second[0]);
  private[6 * PAGE] = 101;
  fact("private: file %d, shared %d", at(fd, 6 * PAGE), shared[6 * PAGE]);
  if (pwrite(fd, "x", 1, 7 * PAGE) != 1) fact("short write");
  fact("write shows: %d", shared[7 * PAGE]);
  fact("end of the file: %d, rest of the page %d", shared[9 * PAGE + 99], shared[9 * PAGE + 100]);
  fact("beyond: %s %s", poke(shared + 10 * PAGE, 0), poke(private + 10 * PAGE, 1));
  fact("kernel beyond: %s", outcome(write(open("/dev/null", O_WRONLY), shared + 10 * PAGE, 1)));
  shared[9 * PAGE + 200] = 5;
  fact("sync: %s", outcome(msync(shared, 12 * PAGE, MS_SYNC)));
  shared[4 * PAGE] = 102;
  fact("written after the sync: %d", at(fd, 4 * PAGE));
  if (ftruncate(fd, 2 * PAGE + 10) != 0) fact("ftruncate failed");
  fact("truncated: %s %s %s", poke(shared + 4 * PAGE, 0), poke(private + 6 * PAGE, 0), poke(shared + 2 * PAGE + 10, 0));
  if (ftruncate(fd, 5 * PAGE) != 0) fact("ftruncate failed");
  fact("grown: %s %s", poke(shared + 4 * PAGE, 0), poke(shared + 2 * PAGE + 10, 0));
  close(fd);
  unlink("shared");
  fact("unlinked: %s", poke(shared + PAGE, 1));
  pid_t child = fork();
  if (child == 0) {
    shared[0] = 50;
    private[0] = 51;
    _exit(0);
  }
  join(child);
  fact("after the child: shared %d, private %d", shared[0], private[0]);
}

static void msyncs(void) {
  char *area = mmap(0, 4 * PAGE, RW, ANON, -1, 0);
  munmap(area + PAGE, PAGE);
  fact("msync odd: %s", outcome(msync(area + 1, PAGE, MS_SYNC)));
  fact("both: %s", outcome(msync(area, PAGE, MS_SYNC | MS_ASYNC)));
  fact("flags: %s", outcome(msync(area, PAGE, 64)));
  fact("hole: %s", outcome(msync(area, 4 * PAGE, MS_SYNC)));
  fact("nothing: %s", outcome(msync(area, 0, MS_SYNC)));
  fact("anonymous: %s", outcome(msync(area, PAGE, MS_SYNC)));
}

static void advice(void) {
  unsigned char *area = mmap(0, 16 * PAGE, RW, ANON, -1, 0);
  memset(area, 1, 16 * PAGE);
  fact("dontneed: %s, then %d, beside %d", outcome(madvise(area + PAGE, PAGE, MADV_DONTNEED)), area[PAGE], area[2 * PAGE]);
  fact("odd: %s", outcome(madvise(area + 1, PAGE, MADV_DONTNEED)));
  fact("unknown: %s", outcome(madvise(area, PAGE, 77)));
  fact("nothing: %s", outcome(madvise(area, 0, MADV_DONTNEED)));
  munmap(area + 8 * PAGE, PAGE);
  fact("hole: %s, behind it %d", outcome(madvise(area + 7 * PAGE, 3 * PAGE, MADV_DONTNEED)), area[9 * PAGE]);
  fact("normal %s, random %s, sequential %s", outcome(madvise(area, PAGE, MADV_NORMAL)),
       outcome(madvise(area, PAGE, MADV_RANDOM)), outcome(madvise(area, PAGE, MADV_SEQUENTIAL)));
  fact("willneed anonymous: %s", success(madvise(area, PAGE, MADV_WILLNEED)));
  fact("dontdump %s, dodump %s", outcome(madvise(area, PAGE, MADV_DONTDUMP)), outcome(madvise(area, PAGE, MADV_DODUMP)));
  fact("remove private: %s", outcome(madvise(area, PAGE, MADV_REMOVE)));
  unsigned char *wiped = mmap(0, 4 * PAGE, RW, ANON, -1, 0);
  unsigned char *gone = mmap(0, 4 * PAGE, RW, ANON, -1, 0);
  memset(wiped, 3, 4 * PAGE);
  memset(gone, 4, 4 * PAGE);
  fact("wipeonfork %s, dontfork %s", outcome(madvise(wiped, 2 * PAGE, MADV_WIPEONFORK)),
       outcome(madvise(gone, 2 * PAGE, MADV_DONTFORK)));
  pid_t child = fork();
  if (child == 0) {
    fact("child: wiped %d, beside %d", wiped[0], wiped[2 * PAGE]);
    fact("child: gone %s, beside %d", poke(gone, 0), gone[2 * PAGE]);
    _exit(0);
  }
  fact("child %s, parent %d %d", join(child), wiped[0], gone[0]);
  int fd = make("advised", 8);
  unsigned char *shared = mmap(0, 8 * PAGE, RW, MAP_SHARED, fd, 0);
  shared[0] = 99;
  fact("dontneed shared: %s, then %d", outcome(madvise(shared, 8 * PAGE, MADV_DONTNEED)), shared[0]);
  unsigned char *private = mmap(0, 8 * PAGE, RW, MAP_PRIVATE, fd, 0);
  private[PAGE] = 98;
  fact("dontneed private: %s, then %d", outcome(madvise(private, 8 * PAGE, MADV_DONTNEED)), private[PAGE]);
  fact("free of a file: %s", outcome(madvise(private, PAGE, MADV_FREE)));
  fact("populate read %s, write %s", outcome(madvise(private, 4 * PAGE, MADV_POPULATE_READ)),
       outcome(madvise(private, 4 * PAGE, MADV_POPULATE_WRITE)));
  fact("populate nothing: %s", outcome(madvise((void *)0x10000000, PAGE, MADV_POPULATE_READ)));
}

static void residency(void) {
  unsigned char vector[16];
  unsigned char *area = mmap(0, 16 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
  memset(vector, 9, 16);
  fact("mincore: %s, populated %d", outcome(mincore(area, 16 * PAGE, vector)), vector[3] & 1);
  fact("odd: %s", outcome(mincore(area + 1, PAGE, vector)));
  fact("hole: %s", outcome(mincore((void *)0x10000000, PAGE, vector)));
  fact("bad vector: %s", outcome(mincore(area, PAGE, (void *)8)));
  unsigned char *fresh = mmap(0, PAGE, RW, ANON, -1, 0);
  mincore(fresh, PAGE, vector);
  fact("fresh %d", vector[0] & 1);
  fact("mlock %s, munlock %s", outcome(mlock(area, 4 * PAGE)), outcome(munlock(area, 4 * PAGE)));
  fact("mlock hole: %s", outcome(mlock((void *)0x10000000, PAGE)));
  fact("mlock none: %s", outcome(mlock(mmap(0, PAGE, PROT_NONE, ANON, -1, 0), PAGE)));
  fact("mlockall 0: %s", outcome(mlockall(0)));
  fact("mlock2 flags: %s", outcome(mlock2(area, PAGE, 2)));
  mlock(area, PAGE);
  fact("dontneed of locked: %s", outcome(madvise(area, PAGE, MADV_DONTNEED)));
  fact("msync invalidate of locked: %s", outcome(msync(area, PAGE, MS_INVALIDATE)));
  munlock(area, PAGE);
}

static void seals(void) {
  int plain = memfd_create("plain", 0);
  fact("plain: seals %d, add %s", fcntl(plain, F_GET_SEALS), outcome(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE)));
  int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  fact("seals %d, cloexec %d", fcntl(fd, F_GET_SEALS), fcntl(fd, F_GETFD));
  fact("flags: %s", outcome(memfd_create("bad", 0x80)));
  if (write(fd, "hello", 5) != 5 || ftruncate(fd, 3 * PAGE) != 0) fact("cannot write");
  unsigned char *shared = mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
  shared[PAGE] = 1;
  fact("mapped: %.5s", shared);
  fact("busy: %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
  fact("shrink: %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)));
  fact("shrinking %s, growing %s", outcome(ftruncate(fd, PAGE)), outcome(ftruncate(fd, 4 * PAGE)));
  fcntl(fd, F_ADD_SEALS, F_SEAL_GROW);
  fact("growing: %s, writing beyond %s", outcome(ftruncate(fd, 5 * PAGE)), outcome(pwrite(fd, "x", 1, 4 * PAGE)));
  fact("future: %s, old mapping %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE)), poke(shared, 1));
  fact("new mapping %s, private %s, write %s", call(mmap(0, PAGE, RW, MAP_SHARED, fd, 0)),
       call(mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0)), outcome(pwrite(fd, "x", 1, 0)));
  unsigned char *reading = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  fact("made writable: %s", outcome(mprotect(reading, PAGE, RW)));
  munmap(shared, 3 * PAGE);
  fact("write: %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)));
  fact("seal: %s, more: %s", outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL)), outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)));
  fact("seals %d, still %c", fcntl(fd, F_GET_SEALS), reading[1]);
  struct stat status;
  fstat(plain, &status);
  fact("mode %o links %d", status.st_mode, (int)status.st_nlink);
  if (pwrite(plain, "abc", 3, 100 * PAGE) != 3) fact("cannot write");
  fstat(plain, &status);
  fact("sparse: size %ld blocks %ld", status.st_size, status.st_blocks);
  fact("data %s, hole %s", outcome(lseek(plain, 0, SEEK_DATA)), outcome(lseek(plain, 0, SEEK_HOLE)));
  fact("punched: %s", outcome(fallocate(plain, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE, PAGE)));
  fstat(plain, &status);
  fact("then: size %ld blocks %ld", status.st_size, status.st_blocks);
}

static void others(void) {
  unsigned char *area = mmap(0, 4 * PAGE, RW, ANON, -1, 0);
  memset(area, 6, 4 * PAGE);
  mprotect(area + 3 * PAGE, PAGE, PROT_READ);
  int to_child[2], to_parent[2];
  if (pipe(to_child) != 0 || pipe(to_parent) != 0) fact("no pipes");
  pid_t child = fork();
  if (child == 0) {
    char byte;
    memset(area, 8, 3 * PAGE);
    if (write(to_parent[1], "x", 1) != 1 || read(to_child[0], &byte, 1) != 1) _exit(9);
    fact("child has %d %d", area[10], area[PAGE]);
    _exit(0);
  }
  char byte;
  if (read(to_parent[0], &byte, 1) != 1) fact("no child");
  unsigned char bytes[3 * PAGE] = {0};
  struct iovec local[2] = {{bytes, 100}, {bytes + 100, 2 * PAGE}};
  struct iovec remote[2] = {{area + 5, 10}, {area + PAGE, 2 * PAGE}};
  fact("read: %s", outcome(process_vm_readv(child, local, 2, remote, 2, 0)));
  fact("got %d %d, own %d", bytes[0], bytes[500], area[10]);
  struct iovec bad = {(void *)0x10000000, 10};
  fact("bad remote: %s", outcome(process_vm_readv(child, local, 1, &bad, 1, 0)));
  struct iovec partly = {area + 3 * PAGE, 2 * PAGE};
  struct iovec all = {bytes, 3 * PAGE};
  munmap(area + 4 * PAGE, PAGE);
  fact("flags: %s", outcome(process_vm_readv(child, local, 1, remote, 1, 1)));
  memset(bytes, 77, 100);
  fact("write: %s", outcome(process_vm_writev(child, local, 1, remote, 1, 0)));
  fact("write to read-only: %s", outcome(process_vm_writev(child, &all, 1, &partly, 1, 0)));
  fact("nobody: %s", outcome(process_vm_readv(999999, local, 1, remote, 1, 0)));
  if (write(to_child[1], "x", 1) != 1) fact("no child");
  fact("child %s", join(child));
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  sharing();
  msyncs();
  advice();
  residency();
  seals();
  others();
  return 0;
}
