/** What the `linux` command does before and instead of booting, and how a boot that cannot go on ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boot } from '../support/machine.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'linux-boot-'));
  writeFileSync(join(directory, 'file'), '');
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The lines of the log that tell why. */
const panicLines = (stdout: string): string[] =>
  stdout.split(/\r?\n/).filter((line) => /VFS:|Kernel panic/.test(line));

describe('switches that print', () => {
  test('--version prints the release and nothing else', async () => {
    expect(await boot(['--version'])).toEqual({
      status: 0,
      signal: null,
      stdout: '6.1.0-uml-ts\n',
      stderr: '',
    });
  });

  test('--help and --showconfig print to standard output', async () => {
    const help = await boot(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/^User Mode Linux v6\.1\.0/);
    expect(help.stdout).toContain('\nmem=');
    const config = await boot(['--showconfig']);
    expect(config).toMatchObject({ status: 0, stderr: '' });
    for (const line of config.stdout.trimEnd().split('\n'))
      expect(line).toMatch(/^(#|# .*|CONFIG_[A-Z0-9_]+=.+)$/);
    expect(config.stdout).toContain('\nCONFIG_HOSTFS=y\n');
  });

  test('output that nobody reads is no error', async () => {
    const result = await boot(['--help'], { input: '' });
    expect(result.status).toBe(0);
  });
});

describe('mistakes before the boot: one line on standard error, status 1', () => {
  const mistakes: [string[], RegExp][] = [
    [['mem=0'], /^Too few physical memory! Needed=\d+, given=0\n$/],
    [['mem=lots'], /^Too few physical memory! .*mem=lots.*\n$/],
    [['mem=8E'], /^Too much physical memory! .*\n$/],
    [['ncpus=none'], /^ncpus=none is not a number of CPUs.*\n$/],
    [['x'.repeat(5000)], /^add_arg: Too many command line arguments!\n$/],
  ];
  test.each(mistakes)('%j', async (words, message) => {
    const { status, stdout, stderr } = await boot(words);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

describe('panics: why, then SIGABRT', () => {
  const hostfs = (flags: string, ...words: string[]): string[] => [
    'rootfstype=hostfs',
    `rootflags=${flags}`,
    ...words,
  ];

  test('a root directory that is missing', async () => {
    const { status, signal, stdout, stderr } = await boot(hostfs('/nonexistent', 'root=98:0'));
    expect({ status, signal, stderr }).toEqual({ status: null, signal: 'SIGABRT', stderr: '' });
    expect(panicLines(stdout)).toEqual([
      'VFS: mounting hostfs of /nonexistent as root: No such file or directory',
      'VFS: Cannot open root device "98:0" or unknown-block(98,0): error -2',
      'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(98,0)',
      '---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(98,0) ]---',
    ]);
  });

  test('a root that is a file', async () => {
    const { signal, stdout } = await boot(hostfs(join(directory, 'file')));
    expect(signal).toBe('SIGABRT');
    expect(stdout).toContain('Not a directory');
    expect(stdout).toContain('error -20');
  });

  test('a file system type that does not exist', async () => {
    const { signal, stdout } = await boot(['rootfstype=bogus']);
    expect(signal).toBe('SIGABRT');
    expect(stdout).toContain('error -19');
    expect(stdout).toContain('Kernel panic - not syncing: VFS: Unable to mount root fs on');
  });

  test('a root without any init', async () => {
    const { signal, stdout } = await boot(hostfs(directory));
    expect(signal).toBe('SIGABRT');
    expect(stdout).toContain('Kernel panic - not syncing: No working init found.');
    expect(stdout).not.toMatch(/\bat .*\.js/);
  });

  test('an init that is not there', async () => {
    const { signal, stdout } = await boot(hostfs('/', 'init=/nonexistent'));
    expect(signal).toBe('SIGABRT');
    expect(stdout).toContain('Kernel panic - not syncing: Requested init /nonexistent failed (error -2).');
  });

  test('an init that ends', async () => {
    const script = join(directory, 'exits');
    writeFileSync(script, 'exit 3\n');
    const { signal, stdout } = await boot(hostfs('/', 'init=/bin/sh', script));
    expect(signal).toBe('SIGABRT');
    expect(stdout).toContain('Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300');
  });

  test('quiet shows the panic still, and nothing before it', async () => {
    const { stdout } = await boot(['quiet', 'rootfstype=bogus']);
    expect(stdout).not.toContain('Linux version');
    expect(stdout).toContain('Kernel panic');
  });

  test('too many variables', async () => {
    const variables = Array.from({ length: 130 }, (_, index) => `V${index}=x`);
    const { signal, stdout } = await boot([...variables, ...hostfs('/')]);
    expect(signal).toBe('SIGABRT');
    expect(stdout).toContain("Kernel panic - not syncing: Too many boot env vars at `V127=x'");
  });
});

describe('init', () => {
  test('is process 1 and gets the words that the kernel does not know', async () => {
    const script = join(directory, 'init');
    writeFileSync(script, 'echo $$ "$@" MINE=$MINE HOME=$HOME TERM=$TERM\n');
    const words = `quiet rootfstype=hostfs rootflags=/ init=/bin/sh ${script} single MINE=yes -- mem=1G`;
    const { stdout } = await boot(words.split(' '));
    expect(stdout.split('\r\n')[0]).toBe('1 single mem=1G MINE=yes HOME=/ TERM=linux');
  });
});
