import { expect, test } from 'vitest';
import { nameToBytes } from '../lib/names.js';
import { ENOEXEC } from '../uapi/errno.js';
import { BINPRM_BUF_SIZE, parseScript } from './binfmt-script.js';

function parse(text: string): ReturnType<typeof parseScript> {
  const header = new Uint8Array(BINPRM_BUF_SIZE);
  header.set(nameToBytes(text.slice(0, BINPRM_BUF_SIZE)));
  return parseScript(header);
}

test.each([
  ['#!/bin/sh\necho', '/bin/sh', undefined],
  ['#! \t/bin/sh \t\n', '/bin/sh', undefined],
  ['#!/bin/sh -e -u\n', '/bin/sh', '-e -u'],
  ['#!/usr/bin/env \t perl -w  \n', '/usr/bin/env', 'perl -w'],
  ['#!relative\n', 'relative', undefined],
  ['#!/bin/sh', '/bin/sh', undefined],
  ['#!/bin/sh\0-x\n', '/bin/sh', undefined],
  ['#!/bin/sh a\0b\n', '/bin/sh', 'a'],
])('%j is interpreted by %j with %j', (text, path, argument) => {
  expect(parse(text)).toEqual({ path, argument });
});

test('what does not begin with #! is no script', () => {
  expect(parse('# !/bin/sh\n')).toBeUndefined();
  expect(parse('')).toBeUndefined();
});

test.each([['#!\n'], ['#!  \t \n'], ['#!'.padEnd(400, ' ')], ['#!/' + 'x'.repeat(300)]])(
  '%j names no interpreter',
  (text) => {
    expect(() => parse(text)).toThrow(ENOEXEC as never);
  },
);

test('a line that is too long loses the end of its argument', () => {
  expect(parse('#!/bin/sh ' + 'a'.repeat(300))).toEqual({ path: '/bin/sh', argument: 'a'.repeat(245) });
});
