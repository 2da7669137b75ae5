/**
 * The stub: all the machine code that the project brings along. One page, mapped read-only and executable at the start
 * of the stub region; it uses no stack and trusts no register and no writable memory where that would give power.
 *
 * Two kinds of threads run it. The *command thread*, one per stub process, never runs guest code: it loads system calls
 * from the read-only command page into registers and makes them. A *guest thread* runs guest code; the stub's part is the
 * handler into which every trap leads, which posts the trap, waits for the kernel, and returns with rt_sigreturn.
 */
import {
  at,
  atAddress,
  atLabel,
  Assembler,
  eax,
  ebp,
  ecx,
  edi,
  edx,
  esi,
  r10,
  r10d,
  r12d,
  r13,
  r8,
  r8d,
  r9,
  r9d,
  rax,
  rbx,
  rdi,
  rdx,
  rsi,
  rsp,
} from './assembler.js';
import { assembleFilter, type FilterSites } from './filter.js';
import {
  CODE_PAGE,
  COMMAND_ENTRIES,
  COMMAND_PAGE,
  ENTRY_FLAGS,
  ENTRY_FORK,
  ENTRY_LAST,
  ENTRY_SIZE,
  ENTRY_THREAD,
  FD_COMMAND,
  FD_DOORBELL,
  FD_MAILBOX,
  FD_RESULT,
  MAILBOX_FINISHED,
  MAILBOX_FRAME,
  MAILBOX_FS,
  MAILBOX_GS,
  MAILBOX_STATE,
  SHARED_COMMAND_SPIN,
  SHARED_GUEST_SPIN,
  SHARED_PAGE,
  SHARED_SLEEPING,
  SLOTS,
  STATE_EXIT,
  STATE_PARK,
  STATE_SLEEPING,
  STATE_TRAPPED,
  WINDOW_SLOTS,
} from './layout.js';
import {
  FUTEX_WAIT,
  FUTEX_WAKE,
  MAP_FIXED_NOREPLACE,
  MAP_SHARED,
  NR_exit,
  NR_exit_group,
  NR_futex,
  NR_getppid,
  NR_lseek,
  NR_mmap,
  NR_prctl,
  NR_rt_sigreturn,
  NR_seccomp,
  NR_write,
  PROT_READ,
  PROT_WRITE,
  PR_SET_PDEATHSIG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_SET_MODE_FILTER,
  SIGKILL,
} from './system-calls.js';

export interface StubParameters {
  /** Bytes per slot, a power of two. */
  readonly slotSize: number;
  /** The process that must be a stub's parent; without it the stub ends. */
  readonly parentPid: number;
}

export interface Stub {
  /** The ELF file. */
  readonly image: Uint8Array;
  /** The address of the signal handler, and of its rt_sigreturn. */
  readonly handler: number;
  readonly restorer: number;
  /** A system call instruction that no filter lets pass: the platform's first trap. */
  readonly trapSite: number;
  readonly sites: FilterSites;
}

/** Exit codes of a stub that could not start. */
export const EXIT_ORPHAN = 101;
export const EXIT_NO_ROOM = 102;
export const EXIT_NO_FILTER = 103;

const HEADER_SIZE = 64 + 2 * 56;
const PAGE = 4096;

/** The ELF header and two program headers: the page itself, and a stack that is not executable. */
function elfHeader(entry: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  const set64 = (offset: number, value: number): void => view.setBigUint64(offset, BigInt(value), true);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // EM_X86_64
  view.setUint32(20, 1, true);
  set64(24, entry);
  set64(32, 64);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 5, true); // PF_R | PF_X
  set64(80, CODE_PAGE);
  set64(88, CODE_PAGE);
  set64(96, PAGE);
  set64(104, PAGE);
  set64(112, PAGE);
  view.setUint32(120, 0x6474_e551, true); // PT_GNU_STACK
  view.setUint32(124, 6, true); // PF_R | PF_W
  set64(168, 16);
  return bytes;
}

const shared = (offset: number) => atAddress(SHARED_PAGE + offset);

/** mmap of `length` bytes of a descriptor at a fixed address that must be free. Leaves through `failure`. */
function mapNew(a: Assembler, address: number, length: number, protection: number, fd: number): void {
  a.movabs(rdi, address).mov(esi, length).mov(edx, protection);
  a.mov(r10d, MAP_SHARED | MAP_FIXED_NOREPLACE)
    .mov(r8d, fd)
    .mov(r9d, 0);
  a.mov(eax, NR_mmap).syscall();
  a.op('cmp', rax, rdi).j('ne', 'no room');
}

