/* File locks: fcntl(2), flock(2). */
#include "file-facts.h"
#include <pthread.h>
#include <sys/file.h>

static int set(int fd, int command, int type, int whence, long start, long length) {
  struct flock lock = {.l_type = type, .l_whence = whence, .l_start = start, .l_len = length};
  return fcntl(fd, command, &lock);
}

/* What another process would run into. */
static void look(const char *what, int fd, int type, long start, long length) {
  fflush(stdout);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, F_GETLK, &lock) == -1) fact("%s: %s", what, strerrorname_np(errno));
    else if (lock.l_type == F_UNLCK) fact("%s: free", what);
    else
      fact("%s: %s %ld+%ld whence %d of %s", what, lock.l_type == F_RDLCK ? "read" : "write", (long)lock.l_start,
           (long)lock.l_len, lock.l_whence, lock.l_pid == parent ? "parent" : lock.l_pid == -1 ? "-1" : "other");
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

/* All ranges of the parent, as another process finds them one after the other. */
static void ranges(const char *what, int fd) {
  pid_t child = fork();
  if (child == 0) {
    char text[400] = "";
    long start = 0;
    for (;;) {
      struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 0};
      if (fcntl(fd, F_GETLK, &lock) == -1 || lock.l_type == F_UNLCK) break;
      sprintf(text + strlen(text), " %c%ld+%ld", lock.l_type == F_RDLCK ? 'r' : 'w', (long)lock.l_start, (long)lock.l_len);
      if (lock.l_len == 0) break;
      start = lock.l_start + lock.l_len;
    }
    fact("%s:%s", what, text);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void splitting(int fd) {
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 100));
  ranges("one", fd);
  FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 40, 20));
  ranges("hole", fd);
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 30, 20));
  ranges("read over the edge", fd);
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 50, 10));
  ranges("joined", fd);
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 10, 80));
  ranges("read in the middle", fd);
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 10));
  ranges("joined at the start", fd);
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 200, 0));
  ranges("to the end", fd);
  FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 300, 0));
  ranges("cut", fd);
  FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
  ranges("none", fd);
  lseek(fd, 50, SEEK_SET);
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_CUR, 5, -10));
  ranges("negative length", fd);
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_END, -5, 3));
  ranges("from the end", fd);
  FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
}

