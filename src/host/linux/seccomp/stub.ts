/**
 * The stub: all the machine code that the project brings along. One page, mapped read-only and executable at the start
 * of the stub region, and a second one that only the start needs. It uses no stack and trusts no register and no writable
 * memory where that would give power.
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
  r14,
  r15,
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
import { ELF_HEADER_SIZE, elfHeader } from './elf.js';
import { assembleFilter, type FilterSites, type Secret } from './filter.js';
import {
  CODE_PAGE,
  COMMAND_ENTRIES,
  COMMAND_PAGE,
  ENTRY_FLAGS,
  ENTRY_FORK,
  ENTRY_LAST,
  ENTRY_SEAL,
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
  SHARED_GUEST_SPIN,
  SHARED_GUEST_YIELD,
  SHARED_PAGE,
  SHARED_SLEEPING,
  SLOTS,
  START_PAGE,
  STATE_EXIT,
  STATE_PARK,
  STATE_SLEEPING,
  STATE_TRAPPED,
  STATE_YIELD,
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
  NR_sched_yield,
  NR_write,
  PROT_READ,
  PROT_WRITE,
  PR_SET_PDEATHSIG,
  SIGKILL,
} from './system-calls.js';

export interface StubParameters {
  /** Bytes per slot, a power of two. */
  readonly slotSize: number;
  /** The process that must be a stub's parent; without it the stub ends. */
  readonly parentPid: number;
  readonly secret: Secret;
}

export interface Stub {
  /** The ELF file. */
  readonly image: Uint8Array;
  /** The address of the signal handler, and of its rt_sigreturn. */
  readonly handler: number;
  readonly restorer: number;
  /** A system call instruction that no filter lets pass: the platform's first trap. */
  readonly trapSite: number;
  /** The struct sock_fprog of the filter, in the start page. */
  readonly filter: number;
  readonly sites: FilterSites;
}

/** Exit codes of a stub that could not start. */
export const EXIT_ORPHAN = 101;
export const EXIT_NO_ROOM = 102;

const PAGE = 4096;
const TWO32 = 0x1_0000_0000;

const shared = (offset: number) => atAddress(SHARED_PAGE + offset);

/** A system call of the command thread, which proves that with the secret in r14 and r15. */
function privileged(a: Assembler): void {
  a.op('or', r10, r14).op('or', r8, r15).syscall();
}

/**
 * The command loop. r13: the command page; r12: the sequence number of the last batch; rbx: the next entry; rbp: the
 * flags of the present one; r14, r15: the secret. Nothing else is kept, and nothing is ever read from memory that guest
 * code can write.
 */
function commandLoop(a: Assembler, { parentPid }: StubParameters): void {
  a.label('command wait');
  a.mov(rdi, r13).mov(esi, FUTEX_WAIT).mov(edx, r12d).mov(r10d, 0);
  a.mov(eax, NR_futex).syscall();
  a.label('site command wait');
  a.mov(eax, at(r13)).op('cmp', eax, r12d).j('e', 'command wait');

  a.label('command start');
  a.label('command run');
  a.mov(r12d, eax).lea(rbx, at(r13, COMMAND_ENTRIES));
  a.label('command next');
  a.mov(rax, at(rbx)).mov(rdi, at(rbx, 8)).mov(rsi, at(rbx, 16)).mov(rdx, at(rbx, 24));
  a.mov(r10, at(rbx, 32)).mov(r8, at(rbx, 40)).mov(r9, at(rbx, 48)).mov(ebp, at(rbx, ENTRY_FLAGS));
  a.op('add', rbx, ENTRY_SIZE);
  privileged(a);
  a.op('cmp', rax, -4096).j('a', 'command report');
  a.test(ebp, ENTRY_THREAD | ENTRY_FORK | ENTRY_SEAL).j('nz', 'command special');
  a.label('command done');
  a.test(ebp, ENTRY_LAST).j('z', 'command next');

  // The report. The position of FD_RESULT is out of the guest's reach; the word and the wake-up only tell when to look.
  a.label('command report');
  a.mov(esi, eax).mov(eax, r12d).op('and', eax, 0xf_ffff).shl(rax, 32).op('or', rsi, rax);
  a.mov(edi, FD_RESULT).mov(edx, 0).mov(eax, NR_lseek);
  privileged(a);
  a.mov(atAddress(SLOTS + MAILBOX_FINISHED), r12d);
  a.lea(rdi, atAddress(SLOTS + MAILBOX_FINISHED))
    .mov(esi, FUTEX_WAKE)
    .mov(edx, 1)
    .mov(eax, NR_futex);
  privileged(a);
  a.jmp('command wait');

  a.label('command special');
  a.test(ebp, ENTRY_SEAL).j('nz', 'seal');
  a.test(ebp, ENTRY_FORK).j('nz', 'forked');
  a.test(eax, eax).j('nz', 'command done');
  a.jmp('thread start');
  a.label('forked');
  a.test(eax, eax).j('nz', 'command wait'); // the child reports

  // The first steps of every stub. Die with the thread that spawned us, and do not outlive it now.
  a.label('adopt');
  a.mov(edi, PR_SET_PDEATHSIG).mov(esi, SIGKILL).mov(eax, NR_prctl);
  privileged(a);
  a.mov(eax, NR_getppid);
  privileged(a);
  a.op('cmp', eax, parentPid).j('e', 'command done');
  a.mov(edi, EXIT_ORPHAN);
  a.label('give up');
  a.mov(eax, NR_exit_group);
  privileged(a);
  a.label('command end');
  a.ud2();
}

