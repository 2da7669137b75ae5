import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeMemory } from '../host/fake/memory.js';
import { MAX_ORDER, PhysicalAllocator } from './physmem.js';

const make = (frames: number): PhysicalAllocator => new PhysicalAllocator(new FakeMemory(frames * 4096));

test('frame 0 is never handed out, all others are', () => {
  const frames = make(64);
  expect(frames.total).toBe(63);
  const seen = new Set<number>();
  for (;;) {
    const frame = frames.allocate(0);
    if (frame === 0) break;
    seen.add(frame);
  }
  expect(seen.size).toBe(63);
  expect(frames.free).toBe(0);
});

test('blocks are aligned and freed buddies join again', () => {
  const frames = make(2048);
  const blocks = [frames.allocate(5), frames.allocate(5), frames.allocate(3)];
  for (const [index, order] of [5, 5, 3].entries()) expect(blocks[index] % (1 << order)).toBe(0);
  frames.dropRun(blocks[0], 32);
  frames.dropRun(blocks[2], 8);
  for (let at = 0; at < 32; at++) frames.drop(blocks[1] + at);
  expect(frames.free).toBe(2047);
  expect(frames.freeBlocks(MAX_ORDER)).toBe(1);
});

test('recycled frames are zeros, whoever asks for zeros', () => {
  const frames = make(32);
  const frame = frames.allocate(2);
  frames.runBytes(frame, 4).fill(7);
  frames.dropRun(frame, 4);
  expect(frames.staleFree).toBe(4);
  const again = frames.allocateAt(frame, 4, true);
  expect(again).toBe(frame);
  expect(frames.runBytes(frame, 4).every((byte) => byte === 0)).toBe(true);
});

test('trimming gives stale memory back, and it reads as zeros', () => {
  const memory = new FakeMemory(4096 * 4096);
  const frames = new PhysicalAllocator(memory);
  const runs = Array.from({ length: 3 }, () => frames.allocateRun(1000, false));
  for (const run of runs) frames.runBytes(run, 1000).fill(1);
  for (const run of runs) frames.dropRun(run, 1000);
  expect(frames.trim(100, Infinity)).toBeGreaterThanOrEqual(2900);
  expect(frames.staleFree).toBeLessThanOrEqual(100);
  expect(memory.discarded).toBeGreaterThanOrEqual(2900 * 4096);
  const run = frames.allocateRun(1000, true);
  expect(frames.runBytes(run, 1000).every((byte) => byte === 0)).toBe(true);
});

test('a run can be continued in place while its neighbours are free', () => {
  const frames = make(256);
  const first = frames.allocateRun(5, true);
  expect(frames.allocateAt(first + 5, 3, true)).toBe(first + 5);
  expect(frames.allocateAt(first + 4, 2, true)).toBe(0);
  expect(frames.allocateAt(1 << 20, 1, true)).toBe(0);
});

test('any sequence of allocating, holding and dropping keeps the books', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('run' as const), count: fc.integer({ min: 1, max: 70 }) }),
    fc.record({ kind: fc.constant('hold' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('drop' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('trim' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const frames = make(600);
      const held: number[] = [];
      for (const action of steps) {
        if (action.kind === 'run') {
          const first = frames.allocateRun(action.count, true);
          if (first === 0) continue;
          const bytes = frames.runBytes(first, action.count);
          expect(bytes.indexOf(0xff)).toBe(-1);
          bytes.fill(0xff);
          for (let frame = first; frame < first + action.count; frame++) {
            expect(held.includes(frame)).toBe(false);
            held.push(frame);
          }
        } else if (action.kind === 'trim') frames.trim(0, Infinity);
        else if (held.length > 0) {
          const index = action.which % held.length;
          const frame = held[index];
          if (action.kind === 'hold') {
            frames.hold(frame);
            held.push(frame);
          } else {
            held.splice(index, 1);
            frames.drop(frame);
          }
        }
        expect(frames.free).toBe(frames.total - new Set(held).size);
      }
      for (const frame of held) frames.drop(frame);
      expect(frames.free).toBe(frames.total);
    }),
    { numRuns: 60 },
  );
});
