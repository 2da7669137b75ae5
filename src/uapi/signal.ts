/** signal(7), sigaction(2), sigaltstack(2): asm/signal.h, asm-generic/siginfo.h, asm/sigcontext.h, asm/ucontext.h. */
import { FlagSet } from '../lib/flags.js';
import { array, bytes, s16, s32, s64, struct, u16, u32, u64, word64 } from '../lib/struct.js';

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGIOT = SIGABRT;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPOLL = SIGIO;
export const SIGPWR = 30;
export const SIGSYS = 31;
export const SIGRTMIN = 32;
export const SIGRTMAX = 64;
/** How many signals there are; the highest number. */
export const _NSIG = 64;

/** Names by number, index 0 unused; real-time signals have none. */
export const signalNames: readonly string[] = [
  '',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
];

/** A signal's name for traces. */
export const signalName = (signal: number): string =>
  signalNames[signal] ?? (signal <= SIGRTMAX ? `SIGRT_${signal - SIGRTMIN}` : String(signal));

export const SA_NOCLDSTOP = 0x1;
export const SA_NOCLDWAIT = 0x2;
export const SA_SIGINFO = 0x4;
export const SA_UNSUPPORTED = 0x400;
export const SA_EXPOSE_TAGBITS = 0x800;
export const SA_RESTORER = 0x400_0000;
export const SA_ONSTACK = 0x800_0000;
export const SA_RESTART = 0x1000_0000;
export const SA_NODEFER = 0x4000_0000;
export const SA_RESETHAND = 0x8000_0000;

/** sigaction(2) drops other bits, so that programs can test for new ones. */
export const saFlags = new FlagSet({
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_SIGINFO,
  SA_EXPOSE_TAGBITS,
  SA_RESTORER,
  SA_ONSTACK,
  SA_RESTART,
  SA_NODEFER,
  SA_RESETHAND,
});

export const SIG_DFL = 0;
export const SIG_IGN = 1;

export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

export const SS_ONSTACK = 0x1;
export const SS_DISABLE = 0x2;
export const SS_AUTODISARM = 0x8000_0000;
export const MINSIGSTKSZ = 2048;
export const SIGSTKSZ = 8192;

/** Bytes of a sigset_t in the kernel: what `sigsetsize` arguments must be. */
export const SIGSET_SIZE = 8;

/** struct sigaction as rt_sigaction(2) has it. */
export const sigaction = struct({ sa_handler: u64, sa_flags: word64, sa_restorer: u64, sa_mask: word64 });

export const stack_t = struct({ ss_sp: u64, ss_flags: s32, ss_size: u64 });

/** si_code of signals that user space sent, and of some that the kernel did. */
export const SI_USER = 0;
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_MESGQ = -3;
export const SI_ASYNCIO = -4;
export const SI_SIGIO = -5;
export const SI_TKILL = -6;
export const SI_DETHREAD = -7;
export const SI_ASYNCNL = -60;

export const ILL_ILLOPC = 1;
export const ILL_ILLOPN = 2;
export const ILL_ILLADR = 3;
export const ILL_ILLTRP = 4;
export const ILL_PRVOPC = 5;
export const ILL_PRVREG = 6;
export const ILL_COPROC = 7;
export const ILL_BADSTK = 8;

export const FPE_INTDIV = 1;
export const FPE_INTOVF = 2;
export const FPE_FLTDIV = 3;
export const FPE_FLTOVF = 4;
export const FPE_FLTUND = 5;
export const FPE_FLTRES = 6;
export const FPE_FLTINV = 7;
export const FPE_FLTSUB = 8;
export const FPE_FLTUNK = 14;

export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const SEGV_BNDERR = 3;
export const SEGV_PKUERR = 4;

export const BUS_ADRALN = 1;
export const BUS_ADRERR = 2;
export const BUS_OBJERR = 3;

export const TRAP_BRKPT = 1;
export const TRAP_TRACE = 2;
export const TRAP_BRANCH = 3;
export const TRAP_HWBKPT = 4;
export const TRAP_UNK = 5;

export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

export const POLL_IN = 1;
export const POLL_OUT = 2;
export const POLL_MSG = 3;
export const POLL_ERR = 4;
export const POLL_PRI = 5;
export const POLL_HUP = 6;

export const SYS_SECCOMP = 1;
export const SYS_USER_DISPATCH = 2;

