/** ioctl(2): how request numbers are made, and those that every file or block device may know: asm/ioctls.h, linux/fs.h. */

export const _IOC_NONE = 0;
export const _IOC_WRITE = 1;
export const _IOC_READ = 2;

/** A request number: direction as the caller sees it, the driver's letter, its own number, the argument's size. */
export const _IOC = (direction: number, type: string, number: number, size: number): number =>
  ((direction << 30) | (size << 16) | (type.charCodeAt(0) << 8) | number) >>> 0;
export const _IOC_SIZE = (request: number): number => (request >>> 16) & 0x3fff;
export const _IOC_DIR = (request: number): number => request >>> 30;
export const _IOC_TYPE = (request: number): number => (request >>> 8) & 0xff;
export const _IOC_NR = (request: number): number => request & 0xff;

export const FIONREAD = 0x541b;
export const FIONBIO = 0x5421;
export const FIONCLEX = 0x5450;
export const FIOCLEX = 0x5451;
export const FIOASYNC = 0x5452;
export const FIOQSIZE = 0x5460;

/** The block size, and mapping of a block: any regular file. */
export const FIBMAP = 0x1;
export const FIGETBSZ = 0x2;
export const FIFREEZE = 0xc004_5877;
export const FITHAW = 0xc004_5878;
export const FITRIM = 0xc018_5879;
export const FICLONE = 0x4004_9409;
export const FICLONERANGE = 0x4020_940d;
export const FIDEDUPERANGE = 0xc018_9436;

export const BLKROSET = 0x125d;
export const BLKROGET = 0x125e;
export const BLKRRPART = 0x125f;
/** The size in sectors of 512 bytes, as a long. */
export const BLKGETSIZE = 0x1260;
export const BLKFLSBUF = 0x1261;
export const BLKRASET = 0x1262;
export const BLKRAGET = 0x1263;
export const BLKFRASET = 0x1264;
export const BLKFRAGET = 0x1265;
export const BLKSECTGET = 0x1267;
export const BLKSECTSET = 0x1266;
export const BLKSSZGET = 0x1268;
export const BLKBSZGET = 0x8008_1270;
export const BLKBSZSET = 0x4008_1271;
/** The size in bytes, as 64 bits. */
export const BLKGETSIZE64 = 0x8008_1272;
export const BLKDISCARD = 0x1277;
export const BLKIOMIN = 0x1278;
export const BLKIOOPT = 0x1279;
export const BLKALIGNOFF = 0x127a;
export const BLKPBSZGET = 0x127b;
export const BLKDISCARDZEROES = 0x127c;
export const BLKSECDISCARD = 0x127d;
export const BLKROTATIONAL = 0x127e;
export const BLKZEROOUT = 0x127f;
export const BLKGETDISKSEQ = 0x8008_1280;
export const BLKPG = 0x1269;
