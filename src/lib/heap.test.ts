import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap, HeapEntry } from './heap.js';

class Timer extends HeapEntry {
  constructor(readonly time: number) {
    super();
  }
}

test('gives the least first, equals in the order of their coming, also after removals', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ time: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ victim: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant('pop' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const heap = new Heap<Timer>();
      const model: Timer[] = [];
      for (const action of steps) {
        if (action === 'pop') {
          expect(heap.pop()).toBe(model.shift());
        } else if ('time' in action) {
          const timer = new Timer(action.time);
          heap.insert(timer, timer.time);
          const at = model.findIndex((other) => other.time > timer.time);
          model.splice(at < 0 ? model.length : at, 0, timer);
        } else if (model.length > 0) {
          const [victim] = model.splice(action.victim % model.length, 1);
          expect(heap.remove(victim)).toBe(true);
          expect(victim.queued).toBe(false);
          expect(heap.remove(victim)).toBe(false);
        }
        expect(heap.size).toBe(model.length);
        expect(heap.first).toBe(model[0]);
        expect(heap.firstKey).toBe(model[0]?.time ?? Infinity);
      }
      expect(new Set(heap)).toEqual(new Set(model));
      while (model.length > 0) expect(heap.pop()).toBe(model.shift());
      expect(heap.pop()).toBeUndefined();
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('an entry is in one heap at a time', () => {
  const heap = new Heap<Timer>();
  const timer = new Timer(1);
  heap.insert(timer, 1);
  expect(() => heap.insert(timer, 2)).toThrow('one heap');
  expect(() => new Heap<Timer>().remove(timer)).toThrow('this heap');
});
