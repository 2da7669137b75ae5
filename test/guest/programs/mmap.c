/* mmap(2), munmap(2), mprotect(2), mremap(2), brk(2): what they answer, and what memory holds afterwards. */
#include "facts.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf escape;
static volatile int caught, code;
static void *volatile where;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  caught = signal;
  code = info->si_code;
  where = info->si_addr;
  siglongjmp(escape, 1);
}

/* What an access does: the byte, or the signal and its code. */
static const char *poke(volatile unsigned char *at, int write) {
  static char texts[4][64];
  static int next;
  char *text = texts[next++ % 4];
  if (sigsetjmp(escape, 1) == 0) {
    if (write) *at = 7;
    sprintf(text, "%d", *at);
  } else
    sprintf(text, "SIG%s code %d%s", sigabbrev_np(caught), code, where == at ? "" : " elsewhere");
  return text;
}

static const char *call(void *result) { return result == MAP_FAILED ? strerrorname_np(errno) : "ok"; }

static void arguments(void) {
  int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
  int reader = open("file", O_RDONLY);
  int writer = open("file", O_WRONLY);
  int path = open("file", O_PATH);
  int pipes[2];
  if (pipe(pipes) != 0) fact("no pipe");
  fact("length 0: %s", call(mmap(0, 0, RW, ANON, -1, 0)));
  fact("no type: %s", call(mmap(0, PAGE, RW, MAP_ANONYMOUS, -1, 0)));
  fact("odd offset: %s", call(mmap(0, PAGE, RW, ANON, -1, 5)));
  fact("huge: %s", call(mmap(0, 1UL << 60, RW, ANON, -1, 0)));
  fact("all ones: %s", call(mmap(0, -1UL, RW, ANON, -1, 0)));
  fact("no file: %s", call(mmap(0, PAGE, RW, MAP_PRIVATE, -1, 0)));
  fact("O_PATH: %s", call(mmap(0, PAGE, RW, MAP_PRIVATE, path, 0)));
  fact("pipe: %s", call(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0)));
  fact("directory: %s", call(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0)));
  fact("shared write of a reader: %s", call(mmap(0, PAGE, RW, MAP_SHARED, reader, 0)));
  fact("private write of a reader: %s", call(mmap(0, PAGE, RW, MAP_PRIVATE, reader, 0)));
  fact("read of a writer: %s", call(mmap(0, PAGE, PROT_READ, MAP_SHARED, writer, 0)));
  fact("offset too far: %s", call(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file, INT64_MAX & ~4095L)));
  fact("fixed, odd: %s", call(mmap((void *)0x10000001, PAGE, RW, ANON | MAP_FIXED, -1, 0)));
  fact("fixed beyond the end: %s", call(mmap((void *)(1UL << 50), PAGE, RW, ANON | MAP_FIXED, -1, 0)));
  fact("validate: %s", call(mmap(0, PAGE, RW, MAP_SHARED_VALIDATE | 0x800000, file, 0)));
  fact("sync: %s", call(mmap(0, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, file, 0)));
  fact("munmap odd: %s", outcome(munmap((void *)5, PAGE)));
  fact("munmap nothing: %s", outcome(munmap((void *)0x10000000, 0)));
  fact("munmap hole: %s", outcome(munmap((void *)0x10000000, PAGE)));
  fact("munmap beyond: %s", outcome(munmap((void *)0x10000000, 1UL << 50)));
  char *shared = mmap(0, PAGE, PROT_READ, MAP_SHARED, reader, 0);
  fact("mprotect of a reader's: %s", outcome(mprotect(shared, PAGE, RW)));
  fact("mprotect odd: %s", outcome(mprotect(shared + 1, PAGE, RW)));
  fact("mprotect odd bits: %s", outcome(mprotect(shared, PAGE, 0x40)));
  fact("mprotect nothing: %s", outcome(mprotect(shared, 0, RW)));
  fact("mprotect hole: %s", outcome(mprotect((void *)0x10000000, PAGE, RW)));
  fact("mprotect GROWSDOWN: %s", outcome(mprotect(shared, PAGE, PROT_READ | PROT_GROWSDOWN)));
}

