import { expect, test } from 'vitest';
import { memparse, splitCommandLine } from './cmdline.js';

test('memparse reads decimal, hexadecimal and octal numbers', () => {
  expect(memparse('4096')).toEqual({ value: 4096, rest: '' });
  expect(memparse('0x1000')).toEqual({ value: 4096, rest: '' });
  expect(memparse('010')).toEqual({ value: 8, rest: '' });
  expect(memparse('0')).toEqual({ value: 0, rest: '' });
  expect(memparse('089')).toEqual({ value: 0, rest: '89' });
});

test('memparse takes suffixes in either case', () => {
  expect(memparse('64M')).toEqual({ value: 64 * 2 ** 20, rest: '' });
  expect(memparse('1k')).toEqual({ value: 1024, rest: '' });
  expect(memparse('2g,rest')).toEqual({ value: 2 ** 31, rest: ',rest' });
  expect(memparse('8T').value).toBe(2 ** 43);
});

test('memparse: what is no number is 0, and the rest is left', () => {
  expect(memparse('lots')).toEqual({ value: 0, rest: 'lots' });
  expect(memparse('M')).toEqual({ value: 0, rest: 'M' });
  expect(memparse('12Q')).toEqual({ value: 12, rest: 'Q' });
  expect(memparse('')).toEqual({ value: 0, rest: '' });
});

const split = (line: string): [string, string | undefined, string][] =>
  splitCommandLine(line).map(({ name, value, text }) => [name, value, text]);

test('words are separated by any run of white space', () => {
  expect(split('  a=1   b\tc=\n')).toEqual([
    ['a', '1', 'a=1'],
    ['b', undefined, 'b'],
    ['c', '', 'c='],
  ]);
  expect(split('')).toEqual([]);
});

test('only the first equals sign separates', () => {
  expect(split('con0=fd:0,fd:1=x')).toEqual([['con0', 'fd:0,fd:1=x', 'con0=fd:0,fd:1=x']]);
  expect(split('=x')).toEqual([['=x', undefined, '=x']]);
});

test('double quotes protect spaces and are removed around a word or a value', () => {
  expect(split('title="a b" "x y=z w" plain')).toEqual([
    ['title', 'a b', 'title=a b'],
    ['x y', 'z w', 'x y=z w'],
    ['plain', undefined, 'plain'],
  ]);
  expect(split('a"b c"d')).toEqual([['a"b c"d', undefined, 'a"b c"d']]);
  expect(split('open="never closed')).toEqual([['open', 'never closed', 'open=never closed']]);
});
