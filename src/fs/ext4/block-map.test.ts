import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockMap } from './block-map.js';

test('has what a plain list of blocks has, in runs that are as long as they can be', () => {
  const step = fc.record({
    add: fc.boolean(),
    start: fc.nat(40),
    length: fc.integer({ min: -2, max: 12 }),
    shift: fc.constantFrom(100, 200),
    unwritten: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const map = new BlockMap();
      const model = new Map<number, string>();
      for (const { add, start, length, shift, unwritten } of steps) {
        const range = Array.from({ length: Math.max(0, length) }, (_, index) => start + index);
        if (add && range.length > 0) {
          const isFree = range.every((block) => !model.has(block));
          const run = { logical: start, count: range.length, physical: start + shift, unwritten };
          expect(map.insert(run)).toBe(isFree);
          if (isFree) for (const block of range) model.set(block, `${block + shift}${unwritten}`);
        } else if (!add) {
          map.remove(start, start + length);
          for (const block of range) model.delete(block);
        }
      }
      const found = map.runs.flatMap(({ logical, count, physical, unwritten }) =>
        Array.from({ length: count }, (_, index) => [logical + index, `${physical + index}${unwritten}`]),
      );
      expect(found).toEqual([...model].toSorted(([a], [b]) => a - b));
    }),
  );
});
