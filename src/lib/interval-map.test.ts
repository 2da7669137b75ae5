import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalMap } from './interval-map.js';

/** Beyond 32 bits, so that a bit operator would show. */
const BASE = 2 ** 46;
const SPAN = 40;

/** The map's contents, unit by unit. */
function units(map: IntervalMap<string>): (string | undefined)[] {
  return Array.from({ length: SPAN }, (_, index) => map.find(BASE + index)?.value);
}

const point = fc.nat(SPAN);
const range = fc.tuple(point, point).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const value = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.tuple(fc.constant('put' as const), range, value),
  fc.tuple(fc.constant('remove' as const), range, value),
  fc.tuple(fc.constant('split' as const), range, value),
  fc.tuple(fc.constant('join' as const), range, value),
);

test('behaves as an array of units', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const map = new IntervalMap<string>();
      const model: (string | undefined)[] = Array(SPAN).fill(undefined);
      for (const [what, [from, to], named] of steps) {
        if (what === 'put' && from < to) {
          map.remove(BASE + from, BASE + to);
          map.insert(BASE + from, BASE + to, named);
          model.fill(named, from, to);
        } else if (what === 'remove') {
          const removed = map.remove(BASE + from, BASE + to);
          const length = removed.reduce((sum, interval) => sum + interval.end - interval.start, 0);
          expect(length).toBe(model.slice(from, to).filter((unit) => unit !== undefined).length);
          model.fill(undefined, from, to);
        } else if (what === 'split') {
          map.split(BASE + from);
          expect(map.find(BASE + from)?.start ?? BASE + from).toBe(BASE + from);
        } else if (what === 'join') {
          const lower = map.find(BASE + from);
          const upper = lower && map.next(lower);
          if (lower && upper && lower.end === upper.start && lower.value === upper.value)
            map.join(lower, upper);
        }
        expect(units(map)).toEqual(model);
      }
      const all = [...map];
      for (const [index, interval] of all.entries()) {
        expect(interval.start).toBeLessThan(interval.end);
        expect(map.previous(interval)).toBe(all[index - 1]);
        expect(map.next(interval)).toBe(all[index + 1]);
        if (index > 0) expect(all[index - 1].end).toBeLessThanOrEqual(interval.start);
      }
      for (let at = BASE - 1; at <= BASE + SPAN; at++) {
        expect(map.findAfter(at)).toBe(all.find((interval) => interval.end > at));
        expect(map.findBefore(at)).toBe(all.findLast((interval) => interval.start < at));
        for (let end = at; end <= BASE + SPAN; end += 7) {
          const shared = all.filter((interval) => interval.start < end && interval.end > at && at < end);
          expect(map.overlapping(at, end)).toEqual(shared);
          if (at < end) expect(map.isFree(at, end)).toBe(shared.length === 0);
        }
      }
    }),
    { seed: 1, numRuns: 150 },
  );
});

test('finds the lowest and the highest gap', () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 6 }),
      range,
      fc.integer({ min: 1, max: 12 }),
      (taken, [low, high], length) => {
        const map = new IntervalMap<string>();
        for (const [from, to] of taken) {
          if (from < to && map.isFree(BASE + from, BASE + to)) map.insert(BASE + from, BASE + to, 'x');
        }
        const fits: number[] = [];
        for (let at = BASE + low; at + length <= BASE + high; at++)
          if (map.isFree(at, at + length)) fits.push(at);
        expect(map.lowestGap(length, BASE + low, BASE + high)).toBe(fits[0]);
        expect(map.highestGap(length, BASE + low, BASE + high)).toBe(fits.at(-1));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test('the upper part of a divided range gets a value of its own', () => {
  const map = new IntervalMap<{ offset: number }>();
  map.insert(100, 200, { offset: 5 });
  const removed = map.remove(120, 150, (old, at, interval) => ({ offset: old.offset + at - interval.start }));
  expect(removed).toMatchObject([{ start: 120, end: 150, value: { offset: 25 } }]);
  expect([...map]).toMatchObject([
    { start: 100, end: 120, value: { offset: 5 } },
    { start: 150, end: 200, value: { offset: 55 } },
  ]);
});

test('refuses ranges that overlap or are empty', () => {
  const map = new IntervalMap<number>();
  const area = map.insert(10, 20, 1);
  map.insert(30, 40, 2);
  expect(() => map.insert(19, 25, 3)).toThrow('overlap');
  expect(() => map.insert(5, 50, 3)).toThrow('overlap');
  expect(() => map.insert(5, 5, 3)).toThrow('empty');
  expect(() => map.resize(area, 10, 31)).toThrow('above');
  map.resize(area, 0, 30);
  expect(map.find(29)).toBe(area);
  map.clear();
  expect(map.find(29)).toBeUndefined();
});
