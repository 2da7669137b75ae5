/** The few ioctls of CD-ROM drives that ubd answers: linux/cdrom.h. */
import { struct, u8 } from '../lib/struct.js';

export const CDROMVOLREAD = 0x5313;
export const CDROM_GET_CAPABILITY = 0x5331;
export const cdrom_volctrl = struct({ channel0: u8, channel1: u8, channel2: u8, channel3: u8 });
