/* The FPU over signal handlers: kept, fresh in the handler, and changed through the frame. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* fork(2) that can't fail, since signals for process -1 would go to everybody; its child does not outlive us. */
static pid_t make_child(void) {
  pid_t pid = fork();
  if (pid < 0) exit(99);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

static volatile int mode, seen_mxcsr, seen_cw, magic_ok;

static unsigned mxcsr(void) { unsigned m; __asm__ volatile("stmxcsr %0" : "=m"(m)); return m; }
static void set_mxcsr(unsigned m) { __asm__ volatile("ldmxcsr %0" ::"m"(m)); }
static unsigned control(void) { unsigned short c; __asm__ volatile("fnstcw %0" : "=m"(c)); return c; }
static void set_control(unsigned short c) { __asm__ volatile("fldcw %0" ::"m"(c)); }

static void handler(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)info;
  ucontext_t *u = context;
  struct _libc_fpstate *fp = u->uc_mcontext.fpregs;
  seen_mxcsr = mxcsr();
  seen_cw = control();
  uint32_t *software = (uint32_t *)((char *)fp + 464);
  /* FP_XSTATE_MAGIC1, and FP_XSTATE_MAGIC2 where the area ends. */
  magic_ok = software[0] == 0x46505853 && *(uint32_t *)((char *)fp + software[4]) == 0x46505845 &&
             software[1] == software[4] + 4 && ((uintptr_t)fp & 63) == 0;
  __asm__ volatile("vpcmpeqd %%ymm5, %%ymm5, %%ymm5; pcmpeqd %%xmm6, %%xmm6; fld1; fldpi" ::: "xmm5", "xmm6");
  if (mode == 1) memset(&fp->_xmm[6], 0x5a, 16);
  if (mode == 2) fp->mxcsr |= 0x6000;
  if (mode == 3) fp->mxcsr |= 0x10000;
  if (mode == 4) *(uint64_t *)((char *)fp + 512) |= 1ull << 62;
  if (mode == 5) *(uint64_t *)((char *)fp + 520) = ~0ull;
  if (mode == 6) software[0] = 0;
  if (mode == 7) u->uc_mcontext.fpregs = NULL;
  if (mode == 8) u->uc_mcontext.fpregs = (void *)((char *)fp + 8);
  if (mode == 9) u->uc_mcontext.fpregs = (void *)0x10000;
}

/* Loads registers, is interrupted, and looks at them again. */
static void round_trip(int how) {
  unsigned char in[64], out[64];
  for (int i = 0; i < 64; i++) in[i] = i + 1, out[i] = 0;
  mode = how;
  long double deep = 3.25L, back;
  long pid = getpid(), r;
  __asm__ volatile(
      "vmovdqu (%[in]), %%ymm5\n movdqu 32(%[in]), %%xmm6\n fldt %[deep]\n"
      "mov $62, %%eax\n mov %[pid], %%rdi\n mov $10, %%esi\n syscall\n"
      "fstpt %[back]\n vmovdqu %%ymm5, (%[out])\n movdqu %%xmm6, 32(%[out])\n"
      : "=&a"(r), [back] "=m"(back)
      : [in] "b"(in), [out] "r"(out), [pid] "r"(pid), [deep] "m"(deep)
      : "rdi", "rsi", "rcx", "r11", "memory", "xmm5", "xmm6");
  printf("mode %d: kill %ld ymm5 %d %d xmm6 %02x %02x x87 %.2Lf mxcsr %x\n", how, r, memcmp(in, out, 16) == 0,
         memcmp(in + 16, out + 16, 16) == 0, out[32], out[47], back, mxcsr());
}

static void in_child(int how) {
  fflush(stdout);
  if (make_child() == 0) {
    round_trip(how);
    fflush(stdout);
    _exit(0);
  }
  int status;
  wait(&status);
  if (WIFSIGNALED(status)) printf("mode %d: killed by %d\n", how, WTERMSIG(status));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 8192);
  if (!__builtin_cpu_supports("avx")) return 0;
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &a, NULL);
  set_mxcsr(0x1fa0 | 0x2000);
  set_control(0x27f);
  round_trip(0);
  printf("handler starts with mxcsr %x, control word %x, frame well formed %d\n", seen_mxcsr, seen_cw, magic_ok);
  printf("back: mxcsr %x, control word %x\n", mxcsr(), control());
  set_mxcsr(0x1f80);
  set_control(0x37f);
  for (int how = 1; how <= 9; how++) in_child(how);
  return 0;
}
