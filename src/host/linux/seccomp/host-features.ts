/** What the host's processor and kernel must offer, told in one line where they don't. */
import { readFileSync } from 'node:fs';
import { prctl, syscallWithStruct } from './libc.js';
import { NR_seccomp, PR_GET_SECCOMP, SECCOMP_GET_ACTION_AVAIL, SECCOMP_RET_TRAP } from './system-calls.js';

export interface HostFeatures {
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;
}

const AT_HWCAP = 16;
const AT_HWCAP2 = 26;
const AT_MINSIGSTKSZ = 51;
/** Bit of AT_HWCAP2: user code may use rdfsbase and its like (Linux 5.9 and later). */
const HWCAP2_FSGSBASE = 2;
/** Room for AVX-512, for kernels that do not say. */
const DEFAULT_MIN_SIG_STACK = 3632;

export function checkHost(): HostFeatures {
  if (process.arch !== 'x64') throw new Error(`this processor (${process.arch}) cannot run x86-64 programs`);
  const auxv = new Map<number, number>();
  const bytes = readFileSync('/proc/self/auxv');
  for (let offset = 0; offset + 16 <= bytes.length; offset += 16) {
    auxv.set(Number(bytes.readBigUInt64LE(offset)), Number(bytes.readBigUInt64LE(offset + 8)));
  }
  const hwcap2 = auxv.get(AT_HWCAP2) ?? 0;
  if ((hwcap2 & HWCAP2_FSGSBASE) === 0)
    throw new Error('the host offers no FSGSBASE instructions: Linux 5.9 or later is needed');
  const trap = Int32Array.of(SECCOMP_RET_TRAP);
  if (
    prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 ||
    syscallWithStruct(NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, trap) < 0
  ) {
    throw new Error('the host offers no seccomp filters');
  }
  return {
    hwcap: auxv.get(AT_HWCAP) ?? 0,
    hwcap2,
    minSigStackSize: auxv.get(AT_MINSIGSTKSZ) ?? DEFAULT_MIN_SIG_STACK,
  };
}
