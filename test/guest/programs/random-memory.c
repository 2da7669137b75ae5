/* Random calls on memory, always the same ones: what they answer and what memory then holds must be what it is on Linux. */
#include "facts.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096UL
#define PAGES 1500
#define RW (PROT_READ | PROT_WRITE)

static unsigned char *base;
/* One that changes, and one of which private mappings show the same whenever they look. */
static int file, constant;
static sigjmp_buf escape;
static volatile int caught;

static void handler(int signal) {
  caught = signal;
  siglongjmp(escape, 1);
}

static uint64_t state = 88172645463325252ULL;
static unsigned pick(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (state >> 11) % n;
}

static uint64_t hash = 14695981039346656037ULL;
static void mix(uint64_t value) { hash = (hash ^ value) * 1099511628211ULL; }

static int load(volatile unsigned char *at) {
  if (sigsetjmp(escape, 1) == 0) return *at;
  return -caught;
}
static int store(volatile unsigned char *at, int value) {
  if (sigsetjmp(escape, 1) == 0) {
    *at = value;
    return 0;
  }
  return -caught;
}

static void all(void) {
  for (int page = 0; page < PAGES; page++) {
    mix(load(base + page * PAGE));
    mix(load(base + page * PAGE + 4000));
  }
}

static void step(int depth) {
  unsigned page = pick(PAGES), count = 1 + pick(pick(4) == 0 ? 600 : 20);
  if (page + count > PAGES) count = PAGES - page;
  unsigned char *at = base + page * PAGE;
  size_t length = count * PAGE;
  static const int protections[] = {PROT_NONE, PROT_READ, RW, RW, RW, PROT_READ | PROT_EXEC};
  int protection = protections[pick(6)];
  switch (pick(16)) {
    case 0:
      mix(mmap(at, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
      break;
    case 1:
      mix(mmap(at, length, protection, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
      break;
    case 2:
      if (pick(2)) mix(mmap(at, length, protection, MAP_PRIVATE | MAP_FIXED, constant, pick(200) * PAGE) == at);
      else mix(mmap(at, length, protection, MAP_SHARED | MAP_FIXED, file, pick(200) * PAGE) == at);
      break;
    case 3:
      mix(munmap(at, length));
      break;
    case 4:
    case 5:
      mix(mprotect(at, length, protection));
      break;
    case 6: {
      unsigned target = pick(PAGES), size = 1 + pick(40);
      if (target + size > PAGES) break;
      /* How far a call gets that fails for a range of several areas depends on the version. */
      if (pick(2)) length = PAGE;
      else {
        mix(mmap(at, length, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
        for (size_t filled = 0; filled < length; filled += 3 * PAGE) at[filled] = filled / PAGE + 1;
      }
      void *moved = mremap(at, length, size * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + target * PAGE);
      mix(moved != MAP_FAILED);
      break;
    }
    case 7:
      mix(madvise(at, length, MADV_DONTNEED) == 0 ? 0 : errno);
      break;
    case 8: {
      if (depth > 1 || pick(3) != 0) break;
      pid_t child = fork();
      if (child == 0) {
        hash = 1;
        for (int index = 0; index < 30; index++) step(depth + 1);
        all();
        _exit(hash & 127);
      }
      int status;
      waitpid(child, &status, 0);
      mix(status);
      break;
    }
    case 9: {
      /* The kernel reads and writes it. */
      static unsigned char bytes[3 * PAGE];
      memset(bytes, pick(256), sizeof bytes);
      size_t size = 1 + pick(sizeof bytes);
      lseek(file, pick(100) * PAGE, SEEK_SET);
      if (pick(2)) mix(write(file, at + pick(PAGE), size));
      else mix(read(file, at + pick(PAGE), size));
      break;
    }
    case 10:
      mix(ftruncate(file, (100 + pick(150)) * PAGE));
      break;
    default:
      for (int index = 0; index < 10; index++) {
        unsigned where = (page + pick(64)) % PAGES;
        int value = pick(256);
        mix(pick(3) ? store(base + where * PAGE + (pick(2) ? 4000 : 0), value) : load(base + where * PAGE));
      }
  }
}

int main(void) {
  stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&other, 0);
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  file = open("random", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (ftruncate(file, 200 * PAGE) != 0) return 1;
  constant = open("constant", O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (int page = 0; page < 150; page++) {
    unsigned char bytes[PAGE];
    memset(bytes, page + 1, PAGE);
    if (write(constant, bytes, PAGE) != PAGE) return 1;
  }
  base = mmap(0, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < 40; round++) {
    for (int index = 0; index < 60; index++) step(0);
    all();
    fact("round %d: %016llx", round, (unsigned long long)hash);
  }
  return 0;
}
