/** The host calls that the platform makes. Those declared with `call` give the negated errno on failure. */
import { call, declare } from '../ffi.js';

export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;
export const F_DUPFD_CLOEXEC = 1030;
export const O_RDONLY = 0;
export const O_CLOEXEC = 0o2000000;
export const SEEK_CUR = 1;
export const WNOHANG = 1;
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLLIN = 1;
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;

export const memfd_create = call<[string, number]>('int memfd_create(const char *name, unsigned int flags)');
export const ftruncate = call<[number, number]>('int ftruncate(int fd, int64_t length)');
export const fallocate = call<[number, number, number, number]>(
  'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
);
export const open = call<[string, number]>('int open(const char *path, int flags)');
export const fcntl = call<[number, number, number]>('int fcntl(int fd, int operation, int argument)');
export const close = call<[number]>('int close(int fd)');
export const eventfd = call<[number, number]>('int eventfd(unsigned int initial, int flags)');
export const read = call<[number, Uint8Array, number]>('intptr_t read(int fd, void *to, size_t count)');
export const pwrite = call<[number, Uint8Array, number, number]>(
  'intptr_t pwrite(int fd, const void *from, size_t count, int64_t offset)',
);
export const lseek = call<[number, number, number]>('int64_t lseek(int fd, int64_t offset, int whence)');
export const kill = call<[number, number]>('int kill(int pid, int signal)');
export const tgkill = call<[number, number, number]>('int tgkill(int pid, int tid, int signal)');
export const waitpid = call<[number, Int32Array | null, number]>(
  'int waitpid(int pid, void *status, int options)',
);
export const prctl = call<[number, number, number, number, number]>(
  'int prctl(int option, long a, long b, long c, long d)',
);
export const clock_gettime = call<[number, BigInt64Array]>('int clock_gettime(int clock, void *time)');
export const getpriority = declare<(which: number, who: number) => number>(
  'int getpriority(int which, int who)',
);
export const sched_yield = call<[]>('int sched_yield()');
export const sched_getcpu = declare<() => number>('int sched_getcpu()');
/** A thread's processors: a mask of 64-bit words. */
export const sched_setaffinity = call<[number, number, Uint8Array]>(
  'int sched_setaffinity(int tid, size_t size, const void *mask)',
);
export const sched_getaffinity = call<[number, number, Uint8Array]>(
  'int sched_getaffinity(int tid, size_t size, void *mask)',
);
export const epoll_create1 = call<[number]>('int epoll_create1(int flags)');
export const epoll_ctl = call<[number, number, number, Uint8Array | null]>(
  'int epoll_ctl(int epfd, int operation, int fd, void *event)',
);

/** syscall(2) with integers: a futex call that only wakes, pidfd_open. */
export const syscall = call<[number, number, number, number, number]>(
  'long syscall(long nr, long a, long b, long c, long d)',
);
/** syscall(2) with a structure as its fourth or third argument: FUTEX_WAIT with a timeout, seccomp. */
export const syscallWithTimeout = call<[number, number, number, number, Int32Array]>(
  'long syscall(long nr, long a, long b, long c, void *d)',
);
export const syscallWithStruct = call<[number, number, number, Int32Array]>(
  'long syscall(long nr, long a, long b, void *c)',
);

/** syscall(2) for sched_setattr, which glibc has no function for. */
export const setSchedulingAttributes = call<[number, number, Int32Array, number]>(
  'long syscall(long nr, long tid, const void *attributes, long flags)',
);

/** These give an error number, not -1. `actions` is a posix_spawn_file_actions_t. */
export const posix_spawn = declare<
  (
    pid: Int32Array,
    path: string,
    actions: Uint8Array,
    attributes: null,
    argv: (string | null)[],
    envp: null[],
  ) => number
>(
  'int posix_spawn(void *pid, const char *path, const void *actions, const void *attributes, const char **argv, const char **envp)',
);
export const posix_spawn_file_actions_init = declare<(actions: Uint8Array) => number>(
  'int posix_spawn_file_actions_init(void *actions)',
);
export const posix_spawn_file_actions_adddup2 = declare<
  (actions: Uint8Array, from: number, to: number) => number
>('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
export const posix_spawn_file_actions_destroy = declare<(actions: Uint8Array) => number>(
  'int posix_spawn_file_actions_destroy(void *actions)',
);
/** glibc: 80 bytes on x86-64. */
export const FILE_ACTIONS_SIZE = 80;

/** Throws what a host call's failure means for the start of the platform. */
export function must(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed: errno ${-result}`);
  return result;
}
