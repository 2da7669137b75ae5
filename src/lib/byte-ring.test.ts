import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteRing } from './byte-ring.js';

const bytes = fc.uint8Array({ maxLength: 700 });
const step = fc.oneof(
  fc.record({ what: fc.constant('put' as const), bytes }),
  fc.record({ what: fc.constant('putByte' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
  fc.record({ what: fc.constant('back' as const), bytes }),
  fc.record({ what: fc.constant('take' as const), count: fc.nat(700) }),
  fc.record({ what: fc.constant('takeByte' as const) }),
  fc.record({ what: fc.constant('front' as const) }),
  fc.record({ what: fc.constant('resize' as const), count: fc.integer({ min: 1, max: 1500 }) }),
);

test('behaves as a queue', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ring = new ByteRing(1000);
      let model: number[] = [];
      for (const action of steps) {
        if (action.what === 'put') {
          const count = ring.put(action.bytes);
          expect(count).toBe(Math.min(action.bytes.length, ring.capacity - model.length));
          model.push(...action.bytes.subarray(0, count));
        } else if (action.what === 'putByte') {
          const fits = model.length < ring.capacity;
          expect(ring.putByte(action.bytes[0])).toBe(fits);
          if (fits) model.push(action.bytes[0]);
        } else if (action.what === 'back') {
          const room = ring.back(action.bytes.length);
          expect(room.length > 0).toBe(action.bytes.length > 0 && ring.free > 0);
          room.set(action.bytes.subarray(0, room.length));
          ring.grow(room.length);
          model.push(...action.bytes.subarray(0, room.length));
        } else if (action.what === 'take') {
          const to = new Uint8Array(action.count);
          const count = ring.take(to);
          expect([...to.subarray(0, count)]).toEqual(model.slice(0, action.count));
          model = model.slice(count);
        } else if (action.what === 'takeByte') {
          expect(ring.takeByte()).toBe(model.shift() ?? -1);
        } else if (action.what === 'front') {
          const front = [...ring.front()];
          expect(front.length > 0).toBe(model.length > 0);
          expect(front).toEqual(model.slice(0, front.length));
          ring.drop(front.length);
          model = model.slice(front.length);
        } else if (action.count >= model.length) {
          ring.resize(action.count);
        }
        expect(ring.used).toBe(model.length);
        expect(ring.used + ring.free).toBe(ring.capacity);
        const all = new Uint8Array(2000);
        expect([...all.subarray(0, ring.peek(all, 3))]).toEqual(model.slice(3));
        if (model.length > 0) expect(ring.at(model.length - 1)).toBe(model.at(-1));
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('refuses to lose or invent bytes', () => {
  const ring = new ByteRing(4);
  ring.put(Uint8Array.of(1, 2, 3));
  expect(() => ring.drop(4)).toThrow('dropped');
  expect(() => ring.resize(2)).toThrow('fits');
  expect(() => ring.at(3)).toThrow('position');
  ring.clear();
  expect(ring.takeByte()).toBe(-1);
});
