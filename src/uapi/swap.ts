/** swapon(2): include/linux/swap.h. */
import { FlagSet } from '../lib/flags.js';

export const SWAP_FLAG_PREFER = 0x8000;
export const SWAP_FLAG_PRIO_MASK = 0x7fff;
export const SWAP_FLAG_PRIO_SHIFT = 0x0;
export const SWAP_FLAG_DISCARD = 0x1_0000;
export const swapFlags = new FlagSet(
  { SWAP_FLAG_PREFER, SWAP_FLAG_DISCARD },
  { mask: SWAP_FLAG_PRIO_MASK, values: {} },
);
