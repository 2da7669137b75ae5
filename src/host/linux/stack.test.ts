import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeBriefly, describeError } from './stack.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stack-'));
  // One segment: line 1, column 1 of the compiled code is line 3, column 5 of the source.
  const map = { version: 3, sources: ['../src/thing.ts'], names: [], mappings: 'AAEI' };
  writeFileSync(join(directory, 'thing.js.map'), JSON.stringify(map));
});
afterAll(() => rmSync(directory, { recursive: true }));

function failure(file: string): Error {
  const error = new Error('bad');
  error.stack = `Error: bad\n    at f (${pathToFileURL(join(directory, file)).href}:1:1)\n    at node:internal/x:1:1`;
  return error;
}

test('places are those of the source where there is a map', () => {
  expect(describeError(failure('thing.js'))).toBe(
    `Error: bad\n    at f (${join(directory, '../src/thing.ts')}:3:5)\n    at node:internal/x:1:1`,
  );
});

test('places of code without a map stay', () => {
  expect(describeError(failure('other.js'))).toBe(failure('other.js').stack);
});

test('in one line', () => {
  expect(describeBriefly(failure('thing.js'))).toBe(
    `Error: bad (at f (${join(directory, '../src/thing.ts')}:3:5))`,
  );
  expect(describeBriefly('just text')).toBe('just text');
});