static void places(void) {
  char *area = mmap(0, 8 * PAGE, RW, ANON, -1, 0);
  fact("below each other: %d", (char *)mmap(0, PAGE, RW, ANON, -1, 0) == area - PAGE);
  munmap(area + 2 * PAGE, PAGE);
  fact("hint taken: %d", (char *)mmap(area + 2 * PAGE, PAGE, RW, ANON, -1, 0) == area + 2 * PAGE);
  fact("hint used by others: %d", (char *)mmap(area, PAGE, RW, ANON, -1, 0) != area);
  fact("no replace: %s", call(mmap(area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0)));
  munmap(area, PAGE);
  fact("no replace, free: %s", call(mmap(area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0)));
  area[0] = 5;
  fact("fixed replaces: %d", ((char *)mmap(area, PAGE, RW, ANON | MAP_FIXED, -1, 0))[0]);
  char *low = mmap(0, PAGE, RW, ANON | MAP_32BIT, -1, 0);
  fact("32 bit: %d", (uintptr_t)low < 1UL << 31);
}

static void protections(void) {
  unsigned char *area = mmap(0, 6 * PAGE, RW, ANON, -1, 0);
  for (int page = 0; page < 6; page++) area[page * PAGE] = page + 1;
  mprotect(area + PAGE, PAGE, PROT_READ);
  mprotect(area + 2 * PAGE, PAGE, PROT_NONE);
  munmap(area + 3 * PAGE, PAGE);
  for (int page = 0; page < 4; page++)
    fact("page %d: read %s, write %s", page, poke(area + page * PAGE, 0), poke(area + page * PAGE, 1));
  mprotect(area + PAGE, 2 * PAGE, RW);
  for (int page = 0; page < 3; page++)
    fact("again %d: read %s, write %s", page, poke(area + page * PAGE, 0), poke(area + page * PAGE, 1));
  fact("over a hole: %s", outcome(mprotect(area, 6 * PAGE, PROT_READ)));
  fact("before it %s, behind it %s", poke(area + 2 * PAGE, 1), poke(area + 4 * PAGE, 1));
  fact("kernel may not write: %s", outcome(read(open("/dev/zero", O_RDONLY), area, 10)));
  fact("kernel may read: %s", outcome(write(open("/dev/null", O_WRONLY), area, 10)));
  static const unsigned char constant[64] = {1};
  fact("constant: %s", poke((unsigned char *)constant, 1));
  fact("null: %s %s", poke((unsigned char *)8, 0), poke((unsigned char *)8, 1));
  unsigned char *code_page = mmap(0, PAGE, RW, ANON, -1, 0);
  memcpy(code_page, "\xb8\x2a\x00\x00\x00\xc3", 6);
  mprotect(code_page, PAGE, PROT_READ | PROT_EXEC);
  fact("made code: %d", ((int (*)(void))code_page)());
  mprotect(code_page, PAGE, PROT_READ);
  if (sigsetjmp(escape, 1) == 0) ((int (*)(void))code_page)();
  else fact("not executable: SIG%s code %d", sigabbrev_np(caught), code);
}

static unsigned sum(const unsigned char *bytes, size_t length) {
  unsigned value = 0;
  for (size_t at = 0; at < length; at++) value = value * 31 + bytes[at];
  return value;
}

