import { expect, test } from 'vitest';
import { Params } from '../kernel/params.js';
import { planFor } from './plan.js';
import type { RunRequest } from './run.js';

const environment = { home: '/home/user', term: 'xterm', cwd: '/work' };

function params(change: Partial<Params> = {}): Params {
  return Object.assign(new Params(), change);
}

const request: RunRequest = {
  command: ['ls', '-l'],
  root: undefined,
  environment: ['A=b'],
  cwd: '/work',
  mounts: [],
  streams: ['host', 'host', 'host'],
};

test('without a root the machine boots from the host, to a login shell where we are', () => {
  const plan = planFor(params({ initEnvironment: ['MINE=1'] }), undefined, environment);
  expect(plan).toMatchObject({ root: 'host', forProgram: false, console: { input: 0, output: 1 } });
  expect(plan.programs?.map(({ file, argv }) => [file, argv])).toEqual([
    ['/bin/bash', ['-bash']],
    ['/bin/sh', ['-sh']],
  ]);
  const shell = plan.programs?.[0];
  expect(shell?.cwd).toBe('/work');
  for (const variable of ['HOME=/home/user', 'TERM=xterm', 'SHELL=/bin/bash', 'MINE=1'])
    expect(shell?.environment).toContain(variable);
});

test('a root of its own has an init of its own', () => {
  expect(planFor(params({ rootType: 'hostfs' }), undefined, environment)).toMatchObject({
    root: 'named',
    programs: undefined,
  });
  expect(planFor(params({ rootDevice: '98:0' }), undefined, environment).root).toBe('named');
});

test('init= is the first process also when booting from the host', () => {
  expect(planFor(params({ init: '/bin/sh' }), undefined, environment)).toMatchObject({
    root: 'host',
    programs: undefined,
  });
});

test('uml run: the command has our streams, and our signals', () => {
  const plan = planFor(params(), request, environment);
  expect(plan).toMatchObject({ root: 'host', forProgram: true, hostStreams: true });
  expect(plan.console).toEqual({ input: -1, output: 2 });
  expect(plan.programs).toEqual([
    {
      file: 'ls',
      argv: ['ls', '-l'],
      environment: ['A=b'],
      cwd: '/work',
      streams: ['/dev/hostin', '/dev/hostout', '/dev/hosterr'],
    },
  ]);
});

test('uml run on a terminal: the console', () => {
  const plan = planFor(params(), { ...request, streams: ['console', 'console', 'host'] }, environment);
  expect(plan).toMatchObject({ controllingTerminal: true, console: { input: 0, output: 1 } });
  expect(plan.programs?.[0].streams).toEqual(['/dev/tty0', '/dev/tty0', '/dev/hosterr']);
});
