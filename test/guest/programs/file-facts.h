/* What the programs about files and descriptors share. */
#ifndef FILE_FACTS_H
#define FILE_FACTS_H
#include "facts.h"
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* The call as it is written, and its result or the name of the error. */
#define FACT(call) fact("%s: %s", #call, outcome((long)(call)))

/* Descriptors that a shell or a test has left open would change the numbers of others. */
static inline void close_others(void) { syscall(SYS_close_range, 3, ~0U, 0); }

/* An address at which nothing is; the compiler does not know. */
static inline void *nowhere(void) {
  static void *volatile address = (void *)8;
  return address;
}

static inline void bytes(const char *what, const void *data, long length) {
  const unsigned char *from = data;
  char text[512], *to = text;
  for (long i = 0; i < length && to < text + 500; i++)
    to += sprintf(to, from[i] >= 32 && from[i] < 127 ? "%c" : "\\%02x", from[i]);
  *to = 0;
  fact("%s: %s", what, text);
}

/* Long enough for another thread or process to get where it sleeps. */
static inline void pause_ms(int ms) {
  struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};
  while (nanosleep(&left, &left) == -1 && errno == EINTR)
    ;
}

static inline const char *event_names(int events) {
  static const struct {
    int bit;
    const char *name;
  } names[] = {{POLLIN, " IN"},         {POLLPRI, " PRI"},       {POLLOUT, " OUT"},       {POLLERR, " ERR"},
               {POLLHUP, " HUP"},       {POLLNVAL, " NVAL"},     {POLLRDNORM, " RDNORM"}, {POLLRDBAND, " RDBAND"},
               {POLLWRNORM, " WRNORM"}, {POLLWRBAND, " WRBAND"}, {POLLRDHUP, " RDHUP"}};
  static char texts[4][100];
  static int next;
  char *text = texts[next++ % 4];
  text[0] = 0;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (events & names[i].bit) strcat(text, names[i].name);
  return text;
}

#define ALL_EVENTS (POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND | POLLRDHUP)

/* What poll says of a descriptor now. */
static inline void events(const char *what, int fd, int wanted) {
  struct pollfd p = {fd, wanted, 0};
  int count = poll(&p, 1, 0);
  fact("%s: %d%s", what, count, event_names(p.revents));
}

#endif
