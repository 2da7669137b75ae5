import { expect, test } from 'vitest';
import { Crc32 } from './crc32.js';
import { nameToBytes } from './names.js';

test('the check value of the catalogue of CRCs', () => {
  expect(new Crc32().update(nameToBytes('123456789')).value).toBe(0xcbf4_3926);
});

test('pieces give what the whole gives', () => {
  expect(new Crc32().update(nameToBytes('1234')).update(nameToBytes('56789')).value).toBe(0xcbf4_3926);
});
