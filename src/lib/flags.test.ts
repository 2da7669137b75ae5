import { expect, test } from 'vitest';
import { FlagSet } from './flags.js';

const openFlags = new FlagSet(
  { O_CREAT: 0o100, O_DSYNC: 0o10000, O_SYNC: 0o4010000, O_CLOEXEC: 0o2000000 },
  { mask: 3, values: { O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2 } },
);
const cloneFlags = new FlagSet({ CLONE_VM: 0x100, CLONE_IO: 0x8000_0000, CLONE_INTO_CGROUP: 0x2_0000_0000 });

test('tells which bits have no meaning', () => {
  expect(openFlags.mask).toBe(0o6010103);
  expect(openFlags.unknown(0o100 | 0o40000)).toBe(0o40000);
  expect(openFlags.has(0o2000102)).toBe(true);
  expect(openFlags.has(-1)).toBe(false);
});

test('reaches beyond 32 bits', () => {
  expect(cloneFlags.unknown(0x2_0000_0100)).toBe(0);
  expect(cloneFlags.unknown(0x4_0000_0100)).toBe(0x4_0000_0000);
  expect(cloneFlags.unknown(-0x8000_0000)).toBe(0);
  expect(cloneFlags.format(0x2_8000_0000)).toBe('CLONE_IO|CLONE_INTO_CGROUP');
});

test('prints as strace does', () => {
  expect(openFlags.format(0)).toBe('O_RDONLY');
  expect(openFlags.format(0o2000102)).toBe('O_RDWR|O_CREAT|O_CLOEXEC');
  expect(openFlags.format(0o4010001)).toBe('O_WRONLY|O_SYNC');
  expect(openFlags.format(0o10001)).toBe('O_WRONLY|O_DSYNC');
  expect(openFlags.format(0x100_0000)).toBe('O_RDONLY|0x1000000');
  expect(cloneFlags.format(0)).toBe('0');
  // O_ACCMODE itself is no access mode.
  expect(openFlags.format(3)).toBe('0x3');
});
