/** memfd_create(2): linux/memfd.h. */
import { FlagSet } from '../lib/flags.js';

export const MFD_CLOEXEC = 0x1;
export const MFD_ALLOW_SEALING = 0x2;
export const MFD_HUGETLB = 0x4;
/** Linux 6.3. */
export const MFD_NOEXEC_SEAL = 0x8;
export const MFD_EXEC = 0x10;
export const memfdFlags = new FlagSet({
  MFD_CLOEXEC,
  MFD_ALLOW_SEALING,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
  MFD_EXEC,
});
