/** Runs a thread in the zygote that traps at once, to see what a signal frame looks like on this host. */
import type { CommandRunner } from './commands.js';
import { type FrameTemplate, takeTemplate, writeFirstFrame } from './frame.js';
import {
  ENTRY_LAST,
  ENTRY_THREAD,
  FRAME_FPU,
  MAILBOX_FRAME,
  MAILBOX_THREAD,
  SLOTS,
  STATE_EXIT,
  STATE_RUNNING,
  STATE_SLEEPING,
} from './layout.js';
import { syscall } from './libc.js';
import type { StubPages } from './pages.js';
import { CLONE_GUEST_THREAD, FUTEX_WAKE, NR_clone, NR_futex } from './system-calls.js';
import type { Zygote } from './zygote.js';

const SLOT = 1;
const PATIENCE_MS = 10_000;

export function firstTrap(
  pages: StubPages,
  commands: CommandRunner,
  { seat, process }: Zygote,
  trapSite: number,
): FrameTemplate {
  const { words, slotSize } = pages;
  const offset = pages.slotOffset(seat, SLOT);
  const address = SLOTS + SLOT * slotSize;
  const frame = writeFirstFrame(words, offset, address, slotSize, trapSite);
  words[offset >>> 2] = STATE_RUNNING;
  const stack = address + frame;
  pages.setEntry(
    seat,
    0,
    ENTRY_THREAD | ENTRY_LAST,
    NR_clone,
    CLONE_GUEST_THREAD,
    stack,
    address + MAILBOX_THREAD,
  );
  const result = commands.run(seat, process);
  if (result === undefined || result < 0) {
    throw new Error(`the stub process cannot start a thread: errno ${-(result ?? 0)}`);
  }

  const deadline = performance.now() + PATIENCE_MS;
  while (Atomics.load(words, offset >>> 2) === STATE_RUNNING) {
    if (performance.now() > deadline || process.hasEnded())
      throw new Error('the first guest thread does not trap');
    commands.pause();
  }
  const inSlot = (word: number): number => words[word >>> 2] - (address | 0);
  const trapFrame = offset + inSlot(offset + MAILBOX_FRAME);
  const template = takeTemplate(pages.bytes, offset, trapFrame, offset + inSlot(trapFrame + FRAME_FPU));
  if (Atomics.exchange(words, offset >>> 2, STATE_EXIT) === STATE_SLEEPING) {
    syscall(NR_futex, pages.mailbox.address + offset, FUTEX_WAKE, 1, 0);
  }
  return template;
}
