/* Pseudo-terminals and the line discipline: editing, echo, output processing, raw reads, packet mode, hang-up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;

static void show(const char *what, const char *bytes, long count) {
  printf("%s: %ld", what, count);
  if (count < 0) printf(" errno %d", errno);
  printf(" [");
  for (long i = 0; i < count; i++) {
    unsigned char c = bytes[i];
    if (c >= 32 && c < 127 && c != '\\') putchar(c);
    else printf("\\%02x", c);
  }
  printf("]\n");
}

static void from(int fd, const char *what) {
  char buffer[8192];
  struct pollfd p = {fd, POLLIN, 0};
  if (poll(&p, 1, 100) == 0) {
    printf("%s: nothing\n", what);
    return;
  }
  show(what, buffer, read(fd, buffer, sizeof buffer));
}

static void type(const char *text) {
  if (write(master, text, strlen(text)) < 0) printf("type: errno %d\n", errno);
  /* Linux hands input to the discipline in a work queue: settings changed at once would apply to it. */
  usleep(20000);
}

static void line(const char *what, const char *keys) {
  printf("-- %s\n", what);
  type(keys);
  from(slave, "read");
  from(master, "echo");
}

static struct termios settings(void) {
  struct termios t;
  tcgetattr(slave, &t);
  return t;
}