static void moving(void) {
  unsigned char *area = mmap(0, 40 * PAGE, RW, ANON, -1, 0);
  for (int at = 0; at < 40 * PAGE; at++) area[at] = at * 7;
  munmap(area + 20 * PAGE, 20 * PAGE);
  unsigned before = sum(area, 20 * PAGE);
  fact("grown in place: %d", mremap(area, 20 * PAGE, 30 * PAGE, 0) == area);
  fact("content: %d, new: %d", sum(area, 20 * PAGE) == before, area[25 * PAGE]);
  fact("shrunk: %d", mremap(area, 30 * PAGE, 20 * PAGE, 0) == area);
  fact("behind: %s", poke(area + 20 * PAGE, 0));
  mmap(area + 20 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
  fact("no room: %s", call(mremap(area, 20 * PAGE, 40 * PAGE, 0)));
  unsigned char *moved = mremap(area, 20 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
  fact("moved: %d, content %d", moved != area, sum(moved, 20 * PAGE) == before);
  fact("old place: %s", poke(area, 0));
  unsigned char *target = mmap(0, 50 * PAGE, RW, ANON, -1, 0);
  target[0] = 1;
  unsigned char *fixed = mremap(moved, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE);
  fact("fixed: %d, content %d", fixed == target + PAGE, sum(fixed, 20 * PAGE) == before);
  fact("rest stays: %d %s", target[0], poke(moved + 30 * PAGE, 1));
  fact("overlapping: %s", call(mremap(fixed, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, fixed + PAGE)));
  fact("fixed, may not move: %s", call(mremap(fixed, PAGE, PAGE, MREMAP_FIXED, target)));
  fact("odd: %s", call(mremap(fixed + 1, PAGE, PAGE, MREMAP_MAYMOVE)));
  fact("to nothing: %s", call(mremap(fixed, PAGE, 0, MREMAP_MAYMOVE)));
  fact("unmapped: %s", call(mremap((void *)0x10000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
  fact("too long: %s", call(mremap(fixed, 2000 * PAGE, 3000 * PAGE, MREMAP_MAYMOVE)));
  fact("flags: %s", call(mremap(fixed, PAGE, PAGE, 64)));
  unsigned char *left = mmap(0, 2 * PAGE, RW, ANON, -1, 0);
  left[0] = 9;
  unsigned char *without = mremap(left, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
  fact("not unmapped: %d, there %d, here %d", without != left, without[0], left[0]);
  unsigned char *shared = mmap(0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared[PAGE] = 3;
  unsigned char *twice = mremap(shared, 0, 4 * PAGE, MREMAP_MAYMOVE);
  fact("shared twice: %d", twice[PAGE]);
  shared[PAGE] = 4;
  fact("is the same: %d", twice[PAGE]);
  fact("private twice: %s", call(mremap(left, 0, PAGE, MREMAP_MAYMOVE)));
  shared = mremap(shared, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
  fact("beyond the shared object: %s, inside %s", poke(shared + 5 * PAGE, 0), poke(shared + PAGE, 0));
}

static void heap(void) {
  unsigned char *start = sbrk(0);
  unsigned char *aligned = (unsigned char *)(((uintptr_t)start + PAGE - 1) & -(uintptr_t)PAGE);
  brk(aligned + 10 * PAGE);
  memset(aligned, 1, 10 * PAGE);
  fact("grown: %d", (unsigned char *)sbrk(0) == aligned + 10 * PAGE);
  brk(aligned + PAGE);
  fact("shrunk: %s, kept %d", poke(aligned + PAGE, 0), aligned[0]);
  brk(aligned + 10 * PAGE);
  fact("grown again: %d", aligned[5 * PAGE]);
  struct rlimit old, limit;
  getrlimit(RLIMIT_DATA, &old);
  limit = old;
  limit.rlim_cur = 1 << 20;
  setrlimit(RLIMIT_DATA, &limit);
  fact("limited: %s", outcome(brk(aligned + (64 << 20))));
  fact("limited mmap: %s", call(mmap(0, 64 << 20, RW, ANON, -1, 0)));
  fact("read-only is no data: %s", call(mmap(0, 64 << 20, PROT_READ, ANON, -1, 0)));
  setrlimit(RLIMIT_DATA, &old);
  getrlimit(RLIMIT_AS, &old);
  limit = old;
  limit.rlim_cur = 1 << 30;
  setrlimit(RLIMIT_AS, &limit);
  fact("address space: %s", call(mmap(0, 1 << 30, PROT_NONE, ANON, -1, 0)));
  setrlimit(RLIMIT_AS, &old);
}

static volatile uintptr_t deepest;
static __attribute__((noinline)) void dive(int depth) {
  volatile unsigned char frame[16384];
  frame[0] = depth;
  deepest = (uintptr_t)frame;
  if (depth > 0) dive(depth - 1);
  frame[1] = frame[0];
}

static void stack(void) {
  dive(100);
  fact("the stack grows: %d", *(volatile unsigned char *)deepest);
  fact("far below it: %s", poke((unsigned char *)((deepest & -(uintptr_t)PAGE) - (512 << 20)), 0));
  IN_CHILD("endless recursion", signal(SIGSEGV, SIG_DFL); dive(1 << 30));
  unsigned char *area = mmap(0, 1024 * PAGE, PROT_NONE, ANON, -1, 0);
  munmap(area, 1024 * PAGE);
  unsigned char *top = area + 1000 * PAGE;
  mmap(top, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
  fact("grows down: %s", poke(top - 10 * PAGE, 1));
  mmap(top - 300 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
  fact("up to the guard gap: %s, into it %s", poke(top - 43 * PAGE, 1), poke(top - 44 * PAGE, 1));
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&other, 0);
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  arguments();
  places();
  protections();
  moving();
  heap();
  stack();
  return 0;
}
