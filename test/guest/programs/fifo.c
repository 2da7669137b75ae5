/* FIFOs: fifo(7). */
#include "file-facts.h"
#include <pthread.h>

static char buffer[100];

static void *open_writer(void *argument) {
  pause_ms(*(int *)argument);
  return (void *)(long)open("fifo", O_WRONLY);
}

static void *open_reader(void *argument) {
  pause_ms(*(int *)argument);
  return (void *)(long)open("fifo", O_RDONLY);
}

static void on_signal(int signal) { (void)signal; }

/* Opens in a thread, so that one of both has to wait for the other. */
static int meet(void *(*other)(void *), int flags, int *end) {
  int delay = 20;
  void *result;
  pthread_t thread;
  pthread_create(&thread, NULL, other, &delay);
  int fd = open("fifo", flags);
  pthread_join(thread, &result);
  *end = (long)result;
  return fd;
}

static void not_waiting(void) {
  int reader, writer, both;
  FACT(open("fifo", O_WRONLY | O_NONBLOCK));
  FACT((reader = open("fifo", O_RDONLY | O_NONBLOCK)));
  events("never had a writer", reader, ALL_EVENTS);
  FACT(read(reader, buffer, 1));
  FACT((writer = open("fifo", O_WRONLY | O_NONBLOCK)));
  FACT(fcntl(reader, F_GETFL));
  FACT(fcntl(writer, F_GETFL));
  events("has a writer", reader, ALL_EVENTS);
  FACT(read(reader, buffer, 1));
  FACT(write(writer, "abc", 3));
  events("has data", reader, ALL_EVENTS);
  close(writer);
  events("lost its writer", reader, ALL_EVENTS);
  FACT(read(reader, buffer, 10));
  events("lost its writer, read", reader, ALL_EVENTS);
  FACT(read(reader, buffer, 10));
  FACT((writer = open("fifo", O_WRONLY)));
  events("has a writer again", reader, ALL_EVENTS);
  write(writer, "left", 4);
  close(reader);
  events("writer without reader", writer, ALL_EVENTS);
  signal(SIGPIPE, SIG_IGN);
  FACT(write(writer, "x", 1));
  FACT((reader = open("fifo", O_RDONLY)));
  FACT(read(reader, buffer, 10));
  bytes("kept while somebody had it open", buffer, 4);
  close(reader), close(writer);
  FACT((both = open("fifo", O_RDWR)));
  events("both ways", both, ALL_EVENTS);
  FACT(write(both, "self", 4));
  events("both ways, data", both, ALL_EVENTS);
  FACT(read(both, buffer, 10));
  write(both, "gone", 4);
  close(both);
  FACT((both = open("fifo", O_RDWR | O_NONBLOCK)));
  FACT(read(both, buffer, 10));
  FACT(lseek(both, 0, SEEK_SET));
  FACT(fcntl(both, F_GETPIPE_SZ));
  close(both);
  struct stat st;
  FACT(stat("fifo", &st));
  fact("mode %o size %ld", st.st_mode, (long)st.st_size);
  FACT(open("fifo", O_RDONLY | O_DIRECTORY));
  FACT(truncate("fifo", 0));
  int path = open("fifo", O_PATH);
  FACT(read(path, buffer, 1));
  close(path);
}

static void waiting(void) {
  int other, fd = meet(open_writer, O_RDONLY, &other);
  fact("reader waited: %d %d", fd >= 0, other >= 0);
  FACT(write(other, "hi", 2));
  FACT(read(fd, buffer, 10));
  close(fd), close(other);
  fd = meet(open_reader, O_WRONLY, &other);
  fact("writer waited: %d %d", fd >= 0, other >= 0);
  close(other), close(fd);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  pid_t child = fork();
  if (child == 0) {
    FACT(open("fifo", O_RDONLY));
    FACT(open("fifo", O_WRONLY));
    _exit(0);
  }
  pause_ms(20);
  kill(child, SIGUSR1);
  pause_ms(20);
  kill(child, SIGUSR1);
  fact("child: %s", join(child));
  FACT(open("fifo", O_WRONLY | O_NONBLOCK));
  /* An open meets another, although that is closed again at once. */
  child = fork();
  if (child == 0) {
    int own = open("fifo", O_RDONLY);
    fact("met: %d", own >= 0);
    FACT(read(own, buffer, 10));
    FACT(read(own, buffer, 10));
    _exit(0);
  }
  pause_ms(20);
  int writer = open("fifo", O_WRONLY);
  write(writer, "quick", 5);
  close(writer);
  fact("child: %s", join(child));
}

int main(void) {
  close_others();
  FACT(mkfifo("fifo", 0640));
  FACT(mkfifo("fifo", 0640));
  not_waiting();
  waiting();
  FACT(unlink("fifo"));
  return 0;
}
