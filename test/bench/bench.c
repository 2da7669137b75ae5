/*
 * What a system costs: each row one number, "name value unit". Runs the same natively, in our guest and in UML.
 * Usage: bench DIRECTORY [row...]. The directory is for files; rows default to all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static char **rows;
static int wanted(const char *name) {
  if (!rows[0]) return 1;
  for (char **row = rows; *row; row++)
    if (!strcmp(*row, name)) return 1;
  return 0;
}

/* The best of several rounds, each for about 100 ms: what the system can do, not what the neighbours did to it. */
#define MEASURE(name, unit, setup, body)                         \
  if (wanted(name)) {                                            \
    double best = 1e30;                                          \
    for (int round = 0; round < 5; round++) {                    \
      long count = 0;                                            \
      setup;                                                     \
      double start = now(), end;                                 \
      do {                                                       \
        body;                                                    \
        count++;                                                 \
        end = now();                                             \
      } while (end - start < 1e8);                               \
      if ((end - start) / count < best) best = (end - start) / count; \
    }                                                            \
    printf("%s %.1f %s\n", name, best, unit);                    \
    fflush(stdout);                                              \
  }
#define TIMES(n, body) for (int i_ = 0; i_ < (n); i_++) { body; }

static void handler(int signal) { (void)signal; }
static void *thread(void *argument) { return argument; }

static double loop(void) {
  double start = now();
  volatile unsigned x = 1;
  for (long i = 0; i < 200000000; i++) x = x * 1664525 + 1013904223;
  return now() - start;
}

