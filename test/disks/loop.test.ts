/** loop(4): files of the guest as block devices, with Debian's losetup. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { umlRun } from '../support/machine.js';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const missing = ['losetup', 'mke2fs', 'e2fsck', 'sfdisk'].filter((program) => !has(program));
if (missing.length > 0) console.log(`skipped: loop devices: ${missing.join(', ')} not installed`);
const tests = test.skipIf(missing.length > 0);

async function output(script: string): Promise<string> {
  const prepared = `mount -t tmpfs none /tmp; cd /tmp\n${script}`;
  const { status, stdout, stderr } = await umlRun(['/bin/sh', '-ec', prepared], ['--cwd', '/']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

tests('what is made on the device is in the file', async () => {
  const script = `truncate -s 20M image
losetup --show -f image; losetup -O NAME,BACK-FILE -n -l
mke2fs -q -L looped /dev/loop0; losetup -d /dev/loop0; losetup -a
e2fsck -fn image 2>/dev/null | tail -n 1 | cut -d: -f1; e2label image`;
  expect(await output(script)).toBe('/dev/loop0\n/dev/loop0 /tmp/image\nlooped\nlooped\n');
});

tests('a part of a file, read-only', async () => {
  const script = `dd if=/dev/zero bs=1M count=2 status=none | tr '\\0' x > image
losetup -r -o 1M --sizelimit 4096 -f image
blockdev --getsize64 --getro /dev/loop0; tr -d x < /dev/loop0 | wc -c
{ echo no > /dev/loop0; } 2>/dev/null || echo refused`;
  expect(await output(script)).toBe('4096\n1\n0\nrefused\n');
});

tests('partitions of an image come with the device and go with it', async () => {
  const script = `truncate -s 20M image; printf 'label: dos\\nsize=8M\\nsize=8M\\n' | sfdisk -q image
losetup -P -f image; ls /dev/loop0*; losetup -d /dev/loop0; ls /dev/loop0*`;
  expect(await output(script)).toBe('/dev/loop0\n/dev/loop0p1\n/dev/loop0p2\n/dev/loop0\n');
});

tests('devices are added and removed; one that is in use stays', async () => {
  const script = `truncate -s 1M image; losetup /dev/loop3 image; losetup -f
exec 3</dev/loop3; losetup -d /dev/loop3; losetup -n -O NAME -l; exec 3<&-; losetup -n -O NAME -l`;
  expect(await output(script)).toBe('/dev/loop0\n/dev/loop3\n');
});
