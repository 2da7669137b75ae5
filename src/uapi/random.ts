/** getrandom(2), random(4): linux/random.h. */
import { FlagSet } from '../lib/flags.js';

export const GRND_NONBLOCK = 0x1;
export const GRND_RANDOM = 0x2;
export const GRND_INSECURE = 0x4;
export const getrandomFlags = new FlagSet({ GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE });
export const RNDGETENTCNT = 0x8004_5200;
export const RNDADDTOENTCNT = 0x4004_5201;
export const RNDGETPOOL = 0x8008_5202;
export const RNDADDENTROPY = 0x4008_5203;
export const RNDZAPENTCNT = 0x5204;
export const RNDCLEARPOOL = 0x5206;
export const RNDRESEEDCRNG = 0x5207;
