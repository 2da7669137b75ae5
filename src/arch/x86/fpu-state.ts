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
export const XFEATURES_LEGACY = 3;

/**
 * Loads an XSAVE area in the standard format, or only its legacy part. Of its state components, those among `features` are
 * loaded, the others reset. False when the processor would refuse it.
 */
export function loadFpu(
  context: CpuContext,
  platform: Platform,
  bytes: Uint8Array,
  features: { readonly lo: number; readonly hi: number },
): boolean {
  const { fpu } = context;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mask = new DataView(fpu.buffer, fpu.byteOffset).getUint32(MXCSR_MASK, true) || DEFAULT_MXCSR_MASK;
  if ((view.getUint32(MXCSR, true) & ~mask) !== 0) return false;
  let presentLo = XFEATURES_LEGACY;
  let presentHi = 0;
  if (bytes.length > FXSAVE_SIZE) {
    const lowBits = view.getUint32(FXSAVE_SIZE, true);
    const highBits = view.getUint32(FXSAVE_SIZE + 4, true);
    if ((lowBits & ~platform.xfeaturesLo) !== 0 || (highBits & ~platform.xfeaturesHi) !== 0) return false;
    // xcomp_bv and what is reserved: only the standard format is for signal frames.
    for (let offset = FXSAVE_SIZE + 8; offset < XSAVE_HEADER_END; offset += 4)
      if (view.getInt32(offset) !== 0) return false;
    presentLo = lowBits & features.lo;
    presentHi = highBits & features.hi;
    fpu.set(bytes.subarray(XSAVE_HEADER_END), XSAVE_HEADER_END);
  }
  // The software bytes at its end are the host's, for its own sigreturn.
  fpu.set(bytes.subarray(0, FPX_SW_BYTES_OFFSET), 0);
  const header = new DataView(fpu.buffer, fpu.byteOffset + FXSAVE_SIZE, XSAVE_HEADER_END - FXSAVE_SIZE);
  header.setInt32(0, presentLo, true);
  header.setInt32(4, presentHi, true);
  for (let offset = 8; offset < XSAVE_HEADER_END - FXSAVE_SIZE; offset += 4) header.setInt32(offset, 0);
  return true;
}
