import { expect, test } from 'vitest';
import { assert, unreachable } from './assert.js';

test('throws an Error with a stack only when the condition fails', () => {
  assert(1 + 1 === 2, 'arithmetic works');
  expect(() => assert(false, 'links never go negative')).toThrow(
    new Error('assertion failed: links never go negative'),
  );
  expect(() => unreachable('here')).toThrow(Error);
});
