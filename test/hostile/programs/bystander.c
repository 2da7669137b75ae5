/*
 * Somebody who minds his own business, for SECONDS, and notices if anyone interferes: memory, arithmetic, files, pipes and
 * time must be as he left them. Says how it went.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 1 << 16 };

static int fail(const char *what) {
  printf("bystander: %s\n", what);
  return 1;
}

int main(int argc, char **argv) {
  time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
  char path[] = "/tmp/bystander-XXXXXX";
  int file = mkstemp(path), ends[2];
  uint64_t *words = malloc(WORDS * sizeof *words), salt = 1;
  double sum = 0;
  if (file < 0 || words == NULL || pipe(ends)) return fail("cannot begin");
  for (uint64_t round = 1; time(NULL) < end; round++) {
    salt = salt * 6364136223846793005u + 1442695040888963407u;
    for (uint64_t i = 0; i < WORDS; i++) words[i] = i * salt;
    double before = sum;
    for (int i = 0; i < 1000; i++) sum += 0.5;
    if (pwrite(file, &salt, sizeof salt, 0) != sizeof salt) return fail("cannot write");
    if (write(ends[1], &round, sizeof round) != sizeof round) return fail("cannot write to a pipe");
    usleep(500);
    uint64_t read_back = 0, number = 0;
    if (pread(file, &read_back, sizeof read_back, 0) != sizeof read_back || read_back != salt) return fail("a file changed");
    if (read(ends[0], &number, sizeof number) != sizeof number || number != round) return fail("a pipe's bytes changed");
    for (uint64_t i = 0; i < WORDS; i++)
      if (words[i] != i * salt) return fail("memory changed");
    if (sum != before + 500) return fail("registers changed");
  }
  unlink(path);
  printf("bystander: undisturbed\n");
  return 0;
}