/** Bytes of a siginfo_t. The structures below are its shapes; which one holds depends on si_signo and si_code. */
export const SI_MAX_SIZE = 128;

const header = { si_signo: s32, si_errno: s32, si_code: s32, __pad0: s32 };
const whole = { size: 128, align: 8 };

/** What every shape has, and the rest as bytes. */
export const siginfo = struct({ ...header, _sifields: bytes(112) }, whole);
/** kill(2), tkill(2), and rt_sigqueueinfo(2) with its value. */
export const siginfo_rt = struct({ ...header, si_pid: s32, si_uid: u32, si_value: word64 }, whole);
export const siginfo_timer = struct(
  { ...header, si_timerid: s32, si_overrun: s32, si_value: word64, si_sys_private: s32 },
  whole,
);
export const siginfo_chld = struct(
  { ...header, si_pid: s32, si_uid: u32, si_status: s32, si_utime: s64, si_stime: s64 },
  whole,
);
/** SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP. The last two are bounds (SEGV_BNDERR). */
export const siginfo_fault = struct(
  { ...header, si_addr: u64, si_addr_lsb: s16, si_lower: u64, si_upper: u64 },
  whole,
);
/** SEGV_PKUERR. */
export const siginfo_pkey = struct(
  { ...header, si_addr: u64, si_addr_lsb: s16, __pad1: u32, si_pkey: u32 },
  whole,
);
export const siginfo_poll = struct({ ...header, si_band: s64, si_fd: s32 }, whole);
export const siginfo_sys = struct({ ...header, si_call_addr: u64, si_syscall: s32, si_arch: u32 }, whole);

export const SIGEV_SIGNAL = 0;
export const SIGEV_NONE = 1;
export const SIGEV_THREAD = 2;
export const SIGEV_THREAD_ID = 4;

/** Tells timer_create(2) and mq_notify(2) what to do. */
export const sigevent = struct(
  { sigev_value: word64, sigev_signo: s32, sigev_notify: s32, sigev_notify_thread_id: s32 },
  { size: 64 },
);

/** FXSAVE's layout, the beginning of the XSAVE area; `sw_reserved` is overlaid by `_fpx_sw_bytes` in signal frames. */
export const _fpstate_64 = struct({
  cwd: u16,
  swd: u16,
  twd: u16,
  fop: u16,
  rip: u64,
  rdp: u64,
  mxcsr: u32,
  mxcsr_mask: u32,
  st_space: array(u32, 32),
  xmm_space: array(u32, 64),
  reserved2: array(u32, 12),
  sw_reserved: bytes(48),
});

export const FP_XSTATE_MAGIC1 = 0x4650_5853;
export const FP_XSTATE_MAGIC2 = 0x4650_5845;
export const FP_XSTATE_MAGIC2_SIZE = 4;
/** Where `_fpx_sw_bytes` lies in the XSAVE area. */
export const FPX_SW_BYTES_OFFSET = _fpstate_64.offset.sw_reserved;

export const _fpx_sw_bytes = struct({
  magic1: u32,
  extended_size: u32,
  xfeatures: word64,
  xstate_size: u32,
  padding: array(u32, 7),
});

export const _header = struct({ xfeatures: word64, reserved1: array(u64, 2), reserved2: array(u64, 5) });

/** The registers in a signal frame. Those of general use may hold any 64 bits. */
export const sigcontext = struct({
  r8: word64,
  r9: word64,
  r10: word64,
  r11: word64,
  r12: word64,
  r13: word64,
  r14: word64,
  r15: word64,
  rdi: word64,
  rsi: word64,
  rbp: word64,
  rbx: word64,
  rdx: word64,
  rax: word64,
  rcx: word64,
  rsp: word64,
  rip: word64,
  eflags: word64,
  cs: u16,
  gs: u16,
  fs: u16,
  ss: u16,
  err: u64,
  trapno: u64,
  oldmask: word64,
  cr2: u64,
  fpstate: u64,
  reserved1: array(u64, 8),
});

export const UC_FP_XSTATE = 0x1;
export const UC_SIGCONTEXT_SS = 0x2;
export const UC_STRICT_RESTORE_SS = 0x4;

export const ucontext = struct({
  uc_flags: u64,
  uc_link: u64,
  uc_stack: stack_t,
  uc_mcontext: sigcontext,
  uc_sigmask: word64,
});