/** The handler, at the signal frame. rbx: the mailbox, which is where the stack pointer's slot begins. */
function handler(a: Assembler, { slotSize }: StubParameters): void {
  a.label('handler');
  a.mov(rbx, rsp).op('and', rbx, -slotSize);
  a.rdfsbase(rax).mov(at(rbx, MAILBOX_FS), rax);
  a.rdgsbase(rax).mov(at(rbx, MAILBOX_GS), rax);
  a.mov(at(rbx, MAILBOX_FRAME), rsp);
  a.mov(eax, STATE_TRAPPED).xchg(at(rbx, MAILBOX_STATE), eax); // a full fence: SHARED_SLEEPING is read after it
  a.rdtsc().mov(r8d, eax);
  a.op('cmp', shared(SHARED_SLEEPING), 0).j('e', 'spin');
  a.mov(edi, FD_DOORBELL).lea(rsi, atLabel('ring value')).mov(edx, 8).mov(eax, NR_write).syscall();
  a.label('site ring');
  a.jmp('yield');

  // The kernel may be waiting for this very processor: spin for a moment only, and yield from then on.
  a.label('spin');
  a.mov(eax, at(rbx, MAILBOX_STATE)).op('cmp', eax, STATE_TRAPPED).j('ne', 'decide');
  a.pause().rdtsc().op('sub', eax, r8d).op('cmp', eax, shared(SHARED_GUEST_SPIN)).j('b', 'spin');
  a.label('yield');
  a.mov(eax, NR_sched_yield).syscall();
  a.label('site yield');
  a.rdtsc().mov(ecx, eax).op('sub', ecx, r8d);
  a.mov(eax, at(rbx, MAILBOX_STATE));
  a.op('cmp', eax, STATE_TRAPPED).j('e', 'yield again').op('cmp', eax, STATE_YIELD).j('ne', 'decide');
  a.label('yield again');
  a.op('cmp', ecx, shared(SHARED_GUEST_YIELD)).j('b', 'yield');
  // eax: the state that turns into sleep.
  a.label('sleep');
  a.mov(ecx, STATE_SLEEPING).lockCmpxchg(at(rbx, MAILBOX_STATE), ecx).j('ne', 'decide');
  a.label('sleep again');
  a.mov(rdi, rbx).mov(esi, FUTEX_WAIT).mov(edx, STATE_SLEEPING).mov(r10d, 0).mov(eax, NR_futex).syscall();
  a.label('site wait');
  a.mov(eax, at(rbx, MAILBOX_STATE)).op('cmp', eax, STATE_SLEEPING).j('e', 'sleep again');
  a.label('decide');
  a.test(eax, eax).j('z', 'resume');
  a.op('cmp', eax, STATE_PARK).j('e', 'sleep').op('cmp', eax, STATE_YIELD).j('e', 'yield');
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
}

