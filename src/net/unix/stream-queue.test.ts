import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KernelBuffer } from '../../lib/io-buffer.js';
import { StreamQueue } from './stream-queue.js';

const senders = [undefined, { pid: 1, uid: 0, gid: 0 }, { pid: 2, uid: 0, gid: 0 }];

/** What a queue is to do, as a list of bytes with their senders. */
interface ModelByte {
  readonly byte: number;
  readonly sender: number;
}

const step = fc.oneof(
  fc.record({ put: fc.uint8Array({ maxLength: 700 }), sender: fc.nat(2) }),
  fc.record({ take: fc.nat(900) }),
  fc.record({ peek: fc.nat(900), at: fc.nat(900) }),
);

test('gives bytes back in order, each with its sender', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new StreamQueue();
      let model: ModelByte[] = [];
      for (const action of steps) {
        if ('put' in action) {
          const { put, sender } = action;
          if (put.length === 0) continue;
          expect(queue.put(new KernelBuffer(put), put.length, senders[sender])).toBe(put.length);
          for (const byte of put) model.push({ byte, sender });
        } else if ('take' in action) {
          if (model.length === 0) continue;
          const into = new Uint8Array(action.take);
          expect(queue.first?.sender).toBe(senders[model[0].sender]);
          const taken = queue.take(new KernelBuffer(into));
          const run = model.findIndex(({ sender }) => sender !== model[0].sender);
          expect(taken).toBe(Math.min(action.take, run < 0 ? model.length : run));
          expect([...into.subarray(0, taken)]).toEqual(model.slice(0, taken).map(({ byte }) => byte));
          model = model.slice(taken);
        } else {
          const at = Math.min(action.at, model.length);
          const into = new Uint8Array(action.peek);
          const seen = queue.peek(new KernelBuffer(into), at, action.peek);
          expect([...into.subarray(0, seen)]).toEqual(
            model.slice(at, at + action.peek).map(({ byte }) => byte),
          );
        }
        expect(queue.used).toBe(model.length);
        const lengths = [...queue].map(({ length }) => length);
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(model.length);
        expect(lengths).not.toContain(0);
      }
    }),
  );
});

test('bytes with files begin a segment, and nothing joins it', () => {
  const queue = new StreamQueue();
  const put = (text: string, files?: { files: []; uid: number }): number =>
    queue.put(new KernelBuffer(new Uint8Array(text.length)), text.length, undefined, files);
  put('ab');
  put('cd', { files: [], uid: 0 });
  put('ef');
  put('gh');
  expect([...queue].map(({ length, files }) => [length, files !== undefined])).toEqual([
    [2, false],
    [2, true],
    [4, false],
  ]);
});
