import { expect, test } from 'vitest';
import { crc16, crc32c, crc32cWord } from './crc32c.js';
import { nameToBytes } from './names.js';

const check = nameToBytes('123456789');

test('crc32c has the check value of its catalogue entry', () => {
  expect((crc32c(0xffff_ffff, check) ^ 0xffff_ffff) >>> 0).toBe(0xe306_9283);
});
test('crc32c goes on where it stopped, whatever the pieces', () => {
  const whole = crc32c(0xffff_ffff, check);
  for (let cut = 0; cut <= 9; cut++)
    expect(crc32c(crc32c(0xffff_ffff, check, 0, cut), check, cut)).toBe(whole);
  expect(crc32cWord(5, 0x8003_0201)).toBe(crc32c(5, Uint8Array.of(1, 2, 3, 0x80)));
});
test('crc16 has the check value of CRC-16/ARC', () => {
  expect(crc16(0, check)).toBe(0xbb3d);
});