/** Start: map the shared and the command page and the first window of slots, and become the zygote's command thread. */
function start(a: Assembler, { slotSize, parentPid }: StubParameters): void {
  a.label('start');
  mapNew(a, SHARED_PAGE, 2 * PAGE, PROT_READ, FD_COMMAND);
  mapNew(a, SLOTS, WINDOW_SLOTS * slotSize, PROT_READ | PROT_WRITE, FD_MAILBOX);
  a.movabs(r13, COMMAND_PAGE).mov(r12d, at(r13)).mov(ebp, ENTRY_LAST);

  // Also the first steps of a forked child. Die with the thread that spawned us, and do not outlive it now.
  a.label('adopt');
  a.mov(edi, PR_SET_PDEATHSIG).mov(esi, SIGKILL).mov(eax, NR_prctl).syscall();
  a.mov(eax, NR_getppid).syscall();
  a.op('cmp', eax, parentPid).j('ne', 'orphan');
  a.jmp('command done');
}

/**
 * The command loop. r13: the command page; r12: the sequence number of the last batch; rbx: the next entry; rbp: the
 * flags of the present one. Nothing else is kept, and nothing is ever read from memory that guest code can write.
 */
function commandLoop(a: Assembler): void {
  a.label('command wait');
  a.rdtsc().mov(r8d, eax);
  a.label('command spin');
  a.mov(eax, at(r13)).op('cmp', eax, r12d).j('ne', 'command run');
  a.pause().rdtsc().op('sub', eax, r8d).op('cmp', eax, shared(SHARED_COMMAND_SPIN)).j('b', 'command spin');
  a.mov(rdi, r13).mov(esi, FUTEX_WAIT).mov(edx, r12d).mov(r10d, 0);
  a.mov(eax, NR_futex).syscall();
  a.jmp('command wait');

  a.label('command run');
  a.mov(r12d, eax).lea(rbx, at(r13, COMMAND_ENTRIES));
  a.label('command next');
  a.mov(rax, at(rbx)).mov(rdi, at(rbx, 8)).mov(rsi, at(rbx, 16)).mov(rdx, at(rbx, 24));
  a.mov(r10, at(rbx, 32)).mov(r8, at(rbx, 40)).mov(r9, at(rbx, 48)).mov(ebp, at(rbx, ENTRY_FLAGS));
  a.op('add', rbx, ENTRY_SIZE);
  a.syscall();
  a.op('cmp', rax, -4096).j('a', 'command report');
  a.test(ebp, ENTRY_THREAD | ENTRY_FORK).j('nz', 'command cloned');
  a.label('command done');
  a.test(ebp, ENTRY_LAST).j('z', 'command next');

  // The report. The position of FD_RESULT is out of the guest's reach; the word and the wake-up only tell when to look.
  a.label('command report');
  a.mov(esi, eax).mov(eax, r12d).op('and', eax, 0xf_ffff).shl(rax, 32).op('or', rsi, rax);
  a.mov(edi, FD_RESULT).mov(edx, 0).mov(eax, NR_lseek).syscall();
  a.mov(atAddress(SLOTS + MAILBOX_FINISHED), r12d);
  a.lea(rdi, atAddress(SLOTS + MAILBOX_FINISHED))
    .mov(esi, FUTEX_WAKE)
    .mov(edx, 1);
  a.mov(eax, NR_futex).syscall();
  a.jmp('command wait');

  a.label('command cloned');
  a.test(ebp, ENTRY_FORK).j('nz', 'forked');
  a.test(eax, eax).j('nz', 'command done');
  a.jmp('thread start');
  a.label('forked');
  a.test(eax, eax).j('nz', 'command wait');
  a.jmp('adopt');
}

/**
 * A guest thread. Its stack pointer is a signal frame that the kernel has prepared, as if it had trapped before its first
 * instruction; signals are blocked until the rt_sigreturn that starts it.
 */
function threadStart(a: Assembler): void {
  a.label('thread start');
  a.mov(edi, SECCOMP_SET_MODE_FILTER)
    .mov(esi, SECCOMP_FILTER_FLAG_SPEC_ALLOW)
    .lea(rdx, atLabel('filter descriptor'));
  a.mov(eax, NR_seccomp).syscall();
  a.test(eax, eax).j('nz', 'no filter');
}

