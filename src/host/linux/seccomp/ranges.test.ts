import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeSet } from './ranges.js';

const SIZE = 40;
const operation = fc.record({
  add: fc.boolean(),
  start: fc.nat(SIZE - 1),
  length: fc.integer({ min: 1, max: 12 }),
});

test('holds what was added and not removed since, as few ranges as possible', () => {
  fc.assert(
    fc.property(fc.array(operation), fc.nat(SIZE), fc.nat(SIZE), (operations, a, b) => {
      const set = new RangeSet();
      const model = Array.from({ length: SIZE + 12 }, () => false);
      for (const { add, start, length } of operations) {
        if (add) set.add(start, start + length);
        else set.remove(start, start + length);
        model.fill(add, start, start + length);
      }
      const from = Math.min(a, b);
      const to = Math.max(a, b);
      const found = Array.from({ length: SIZE + 12 }, () => false);
      set.copy().each(from, to, (start, end) => found.fill(true, start, end));
      expect(found).toEqual(model.map((present, index) => present && index >= from && index < to));
      expect(set.count).toBe(model.filter((present, index) => present && !model[index - 1]).length);
    }),
  );
});
