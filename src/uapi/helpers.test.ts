/** The macros of the headers, as functions; their constants are compared with C in test/abi.test.ts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DT_DIR, DT_SOCK, IFTODT } from './dirent.js';
import {
  _IOC,
  _IOC_DIR,
  _IOC_NR,
  _IOC_READ,
  _IOC_SIZE,
  _IOC_TYPE,
  _IOC_WRITE,
  BLKGETSIZE64,
} from './ioctls.js';
import { major, makedev, minor } from './major.js';
import { NLMSG_ALIGN } from './netlink.js';
import { signalName, SIGKILL } from './signal.js';
import { CMSG_ALIGN, CMSG_LEN, CMSG_SPACE } from './socket.js';
import { S_IFDIR, S_IFREG, S_IFSOCK, S_ISDIR, S_ISREG } from './stat.js';
import { TCGETS2, TIOCSPTLCK, baudRates, B115200, CBAUDEX } from './termios.js';
import { exitedStatus, signalledStatus, stoppedStatus } from './wait.js';

test('device numbers survive their encoding', () => {
  fc.assert(
    fc.property(fc.nat(0xfff), fc.nat(0xf_ffff), (high, low) => {
      const device = makedev(high, low);
      expect([major(device), minor(device)]).toEqual([high, low]);
    }),
    { seed: 1 },
  );
  expect(makedev(8, 1)).toBe(0x801);
  // stat -c %D of a device 259:300.
  expect(makedev(259, 300)).toBe(0x11_032c);
});

test('ioctl numbers are made of direction, type, number and size', () => {
  expect(_IOC(_IOC_READ, 'T', 0x2a, 44)).toBe(TCGETS2);
  expect(_IOC(_IOC_WRITE, 'T', 0x31, 4)).toBe(TIOCSPTLCK);
  expect([_IOC_DIR(BLKGETSIZE64), _IOC_TYPE(BLKGETSIZE64), _IOC_NR(BLKGETSIZE64)]).toEqual([
    _IOC_READ,
    0x12,
    114,
  ]);
  expect(_IOC_SIZE(BLKGETSIZE64)).toBe(8);
});

test('file types', () => {
  expect([S_ISDIR(S_IFDIR | 0o755), S_ISREG(S_IFREG), S_ISREG(S_IFSOCK)]).toEqual([true, true, false]);
  expect([IFTODT(S_IFDIR | 0o755), IFTODT(S_IFSOCK)]).toEqual([DT_DIR, DT_SOCK]);
});

test('control messages lie at multiples of 8', () => {
  expect([CMSG_ALIGN(12), CMSG_LEN(4), CMSG_SPACE(4), CMSG_SPACE(12)]).toEqual([16, 20, 24, 32]);
  expect([NLMSG_ALIGN(17), NLMSG_ALIGN(16)]).toEqual([20, 16]);
});

test('wait statuses', () => {
  expect([exitedStatus(1), exitedStatus(256), signalledStatus(11, true), stoppedStatus(19)]).toEqual([
    0x100, 0, 0x8b, 0x137f,
  ]);
});

test('names of signals', () => {
  expect([signalName(SIGKILL), signalName(34), signalName(64)]).toEqual(['SIGKILL', 'SIGRT_2', 'SIGRT_32']);
});

test('the second half of the rates begins with CBAUDEX', () => {
  expect(baudRates[(B115200 & ~CBAUDEX) + 15]).toBe(115_200);
});
