/* Leaving handlers by siglongjmp(3) and setcontext(3), and changing where they return to. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf place;
static volatile int faults;

static int blocked(int sig) {
  sigset_t s;
  sigprocmask(SIG_SETMASK, NULL, &s);
  return sigismember(&s, sig);
}

static void leap(int sig) { siglongjmp(place, sig); }

static void skip(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)info;
  ucontext_t *u = context;
  faults++;
  /* Over `mov (%rax), %ebx`, with a result of our own. */
  u->uc_mcontext.gregs[REG_RIP] += 2;
  u->uc_mcontext.gregs[REG_RBX] = 0x1234;
}

static char *page;
static void repair(int sig, siginfo_t *info, void *context) {
  (void)sig;
  ucontext_t *u = context;
  printf("fault at offset %ld, code %d, error %llx trap %lld cr2 is it %d\n", (long)((char *)info->si_addr - page),
         info->si_code, u->uc_mcontext.gregs[REG_ERR], u->uc_mcontext.gregs[REG_TRAPNO],
         u->uc_mcontext.gregs[REG_CR2] == (long)info->si_addr);
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static ucontext_t saved;
static volatile int resumed;
static void onwards(int sig) { (void)sig; setcontext(&saved); }

static void mask_in_frame(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)info;
  sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static void flags_in_frame(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)info;
  /* Carry on; IF, IOPL and the like are not for the handler to change. */
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] = 0x1 | 0x3000;
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  signal(SIGSEGV, leap);
  for (int i = 0; i < 3; i++) {
    int got = sigsetjmp(place, 1);
    if (got == 0) *(volatile int *)16 = 1;
    printf("longjmp %d: blocked %d\n", got, blocked(SIGSEGV));
  }
  int got = sigsetjmp(place, 0);
  if (got == 0) *(volatile int *)16 = 1;
  printf("without the mask: blocked %d\n", blocked(SIGSEGV));
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);

  struct sigaction a = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &a, NULL);
  long result;
  __asm__ volatile("mov $24, %%rax; mov (%%rax), %%ebx" : "=b"(result)::"rax", "memory");
  printf("skipped: %lx after %d fault\n", result, faults);

  page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  a.sa_sigaction = repair;
  sigaction(SIGSEGV, &a, NULL);
  page[100] = 'x';
  printf("repaired: %c\n", page[100]);
  munmap(page, 4096);

  signal(SIGUSR1, onwards);
  getcontext(&saved);
  if (!resumed++) raise(SIGUSR1);
  printf("setcontext: %d, blocked %d\n", resumed, blocked(SIGUSR1));

  a.sa_sigaction = mask_in_frame;
  sigaction(SIGUSR1, &a, NULL);
  raise(SIGUSR1);
  printf("mask from the frame: %d\n", blocked(SIGUSR2));

  a.sa_sigaction = flags_in_frame;
  sigaction(SIGUSR1, &a, NULL);
  long flags, pid = getpid(), r;
  __asm__ volatile("mov $62, %%eax; syscall; pushf; pop %1"
                   : "=&a"(r), "=r"(flags)
                   : "D"(pid), "S"((long)SIGUSR1)
                   : "rcx", "r11", "memory", "cc");
  printf("flags from the frame: carry %ld, interrupts on %ld, iopl %ld\n", flags & 1, flags >> 9 & 1, flags >> 12 & 3);
  return 0;
}
