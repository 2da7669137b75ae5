/** Disks of a machine are files of the host: what the guest writes is what the host's own tools find there. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { boot, type Outcome, repository, uml, umlRun } from '../support/machine.js';

const MIB = 2 ** 20;
const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const needs = (...programs: string[]): boolean => {
  const missing = programs.filter((program) => !has(program));
  if (missing.length > 0) console.log(`skipped: ${missing.join(', ')} not installed`);
  return missing.length > 0;
};

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ubd-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);

function makeFile(name: string, size: number): string {
  closeSync(openSync(at(name), 'w'));
  truncateSync(at(name), size);
  return at(name);
}

/** Runs a script in a machine with these disks. */
function machine(disks: readonly string[], script: string): Promise<Outcome> {
  const args = disks.flatMap((disk) => ['--disk', disk]);
  return umlRun(['/bin/sh', '-ec', script], args, { cwd: directory });
}

async function output(disks: readonly string[], script: string): Promise<string> {
  const { status, stdout, stderr } = await machine(disks, script);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const fsck = (file: string): string =>
  execFileSync('e2fsck', ['-fn', file], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'latin1' });

test.skipIf(needs('mke2fs', 'e2fsck'))('the host finds the file system that the guest has made', async () => {
  makeFile('disk', 32 * MIB);
  await output(['disk'], 'mke2fs -q -t ext4 -L guest /dev/ubda');
  expect(fsck(at('disk'))).toContain('guest: 11/');
  // And not only in the host's cache: it is as sparse as it can be.
  expect(statSync(at('disk')).blocks * 512).toBeLessThan(16 * MIB);
});

test.skipIf(needs('mke2fs', 'e2fsck'))(
  'a copy-on-write file takes the changes, its backing file none',
  async () => {
    makeFile('back', 32 * MIB);
    const { mtimeMs } = statSync(at('back'));
    await output(['cow,back'], 'mke2fs -q -t ext4 -L layered /dev/ubda');
    expect(statSync(at('back')).mtimeMs).toBe(mtimeMs);
    expect(statSync(at('back')).blocks).toBe(0);
    // A file alone is known by its header.
    expect(await output(['cow'], 'e2label /dev/ubda')).toBe('layered\n');
    execFileSync(process.execPath, [join(repository, 'bin', 'uml_moo.js'), at('cow'), at('merged')]);
    expect(fsck(at('merged'))).toContain('layered: 11/');
    if (!existsSync('/usr/bin/uml_moo')) return;
    execFileSync('/usr/bin/uml_moo', [at('cow'), at('merged-by-c')]);
    execFileSync('cmp', [at('merged'), at('merged-by-c')]);
  },
);

test.skipIf(needs('/usr/bin/uml_mkcow', '/usr/bin/uml_moo'))(
  'a copy-on-write file of the C program is taken',
  async () => {
    writeFileSync(at('back'), Buffer.alloc(65_536, 'b'));
    execFileSync('/usr/bin/uml_mkcow', [at('cow'), at('back')]);
    const script =
      'printf written | dd of=/dev/ubda bs=1 seek=5000 conv=notrunc status=none; head -c 3 /dev/ubda';
    expect(await output(['cow'], script)).toBe('bbb');
    execFileSync('/usr/bin/uml_moo', [at('cow'), at('merged')]);
    const wanted = Buffer.alloc(65_536, 'b');
    wanted.write('written', 5000);
    expect(readFileSync(at('merged')).equals(wanted)).toBe(true);
  },
);

test('names, numbers and sizes', async () => {
  makeFile('a', MIB + 100);
  makeFile('b', 2 * MIB);
  const script = `cat /proc/partitions | tail -n +3; grep ubd /proc/devices; blockdev --getsize64 --getss --getbsz /dev/ubda
cat /sys/block/ubda/size /sys/block/ubda/ro /sys/class/block/ubdb/dev /sys/dev/block/98:16/serial
stat -c %t:%T /dev/ubdb`;
  expect((await output(['a', 'b,,number'], script)).split('\n')).toEqual([
    '  98        0       1024 ubda',
    '  98       16       2048 ubdb',
    ' 98 ubd',
    String(MIB + 512),
    '512',
    '4096',
    String(MIB / 512 + 1),
    '0',
    '98:16',
    'number62:10',
    '',
  ]);
});

test.skipIf(needs('sfdisk', 'mke2fs', 'e2fsck'))('partitions come and go with the table', async () => {
  makeFile('disk', 32 * MIB);
  const script = `printf 'label: gpt\\nsize=8M\\nsize=16M\\n' | sfdisk -q /dev/ubda
ls /dev/ubda*; mke2fs -q /dev/ubda2; cat /sys/block/ubda/ubda2/start`;
  expect(await output(['disk'], script)).toBe('/dev/ubda\n/dev/ubda1\n/dev/ubda2\n18432\n');
  expect(await output(['disk'], 'blockdev --getsize64 /dev/ubda2')).toBe(`${16 * MIB}\n`);
  const image = readFileSync(at('disk')).subarray(18_432 * 512, 18_432 * 512 + 16 * MIB);
  writeFileSync(at('part'), image);
  expect(fsck(at('part'))).toContain('11/');
});

