import { expect, test } from 'vitest';
import * as uapi from './errno.js';
import { check, ENOENT, ERESTARTSYS, errnoOf, EWOULDBLOCK, EAGAIN, Errno } from './errno.js';

test('finds every constant by its number', () => {
  const constants = Object.values(uapi).filter((value) => value instanceof Errno);
  expect(constants.length).toBeGreaterThan(130);
  for (const errno of constants) expect(errnoOf(errno.number)).toBe(errno);
  expect(errnoOf(512)).toBe(ERESTARTSYS);
  expect(EWOULDBLOCK).toBe(EAGAIN);
});

test('makes something of an unknown number', () => {
  expect(errnoOf(4000)).toMatchObject({ number: 4000, message: 'Unknown error 4000' });
});

test('throws negated numbers and passes results on', () => {
  expect(check(7)).toBe(7);
  let thrown: unknown;
  try {
    check(-2);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBe(ENOENT);
  expect(String(ENOENT)).toBe('ENOENT: No such file or directory');
});
