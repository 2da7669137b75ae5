/** ext4 on a disk of the machine: mounted by programs, and as the root. The host's e2fsck has the last word. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { boot, umlRun } from '../support/machine.js';

const missing = ['mke2fs', 'e2fsck'].filter(
  (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
);
if (missing.length > 0) console.log(`skipped: ext4 on disks: ${missing.join(', ')} not installed`);
const tests = test.skipIf(missing.length > 0);

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'disk-ext4-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

function makeFile(name: string, mib: number): void {
  writeFileSync(at(name), '');
  truncateSync(at(name), mib * 2 ** 20);
}

const fsck = (file: string): number | null => spawnSync('e2fsck', ['-fn', file], { stdio: 'ignore' }).status;

async function output(disk: string, script: string): Promise<string> {
  const options = { cwd: directory, timeoutMs: 120_000 };
  const { status, stdout, stderr } = await umlRun(['/bin/sh', '-ec', script], ['--disk', disk], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

tests('names of all lengths stay, and e2fsck finds nothing', async () => {
  makeFile('disk', 64);
  const script = `mke2fs -q -t ext4 /dev/ubda; mount /dev/ubda /mnt; mkdir /mnt/d; cd /mnt/d
name=x; for i in $(seq 200); do mkdir $i$name; : > $name$i; name=x$name; [ \${#name} -lt 60 ] || name=x; done
ls | wc -l; cd /; umount /mnt; mount -t ext4 /dev/ubda /mnt; ls /mnt/d | wc -l; rm -r /mnt/d; ls /mnt; umount /mnt`;
  expect(await output('disk', script)).toBe('400\n400\nlost+found\n');
  expect(fsck(at('disk'))).toBe(0);
});

tests('what a machine leaves mounted is whole, and on the backing file nothing has changed', async () => {
  makeFile('back', 64);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', at('back')]);
  await output('cow,back', 'mount /dev/ubda /mnt; cp -r /etc/init.d /mnt; sync');
  expect(await output('cow', 'mount /dev/ubda /mnt; diff -r /etc/init.d /mnt/init.d; umount /mnt')).toBe('');
  expect(fsck(at('back'))).toBe(0);
});

tests('mounted twice it is the same; a mounted disk is nobody else’s', async () => {
  makeFile('disk', 16);
  const script = `mke2fs -q -t ext4 /dev/ubda; mount /dev/ubda /mnt; mkdir /tmp/again; mount /dev/ubda /tmp/again
echo shared > /mnt/file; cat /tmp/again/file; mke2fs -q -F -F /dev/ubda 2>/dev/null || echo refused`;
  expect(await output('disk', script)).toBe('shared\nrefused\n');
});

tests('a file root_fs in the current directory is the root, by any of its names', async () => {
  mkdirSync(at('tree'));
  for (const name of ['dev', 'proc', 'bin', 'sbin']) mkdirSync(at(`tree/${name}`));
  const libraries = ['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2'];
  for (const name of ['/bin/dash', ...libraries]) {
    mkdirSync(at(`tree${dirname(name)}`), { recursive: true });
    cpSync(name, at(`tree${name}`), { dereference: true });
  }
  writeFileSync(at('tree/sbin/init'), '#!/bin/dash\necho came to init\n', { mode: 0o755 });
  makeFile('root_fs', 32);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', at('tree'), at('root_fs')]);
  for (const name of [[], ['root=/dev/ubda'], ['root=6200'], ['root=98:0'], ['ubd0=cow,root_fs', 'rw']]) {
    const { stdout } = await boot(name, { cwd: directory });
    expect(stdout).toMatch(/VFS: Mounted root \(ext4 filesystem\)( readonly)? on device 98:0\./);
    expect(stdout).toContain('came to init');
  }
  expect(fsck(at('root_fs'))).toBe(0);
});
