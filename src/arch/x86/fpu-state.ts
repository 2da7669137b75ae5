/**
 * The FPU state of a guest thread as user space sees and changes it: in signal frames and by ptrace(2). What user space gives
 * is checked as XRSTOR would, so that the host thread that runs the guest can load it.
 */
import type { CpuContext, Platform } from '../../host/cpu.js';
import { FPX_SW_BYTES_OFFSET } from '../../uapi/signal.js';

/** The legacy part of an XSAVE area (FXSAVE), and the header behind it. */
export const FXSAVE_SIZE = 512;
export const XSAVE_HEADER_END = 576;
const MXCSR = 24;
const MXCSR_MASK = 28;
/** What processors support that do not tell. */
const DEFAULT_MXCSR_MASK = 0xffbf;
/** x87 and SSE, in xstate_bv. */
const XFEATURES_LEGACY = 3;
export const legacyFeatures = { lo: XFEATURES_LEGACY, hi: 0 };

/**
 * Loads an XSAVE area in the standard format, or only its legacy part. Of its state components, those among `features` are
 * loaded, the others reset. False when the processor would refuse it. Changes `bytes`, which begin at a word.
 */
export function loadFpu(
  context: CpuContext,
  platform: Platform,
  bytes: Uint8Array<ArrayBuffer>,
  features: { readonly lo: number; readonly hi: number },
): boolean {
  const { fpu } = context;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const maskWord =
    fpu[MXCSR_MASK] | (fpu[MXCSR_MASK + 1] << 8) | (fpu[MXCSR_MASK + 2] << 16) | (fpu[MXCSR_MASK + 3] << 24);
  if ((words[MXCSR >>> 2] & ~(maskWord || DEFAULT_MXCSR_MASK)) !== 0) return false;
  // The software bytes at the end of the legacy part are the host's, for its own sigreturn.
  bytes.set(fpu.subarray(FPX_SW_BYTES_OFFSET, FXSAVE_SIZE), FPX_SW_BYTES_OFFSET);
  if (bytes.length === FXSAVE_SIZE) {
    fpu.set(bytes);
    fpu.fill(0, FXSAVE_SIZE, XSAVE_HEADER_END);
    fpu[FXSAVE_SIZE] = XFEATURES_LEGACY;
    return true;
  }
  const present = FXSAVE_SIZE >>> 2;
  if ((words[present] & ~platform.xfeaturesLo) !== 0 || (words[present + 1] & ~platform.xfeaturesHi) !== 0)
    return false;
  // xcomp_bv and what is reserved: only the standard format is for signal frames.
  for (let index = present + 2; index < XSAVE_HEADER_END >>> 2; index++) if (words[index] !== 0) return false;
  words[present] &= features.lo;
  words[present + 1] &= features.hi;
  fpu.set(bytes);
  return true;
}
