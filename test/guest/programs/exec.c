/* execve(2): what a program is given, what it keeps, what becomes of scripts and of files that are no programs. The program
   executes itself; the first argument says as what. */
#include "facts.h"
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

static char self[4096];
static char *volatile nowhere = (char *)8;

static void write_file(const char *name, const void *content, size_t length, mode_t mode) {
  unlink(name);
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (write(fd, content, length) != (ssize_t)length) fact("short write");
  fchmod(fd, mode);
  close(fd);
}

static void write_script(const char *name, const char *text) { write_file(name, text, strlen(text), 0755); }

/* Executes in a child and tells the errno, or how it ended. */
static const char *execute(const char *path, char *const argv[], char *const envp[]) {
  static char text[2][64];
  static int next;
  int fds[2], error = 0;
  if (pipe2(fds, O_CLOEXEC) < 0) return "pipe";
  pid_t child = fork();
  if (child == 0) {
    execve(path, argv, envp);
    error = errno;
    if (write(fds[1], &error, sizeof error) < 0) _exit(98);
    _exit(99);
  }
  close(fds[1]);
  char *result = text[next++ % 2];
  int failed = read(fds[0], &error, sizeof error) == sizeof error;
  close(fds[0]);
  const char *end = join(child);
  snprintf(result, 64, "%s", failed ? strerrorname_np(error) : end);
  return result;
}

#define ARGV(...) ((char *[]){__VA_ARGS__, NULL})
#define RUN(path, ...) execute(path, ARGV(__VA_ARGS__), ARGV("A=1", "B=two"))

/* As "show": tells its arguments and environment. */
static int show(int argc, char **argv, char **envp) {
  int variables = 0;
  while (envp[variables] != NULL) variables++;
  fact("argc %d, envc %d", argc, variables);
  for (int i = 0; i < argc; i++) fact("argv[%d] %s", i, strcmp(argv[i], self) == 0 ? "SELF" : argv[i]);
  for (int i = 0; i < variables; i++) fact("envp[%d] %s", i, envp[i]);
  return argc;
}

/* As "auxv": what the auxiliary vector and the stack are like. */
static int auxiliary(char **argv, char **envp) {
  Elf64_Ehdr *header = NULL;
  Elf64_Phdr *headers = (Elf64_Phdr *)getauxval(AT_PHDR);
  for (unsigned i = 0; i < getauxval(AT_PHNUM); i++)
    if (headers[i].p_type == PT_PHDR) header = (Elf64_Ehdr *)((char *)headers - headers[i].p_offset);
  fact("AT_PHDR leads to ELF: %d", header != NULL && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0);
  fact("AT_PHENT %lu, AT_PHNUM is right: %d", getauxval(AT_PHENT), header->e_phnum == getauxval(AT_PHNUM));
  fact("AT_ENTRY is right: %d", getauxval(AT_ENTRY) - (unsigned long)header == header->e_entry);
  fact("AT_BASE is a page of ELF: %d", memcmp((void *)getauxval(AT_BASE), ELFMAG, SELFMAG) == 0);
  fact("AT_PAGESZ %lu, AT_CLKTCK %lu, AT_FLAGS %lu", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_FLAGS));
  fact("AT_UID %d, AT_EUID %d, AT_GID %d, AT_EGID %d, AT_SECURE %lu", getauxval(AT_UID) == getuid(),
       getauxval(AT_EUID) == geteuid(), getauxval(AT_GID) == getgid(), getauxval(AT_EGID) == getegid(),
       getauxval(AT_SECURE));
  fact("AT_PLATFORM %s", (char *)getauxval(AT_PLATFORM));
  fact("AT_EXECFN is the program: %d", strcmp((char *)getauxval(AT_EXECFN), self) == 0);
  fact("AT_SYSINFO_EHDR is ELF: %d", memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, SELFMAG) == 0);
  fact("AT_HWCAP is there: %d, AT_MINSIGSTKSZ: %d", getauxval(AT_HWCAP) != 0, getauxval(AT_MINSIGSTKSZ) >= 1024);
  unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
  int different = 0;
  for (int i = 1; i < 16; i++) different |= random[i] != random[0];
  fact("AT_RANDOM is random: %d", different);

  char **end = envp;
  while (*end != NULL) end++;
  unsigned long *argc = (unsigned long *)argv - 1;
  fact("argc lies below argv: %d, aligned: %d", *argc == 2, ((unsigned long)argc & 15) == 0);
  fact("envp follows argv: %d", envp == argv + 3);
  fact("strings follow each other: %d", argv[1] == argv[0] + strlen(argv[0]) + 1);
  fact("the environment follows: %d", envp[0] == argv[1] + strlen(argv[1]) + 1);
  fact("the file name is last: %d", (char *)getauxval(AT_EXECFN) == envp[1] + strlen(envp[1]) + 1);
  unsigned long top = getauxval(AT_EXECFN) + strlen((char *)getauxval(AT_EXECFN)) + 1;
  fact("then eight bytes to the end of a page: %lu", (0 - top) & 4095);
  return 0;
}

