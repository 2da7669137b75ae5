import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

const options = { seed: 1, numRuns: 1000 };

test('encodes as TextEncoder does, lone surrogates included', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }), (text) => {
      expect([...encodeUtf8(text)]).toEqual([...new TextEncoder().encode(text)]);
    }),
    options,
  );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect([...encodeUtf8(text)]).toEqual([...new TextEncoder().encode(text)]);
    }),
    options,
  );
});

test('decodes as TextDecoder does, whatever the bytes', () => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  // Mostly bytes at the edges of the encoding's ranges.
  const byte = fc.oneof(
    fc.constantFrom(
      0,
      0x41,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
    ),
    fc.nat(0xff),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (values) => {
      const bytes = Uint8Array.from(values);
      expect(decodeUtf8(bytes)).toBe(decoder.decode(bytes));
    }),
    { ...options, numRuns: 5000 },
  );
});

test('decodes a range', () => {
  expect(decodeUtf8(encodeUtf8('aäb'), 1, 3)).toBe('ä');
});