static void set(struct termios t) {
  printf("set: %d\n", tcsetattr(slave, TCSANOW, &t));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  signal(SIGHUP, SIG_IGN);
  signal(SIGALRM, SIG_DFL);
  alarm(15);
  master = posix_openpt(O_RDWR | O_NOCTTY);
  int before = open(ptsname(master), O_RDWR | O_NOCTTY);
  printf("open while locked: %d errno %d\n", before >= 0, before >= 0 ? 0 : errno);
  printf("grant %d unlock %d\n", grantpt(master), unlockpt(master));
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  struct termios t = settings(), cooked = t;
  printf("defaults: %o %o %o %o\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
  for (int i = 0; i < 17; i++) printf("%d ", t.c_cc[i]);
  printf("\nspeed %d %d\n", cfgetispeed(&t) == B38400, cfgetospeed(&t) == B38400);
  struct winsize size = {10, 20, 30, 40};
  printf("size: %d", ioctl(slave, TIOCGWINSZ, &size));
  printf(" %d %d\n", size.ws_row, size.ws_col);
  size = (struct winsize){10, 20, 30, 40};
  printf("set size: %d\n", ioctl(master, TIOCSWINSZ, &size));
  memset(&size, 0, sizeof size);
  ioctl(slave, TIOCGWINSZ, &size);
  printf("size: %d %d %d %d\n", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);

  line("a line", "hello\n");
  line("carriage return", "hello\r");
  line("erase", "abc\x7f\x7fx\n");
  line("erase at the beginning", "\x7f\x7fok\n");
  line("kill", "wrong\x15right\n");
  line("word erase", "one two  \x17three\n");
  line("word erase twice", "one two.three\x17\x17x\n");
  line("tab and erase", "a\tb\x7f\x7fz\n");
  line("control character", "a\x01\x02\x7f.\n");
  line("literal next", "a\x16\x03" "b\x16\x7f\n");
  line("reprint", "abc\x12" "d\n");
  line("end of file after text", "partial\x04");
  line("end of file alone", "\x04");
  line("two lines", "first\nsecond\n");
  from(slave, "second read");
  line("bytes above 127", "\xc3\xa4\x7fo\n");

  printf("-- read of part of a line\n");
  char buffer[64];
  type("abcdef\n");
  show("three", buffer, read(slave, buffer, 3));
  show("rest", buffer, read(slave, buffer, sizeof buffer));
  from(master, "echo");

  printf("-- queued\n");
  int queued;
  type("12345\n");
  ioctl(slave, FIONREAD, &queued);
  printf("FIONREAD %d\n", queued);
  printf("flush %d\n", tcflush(slave, TCIFLUSH));
  ioctl(slave, FIONREAD, &queued);
  printf("FIONREAD %d\n", queued);
  from(master, "echo");

  printf("-- output\n");
  if (write(slave, "a\nb\tc\r\n", 7) != 7) return 1;
  from(master, "processed");
  t = cooked;
  t.c_oflag |= XTABS;
  set(t);
  if (write(slave, "ab\tc\n", 5) != 5) return 1;
  from(master, "tabs expanded");
  t = cooked;
  t.c_oflag = OPOST | OCRNL | OLCUC;
  set(t);
  if (write(slave, "ab\rc\n", 5) != 5) return 1;
  from(master, "upper case");
  t = cooked;
  t.c_oflag = 0;
  set(t);
  if (write(slave, "a\nb\t", 4) != 4) return 1;
  from(master, "raw");

  printf("-- input flags\n");
  t = cooked;
  t.c_iflag = INLCR | IGNCR;
  set(t);
  type("a\rb\n");
  from(slave, "no newline yet");
  type("\x04");
  from(slave, "read");
  from(master, "echo");
  t = cooked;
  t.c_iflag |= ISTRIP | IUCLC;
  set(t);
  line("stripped, lower case", "\xc1" "BC\n");
  t = cooked;
  t.c_lflag &= ~ECHO;
  set(t);
  line("no echo", "secret\n");
  t.c_lflag |= ECHONL;
  set(t);
  line("echo of newlines", "secret\n");
  t = cooked;
  t.c_lflag &= ~(ECHOCTL | ECHOKE | ECHOE);
  set(t);
  line("plain echo", "ab\x01\x7f" "c\x15" "d\n");
  t = cooked;
  t.c_iflag |= IUTF8;
  set(t);
  line("erase in UTF-8", "\xc3\xa4\xe2\x82\xac\x7f\x7fx\n");

  printf("-- raw reads\n");
  cfmakeraw(&t);
  set(t);
  type("xyz\r\n\x03\x04");
  show("read", buffer, read(slave, buffer, sizeof buffer));
  from(master, "echo");
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 0;
  set(t);
  show("nothing there", buffer, read(slave, buffer, sizeof buffer));
  t.c_cc[VTIME] = 1;
  set(t);
  show("timed out", buffer, read(slave, buffer, sizeof buffer));
  t.c_cc[VMIN] = 3;
  t.c_cc[VTIME] = 1;
  set(t);
  type("ab");
  show("between characters", buffer, read(slave, buffer, sizeof buffer));
  t.c_cc[VMIN] = 3;
  t.c_cc[VTIME] = 0;
  set(t);
  type("ab");
  struct pollfd p = {slave, POLLIN, 0};
  printf("poll below the minimum: %d\n", poll(&p, 1, 50));
  type("c");
  printf("poll at the minimum: %d\n", poll(&p, 1, 1000));
  show("read", buffer, read(slave, buffer, sizeof buffer));
  fcntl(slave, F_SETFL, O_NONBLOCK);
  show("would block", buffer, read(slave, buffer, sizeof buffer));
  fcntl(slave, F_SETFL, 0);
  type("typed before");
  tcsetattr(slave, TCSANOW, &cooked);
  printf("mode changed\n");
  type("\n");
  from(slave, "read");
  from(master, "echo");

  printf("-- stop and start\n");
  fcntl(slave, F_SETFL, O_NONBLOCK);
  type("\x13");
  show("write while stopped", "x", write(slave, "x", 1));
  from(master, "nothing comes");
  type("\x11");
  show("write", "y", write(slave, "y", 1));
  from(master, "comes");
  printf("TCXONC off %d\n", tcflow(slave, TCOOFF));
  show("write while off", "z", write(slave, "z", 1));
  printf("TCXONC on %d\n", tcflow(slave, TCOON));
  fcntl(slave, F_SETFL, 0);
  from(master, "after");

  printf("-- packet mode\n");
  int on = 1;
  printf("TIOCPKT %d\n", ioctl(master, TIOCPKT, &on));
  if (write(slave, "data", 4) != 4) return 1;
  from(master, "packet");
  tcflush(slave, TCIFLUSH);
  from(master, "flushed");
  tcflow(slave, TCOOFF);
  from(master, "stopped");
  tcflow(slave, TCOON);
  from(master, "started");
  on = 0;
  ioctl(master, TIOCPKT, &on);

  printf("-- a session\n");
  pid_t child = fork();
  if (child == 0) {
    setsid();
    printf("before: %d errno %d\n", open("/dev/tty", O_RDWR), errno);
    printf("TIOCSCTTY %d\n", ioctl(slave, TIOCSCTTY, 0));
    printf("foreground is the session: %d %d\n", tcgetpgrp(slave) == getpid(), tcgetsid(slave) == getpid());
    printf("/dev/tty %d\n", open("/dev/tty", O_RDWR) >= 0);
    printf("no such group: %d", tcsetpgrp(slave, 99999));
    printf(" errno %d\n", errno);
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
      pid_t job = fork();
      if (job == 0) {
        signal(SIGTTOU, SIG_IGN);
        setpgid(0, 0);
        tcsetpgrp(slave, getpgrp());
        signal(SIGTTOU, SIG_DFL);
        char c = 'r';
        if (write(master, "", 0)) {}
        int ready[2];
        if (pipe(ready)) _exit(1);
        if (fork() == 0) {
          setsid();
          usleep(50000);
          c = "\x03\x1c\x1a"[i];
          if (write(master, &c, 1) != 1) _exit(1);
          _exit(0);
        }
        pause();
        _exit(0);
      }
      int status;
      waitpid(job, &status, WUNTRACED);
      printf("key %d: signalled %d %d stopped %d %d\n", i, WIFSIGNALED(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0,
             WIFSTOPPED(status), WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
      if (WIFSTOPPED(status)) kill(job, SIGKILL), waitpid(job, &status, 0);
    }
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(slave, getpgrp());
    signal(SIGTTOU, SIG_DFL);
    fflush(stdout);
    /* A background reader stops. */
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      char c;
      if (read(slave, &c, 1)) {}
      _exit(0);
    }
    setpgid(job, job);
    int status;
    waitpid(job, &status, WUNTRACED);
    printf("background read: stopped %d by %d\n", WIFSTOPPED(status), WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
    kill(job, SIGKILL);
    waitpid(job, &status, 0);
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  printf("session ended: %d\n", WEXITSTATUS(status));
  from(master, "keys echoed");

  printf("-- hang-up\n");
  close(slave);
  show("master after the slave", buffer, read(master, buffer, sizeof buffer));
  p = (struct pollfd){master, POLLIN | POLLOUT, 0};
  poll(&p, 1, 0);
  printf("poll %x\n", p.revents);
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  type("again\n");
  from(slave, "after reopening");
  close(master);
  show("slave after the master", buffer, read(slave, buffer, sizeof buffer));
  show("write", "x", write(slave, "x", 1));
  p = (struct pollfd){slave, POLLIN | POLLOUT, 0};
  poll(&p, 1, 0);
  printf("poll %x\n", p.revents);
  printf("tcgetattr %d errno %d\n", tcgetattr(slave, &t), errno);
  return 0;
}
