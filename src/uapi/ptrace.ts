/** ptrace(2): linux/ptrace.h, asm/ptrace.h, asm/ptrace-abi.h, sys/user.h. */
import { FlagSet } from '../lib/flags.js';
import { array, s64, struct, u16, u32, u64, u8, word64 } from '../lib/struct.js';

export const PTRACE_TRACEME = 0x0;
export const PTRACE_PEEKTEXT = 0x1;
export const PTRACE_PEEKDATA = 0x2;
export const PTRACE_PEEKUSR = 0x3;
export const PTRACE_POKETEXT = 0x4;
export const PTRACE_POKEDATA = 0x5;
export const PTRACE_POKEUSR = 0x6;
export const PTRACE_CONT = 0x7;
export const PTRACE_KILL = 0x8;
export const PTRACE_SINGLESTEP = 0x9;
export const PTRACE_ATTACH = 0x10;
export const PTRACE_DETACH = 0x11;
export const PTRACE_SYSCALL = 0x18;
export const PTRACE_SETOPTIONS = 0x4200;
export const PTRACE_GETEVENTMSG = 0x4201;
export const PTRACE_GETSIGINFO = 0x4202;
export const PTRACE_SETSIGINFO = 0x4203;
export const PTRACE_GETREGSET = 0x4204;
export const PTRACE_SETREGSET = 0x4205;
export const PTRACE_SEIZE = 0x4206;
export const PTRACE_INTERRUPT = 0x4207;
export const PTRACE_LISTEN = 0x4208;
export const PTRACE_PEEKSIGINFO = 0x4209;
export const PTRACE_GETSIGMASK = 0x420a;
export const PTRACE_SETSIGMASK = 0x420b;
export const PTRACE_SECCOMP_GET_FILTER = 0x420c;
export const PTRACE_SECCOMP_GET_METADATA = 0x420d;
export const PTRACE_GET_SYSCALL_INFO = 0x420e;
export const PTRACE_GET_RSEQ_CONFIGURATION = 0x420f;
export const PTRACE_EVENTMSG_SYSCALL_ENTRY = 0x1;
export const PTRACE_EVENTMSG_SYSCALL_EXIT = 0x2;
export const PTRACE_GETREGS = 12;
export const PTRACE_SETREGS = 13;
export const PTRACE_GETFPREGS = 14;
export const PTRACE_SETFPREGS = 15;
export const PTRACE_GETFPXREGS = 18;
export const PTRACE_SETFPXREGS = 19;
export const PTRACE_OLDSETOPTIONS = 21;
export const PTRACE_GET_THREAD_AREA = 25;
export const PTRACE_SET_THREAD_AREA = 26;
export const PTRACE_ARCH_PRCTL = 30;
export const PTRACE_SYSEMU = 31;
export const PTRACE_SYSEMU_SINGLESTEP = 32;
export const PTRACE_SINGLEBLOCK = 33;
export const PTRACE_EVENT_FORK = 1;
export const PTRACE_EVENT_VFORK = 2;
export const PTRACE_EVENT_CLONE = 3;
export const PTRACE_EVENT_EXEC = 4;
export const PTRACE_EVENT_VFORK_DONE = 5;
export const PTRACE_EVENT_EXIT = 6;
export const PTRACE_EVENT_SECCOMP = 7;
export const PTRACE_EVENT_STOP = 128;
export const PTRACE_O_TRACESYSGOOD = 0x1;
export const PTRACE_O_TRACEFORK = 0x2;
export const PTRACE_O_TRACEVFORK = 0x4;
export const PTRACE_O_TRACECLONE = 0x8;
export const PTRACE_O_TRACEEXEC = 0x10;
export const PTRACE_O_TRACEVFORKDONE = 0x20;
export const PTRACE_O_TRACEEXIT = 0x40;
export const PTRACE_O_TRACESECCOMP = 0x80;
export const PTRACE_O_EXITKILL = 0x10_0000;
export const PTRACE_O_SUSPEND_SECCOMP = 0x20_0000;
export const ptraceOptions = new FlagSet({
  PTRACE_O_TRACESYSGOOD,
  PTRACE_O_TRACEFORK,
  PTRACE_O_TRACEVFORK,
  PTRACE_O_TRACECLONE,
  PTRACE_O_TRACEEXEC,
  PTRACE_O_TRACEVFORKDONE,
  PTRACE_O_TRACEEXIT,
  PTRACE_O_TRACESECCOMP,
  PTRACE_O_EXITKILL,
  PTRACE_O_SUSPEND_SECCOMP,
});
export const PTRACE_PEEKSIGINFO_SHARED = 1;
export const ptrace_peeksiginfo_args = struct({ off: u64, flags: u32, nr: u32 });

export const PTRACE_SYSCALL_INFO_NONE = 0;
export const PTRACE_SYSCALL_INFO_ENTRY = 1;
export const PTRACE_SYSCALL_INFO_EXIT = 2;
export const PTRACE_SYSCALL_INFO_SECCOMP = 3;
/** PTRACE_GET_SYSCALL_INFO on entry; `ret_data` only at a seccomp stop. */
export const ptrace_syscall_info_entry = struct(
  {
    op: u8,
    __pad: array(u8, 3),
    arch: u32,
    instruction_pointer: word64,
    stack_pointer: word64,
    nr: word64,
    args: array(word64, 6),
    ret_data: u32,
  },
  { align: 8 },
);
export const ptrace_syscall_info_exit = struct(
  {
    op: u8,
    __pad: array(u8, 3),
    arch: u32,
    instruction_pointer: word64,
    stack_pointer: word64,
    rval: s64,
    is_error: u8,
  },
  { align: 8, size: 88 },
);

/** General registers as PTRACE_GETREGS and NT_PRSTATUS have them. */
export const user_regs_struct = struct({
  r15: word64,
  r14: word64,
  r13: word64,
  r12: word64,
  rbp: word64,
  rbx: word64,
  r11: word64,
  r10: word64,
  r9: word64,
  r8: word64,
  rax: word64,
  rcx: word64,
  rdx: word64,
  rsi: word64,
  rdi: word64,
  orig_rax: word64,
  rip: word64,
  cs: word64,
  eflags: word64,
  rsp: word64,
  ss: word64,
  fs_base: word64,
  gs_base: word64,
  ds: word64,
  es: word64,
  fs: word64,
  gs: word64,
});
/** FXSAVE's layout: PTRACE_GETFPREGS. */
export const user_fpregs_struct = struct({
  cwd: u16,
  swd: u16,
  ftw: u16,
  fop: u16,
  rip: word64,
  rdp: word64,
  mxcsr: u32,
  mxcr_mask: u32,
  st_space: array(u32, 32),
  xmm_space: array(u32, 64),
  padding: array(u32, 24),
});
/** What PTRACE_PEEKUSER and PTRACE_POKEUSER look at, by offset. */
export const user = struct({
  regs: user_regs_struct,
  u_fpvalid: u32,
  i387: user_fpregs_struct,
  u_tsize: u64,
  u_dsize: u64,
  u_ssize: u64,
  start_code: u64,
  start_stack: u64,
  signal: s64,
  reserved: u32,
  u_ar0: u64,
  u_fpstate: u64,
  magic: u64,
  u_comm: array(u8, 32),
  u_debugreg: array(u64, 8),
});