/* As "state": what execve keeps. */
static int state(void) {
  char name[16];
  sigset_t set;
  struct sigaction action;
  struct itimerval timer;
  stack_t stack;
  prctl(PR_GET_NAME, name);
  fact("name %s", name);
  sigaction(SIGUSR1, NULL, &action);
  fact("handled signal: default %d", action.sa_handler == SIG_DFL);
  sigaction(SIGHUP, NULL, &action);
  fact("ignored signal: ignored %d", action.sa_handler == SIG_IGN);
  sigprocmask(SIG_BLOCK, NULL, &set);
  fact("blocked %d", sigismember(&set, SIGUSR2));
  sigpending(&set);
  fact("pending %d", sigismember(&set, SIGUSR2));
  getitimer(ITIMER_REAL, &timer);
  fact("timer runs %d", timer.it_value.tv_sec > 0);
  sigaltstack(NULL, &stack);
  fact("alternate stack disabled %d", (stack.ss_flags & SS_DISABLE) != 0);
  fact("kept descriptor: %s, closed descriptor: %s", success(fcntl(110, F_GETFD)), success(fcntl(111, F_GETFD)));
  fact("umask %o", umask(0));
  fact("dumpable %d, keep capabilities %d", prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS));
  int death = -1;
  prctl(PR_GET_PDEATHSIG, &death);
  fact("parent's death signal %d", death);
  fact("timer slack %d", prctl(PR_GET_TIMERSLACK));
  fact("nice %d", getpriority(PRIO_PROCESS, 0));
  fact("leader %d", getpid() == (int)syscall(SYS_gettid));
  return 0;
}

static void on_signal(int signal) { (void)signal; }

static void prepare_state(void) {
  static char stack_bytes[16384];
  stack_t stack = {.ss_sp = stack_bytes, .ss_size = sizeof stack_bytes};
  struct itimerval timer = {.it_value = {.tv_sec = 1000}};
  sigset_t set;
  signal(SIGUSR1, on_signal);
  signal(SIGHUP, SIG_IGN);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR2);
  setitimer(ITIMER_REAL, &timer, NULL);
  sigaltstack(&stack, NULL);
  dup2(1, 110);
  dup3(1, 111, O_CLOEXEC);
  umask(027);
  prctl(PR_SET_NAME, "before");
  prctl(PR_SET_PDEATHSIG, SIGURG);
  prctl(PR_SET_TIMERSLACK, 70000);
  prctl(PR_SET_KEEPCAPS, 1);
  setpriority(PRIO_PROCESS, 0, 3);
}