int main(int argc, char **argv) {
  rows = argv + 2;
  if (argc < 2 || chdir(argv[1])) {
    fprintf(stderr, "usage: bench DIRECTORY [row...]\n");
    return 2;
  }
  struct timespec t;
  MEASURE("getppid", "ns", , TIMES(100, syscall(SYS_getppid))) /* per 100: divided by the caller */
  MEASURE("clock_gettime", "ns", , TIMES(1000, clock_gettime(CLOCK_REALTIME, &t)))

  mkdir("a", 0755), mkdir("a/b", 0755), mkdir("a/b/c", 0755);
  close(open("a/b/c/d", O_CREAT | O_RDWR, 0644));
  MEASURE("open+close", "ns", , TIMES(20, close(open("a/b/c/d", O_RDONLY))))
  struct stat st;
  MEASURE("stat", "ns", , TIMES(20, stat("a/b/c/d", &st)))
  signal(SIGUSR1, handler);
  MEASURE("signal", "ns", , TIMES(20, raise(SIGUSR1)))

  if (wanted("pingpong")) {
    int to[2], from[2];
    char c = 0;
    if (pipe(to) || pipe(from)) return 1;
    pid_t child = fork();
    if (!child) {
      close(to[1]);
      while (read(to[0], &c, 1) == 1 && write(from[1], &c, 1) == 1) {}
      _exit(0);
    }
    close(to[0]);
    MEASURE("pingpong", "ns", , if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1) return 1)
    close(to[1]), close(from[0]), close(from[1]);
    waitpid(child, 0, 0);
  }

  long size = 64 << 20;
  if (wanted("fresh-page")) {
    double best = 1e30;
    for (int round = 0; round < 5; round++) {
      char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      double start = now();
      for (long i = 0; i < size; i += 4096) p[i] = 1;
      double each = (now() - start) / (size / 4096);
      if (each < best) best = each;
      munmap(p, size);
    }
    printf("fresh-page %.1f ns\n", best);
  }
  if (wanted("cow-page")) {
    char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, size);
    double best = 1e30;
    for (int round = 0; round < 5; round++) {
      int report[2];
      if (pipe(report)) return 1;
      pid_t child = fork();
      if (!child) {
        double start = now();
        for (long i = 0; i < size; i += 4096) p[i] = 2;
        double each = (now() - start) / (size / 4096);
        if (write(report[1], &each, sizeof each) != sizeof each) _exit(1);
        _exit(0);
      }
      double each;
      if (read(report[0], &each, sizeof each) != sizeof each) return 1;
      if (each < best) best = each;
      waitpid(child, 0, 0);
      close(report[0]), close(report[1]);
    }
    munmap(p, size);
    printf("cow-page %.1f ns\n", best);
  }
  fflush(stdout);

  int status;
  MEASURE("fork+exit+wait", "ns", , pid_t child = fork(); if (!child) _exit(0); waitpid(child, &status, 0))
  char *arguments[] = {"/bin/true", 0}, *environment[] = {0};
  MEASURE("vfork+exec", "ns", , pid_t child; posix_spawn(&child, "/bin/true", 0, 0, arguments, environment); waitpid(child, &status, 0))
  char *shell[] = {"/bin/sh", "-c", "/bin/true; :", 0};
  MEASURE("sh-c-true", "ns", , pid_t child; posix_spawn(&child, "/bin/sh", 0, 0, shell, environment); waitpid(child, &status, 0))
  MEASURE("thread", "ns", , pthread_t id; pthread_create(&id, 0, thread, 0); pthread_join(id, 0))

  char *buffer = malloc(65536);
  memset(buffer, 'x', 65536);
  if (wanted("file-read") || wanted("file-map")) {
    int file = open("big", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (int i = 0; i < 1024; i++)
      if (write(file, buffer, 65536) != 65536) return 1;
    if (wanted("file-read")) {
      double best = 1e30;
      for (int round = 0; round < 5; round++) {
        lseek(file, 0, SEEK_SET);
        double start = now();
        while (read(file, buffer, 65536) > 0) {}
        if (now() - start < best) best = now() - start;
      }
      printf("file-read %.2f GB/s\n", 67108864.0 / best);
    }
    if (wanted("file-map")) {
      double best = 1e30;
      volatile long sum = 0;
      for (int round = 0; round < 5; round++) {
        double start = now();
        char *p = mmap(0, size, PROT_READ, MAP_PRIVATE, file, 0);
        for (long i = 0; i < size; i += 64) sum += p[i];
        munmap(p, size);
        if (now() - start < best) best = now() - start;
      }
      printf("file-map %.2f GB/s\n", 67108864.0 / best);
    }
    close(file);
    unlink("big");
  }
  if (wanted("pipe-throughput")) {
    int ends[2];
    if (pipe(ends)) return 1;
    pid_t child = fork();
    if (!child) {
      close(ends[0]);
      for (int i = 0; i < 4096; i++)
        if (write(ends[1], buffer, 65536) != 65536) _exit(1);
      _exit(0);
    }
    close(ends[1]);
    double start = now();
    long total = 0, count;
    while ((count = read(ends[0], buffer, 65536)) > 0) total += count;
    printf("pipe-throughput %.2f GB/s\n", total / (now() - start));
    close(ends[0]);
    waitpid(child, 0, 0);
  }
  if (wanted("create-file")) {
    char name[32];
    mkdir("files", 0755);
    double best = 1e30;
    for (int round = 0; round < 5; round++) {
      double start = now();
      for (int i = 0; i < 10000; i++) {
        sprintf(name, "files/%d", i);
        int file = open(name, O_CREAT | O_WRONLY, 0644);
        if (file < 0 || write(file, "hello", 5) != 5) return 1;
        close(file);
      }
      double each = (now() - start) / 10000;
      if (each < best) best = each;
      for (int i = 0; i < 10000; i++) {
        sprintf(name, "files/%d", i);
        unlink(name);
      }
    }
    printf("create-file %.1f ns\n", best);
    rmdir("files");
  }
  fflush(stdout);
  if (wanted("cpu-loop")) printf("cpu-loop %.1f ns\n", loop());
  fflush(stdout);
  if (wanted("two-loops")) {
    double start = now();
    pid_t child = fork();
    loop();
    if (!child) _exit(0);
    waitpid(child, 0, 0);
    printf("two-loops %.1f ns\n", now() - start);
  }
  unlink("a/b/c/d"), rmdir("a/b/c"), rmdir("a/b"), rmdir("a");
  return 0;
}
