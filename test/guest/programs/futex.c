/* futex(2), directly and under the C library's mutexes, condition variables, barriers and semaphores. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

#define THREADS 4

static void result(const char *what, long r) { printf("%s: %ld errno %d\n", what, r, r < 0 ? errno : 0); }
static long futex(void *a, int op, int v, const void *t, void *b, int v3) { return syscall(SYS_futex, a, op, v, t, b, v3); }

static _Atomic int word, other, woken;
static long counter;
static pthread_mutex_t mutex;
static pthread_barrier_t barrier;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *add(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void together(void *(*f)(void *), void *arg) {
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, f, arg);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
}

static void init(int type, int robust, int protocol) {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, type);
  if (robust) pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  if (protocol) pthread_mutexattr_setprotocol(&a, protocol);
  int r = pthread_mutex_init(&mutex, &a);
  if (r) printf("pthread_mutex_init: %d\n", r);
}

static void *wait_word(void *unused) {
  while (atomic_load(&word) == 0) futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  atomic_fetch_add(&woken, 1);
  return unused;
}
static void *wait_once(void *unused) {
  futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  atomic_fetch_add(&woken, 1);
  return unused;
}

static void direct(void) {
  struct timespec brief = {0, 5000000}, bad = {0, 1000000000}, t;
  result("value differs", futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
  result("times out", futex(&word, FUTEX_WAIT, 0, &brief, NULL, 0));
  result("bad time", futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
  clock_gettime(CLOCK_REALTIME, &t);
  result("absolute, past", futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, NULL, 1));
  result("no bits", futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
  result("realtime for FUTEX_WAIT", futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &brief, NULL, 0));
  result("not aligned", futex((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
  result("bad address", futex((void *)4096, FUTEX_WAIT, 0, NULL, NULL, 0));
  result("unknown operation", futex(&word, 99, 0, NULL, NULL, 0));
  result("nobody to wake", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, wait_word, NULL);
  usleep(10000);
  atomic_store(&word, 1);
  result("wake all", futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("woken %d\n", woken);

  atomic_store(&word, 0), atomic_store(&woken, 0);
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, wait_once, NULL);
  usleep(10000);
  result("requeue, wrong value", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1L, &other, 7));
  result("requeue", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2L, &other, 0));
  result("left", futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
  result("moved", futex(&other, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("woken %d\n", woken);
  result("wake-op", futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L, &other, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0)));
  printf("other %d\n", other);
  result("bad wake-op", futex(&word, FUTEX_WAKE_OP, 1, (void *)1L, &other, FUTEX_OP(6, 5, FUTEX_OP_CMP_EQ, 0)));
}

static void *die_with_lock(void *unused) { return pthread_mutex_lock(&mutex), unused; }
static void *trylock(void *r) { *(int *)r = pthread_mutex_trylock(&mutex); return NULL; }
static void *hold(void *ms) {
  pthread_mutex_lock(&mutex);
  usleep((long)ms * 1000);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void owner_dies(const char *name, int protocol) {
  init(PTHREAD_MUTEX_NORMAL, 1, protocol);
  pthread_t t;
  pthread_create(&t, NULL, die_with_lock, NULL);
  pthread_join(t, NULL);
  printf("%s robust: lock %d", name, pthread_mutex_lock(&mutex));
  printf(" consistent %d", pthread_mutex_consistent(&mutex));
  printf(" unlock %d", pthread_mutex_unlock(&mutex));
  printf(" again %d\n", pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
  pthread_create(&t, NULL, die_with_lock, NULL);
  pthread_join(t, NULL);
  printf("%s given up: %d", name, pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
  printf(" then %d\n", pthread_mutex_lock(&mutex));
}

static void mutexes(const char *name, int protocol) {
  init(PTHREAD_MUTEX_NORMAL, 0, protocol);
  counter = 0;
  together(add, (void *)5000L);
  printf("%s: counted %ld\n", name, counter);
  init(PTHREAD_MUTEX_ERRORCHECK, 0, protocol);
  pthread_mutex_lock(&mutex);
  printf("%s twice: %d\n", name, pthread_mutex_lock(&mutex));
  int r;
  pthread_t t;
  pthread_create(&t, NULL, trylock, &r);
  pthread_join(t, NULL);
  printf("%s tried by another: %d\n", name, r);
  pthread_mutex_unlock(&mutex);
  printf("%s not mine: %d\n", name, pthread_mutex_unlock(&mutex));
  pthread_create(&t, NULL, hold, (void *)60L);
  usleep(20000);
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 10000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  printf("%s timed: %d\n", name, pthread_mutex_timedlock(&mutex, &soon));
  printf("%s in the end: %d\n", name, pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
  pthread_join(t, NULL);
  owner_dies(name, protocol);
}

static int turns, serial;
static void *take_turns(void *n) {
  for (int i = 0; i < 200; i++) {
    pthread_mutex_lock(&mutex);
    while (turns % THREADS != (long)n) pthread_cond_wait(&cond, &mutex);
    turns++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}
static void *meet(void *unused) {
  for (int i = 0; i < 50; i++)
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __sync_fetch_and_add(&serial, 1);
  return unused;
}

static void conditions(const char *name, int protocol) {
  init(PTHREAD_MUTEX_NORMAL, 0, protocol);
  turns = 0;
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, take_turns, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%s: turns %d\n", name, turns);
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 5000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  printf("%s: timed wait %d\n", name, pthread_cond_timedwait(&cond, &mutex, &soon));
  pthread_mutex_unlock(&mutex);
}

static void shared(void) {
  struct {
    sem_t request, answer;
    pthread_mutex_t lock;
    int value;
  } *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(&page->request, 1, 0), sem_init(&page->answer, 1, 0);
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&page->lock, &a);
  fflush(stdout);
  pid_t child = make_child();
  if (child == 0) {
    for (int i = 0; i < 100; i++) {
      sem_wait(&page->request);
      page->value++;
      sem_post(&page->answer);
    }
    pthread_mutex_lock(&page->lock);
    kill(getpid(), SIGKILL);
  }
  for (int i = 0; i < 100; i++) {
    sem_post(&page->request);
    sem_wait(&page->answer);
  }
  int status;
  waitpid(child, &status, 0);
  printf("between processes: %d, killed by %d\n", page->value, WTERMSIG(status));
  printf("lock of a killed process: %d\n", pthread_mutex_lock(&page->lock));
}

static void several(void) {
  struct futex_waitv v[2];
  memset(v, 0, sizeof v);
  for (int i = 0; i < 2; i++) v[i].uaddr = (long)(i ? &other : &word), v[i].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
  atomic_store(&word, 0), atomic_store(&other, 1);
  result("waitv, value differs", syscall(449, v, 2, 0, NULL, 0));
  result("waitv of none", syscall(449, v, 0, 0, NULL, 0));
  v[1].flags = FUTEX_PRIVATE_FLAG;
  result("waitv, no size", syscall(449, v, 2, 0, NULL, 0));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  direct();
  mutexes("mutex", 0);
  mutexes("PI mutex", PTHREAD_PRIO_INHERIT);
  conditions("condition", 0);
  conditions("condition with PI", PTHREAD_PRIO_INHERIT);
  pthread_barrier_init(&barrier, NULL, THREADS);
  together(meet, NULL);
  printf("barrier: %d rounds\n", serial);
  shared();
  several();
  return 0;
}