static void scripts(void) {
  char text[5000];
  snprintf(text, sizeof text, "#!%s show\n", self);
  write_script("script", text);
  fact("script: %s", RUN("./script", "zero", "one", "two"));
  snprintf(text, sizeof text, "#! \t%s \t show  with spaces \t \nrest", self);
  write_script("script", text);
  fact("one argument: %s", RUN("./script", "zero", "one"));
  write_script("second", "#!./script\n");
  fact("script of a script: %s", RUN("./second", "zero", "one"));
  write_script("script", "#!/does/not/exist\n");
  fact("interpreter missing: %s", RUN("./script", "x"));
  write_script("script", "#!\n");
  fact("interpreter not named: %s", RUN("./script", "x"));
  write_script("script", "#!./script\n");
  fact("its own interpreter: %s", RUN("./script", "x"));
  write_script("script", "#!.\n");
  fact("a directory as interpreter: %s", RUN("./script", "x"));
  memset(text, 'x', 600);
  memcpy(text, "#!/", 3);
  text[600] = 0;
  write_script("script", text);
  fact("interpreter's name too long: %s", RUN("./script", "x"));
  snprintf(text, sizeof text, "#!%s show", self);
  write_script("script", text);
  fact("no newline: %s", RUN("./script", "zero"));
  for (int i = 0; i < 7; i++) {
    char name[16];
    snprintf(name, sizeof name, "chain%d", i);
    if (i == 0) snprintf(text, sizeof text, "#!%s show\n", self);
    else snprintf(text, sizeof text, "#!./chain%d\n", i - 1);
    write_script(name, text);
  }
  fact("five scripts: %s", RUN("./chain4", "zero"));
  fact("six scripts: %s", RUN("./chain5", "zero"));
  int fd = open("chain0", O_RDONLY | O_CLOEXEC);
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, fd, "", ARGV("x"), ARGV("A=1"), AT_EMPTY_PATH);
    fact("script by a descriptor that closes: %s", outcome(-1));
    _exit(0);
  }
  join(child);
  close(fd);
  for (int i = 0; i < 7; i++) {
    char name[16];
    snprintf(name, sizeof name, "chain%d", i);
    unlink(name);
  }
  unlink("script");
  unlink("second");
}

static void no_programs(void) {
  write_file("file", "", 0, 0755);
  fact("empty: %s", RUN("./file", "x"));
  write_file("file", "echo hello\n", 11, 0755);
  fact("text: %s", RUN("./file", "x"));
  write_file("file", "\x7f" "ELF", 4, 0755);
  fact("four bytes of ELF: %s", RUN("./file", "x"));
  chmod("file", 0644);
  fact("not executable: %s", RUN("./file", "x"));
  fact("missing: %s", RUN("./missing", "x"));
  fact("a directory: %s", RUN("/", "x"));
  fact("a device: %s", RUN("/dev/null", "x"));
  fact("below a file: %s", RUN("./file/x", "x"));
  fact("empty name: %s", RUN("", "x"));
  fact("bad address of the name: %s", execute(nowhere, ARGV("x"), ARGV("A=1")));
  fact("bad address of the arguments: %s", execute(self, (char **)nowhere, ARGV("A=1")));
  fact("bad argument: %s", execute(self, ARGV(nowhere), ARGV("A=1")));
  fact("bad environment: %s", execute(self, ARGV("x"), ARGV(nowhere)));
  symlink("loop", "loop");
  fact("a loop: %s", RUN("./loop", "x"));
  unlink("loop");
  unlink("file");
}

/* Changes one thing in a copy of this program. */
static void damage(const char *what, long offset, const void *bytes, size_t length) {
  int from = open(self, O_RDONLY);
  struct stat status;
  fstat(from, &status);
  char *image = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, from, 0);
  if (offset >= 0) memcpy(image + offset, bytes, length);
  write_file("damaged", image, status.st_size, 0755);
  munmap(image, status.st_size);
  close(from);
  fact("%s: %s", what, RUN("./damaged", "x", "nothing"));
}

static long interpreter_header(Elf64_Phdr *found) {
  int fd = open(self, O_RDONLY);
  Elf64_Ehdr header;
  long offset = -1;
  if (pread(fd, &header, sizeof header, 0) < 0) return -1;
  for (int i = 0; i < header.e_phnum; i++) {
    if (pread(fd, found, sizeof *found, header.e_phoff + i * sizeof *found) < 0) return -1;
    if (found->p_type == PT_INTERP) {
      offset = header.e_phoff + i * sizeof *found;
      break;
    }
  }
  close(fd);
  return offset;
}

