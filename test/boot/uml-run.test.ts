/** `uml run`: one command in a machine of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, uml, umlRun } from '../support/machine.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'uml-run-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const sh = (script: string): string[] => ['/bin/sh', '-c', script];
const root = ['--root', '/'];

describe('the exit status', () => {
  test.each([
    ['0', 'exit 0', 0],
    ['of its own', 'exit 7', 7],
    ['of a signal', 'kill -TERM $$', 128 + 15],
    ['of a kill', 'kill -KILL $$', 128 + 9],
  ])('%s', async (_name, script, status) => {
    expect(await umlRun(sh(script), root)).toMatchObject({ status, signal: null, stdout: '', stderr: '' });
  });

  test('127 for a command that is not there, 126 for one that cannot be run', async () => {
    expect(await umlRun(['no-such-command'], root)).toEqual({
      status: 127,
      signal: null,
      stdout: '',
      stderr: 'uml: no-such-command: No such file or directory\n',
    });
    expect(await umlRun(['/etc/passwd'], root)).toMatchObject({
      status: 126,
      stderr: 'uml: /etc/passwd: Permission denied\n',
    });
  });
});

describe('standard streams', () => {
  test('are separate and exact', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
    const result = await umlRun(sh('cat; echo to-stderr >&2'), root, { input: 'line\n' });
    expect(result).toMatchObject({ status: 0, stdout: 'line\n', stderr: 'to-stderr\n' });
    const file = join(directory, 'bytes');
    writeFileSync(file, all, 'latin1');
    expect((await umlRun(['cat', file], root)).stdout).toBe(all);
  });

  test('carry more than a pipe holds, both ways', async () => {
    const input = 'x'.repeat(99) + '\n';
    const result = await umlRun(['cat'], root, { input: input.repeat(20_000) });
    expect(result.stdout.length).toBe(2_000_000);
    expect(result.status).toBe(0);
  });

  test('may be files: output goes on where the file is', async () => {
    const path = join(directory, 'output');
    writeFileSync(path, 'before\n');
    const fd = openSync(path, 'a');
    const child = spawn(process.execPath, [uml, 'run', ...root, '--', 'echo', 'after'], {
      stdio: ['ignore', fd, 'inherit'],
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    closeSync(fd);
    expect(status).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('before\nafter\n');
  });

  test('can be opened by name', async () => {
    const result = await umlRun(sh('cat /dev/stdin >/dev/stdout'), root, { input: 'through names\n' });
    expect(result.stdout).toBe('through names\n');
  });

  test('a reader that goes away is SIGPIPE', async () => {
    const script = `node ${uml} run --root / -- sh -c 'yes; echo status $? >&2' | head -n 1`;
    const result = await run('/bin/sh', ['-c', script]);
    expect(result).toMatchObject({ status: 0, stdout: 'y\n' });
  });
});

describe('the host as root', () => {
  test('is seen as it is, and not changed', async () => {
    const file = join(directory, 'seen');
    writeFileSync(file, 'from the host\n');
    const result = await umlRun(
      sh(`cat seen; echo changed >seen; cat seen; rm seen; ls; echo x >/etc/x && cat /etc/x`),
      [],
      {
        cwd: directory,
      },
    );
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^from the host\nchanged\n[^]*x\n$/);
    expect(readFileSync(file, 'utf8')).toBe('from the host\n');
    expect(existsSync('/etc/x')).toBe(false);
  });

  test('--mount shares a directory, or shows it read-only', async () => {
    const shared = mkdtempSync(join(directory, 'shared-'));
    const args = ['--mount', `${shared}:/mnt/shared`, '--mount', `${shared}:/mnt/readonly:ro`];
    const script = 'echo hello >/mnt/shared/file; cat /mnt/readonly/file; echo no >/mnt/readonly/file';
    const { stdout, stderr, status } = await umlRun(sh(script), args);
    expect(stdout).toBe('hello\n');
    expect(stderr).toMatch(/Read-only file system/);
    expect(status).not.toBe(0);
    expect(readFileSync(join(shared, 'file'), 'utf8')).toBe('hello\n');
  });

  test('the machine has what programs expect', async () => {
    const script =
      'hostname; id -u; stat -fc %T /proc /sys /dev/pts /dev/shm /run; cat /proc/1/comm; ls /dev/null /dev/fd/0';
    const { stdout, stderr } = await umlRun(sh(script));
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    expect(lines.slice(0, 2)).toEqual(['uml', '0']);
    expect(lines).toContain('init');
    expect(lines).toContain('/dev/null');
  });
});

describe('signals to us', () => {
  test('reach the command', async () => {
    const script = 'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 1; done';
    const child = spawn(process.execPath, [uml, 'run', ...root, '--', ...sh(script)]);
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (output === 'ready\n') child.kill('SIGTERM');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect(output).toBe('ready\ngot it\n');
    expect(status).toBe(3);
  });

  test('end it as usual if it does not care', async () => {
    const child = spawn(process.execPath, [uml, 'run', ...root, '--', ...sh('echo ready; exec sleep 100')]);
    child.stdout.on('data', () => child.kill('SIGINT'));
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect(status).toBe(128 + 2);
  });
});

describe('options', () => {
  test('--env and --cwd', async () => {
    const { stdout } = await umlRun(sh('echo $A-$HOME; pwd'), [...root, '--env', 'A=b c', '--cwd', '/usr']);
    expect(stdout).toBe('b c-/root\n/usr\n');
  });

  test('--mem', async () => {
    const { stdout } = await umlRun(['cat', '/proc/meminfo'], [...root, '--mem', '128M']);
    const total = Number(/^MemTotal:\s+(\d+) kB/m.exec(stdout)?.[1]);
    expect(total).toBeGreaterThan(100_000);
    expect(total).toBeLessThanOrEqual(131_072);
  });

  test('mistakes are one line, and 125', async () => {
    for (const args of [['--bogus'], ['--root', '/nonexistent', 'ls'], [], ['--mount', '/tmp', 'ls']]) {
      const { status, stdout, stderr } = await run(process.execPath, [uml, 'run', ...args]);
      expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toMatch(/^uml: run: .*\n$/);
    }
  });
});
