/**
 * Where things lie in a stub process and in the pages that it shares with the kernel.
 *
 *     REGION  code page          r-x   the ELF image itself is linked to run here
 *             start page         r-x   its second page, gone once the stub runs
 *             shared page        r--   words of the kernel for all stubs: page 0 of the command file
 *             command page       r--   this stub's batch of system calls: page 1 + seat of the command file
 *             vDSO and its data  r-x   moved here from where the host had put them
 *     SLOTS   windows of slots   rw-   one slot per guest thread; slot 0 belongs to the command thread
 *
 * Everything below REGION belongs to the guest. A guest can write every byte of its slots, and nothing else here.
 */

/** Start of the stub region, and the end of the guest's user space. */
export const REGION = 0x7ff0_0000_0000;
export const REGION_HIGH = 0x7ff0;
export const CODE_PAGE = REGION;
export const START_PAGE = REGION + 0x1000;
export const SHARED_PAGE = REGION + 0x2000;
export const COMMAND_PAGE = REGION + 0x3000;
export const VDSO_AREA = REGION + 0x10_0000;
/** Slots begin here; low halves of slot addresses lie in [SLOTS_LOW, SLOTS_LOW_END). */
export const SLOTS = REGION + 0x1000_0000;
export const SLOTS_LOW = 0x1000_0000;
export const SLOTS_LOW_END = 0x5000_0000;
export const SLOTS_LENGTH = SLOTS_LOW_END - SLOTS_LOW;

/** Slots are handed out to stubs in windows of this many. */
export const WINDOW_SLOTS = 8;

/** The stub's descriptors. It has no others. */
export const FD_PHYSICAL = 0;
export const FD_MAILBOX = 1;
export const FD_COMMAND = 2;
/** Its file position carries the results of command batches: guest code cannot reach lseek. */
export const FD_RESULT = 3;
export const FD_DOORBELL = 4;
export const FD_COUNT = 5;

/** The shared page: byte offsets. */
export const SHARED_SLEEPING = 0;
/** How long a stopped guest thread spins, and spins or yields, before it sleeps: cycles of the time stamp counter. */
export const SHARED_GUEST_SPIN = 4;
export const SHARED_GUEST_YIELD = 8;

/** The command page: the sequence number that announces a batch, then its entries. */
export const COMMAND_SEQUENCE = 0;
export const COMMAND_ENTRIES = 64;
/** An entry: number, six arguments, flags, each 64 bits. */
export const ENTRY_SIZE = 64;
export const ENTRY_FLAGS = 56;
export const MAX_ENTRIES = 32;
/** Bytes for structures that entries point to. */
export const COMMAND_DATA = COMMAND_ENTRIES + MAX_ENTRIES * ENTRY_SIZE;

/** The last entry: report its result. */
export const ENTRY_LAST = 1;
/** clone of a guest thread: the new thread goes to wait for its first resume. */
export const ENTRY_THREAD = 2;
/** clone of a process: the child goes on with the batch, the parent ends it without a report. */
export const ENTRY_FORK = 4;
/** The zygote has installed its filter with this entry: take the secret from the start page. */
export const ENTRY_SEAL = 8;

/** A slot begins with its mailbox: byte offsets. The alternate signal stack is the rest of the slot. */
export const MAILBOX_STATE = 0;
export const MAILBOX_THREAD = 4;
export const MAILBOX_FRAME = 8;
export const MAILBOX_FS = 16;
export const MAILBOX_GS = 24;
/** Slot 0: the sequence number of the last batch that the stub has finished. A hint: a guest can forge it. */
export const MAILBOX_FINISHED = 0;
export const MAILBOX_SIZE = 128;

/** Values of MAILBOX_STATE. */
export const STATE_RUNNING = 0;
/** Stopped, spinning. */
export const STATE_TRAPPED = 1;
/** Stopped, in FUTEX_WAIT: a resume has to wake it. */
export const STATE_SLEEPING = 2;
/** Told to end. */
export const STATE_EXIT = 3;
/** Told to sleep until it is resumed. */
export const STATE_PARK = 4;
/** Told that the answer takes longer: not to spin, but to yield. */
export const STATE_YIELD = 5;

/** The signal that interrupts a running guest thread: a real-time signal that nothing else uses. */
export const INTERRUPT_SIGNAL = 40;

/** struct rt_sigframe of arch/x86/include/asm/sigframe.h, as offsets from the handler's stack pointer. */
export const FRAME_FLAGS = 8;
export const FRAME_STACK = 24;
export const FRAME_GREGS = 48;
export const FRAME_SEGMENTS = FRAME_GREGS + 144;
export const FRAME_ERROR = FRAME_GREGS + 152;
export const FRAME_TRAP_NUMBER = FRAME_GREGS + 160;
export const FRAME_FAULT_ADDRESS = FRAME_GREGS + 176;
export const FRAME_FPU = FRAME_GREGS + 184;
export const FRAME_MASK = FRAME_GREGS + 256;
export const FRAME_SIGINFO = 312;
export const FRAME_SIZE = FRAME_SIGINFO + 128;