static void damages(void) {
  damage("a copy", -1, NULL, 0);
  Elf64_Half half = EM_AARCH64;
  damage("another machine", offsetof(Elf64_Ehdr, e_machine), &half, 2);
  half = ET_REL;
  damage("an object file", offsetof(Elf64_Ehdr, e_type), &half, 2);
  half = ET_CORE;
  damage("a core dump", offsetof(Elf64_Ehdr, e_type), &half, 2);
  half = 0;
  damage("no program headers", offsetof(Elf64_Ehdr, e_phnum), &half, 2);
  half = 2000;
  damage("too many program headers", offsetof(Elf64_Ehdr, e_phnum), &half, 2);
  half = 55;
  damage("size of program headers", offsetof(Elf64_Ehdr, e_phentsize), &half, 2);
  Elf64_Off off = 1ul << 40;
  damage("program headers beyond the end", offsetof(Elf64_Ehdr, e_phoff), &off, 8);
  char class = ELFCLASS32;
  damage("class of 32 bits", EI_CLASS, &class, 1);
  Elf64_Phdr interpreter;
  long at = interpreter_header(&interpreter);
  Elf64_Xword size = 1;
  damage("interpreter's name too short", at + offsetof(Elf64_Phdr, p_filesz), &size, 8);
  size = 5000;
  damage("interpreter's name too long", at + offsetof(Elf64_Phdr, p_filesz), &size, 8);
  size = interpreter.p_filesz - 1;
  damage("interpreter's name without end", at + offsetof(Elf64_Phdr, p_filesz), &size, 8);
  damage("missing interpreter", interpreter.p_offset, "/does/not", 10);
  damage("a directory as interpreter", interpreter.p_offset, "/", 2);
  write_file("noexec", "x", 1, 0644);
  damage("interpreter not executable", interpreter.p_offset, "./noexec", 9);
  chmod("noexec", 0755);
  damage("interpreter too short", interpreter.p_offset, "./noexec", 9);
  char text[100] = "no ELF";
  write_file("noexec", text, sizeof text, 0755);
  damage("interpreter not ELF", interpreter.p_offset, "./noexec", 9);
  unlink("noexec");
  unlink("damaged");
}

static void limits(void) {
  size_t largest = 131072;
  char *string = malloc(largest + 1);
  memset(string, 'x', largest);
  string[largest] = 0;
  fact("string of 128 KiB: %s", RUN(self, "x", string));
  string[largest - 1] = 0;
  fact("one byte less: %s", RUN(self, "x", "count", string));
  char *many[24];
  for (int i = 0; i < 23; i++) many[i] = string;
  many[0] = "x";
  many[1] = "count";
  many[23] = NULL;
  struct rlimit stack = {8 << 20, RLIM_INFINITY}, old;
  getrlimit(RLIMIT_STACK, &old);
  setrlimit(RLIMIT_STACK, &stack);
  fact("2.6 MiB in 8 MiB of stack: %s", execute(self, many, ARGV("A=1")));
  many[12] = NULL;
  fact("1.3 MiB: %s", execute(self, many, ARGV("A=1")));
  stack.rlim_cur = 1 << 20;
  setrlimit(RLIMIT_STACK, &stack);
  fact("1.3 MiB in 1 MiB of stack: %s", execute(self, many, ARGV("A=1")));
  string[60000] = 0;
  many[5] = NULL;
  fact("180 KB in 1 MiB of stack: %s", execute(self, many, ARGV("A=1")));
  setrlimit(RLIMIT_STACK, &old);
  free(string);
  fact("no arguments: %s", execute(self, ARGV(NULL), ARGV("A=1")));
  fact("null pointers: %s", execute(self, NULL, NULL));
}

static void *executing(void *argument) {
  usleep(10000);
  execve(self, argument, ARGV("A=1"));
  return NULL;
}

static void *sleeping(void *argument) {
  for (;;) pause();
  return argument;
}

static void *spinning(void *argument) {
  for (;;) (*(volatile int *)argument)++;
  return argument;
}

static void threads(void) {
  static int busy;
  static char *arguments[] = {"x", "state", NULL};
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleeping, NULL);
    pthread_create(&thread, NULL, spinning, &busy);
    pthread_create(&thread, NULL, executing, arguments);
    pause();
    _exit(1);
  }
  fact("another thread: %s", join(child));
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, executing, arguments);
    syscall(SYS_exit, 9);
  }
  fact("after the leader's end: %s", join(child));
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleeping, NULL);
    pthread_create(&thread, NULL, spinning, &busy);
    executing(arguments);
    _exit(1);
  }
  fact("leader: %s", join(child));
}

