import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameFromBytes, nameToBytes, putName, text, utf8 } from './names.js';

test('any bytes survive as a name', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const name = nameFromBytes(bytes);
      expect(name).toBe(Buffer.from(bytes).toString('latin1'));
      expect(nameToBytes(name)).toEqual(bytes);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('takes a range, also a long one', () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index);
  expect(nameFromBytes(bytes, 97, 100)).toBe('abc');
  expect(nameFromBytes(bytes, 1)).toBe(Buffer.from(bytes.subarray(1)).toString('latin1'));
});

test('puts a name between other bytes', () => {
  const bytes = new Uint8Array(5).fill(1);
  expect(putName('a\xff', bytes, 2)).toBe(2);
  expect([...bytes]).toEqual([1, 1, 0x61, 0xff, 1]);
});

test('converts to and from ordinary text', () => {
  expect(utf8('Grüße')).toBe('Gr\xc3\xbc\xc3\x9fe');
  expect(text('Gr\xc3\xbc\xc3\x9fe')).toBe('Grüße');
  expect(text('a\xff')).toBe('a\ufffd');
  expect(text('plain')).toBe('plain');
});
