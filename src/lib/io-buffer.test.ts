import { expect, test } from 'vitest';
import { KernelBuffer } from './io-buffer.js';

test('a kernel buffer takes and gives bytes at its cursor', () => {
  const bytes = new Uint8Array(5);
  const buffer = new KernelBuffer(bytes);
  expect(buffer.put(Uint8Array.of(1, 2))).toBe(2);
  expect(buffer.putZeros(1)).toBe(1);
  expect(buffer.put(Uint8Array.of(4, 5, 6))).toBe(2);
  expect([...bytes]).toEqual([1, 2, 0, 4, 5]);
  expect([buffer.moved, buffer.remaining, buffer.fault]).toEqual([5, 0, false]);

  const source = new KernelBuffer(bytes);
  const first = new Uint8Array(3);
  const second = new Uint8Array(3);
  expect([source.get(first), source.get(second)]).toEqual([3, 2]);
  expect([...first, ...second]).toEqual([1, 2, 0, 4, 5, 0]);
});

test('putting zeros ends with the buffer', () => {
  const bytes = new Uint8Array(10_000).fill(1);
  const buffer = new KernelBuffer(bytes);
  expect(buffer.putZeros(20_000)).toBe(10_000);
  expect(bytes.every((byte) => byte === 0)).toBe(true);
});