static void busy_text(void) {
  damage("a copy", -1, NULL, 0);
  int fd = open("damaged", O_WRONLY);
  fact("open for writing: %s", RUN("./damaged", "x", "nothing"));
  close(fd);
  int fds[2];
  char byte;
  if (pipe2(fds, O_CLOEXEC) < 0) return;
  pid_t child = fork();
  if (child == 0) {
    execve("./damaged", ARGV("x", "pause"), ARGV("A=1"));
    _exit(1);
  }
  close(fds[1]);
  fact("it runs: %s", outcome(read(fds[0], &byte, 1)));
  close(fds[0]);
  fact("write to a running program: %s", outcome(open("damaged", O_WRONLY)));
  fact("truncate it: %s", outcome(truncate("damaged", 0)));
  fact("remove it: %s", outcome(unlink("damaged")));
  kill(child, SIGKILL);
  fact("%s", join(child));
}

static void descriptors(void) {
  pid_t child = fork();
  if (child == 0) {
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    syscall(SYS_execveat, fd, "", ARGV("x", "count"), ARGV("A=1"), AT_EMPTY_PATH);
    _exit(1);
  }
  fact("execveat by descriptor: %s", join(child));
  child = fork();
  if (child == 0) {
    int fd = open("/", O_PATH | O_DIRECTORY);
    syscall(SYS_execveat, fd, self + 1, ARGV("x", "count"), ARGV("A=1"), 0);
    _exit(1);
  }
  fact("execveat below a directory: %s", join(child));
  fact("without AT_EMPTY_PATH: %s", outcome(syscall(SYS_execveat, 1, "", ARGV("x"), NULL, 0)));
  fact("bad descriptor: %s", outcome(syscall(SYS_execveat, 99, "", ARGV("x"), NULL, AT_EMPTY_PATH)));
  fact("no directory: %s", outcome(syscall(SYS_execveat, 1, "x", ARGV("x"), NULL, 0)));
  fact("unknown flag: %s", outcome(syscall(SYS_execveat, AT_FDCWD, self, ARGV("x"), NULL, 0x8)));
  symlink(self, "link");
  fact("AT_SYMLINK_NOFOLLOW: %s", outcome(syscall(SYS_execveat, AT_FDCWD, "link", ARGV("x"), NULL, AT_SYMLINK_NOFOLLOW)));
  unlink("link");
}

static void privileges(void) {
  if (getuid() != 0) return;
  damage("a copy", -1, NULL, 0);
  if (chown("damaged", 54321, 54322) < 0) return;
  chmod("damaged", 06755);
  chmod(".", 0755);
  fact("set-user-ID: %s", RUN("./damaged", "x", "ids"));
  chmod("damaged", 02745);
  fact("set-group-ID without execute: %s", RUN("./damaged", "x", "ids"));
  chmod("damaged", 06755);
  IN_CHILD("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); execve("./damaged", ARGV("x", "ids"), NULL));
  unlink("damaged");
}

static int ids(void) {
  uid_t r, e, s;
  getresuid(&r, &e, &s);
  fact("users %d %d %d, secure %lu, dumpable %d", r, e, s, getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
  getresgid(&r, &e, &s);
  fact("groups %d %d %d", r, e, s);
  return 0;
}

int main(int argc, char **argv, char **envp) {
  const char *role = argc > 1 ? argv[1] : "";
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) strcpy(self, (char *)getauxval(AT_EXECFN));
  if (argc > 0 && strcmp(argv[argc - 1], "two") == 0) role = "show";
  if (strcmp(role, "auxv") == 0) return auxiliary(argv, envp);
  if (strncmp(role, "show", 4) == 0) return show(argc, argv, envp);
  if (strcmp(role, "state") == 0) return state();
  if (strcmp(role, "ids") == 0) return ids();
  if (strcmp(role, "count") == 0) return argc;
  if (strcmp(role, "nothing") == 0) return 0;
  if (strcmp(role, "pause") == 0) return pause();
  if (envp[0] == NULL || strcmp(envp[0], "A=1") == 0) return argc + 100;
  fact("arguments: %s", RUN(self, "zero", "", "two"));
  fact("auxiliary vector: %s", RUN(self, "zero", "auxv"));
  IN_CHILD("state", prepare_state(); execve(self, ARGV("x", "state"), ARGV("A=1")));
  scripts();
  no_programs();
  damages();
  limits();
  threads();
  busy_text();
  descriptors();
  privileges();
  return 0;
}
