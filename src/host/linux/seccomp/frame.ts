/**
 * The signal frame of a guest thread (struct rt_sigframe), which is where its registers are while it is stopped. New
 * threads start from a frame that we write ourselves, after a template taken from a real one.
 */
import {
  FRAME_FLAGS,
  FRAME_FPU,
  FRAME_GREGS,
  FRAME_MASK,
  FRAME_SEGMENTS,
  FRAME_SIZE,
  FRAME_STACK,
  INTERRUPT_SIGNAL,
  MAILBOX_SIZE,
} from './layout.js';
import { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP } from './system-calls.js';

const TWO32 = 0x1_0000_0000;

/** The signals that lead into the stub's handler. All others are blocked in guest threads. */
export const trapSignals = [SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, INTERRUPT_SIGNAL] as const;

/** UC_SIGCONTEXT_SS and UC_STRICT_RESTORE_SS. */
const UC_FLAGS = 6;
const USER_CS = 0x33;
const USER_DS = 0x2b;
const RIP_OFFSET = 16 * 8;

/** struct _fpx_sw_bytes in the legacy area of the FPU frame. */
const SW_BYTES = 464;

/** What a frame looks like on this host, taken from a thread's first trap. */
export interface FrameTemplate {
  /** Of the frame and of the FPU area, from the start of the slot. */
  readonly frameOffset: number;
  readonly fpuOffset: number;
  readonly frame: Uint8Array;
  /** The FPU area of a fresh program, with the magic word behind it. */
  readonly fpu: Uint8Array;
  readonly xsaveSize: number;
  readonly xfeaturesLo: number;
  readonly xfeaturesHi: number;
}

function set64(words: Int32Array, byteOffset: number, value: number): void {
  words[byteOffset >>> 2] = (value % TWO32) | 0;
  words[(byteOffset >>> 2) + 1] = Math.floor(value / TWO32);
}

/** The alternate stack of a slot, as a frame restores it. */
function setStack(words: Int32Array, frame: number, slotAddress: number, slotSize: number): void {
  set64(words, frame + FRAME_STACK, slotAddress + MAILBOX_SIZE);
  set64(words, frame + FRAME_STACK + 8, 0);
  set64(words, frame + FRAME_STACK + 16, slotSize - MAILBOX_SIZE);
}

/** Blocks everything but the trap signals. */
function guestMask(): [number, number] {
  const mask: [number, number] = [-1, -1];
  for (const signal of trapSignals) mask[(signal - 1) >>> 5] &= ~(1 << ((signal - 1) & 31));
  return mask;
}

/**
 * Writes the frame of the very first thread, which has no FPU area yet: rt_sigreturn resets the FPU for it, and `rip` makes
 * it trap at once. Returns the frame's offset in the slot.
 */
export function writeFirstFrame(
  words: Int32Array,
  slotOffset: number,
  slotAddress: number,
  slotSize: number,
  rip: number,
): number {
  const offset = slotSize - FRAME_SIZE - 24;
  const frame = slotOffset + offset;
  set64(words, frame + FRAME_FLAGS, UC_FLAGS);
  setStack(words, frame, slotAddress, slotSize);
  set64(words, frame + FRAME_GREGS + RIP_OFFSET, rip);
  words[(frame + FRAME_SEGMENTS) >>> 2] = USER_CS;
  words[(frame + FRAME_SEGMENTS + 4) >>> 2] = USER_DS << 16;
  words.set(guestMask(), (frame + FRAME_MASK) >>> 2);
  return offset;
}

/** Takes the template from a real trap: `frame` and `fpu` are offsets in the mailbox file. */
export function takeTemplate(
  bytes: Uint8Array,
  slotOffset: number,
  frame: number,
  fpu: number,
): FrameTemplate {
  const view = new DataView(bytes.buffer);
  const xsaveSize = view.getUint32(fpu + SW_BYTES + 16, true);
  return {
    frameOffset: frame - slotOffset,
    fpuOffset: fpu - slotOffset,
    frame: bytes.slice(frame, frame + FRAME_SIZE),
    fpu: bytes.slice(fpu, fpu + xsaveSize + 4),
    xsaveSize,
    xfeaturesLo: view.getUint32(fpu + SW_BYTES + 8, true),
    xfeaturesHi: view.getUint32(fpu + SW_BYTES + 12, true),
  };
}

/** Writes the frame of a new thread: all registers zero, a fresh FPU. */
export function writeFrame(
  template: FrameTemplate,
  bytes: Uint8Array,
  words: Int32Array,
  slotOffset: number,
  slotAddress: number,
  slotSize: number,
): void {
  const frame = slotOffset + template.frameOffset;
  bytes.set(template.frame, frame);
  bytes.set(template.fpu, slotOffset + template.fpuOffset);
  words.fill(0, (frame + FRAME_GREGS) >>> 2, (frame + FRAME_SEGMENTS) >>> 2);
  setStack(words, frame, slotAddress, slotSize);
  set64(words, frame + FRAME_FPU, slotAddress + template.fpuOffset);
}