test('what is discarded needs no space on the host, and is zeros', async () => {
  writeFileSync(at('disk'), Buffer.alloc(8 * MIB, 'x'));
  expect(
    await output(
      ['disk'],
      'blkdiscard -o 1M -l 4M /dev/ubda; dd if=/dev/ubda bs=1M skip=2 count=1 status=none | tr -d "\\0" | wc -c',
    ),
  ).toBe('0\n');
  expect(statSync(at('disk')).blocks * 512).toBeLessThanOrEqual(4 * MIB + 65_536);
  expect(statSync(at('disk')).size).toBe(8 * MIB);
});

test('zeros hide what the backing file has', async () => {
  writeFileSync(at('back'), Buffer.alloc(MIB, 'x'));
  const script = 'blkdiscard -z -o 4096 -l 8192 /dev/ubda; tr -d "\\0" < /dev/ubda | wc -c';
  expect(await output(['cow,back'], script)).toBe(`${MIB - 8192}\n`);
});

test('a disk that is read-only refuses writes', async () => {
  makeFile('disk', MIB);
  const script = '#!/bin/sh\nblockdev --getro /dev/ubdb\necho x > /dev/ubdb\n';
  writeFileSync(at('script'), script, { mode: 0o755 });
  const { stdout } = await boot(['ubd1r=disk', 'quiet', `init=${at('script')}`], { cwd: directory });
  expect(stdout).toMatch(/^1\r?\n[^]*I\/O error/); // as dash calls EPERM
  expect(readFileSync(at('disk')).every((byte) => byte === 0)).toBe(true);
});

test('what was synced is there after the machine was killed', async () => {
  makeFile('disk', MIB);
  const child = spawn(
    process.execPath,
    [
      uml,
      'run',
      '--disk',
      'disk',
      '--',
      '/bin/sh',
      '-c',
      'echo kept > /dev/ubda; sync; echo done; sleep 100 </dev/ubda',
    ],
    { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  expect(readFileSync(at('disk')).subarray(0, 5).toString()).toBe('kept\n');
});

test('one file cannot be a disk of two machines', async () => {
  makeFile('disk', MIB);
  const child = spawn(
    process.execPath,
    [uml, 'run', '--disk', 'disk', '--', '/bin/sh', '-c', 'exec 3<>/dev/ubda; echo held; sleep 100'],
    { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    const { status, stdout } = await machine(
      ['disk'],
      'dd if=/dev/ubda count=1 of=/dev/null || dmesg | tail -n 4',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/F_SETLK failed, file already locked by pid [0-9]+\n/);
    expect(stdout).toMatch(/Failed to lock 'disk', err = 11\n/);
    expect(stdout).toMatch(/ubda: Can't open "disk": errno = 11\n/);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a backing file that has changed is refused, with the reason and what to do', async () => {
  makeFile('back', MIB);
  utimesSync(at('back'), 1_000_000_000, 1_000_000_000);
  await output(['cow,back'], 'echo x > /dev/ubda');
  utimesSync(at('back'), 1_000_000_007, 1_000_000_007);
  const { stdout } = await machine(['cow'], 'head -c 1 /dev/ubda || dmesg');
  expect(stdout).toContain('mtime mismatch (1000000000 vs 1000000007) of COW header vs backing file');
  expect(stdout).toContain(`touch -d @1000000000 '${at('back')}'`);
  truncateSync(at('back'), 2 * MIB);
  expect((await machine(['cow'], 'head -c 1 /dev/ubda || dmesg')).stdout).toContain(
    `Size mismatch (${MIB} vs ${2 * MIB}) of COW header vs backing file`,
  );
});

test('another backing file of the same size and time takes the place of the old one', async () => {
  for (const name of ['back', 'moved']) {
    makeFile(name, MIB);
    utimesSync(at(name), 1_000_000_000, 1_000_000_000);
  }
  await output(['cow,back'], 'echo x > /dev/ubda');
  const log = (await machine(['cow,moved'], 'dmesg')).stdout;
  expect(log).toContain(
    `Backing file mismatch - "moved" requested, "${at('back')}" specified in COW header of "cow"`,
  );
  expect(log).toContain("Switching backing file to 'moved'");
  rmSync(at('back'));
  expect(await output(['cow'], 'head -c 2 /dev/ubda')).toBe('x\n');
});

test('a disk that is not there is a panic that says so', async () => {
  const { stdout, stderr } = await boot(['ubd0=missing'], { cwd: directory });
  const text = stdout + stderr;
  expect(text).toContain("Failed to initialize ubd device 0 :Couldn't determine size of device's file");
  expect(text).toContain('VFS: Unable to mount root fs on unknown-block(98,0)');
});