static void errors(int fd) {
  struct flock lock = {.l_type = F_RDLCK};
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, -1, 5));
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 5, -6));
  FACT(set(fd, F_SETLK, F_RDLCK, 9, 0, 0));
  FACT(set(fd, F_SETLK, 9, SEEK_SET, 0, 0));
  FACT(set(99, F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
  FACT(set(fd, F_GETLK, F_UNLCK, SEEK_SET, 0, 0));
  FACT(fcntl(fd, F_SETLK, nowhere()));
  FACT(fcntl(fd, F_GETLK, nowhere()));
  int reader = open("locked", O_RDONLY), writer = open("locked", O_WRONLY);
  FACT(set(reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 0));
  FACT(set(writer, F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
  FACT(set(reader, F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
  FACT(set(reader, F_GETLK, F_WRLCK, SEEK_SET, 0, 0));
  lock.l_pid = 5;
  FACT(fcntl(fd, F_OFD_SETLK, &lock));
  FACT(fcntl(fd, F_OFD_GETLK, &lock));
  close(reader), close(writer);
  int p[2];
  pipe(p);
  FACT(set(p[0], F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
  FACT(set(p[0], F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
  close(p[0]), close(p[1]);
  int directory = open(".", O_RDONLY);
  FACT(set(directory, F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
  FACT(flock(directory, LOCK_EX));
  close(directory);
  int path = open("locked", O_PATH);
  FACT(flock(path, LOCK_SH));
  FACT(set(path, F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
  close(path);
}

static void owners(int fd) {
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
  pid_t child = fork();
  if (child == 0) {
    FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 5, 1));
    FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 10, 1));
    FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
    /* Closing a descriptor drops the child's locks, not the parent's. */
    close(dup(fd));
    _exit(0);
  }
  fact("child: %s", join(child));
  look("after the child", fd, F_RDLCK, 0, 0);
  close(dup(fd));
  look("after closing a copy", fd, F_WRLCK, 0, 0);
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
  close(open("locked", O_RDONLY));
  look("after closing another", fd, F_WRLCK, 0, 0);
  /* OFD locks belong to the open file. */
  FACT(set(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10));
  look("ofd", fd, F_RDLCK, 0, 0);
  FACT(set(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 10));
  close(dup(fd));
  int other = open("locked", O_RDWR);
  FACT(set(other, F_OFD_SETLK, F_RDLCK, SEEK_SET, 9, 1));
  FACT(set(other, F_OFD_SETLK, F_RDLCK, SEEK_SET, 10, 1));
  child = fork();
  if (child == 0) {
    FACT(set(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 5));
    FACT(set(fd, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 5));
    _exit(0);
  }
  fact("child: %s", join(child));
  struct flock lock = {.l_type = F_WRLCK};
  FACT(fcntl(other, F_OFD_GETLK, &lock));
  fact("type %d start %ld length %ld pid %d", lock.l_type, (long)lock.l_start, (long)lock.l_len, lock.l_pid);
  close(other);
  FACT(set(fd, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0));
}

static void on_signal(int signal) { (void)signal; }

static void waiting(int fd) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
  pid_t child = fork();
  if (child == 0) {
    FACT(set(fd, F_SETLKW, F_RDLCK, SEEK_SET, 5, 1));
    _exit(0);
  }
  pause_ms(20);
  FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 5));
  pause_ms(10);
  FACT(waitpid(child, NULL, WNOHANG));
  set(fd, F_SETLK, F_RDLCK, SEEK_SET, 5, 5);
  fact("child: %s", join(child));
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 5, 5));
  child = fork();
  if (child == 0) {
    FACT(set(fd, F_SETLKW, F_WRLCK, SEEK_SET, 5, 1));
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    FACT(set(fd, F_SETLKW, F_WRLCK, SEEK_SET, 5, 1));
    _exit(0);
  }
  pause_ms(20);
  kill(child, SIGUSR1);
  pause_ms(20);
  kill(child, SIGUSR1);
  pause_ms(20);
  set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0);
  fact("child: %s", join(child));
  /* Two that wait for each other. */
  FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
  child = fork();
  if (child == 0) {
    FACT(set(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, 1));
    int result = set(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1);
    fact("the first to wait: %s", outcome(result));
    _exit(0);
  }
  pause_ms(30);
  FACT(set(fd, F_SETLKW, F_WRLCK, SEEK_SET, 1, 1));
  set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0);
  fact("child: %s", join(child));
  /* A lock dies with its process. */
  child = fork();
  if (child == 0) {
    set(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 0);
    pause_ms(40);
    _exit(0);
  }
  pause_ms(20);
  FACT(set(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 0));
  fact("child: %s", join(child));
  FACT(set(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
}

static void whole_files(void) {
  int a = open("locked", O_RDONLY), b = open("locked", O_RDWR), copy = dup(a);
  FACT(flock(a, LOCK_SH));
  FACT(flock(b, LOCK_SH | LOCK_NB));
  FACT(flock(b, LOCK_EX | LOCK_NB));
  /* The failed conversion has lost b's lock. */
  FACT(flock(a, LOCK_EX | LOCK_NB));
  FACT(flock(copy, LOCK_EX | LOCK_NB));
  FACT(flock(b, LOCK_SH | LOCK_NB));
  FACT(close(a));
  FACT(flock(b, LOCK_SH | LOCK_NB));
  FACT(flock(copy, LOCK_UN));
  FACT(flock(b, LOCK_EX | LOCK_NB));
  FACT(flock(b, LOCK_UN));
  FACT(flock(b, LOCK_UN));
  FACT(flock(b, 0));
  FACT(flock(b, LOCK_SH | LOCK_EX));
  FACT(flock(99, LOCK_SH));
  FACT(flock(b, LOCK_EX));
  /* Neither kind knows of the other. */
  FACT(set(b, F_SETLK, F_WRLCK, SEEK_SET, 0, 0));
  pid_t child = fork();
  if (child == 0) {
    int own = open("locked", O_RDWR);
    FACT(flock(own, LOCK_SH | LOCK_NB));
    FACT(flock(b, LOCK_SH | LOCK_NB));
    FACT(flock(own, LOCK_SH));
    _exit(0);
  }
  pause_ms(20);
  flock(b, LOCK_UN);
  fact("child: %s", join(child));
  close(b), close(copy);
}

int main(void) {
  close_others();
  int fd = open("locked", O_RDWR | O_CREAT | O_TRUNC, 0600);
  ftruncate(fd, 100);
  splitting(fd);
  errors(fd);
  owners(fd);
  waiting(fd);
  whole_files();
  close(fd);
  unlink("locked");
  return 0;
}
