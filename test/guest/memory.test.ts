/** Machines that are short of memory: the OOM killer, reclaim, and that the host is not asked for more than `mem=`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, hasCompiler } from '../support/compiler.js';
import { repository, umlRun } from '../support/machine.js';

const FILE_PAGES = 25_600;

describe.skipIf(!hasCompiler)('little memory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'uml-memory-'));
  const file = join(directory, 'large');

  beforeAll(() => {
    const bytes = new Uint8Array(FILE_PAGES * 4096);
    for (let page = 0; page < FILE_PAGES; page++) {
      bytes[page * 4096] = page * 7;
      bytes[page * 4096 + 4095] = page >> 8;
    }
    writeFileSync(file, bytes);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('hogs are ended and the machine goes on', async () => {
    const hogs = compile(join(repository, 'test/guest/memory/hogs.c'), 'hogs');
    const script = `${hogs} ${file}; dmesg | grep -c 'Out of memory: Killed process [0-9]* (hogs)'`;
    const { stdout, status } = await umlRun(['/bin/sh', '-c', script], ['--mem', '64M'], {
      timeoutMs: 120_000,
    });
    expect(stdout.split('\n')).toEqual([
      'one area after the other: killed by SIGKILL',
      'more than there is at once: exited 62',
      'shared: killed by SIGKILL',
      'copies after fork: killed by SIGKILL',
      'a heap: killed by SIGKILL',
      'a kernel that writes to it: killed by SIGKILL',
      'a file larger than memory: exited 0',
      'taking and giving back: exited 0',
      expect.stringMatching(/^[4-9]$/),
      '',
    ]);
    expect(status).toBe(0);
  }, 150_000);
});