/** The handler, at the signal frame. rbx: the mailbox, which is where the stack pointer's slot begins. */
function handler(a: Assembler, { slotSize }: StubParameters): void {
  a.jmp('wait');
  a.label('handler');
  a.mov(rbx, rsp).op('and', rbx, -slotSize);
  a.rdfsbase(rax).mov(at(rbx, MAILBOX_FS), rax);
  a.rdgsbase(rax).mov(at(rbx, MAILBOX_GS), rax);
  a.mov(at(rbx, MAILBOX_FRAME), rsp);
  a.mov(eax, STATE_TRAPPED).xchg(at(rbx, MAILBOX_STATE), eax); // a full fence: SHARED_SLEEPING is read after it
  a.op('cmp', shared(SHARED_SLEEPING), 0).j('e', 'wait');
  a.mov(edi, FD_DOORBELL).lea(rsi, atLabel('ring value')).mov(edx, 8).mov(eax, NR_write).syscall();
  a.label('site ring');

  a.label('wait');
  a.mov(rbx, rsp).op('and', rbx, -slotSize);
  a.rdtsc().mov(r8d, eax);
  a.label('spin');
  a.mov(eax, at(rbx, MAILBOX_STATE)).op('cmp', eax, STATE_TRAPPED).j('ne', 'decide');
  a.pause().rdtsc().op('sub', eax, r8d).op('cmp', eax, shared(SHARED_GUEST_SPIN)).j('b', 'spin');
  a.mov(eax, STATE_TRAPPED);
  a.label('sleep');
  a.mov(ecx, STATE_SLEEPING).lockCmpxchg(at(rbx, MAILBOX_STATE), ecx).j('ne', 'decide');
  a.label('sleep again');
  a.mov(rdi, rbx).mov(esi, FUTEX_WAIT).mov(edx, STATE_SLEEPING).mov(r10d, 0).mov(eax, NR_futex).syscall();
  a.label('site wait');
  a.mov(eax, at(rbx, MAILBOX_STATE)).op('cmp', eax, STATE_SLEEPING).j('e', 'sleep again');
  a.label('decide');
  a.test(eax, eax).j('z', 'resume');
  a.op('cmp', eax, STATE_PARK).j('e', 'sleep');
  a.op('cmp', eax, STATE_EXIT).j('ne', 'spin');
  a.mov(edi, 0).mov(eax, NR_exit).syscall();
  a.label('site exit');
  a.ud2();

  a.label('resume');
  a.mov(rax, at(rbx, MAILBOX_FS)).wrfsbase(rax);
  a.mov(rax, at(rbx, MAILBOX_GS)).wrgsbase(rax);
  a.op('add', rsp, 8);
  a.label('restorer');
  a.mov(eax, NR_rt_sigreturn).syscall();
  a.label('site sigreturn');
  a.ud2();

  a.label('trap');
  a.mov(eax, -1).syscall();
  a.ud2();
}

function failures(a: Assembler): void {
  const failure = (label: string, code: number): void => {
    a.label(label).mov(edi, code).mov(eax, NR_exit_group).syscall().ud2();
  };
  failure('orphan', EXIT_ORPHAN);
  failure('no room', EXIT_NO_ROOM);
  failure('no filter', EXIT_NO_FILTER);
}

/** Assembles the stub. */
export function assembleStub(parameters: StubParameters): Stub {
  const a = new Assembler(CODE_PAGE + HEADER_SIZE);
  start(a, parameters);
  commandLoop(a);
  threadStart(a);
  handler(a, parameters);
  failures(a);
  a.align(8).label('ring value').word64(1);
  const sites: FilterSites = {
    wait: a.addressOf('site wait'),
    ring: a.addressOf('site ring'),
    sigreturn: a.addressOf('site sigreturn'),
    exit: a.addressOf('site exit'),
    ringValue: a.addressOf('ring value'),
  };
  const filter = assembleFilter(sites);
  a.label('filter').raw(...filter);
  a.label('filter descriptor')
    .word64(filter.length / 8)
    .word64(a.addressOf('filter'));

  const image = new Uint8Array(PAGE);
  image.set(elfHeader(a.addressOf('start')));
  image.set(a.assemble(), HEADER_SIZE);
  return {
    image,
    handler: a.addressOf('handler'),
    restorer: a.addressOf('restorer'),
    trapSite: a.addressOf('trap'),
    sites,
  };
}
