/* For the differential tests: one line for each observed fact, the same wherever Linux runs. No numbers of processes, no
   addresses, no times. */
#ifndef FACTS_H
#define FACTS_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written at once, so that a process that is killed loses nothing and no child repeats it. */
__attribute__((format(printf, 1, 2))) static inline void fact(const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  line[length++] = '\n';
  if (write(1, line, length) != length) _exit(99);
}

/* A result as it is, or the name of the error. */
static inline const char *outcome(long result) {
  static char texts[8][32];
  static int next;
  char *text = texts[next++ % 8];
  if (result == -1) snprintf(text, 32, "%s", strerrorname_np(errno));
  else snprintf(text, 32, "%ld", result);
  return text;
}

/* Success, without the value. */
static inline const char *success(long result) { return result == -1 ? strerrorname_np(errno) : "ok"; }

/* A wait status in words. */
static inline const char *ending(int status) {
  static char text[64];
  if (WIFEXITED(status)) snprintf(text, sizeof text, "exited %d", WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) snprintf(text, sizeof text, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
  else if (WIFSTOPPED(status)) snprintf(text, sizeof text, "stopped by SIG%s", sigabbrev_np(WSTOPSIG(status)));
  else if (WIFCONTINUED(status)) snprintf(text, sizeof text, "continued");
  else snprintf(text, sizeof text, "status %#x", status);
  return text;
}

/* Waits for one child and tells how it ended. */
static inline const char *join(pid_t child) {
  int status;
  if (waitpid(child, &status, __WALL) != child) return strerrorname_np(errno);
  return ending(status);
}

/* Runs the body in a child and tells how that ended. */
#define IN_CHILD(what, ...)                                                                                           \
  do {                                                                                                                \
    pid_t child_ = fork();                                                                                            \
    if (child_ == 0) {                                                                                                \
      __VA_ARGS__;                                                                                                        \
      _exit(0);                                                                                                       \
    }                                                                                                                 \
    fact("%s: %s", what, join(child_));                                                                               \
  } while (0)

#endif
