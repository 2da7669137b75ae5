/* Threads that compute, lock and sleep under a storm of queued signals: none is lost, and nothing else suffers. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 1000

static _Atomic int to_thread, to_process, running = THREADS;
static _Atomic long sum_sent, sum_got;
static pthread_t threads[THREADS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start;
static long counter;
static _Atomic int broken;

static void on_signal(int sig, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  volatile double d = info->si_value.sival_int;
  d = d * 1.5 + 1;
  atomic_fetch_add(sig == SIGRTMIN ? &to_thread : &to_process, 1);
  atomic_fetch_add(&sum_got, info->si_value.sival_int);
  errno = saved;
}

/* Works in vector registers that a handler must not disturb. */
static double compute(int seed) {
  double a[8], sum = 0;
  for (int i = 0; i < 8; i++) a[i] = seed + i;
  for (int k = 0; k < 500; k++)
    for (int i = 0; i < 8; i++) a[i] = a[i] * 0.5 + i;
  for (int i = 0; i < 8; i++) sum += a[i];
  return sum;
}

static void send(int i, int sig, pthread_t to) {
  union sigval value = {.sival_int = i};
  /* The queue may be full for a moment. */
  while ((sig == SIGRTMIN ? pthread_sigqueue(to, sig, value) : sigqueue(getpid(), sig, value) ? errno : 0) == EAGAIN) sched_yield();
  atomic_fetch_add(&sum_sent, i);
}

static void *work(void *number) {
  long n = (long)number;
  pthread_barrier_wait(&start);
  double expected = compute(n);
  for (int i = 0; i < ROUNDS; i++) {
    send(i, SIGRTMIN, threads[(n + 1 + i % (THREADS - 1)) % THREADS]);
    if (i % 4 == 0) send(i, SIGRTMIN + 1, 0);
    if (compute(n) != expected) broken++;
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
    if (i % 100 == 0) {
      struct timespec t = {0, 100000};
      while (nanosleep(&t, &t) && errno == EINTR) ;
    }
  }
  running--;
  /* Signals may still be on their way here. */
  while (running > 0) sched_yield();
  return NULL;
}

int main(void) {
  struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGRTMIN, &a, NULL), sigaction(SIGRTMIN + 1, &a, NULL);
  pthread_barrier_init(&start, NULL, THREADS + 1);
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  pthread_barrier_wait(&start);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("to threads %d, to the process %d\n", to_thread, to_process);
  printf("values %s, counter %ld, broken %d\n", sum_sent == sum_got ? "agree" : "differ", counter, broken);
  return 0;
}
