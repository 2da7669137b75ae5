import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitmap } from './bitmap.js';

const SIZE = 150;
const range = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

test('behaves as an array of booleans', () => {
  const step = fc.tuple(fc.constantFrom('set', 'clear', 'setRange', 'clearRange'), range);
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      range,
      fc.integer({ min: 1, max: 70 }),
      (steps, [from, to], run) => {
        const bitmap = new Bitmap(SIZE);
        const model: boolean[] = Array(SIZE).fill(false);
        for (const [what, [start, end]] of steps) {
          if (what === 'setRange') bitmap.setRange(start, end);
          else if (what === 'clearRange') bitmap.clearRange(start, end);
          else if (start === SIZE) continue;
          else if (what === 'set') bitmap.set(start);
          else bitmap.clear(start);
          model.fill(what.startsWith('set'), start, what.endsWith('Range') ? end : start + 1);
        }
        expect(Array.from({ length: SIZE }, (_, bit) => bitmap.has(bit))).toEqual(model);
        const inside = (wanted: boolean): number => {
          const found = model.slice(0, to).indexOf(wanted, from);
          return found;
        };
        expect(bitmap.findZero(from, to)).toBe(inside(false));
        expect(bitmap.findOne(from, to)).toBe(inside(true));
        expect(bitmap.count(from, to)).toBe(model.slice(from, to).filter(Boolean).length);
        let zeros = -1;
        for (let at = from; at + run <= SIZE && zeros < 0; at++)
          if (!model.slice(at, at + run).includes(true)) zeros = at;
        expect(bitmap.findZeros(run, from)).toBe(zeros);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test('grows by zeros', () => {
  const bitmap = new Bitmap(3);
  bitmap.setRange(0, 3);
  expect(bitmap.findZero()).toBe(-1);
  bitmap.grow(100);
  expect(bitmap.findZero()).toBe(3);
  expect(bitmap.has(99)).toBe(false);
  expect(bitmap.has(1000)).toBe(false);
  expect(() => bitmap.set(100)).toThrow('in the map');
});

test('works on words that lie elsewhere', () => {
  const block = new Uint8Array(8).fill(0xff);
  const bitmap = new Bitmap(50, new Int32Array(block.buffer));
  bitmap.clear(9);
  expect([...block]).toEqual([0xff, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  expect(bitmap.findZero()).toBe(9);
  const copy = bitmap.clone();
  copy.set(9);
  expect([bitmap.has(9), copy.has(9), copy.findZero()]).toEqual([false, true, -1]);
});
