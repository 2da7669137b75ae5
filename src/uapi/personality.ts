/** personality(2): linux/personality.h. */
import { FlagSet } from '../lib/flags.js';

export const UNAME26 = 0x2_0000;
export const ADDR_NO_RANDOMIZE = 0x4_0000;
export const FDPIC_FUNCPTRS = 0x8_0000;
export const MMAP_PAGE_ZERO = 0x10_0000;
export const ADDR_COMPAT_LAYOUT = 0x20_0000;
export const READ_IMPLIES_EXEC = 0x40_0000;
export const ADDR_LIMIT_32BIT = 0x80_0000;
export const SHORT_INODE = 0x100_0000;
export const WHOLE_SECONDS = 0x200_0000;
export const STICKY_TIMEOUTS = 0x400_0000;
export const ADDR_LIMIT_3GB = 0x800_0000;
export const PER_LINUX = 0x0;
export const PER_LINUX32 = 0x8;
export const PER_MASK = 0xff;
export const personalityFlags = new FlagSet(
  {
    UNAME26,
    ADDR_NO_RANDOMIZE,
    FDPIC_FUNCPTRS,
    MMAP_PAGE_ZERO,
    ADDR_COMPAT_LAYOUT,
    READ_IMPLIES_EXEC,
    ADDR_LIMIT_32BIT,
    SHORT_INODE,
    WHOLE_SECONDS,
    STICKY_TIMEOUTS,
    ADDR_LIMIT_3GB,
  },
  { mask: PER_MASK, values: { PER_LINUX, PER_LINUX32 } },
);
/** personality(2) with this only asks. */
export const PERSONALITY_QUERY = 0xffff_ffff;
