/* The smallest program that does something: a few sections, read-only and writable data, and a system call. */
static const char text[] = "tiny\n";
static volatile long counter = 7;
static volatile char zeros[8192];

static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

void _start(void) {
  zeros[4096] = (char)counter++;
  call(1, 1, (long)text, sizeof text - 1);
  call(231, zeros[4096] - 7, 0, 0);
}