/**
 * A new guest thread. Its stack pointer is a signal frame that the kernel has prepared, as if it had trapped before its first
 * instruction; signals are blocked until the rt_sigreturn that starts it. It was cloned by a command thread, whose secret
 * it forgets before anything else. It does not spin: the kernel waits on this very processor.
 */
function threadStart(a: Assembler, { slotSize }: StubParameters): void {
  a.label('thread start');
  for (const register of [r14, r15, r10, r8]) a.mov(register, 0);
  a.mov(rbx, rsp).op('and', rbx, -slotSize);
  a.mov(eax, STATE_TRAPPED).jmp('sleep');
  a.label('trap');
  a.mov(eax, -1).syscall();
  a.ud2();
}

/** mmap of `length` bytes of a descriptor at a fixed address that must be free. */
function mapNew(a: Assembler, address: number, length: number, protection: number, fd: number): void {
  a.movabs(rdi, address).mov(esi, length).mov(edx, protection);
  a.mov(r10d, MAP_SHARED | MAP_FIXED_NOREPLACE)
    .mov(r8d, fd)
    .mov(r9d, 0);
  a.mov(eax, NR_mmap).syscall();
  a.op('cmp', rax, rdi).j('ne', 'no room');
}

/**
 * The start page, which is unmapped before any guest code runs: the zygote's first steps, the filter, and the secret. The
 * zygote maps the shared and the command page and the first window of slots, and becomes a command thread.
 */
function startPage(a: Assembler, { slotSize, secret }: StubParameters, filter: Uint8Array): void {
  a.label('start');
  mapNew(a, SHARED_PAGE, 2 * PAGE, PROT_READ, FD_COMMAND);
  mapNew(a, SLOTS, WINDOW_SLOTS * slotSize, PROT_READ | PROT_WRITE, FD_MAILBOX);
  a.movabs(r13, COMMAND_PAGE).mov(r12d, at(r13)).mov(ebp, ENTRY_LAST);
  a.mov(r14, 0).mov(r15, 0); // until the filter is there, calls have all their arguments for themselves
  a.jmp('adopt');
  a.label('no room');
  a.mov(edi, EXIT_NO_ROOM).jmp('give up');

  a.label('seal');
  a.movabs(r14, secret.fourth * TWO32).movabs(r15, secret.fifth * TWO32);
  a.jmp('command done');

  a.align(8)
    .label('filter')
    .raw(...filter);
  a.label('filter descriptor')
    .word64(filter.length / 8)
    .word64(a.addressOf('filter'));
}

function sitesOf(a: Assembler): FilterSites {
  return {
    wait: a.addressOf('site wait'),
    yield: a.addressOf('site yield'),
    commandWait: a.addressOf('site command wait'),
    ring: a.addressOf('site ring'),
    sigreturn: a.addressOf('site sigreturn'),
    exit: a.addressOf('site exit'),
    commandStart: a.addressOf('command start'),
    commandEnd: a.addressOf('command end'),
    ringValue: a.addressOf('ring value'),
  };
}

/** Assembles the stub. */
export function assembleStub(parameters: StubParameters): Stub {
  const a = new Assembler(CODE_PAGE + ELF_HEADER_SIZE);
  commandLoop(a, parameters);
  handler(a, parameters);
  threadStart(a, parameters);
  a.align(8).label('ring value').word64(1);
  a.align(PAGE);
  if (a.here !== START_PAGE) throw new Error('the stub does not fit its code page');
  const sites = sitesOf(a);
  startPage(a, parameters, assembleFilter(sites, parameters.secret));

  const image = new Uint8Array(2 * PAGE);
  image.set(elfHeader(CODE_PAGE, image.length, a.addressOf('start')));
  image.set(a.assemble(), ELF_HEADER_SIZE);
  return {
    image,
    handler: a.addressOf('handler'),
    restorer: a.addressOf('restorer'),
    trapSite: a.addressOf('trap'),
    filter: a.addressOf('filter descriptor'),
    sites,
  };
}
