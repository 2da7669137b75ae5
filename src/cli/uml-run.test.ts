import { expect, test } from 'vitest';
import { UsageError } from './uml-command.js';
import { parseRun, splitWords } from './uml-run.js';

function parsed(...words: string[]): Exclude<ReturnType<typeof parseRun>, 'help'> {
  const result = parseRun(words);
  if (result === 'help') throw new Error('help');
  return result;
}

test('the command begins behind -- or at the first word that is no option', () => {
  expect(splitWords(['--mem', '1G', '--', '--help'])).toEqual([['--mem', '1G'], ['--help']]);
  expect(splitWords(['--mem=1G', 'ls', '-l', '--', 'x'])).toEqual([['--mem=1G'], ['ls', '-l', '--', 'x']]);
  expect(splitWords(['-h'])).toEqual([['-h'], []]);
  expect(splitWords(['--env', '--', 'ls'])).toEqual([['--env', '--'], ['ls']]);
});

test('options become the machine', () => {
  const words = '--root / --mount /tmp:/host/tmp:ro --mount /usr:/u --mem 512M --env A=b=c --cwd /x ls -l';
  const { request, switches } = parsed(...words.split(' '));
  expect(switches).toEqual(['quiet', 'mem=512M']);
  expect(request).toMatchObject({
    command: ['ls', '-l'],
    root: '/',
    cwd: '/x',
    mounts: [
      { host: '/tmp', guest: '/host/tmp', readOnly: true },
      { host: '/usr', guest: '/u', readOnly: false },
    ],
  });
  expect(request.environment).toContain('A=b=c');
  expect(request.environment.some((variable) => variable.startsWith('PATH='))).toBe(true);
});

test('without --root the command starts where we are', () => {
  expect(parsed('ls').request.cwd).toBe(process.cwd());
  expect(parsed('--root', '/', 'ls').request.cwd).toBeUndefined();
});

test('--env NAME passes a variable on', () => {
  process.env.UML_TEST_VARIABLE = 'käse';
  expect(
    parsed('--env', 'UML_TEST_VARIABLE', '--env', 'UML_TEST_ABSENT', 'ls').request.environment.at(-1),
  ).toBe('UML_TEST_VARIABLE=k\xc3\xa4se');
  delete process.env.UML_TEST_VARIABLE;
});

test('mistakes are told in one line', () => {
  const mistake = (...words: string[]): string => {
    try {
      parseRun(words);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
    }
    return 'none';
  };
  expect(mistake()).toMatch(/which command/);
  expect(mistake('--bogus', 'ls')).toMatch(/bogus/);
  expect(mistake('--mem')).toMatch(/mem/);
  expect(mistake('--root', '/nonexistent', 'ls')).toBe('run: --root: /nonexistent is missing');
  expect(mistake('--root', '/etc/passwd', 'ls')).toBe('run: --root: /etc/passwd is not a directory');
  expect(mistake('--mount', '/tmp', 'ls')).toMatch(/HOST:GUEST/);
  expect(mistake('--mount', '/tmp:relative', 'ls')).toMatch(/absolute/);
  expect(mistake('--mount', '/tmp:/x:rw', 'ls')).toMatch(/HOST:GUEST/);
  for (const words of [[], ['--bogus', 'x'], ['--mem']]) expect(mistake(...words)).not.toContain('\n');
});
