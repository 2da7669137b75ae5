/* Programs that want more memory than there is, in a machine of 64 MiB: each is ended, or refused, and the others go on. */
#include "../programs/facts.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RW (PROT_READ | PROT_WRITE)
#define MIB (1UL << 20)

static unsigned char *map(size_t length, int flags) {
  unsigned char *area = mmap(0, length, RW, flags | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) _exit(50 + errno);
  return area;
}

/* Reads a file that is larger than memory, in all ways, while memory is short. */
static void file(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) _exit(1);
  size_t size = status.st_size;
  unsigned char *mapped = mmap(0, size, PROT_READ, MAP_PRIVATE, fd, 0);
  static unsigned char block[65536];
  for (size_t at = 0; at < size; at += sizeof block) {
    if (pread(fd, block, sizeof block, at) != sizeof block) _exit(2);
    for (size_t page = 0; page < sizeof block; page += 4096) {
      size_t number = (at + page) >> 12;
      if (block[page] != (unsigned char)(number * 7) || block[page + 4095] != (unsigned char)(number >> 8)) _exit(3);
      if (mapped[at + page] != (unsigned char)(number * 7)) _exit(4);
      size_t other = (number * 7919) % (size >> 12);
      if (mapped[(other << 12) + 4095] != (unsigned char)(other >> 8)) _exit(5);
    }
  }
}

/* Takes memory and gives it back, over and over. */
static void churn(void) {
  for (int round = 0; round < 40; round++) {
    unsigned char *area = map(30 * MIB, MAP_PRIVATE);
    for (size_t at = 0; at < 30 * MIB; at += 4096) {
      if (area[at] != 0) _exit(1);
      area[at] = round + 1;
    }
    if (round % 2 == 0) munmap(area, 30 * MIB);
    else {
      madvise(area, 30 * MIB, MADV_DONTNEED);
      for (size_t at = 0; at < 30 * MIB; at += 65536)
        if (area[at] != 0) _exit(2);
      munmap(area, 30 * MIB);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  IN_CHILD("one area after the other", for (;;) memset(map(MIB, MAP_PRIVATE), 1, MIB));
  IN_CHILD("more than there is at once", map(100 * MIB, MAP_PRIVATE));
  IN_CHILD("shared", memset(map(60 * MIB, MAP_SHARED), 1, 60 * MIB); map(60 * MIB, MAP_SHARED)[0] = 1;
           for (;;) memset(map(MIB, MAP_PRIVATE), 1, MIB));
  IN_CHILD("copies after fork", unsigned char *area = map(45 * MIB, MAP_PRIVATE); memset(area, 1, 45 * MIB);
           if (fork() == 0) pause(); memset(area, 2, 45 * MIB));
  IN_CHILD("a heap", while (sbrk(MIB) != (void *)-1) memset((char *)sbrk(0) - MIB, 1, MIB));
  IN_CHILD("a kernel that writes to it", unsigned char *area = map(60 * MIB, MAP_PRIVATE | MAP_NORESERVE);
           unsigned char *more = map(60 * MIB, MAP_PRIVATE | MAP_NORESERVE); int zero = open("/dev/zero", O_RDONLY);
           while (read(zero, area, 60 * MIB) > 0 && read(zero, more, 60 * MIB) > 0));
  IN_CHILD("a file larger than memory", file(argv[1]));
  IN_CHILD("taking and giving back", churn());
  return 0;
}
