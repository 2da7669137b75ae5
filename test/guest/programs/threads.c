/* Threads: identity, what they share, how they and their process end. pthreads(7), clone(2). */
#include "facts.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter, turn;
static __thread int own = 1;

static void *count(void *argument) {
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
    own++;
  }
  return (void *)((long)argument * 10 + (own == 2001));
}

static void counting(void) {
  pthread_t threads[8];
  long sum = 0;
  for (long i = 0; i < 8; i++) pthread_create(&threads[i], NULL, count, (void *)i);
  for (int i = 0; i < 8; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  fact("counter %d, results %ld, own %d", counter, sum, own);
}

static void *pong(void *argument) {
  (void)argument;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < 200; i++) {
    while (turn != 1) pthread_cond_wait(&condition, &mutex);
    turn = 0;
    counter++;
    pthread_cond_signal(&condition);
  }
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void turns(void) {
  pthread_t thread;
  counter = 0;
  pthread_create(&thread, NULL, pong, NULL);
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < 200; i++) {
    turn = 1;
    pthread_cond_signal(&condition);
    while (turn != 0) pthread_cond_wait(&condition, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  pthread_join(thread, NULL);
  fact("turns: %d", counter);
}

static pid_t leader;
static void *identity(void *argument) {
  int *results = argument;
  results[0] = getpid() == leader;
  results[1] = syscall(SYS_gettid) != leader;
  results[2] = getppid() == results[3];
  prctl(PR_SET_NAME, "a-name-that-is-too-long");
  char name[16];
  prctl(PR_GET_NAME, name);
  fact("thread's name: %s", name);
  umask(0123);
  if (chdir("/") < 0) fact("chdir failed");
  return NULL;
}

static void sharing(void) {
  int results[4] = {0, 0, 0, getppid()};
  char name[16], directory[64];
  pthread_t thread;
  prctl(PR_SET_NAME, "leader");
  leader = getpid();
  char *before = getcwd(NULL, 0);
  pthread_create(&thread, NULL, identity, results);
  pthread_join(thread, NULL);
  prctl(PR_GET_NAME, name);
  fact("same process %d, other thread %d, same parent %d", results[0], results[1], results[2]);
  fact("leader's name: %s, umask %o, directory %s", name, umask(022), getcwd(directory, sizeof directory));
  if (chdir(before) < 0) fact("chdir failed");
  free(before);
}

static void *sleep_forever(void *argument) {
  for (;;) pause();
  return argument;
}

static void *spin_forever(void *argument) {
  for (;;) (*(volatile int *)argument)++;
  return argument;
}

static void *exit_process(void *argument) {
  usleep(10000);
  _exit((long)argument);
}

static void *exit_thread(void *argument) {
  usleep(100000);
  syscall(SYS_exit, (long)argument);
  return NULL;
}

static void *crash(void *argument) {
  usleep(10000);
  *(volatile int *)argument = 1;
  return NULL;
}

static void *fork_and_tell(void *argument) {
  pid_t child = fork();
  if (child == 0) _exit(getpid() == (int)syscall(SYS_gettid) ? 1 : 2);
  fact("child of a thread: %s", join(child));
  return argument;
}

static void several(void) {
  static int busy;
  pthread_t thread;
  pthread_create(&thread, NULL, sleep_forever, NULL);
  pthread_create(&thread, NULL, spin_forever, &busy);
  pthread_create(&thread, NULL, sleep_forever, NULL);
}

static void ends(void) {
  pthread_t thread;
  IN_CHILD("main returns", several(); exit(3));
  IN_CHILD("another thread exits the process", several(); pthread_create(&thread, NULL, exit_process, (void *)4); pause());
  IN_CHILD("another thread crashes", several(); pthread_create(&thread, NULL, crash, NULL); pause());
  IN_CHILD("killed", several(); kill(getpid(), SIGKILL); pause());
  IN_CHILD("leader exits, then the other with 5", pthread_create(&thread, NULL, exit_process, (void *)5); pthread_exit(NULL));
  IN_CHILD("the last thread's status counts", pthread_create(&thread, NULL, exit_thread, (void *)6); syscall(SYS_exit, 7));
  IN_CHILD("leader ended by pthread_exit", pthread_create(&thread, NULL, exit_thread, (void *)6); pthread_exit(NULL));
}

static void leader_gone(void) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_forever, NULL);
    syscall(SYS_exit, 0);
  }
  usleep(30000);
  fact("process without its leader: %s", outcome(waitpid(child, &status, WNOHANG)));
  kill(child, SIGTERM);
  fact("it can be killed: %s", join(child));
}

static void *set_and_wait(void *argument) {
  sem_t *semaphore = argument;
  sem_wait(semaphore);
  return NULL;
}

static void joins(void) {
  sem_t semaphore;
  pthread_t thread;
  void *result;
  sem_init(&semaphore, 0, 0);
  pthread_create(&thread, NULL, set_and_wait, &semaphore);
  fact("join of a running thread: %s", strerrorname_np(pthread_tryjoin_np(thread, &result)));
  sem_post(&semaphore);
  fact("join: %d", pthread_join(thread, &result));
  pthread_create(&thread, NULL, sleep_forever, NULL);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  fact("cancelled: %d", result == PTHREAD_CANCELED);
  pthread_create(&thread, NULL, fork_and_tell, NULL);
  pthread_join(thread, &result);
}

static void *quick(void *argument) { return argument; }

static void many(void) {
  int failures = 0;
  for (int i = 0; i < 100; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, quick, NULL) != 0 || pthread_join(thread, NULL) != 0) failures++;
  }
  fact("failures of 100: %d", failures);
}

static void numbers(void) {
  fact("tgkill, no such thread: %s", outcome(syscall(SYS_tgkill, getpid(), 999999, 0)));
  fact("tkill 0: %s", outcome(syscall(SYS_tkill, 0, 0)));
  fact("set_tid_address is the thread: %d", syscall(SYS_set_tid_address, NULL) == syscall(SYS_gettid));
}

int main(void) {
  counting();
  turns();
  sharing();
  joins();
  many();
  ends();
  leader_gone();
  numbers();
  return 0;
}
