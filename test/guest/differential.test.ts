/**
 * The same C programs, compiled once, must print the same on the host and in the guest. All of them run in one machine, each
 * under a time limit of its own, so that one that hangs shows as a difference and not as a dead test.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile, hasCompiler, sources } from '../support/compiler.js';
import { run, umlRun } from '../support/machine.js';

const programs = hasCompiler ? sources('guest/programs') : [];
if (!hasCompiler) console.log('skipped: differential tests: no C compiler (gcc)');

const LIMIT_S = 20;

/** What a command in a machine, where everybody is root, needs in front to run as who we are. */
const uid = process.getuid?.() ?? 0;
const groups = process.getgroups?.().join() ?? '';
const asOurselves =
  uid === 0
    ? []
    : [
        'setpriv',
        `--reuid=${uid}`,
        `--regid=${process.getgid?.()}`,
        groups === '' ? '--clear-groups' : `--groups=${groups}`,
        '--inh-caps=-all',
      ];

/** Settings that hosts differ in, and that programs see. */
const likeHost = ['kernel/dmesg_restrict']
  .map((name) => `/proc/sys/${name}`)
  .map((path) => `echo ${readFileSync(path, 'latin1').trim()} > ${path}`)
  .join('; ');

/** Runs each program in a directory of its own and marks where its output begins and how it ended. */
const script = (paths: readonly string[], directory: string): string =>
  paths
    .map((path, index) =>
      [
        `mkdir -p ${directory}/${index} && cd ${directory}/${index}`,
        `echo "@@ ${index}"`,
        `timeout -k 1 ${LIMIT_S} ${path} </dev/null 2>&1`,
        `echo "@@ status $?"`,
      ].join('\n'),
    )
    .join('\n');

function sections(output: string): string[] {
  return output
    .split(/^@@ \d+\n/m)
    .slice(1)
    .map((section) => section.trimEnd());
}

describe.skipIf(programs.length === 0)('differential', () => {
  let host: string[] = [];
  let guest: string[] = [];

  beforeAll(async () => {
    const paths = programs.map(({ name, source }) => compile(source, name));
    const directory = mkdtempSync(join(tmpdir(), 'uml-differential-'));
    try {
      const onHost = await run('/bin/sh', ['-c', script(paths, directory)], { timeoutMs: 240_000 });
      host = sections(onHost.stdout);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    const inGuest = await umlRun(
      [
        '/bin/sh',
        '-c',
        `${likeHost}; exec ${asOurselves.join(' ')} /bin/sh -c "$1"`,
        'sh',
        script(paths, '/tmp/differential'),
      ],
      [],
      {
        timeoutMs: 300_000,
      },
    );
    guest = sections(inGuest.stdout);
  }, 600_000);

  test.each(programs.map(({ name }, index) => ({ name, index })))('$name', ({ index }) => {
    expect(guest[index]).toBe(host[index]);
  });
});
