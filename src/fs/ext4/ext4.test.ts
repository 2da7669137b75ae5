import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AT_FDCWD, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, O_CREAT, O_RDWR } from '../../uapi/fcntl.js';
import { RENAME_EXCHANGE } from '../../uapi/fs.js';
import { MS_RDONLY, MS_REMOUNT } from '../../uapi/mount.js';
import { sys_link, sys_mkdir, sys_symlink } from '../create.js';
import { sys_close } from '../file-calls.js';
import { sys_mount } from '../mount-calls.js';
import { sys_open } from '../open.js';
import { sys_rmdir, sys_unlink } from '../remove.js';
import { sys_rename, sys_renameat2 } from '../rename.js';
import { sys_readlink } from '../stat.js';
import { sys_fsync } from '../sync.js';
import { sys_fallocate, sys_ftruncate } from '../truncate.js';
import { sys_setxattr } from '../xattr.js';
import { Ext4Machine } from './testing.js';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const environment = { ...process.env, PATH };
/** The tests need e2fsprogs. */
const hasTools = spawnSync('mke2fs', ['-V'], { env: environment }).status === 0;

let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'ext4-'));
  mkdirSync(join(work, 'tree/d/e'), { recursive: true });
  writeFileSync(join(work, 'tree/small'), 'hello');
  writeFileSync(join(work, 'tree/large'), pattern(1_500_000));
  symlinkSync('small', join(work, 'tree/fast'));
  symlinkSync('x'.repeat(100), join(work, 'tree/slow'));
  for (let index = 0; index < 600; index++)
    writeFileSync(join(work, `tree/d/e/file-with-a-name-${index}`), `${index}`);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const pattern = (length: number): string =>
  Array.from({ length: Math.ceil(length / 10) }, (_, index) => String(index).padStart(10))
    .join('')
    .slice(0, length);

function makeImage(...options: string[]): Uint8Array {
  const file = join(work, 'image');
  writeFileSync(file, '');
  truncateSync(file, 24 * 1024 * 1024);
  execFileSync('mke2fs', ['-q', '-F', '-d', join(work, 'tree'), ...options, file], {
    env: environment,
    stdio: 'pipe',
  });
  return new Uint8Array(readFileSync(file));
}

/** What e2fsck has to say: nothing, if all is well. */
function check(image: Uint8Array): string {
  const file = join(work, 'checked');
  writeFileSync(file, image);
  const { status, stdout } = spawnSync('e2fsck', ['-fn', file], { env: environment, encoding: 'utf8' });
  return status === 0 ? '' : stdout;
}

const variants: [string, string[]][] = [
  ['ext2 with blocks of 1024 bytes', ['-t', 'ext2', '-b', '1024']],
  ['ext2 with blocks of 4096 bytes and small inodes', ['-t', 'ext2', '-b', '4096', '-I', '128']],
  ['ext3', ['-t', 'ext3', '-b', '1024']],
  ['ext4', ['-t', 'ext4', '-b', '4096']],
  ['ext4 with blocks of 1024 bytes', ['-t', 'ext4', '-b', '1024']],
  ['ext4 without checksums', ['-t', 'ext4', '-O', '^metadata_csum,uninit_bg']],
  ['ext4 without 64bit', ['-t', 'ext4', '-O', '^64bit,^extents']],
  ['ext4 with meta_bg', ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode']],
  ['ext4 without a journal', ['-t', 'ext4', '-O', '^has_journal,sparse_super2']],
];

function open(machine: Ext4Machine, name: string, flags = O_CREAT | O_RDWR): number {
  const fd = machine.sys(sys_open, name, flags, 0o644);
  if (typeof fd === 'string') throw new Error(`${name}: ${fd}`);
  return fd;
}
function readAll(machine: Ext4Machine, name: string): string {
  const fd = open(machine, name, 0);
  let text = '';
  for (;;) {
    const part = machine.read(fd, 60_000, text.length);
    if (part === '') break;
    text += part;
  }
  machine.sys(sys_close, fd);
  return text;
}

describe.skipIf(!hasTools).each(variants)('%s', (_name, options) => {
  test('shows what mke2fs has put there', () => {
    const machine = new Ext4Machine(makeImage(...options));
    expect(machine.mountImage(MS_RDONLY)).toBe(0);
    expect(machine.names('/mnt')).toEqual(['d', 'fast', 'large', 'lost+found', 'slow', 'small']);
    expect(readAll(machine, '/mnt/small')).toBe('hello');
    expect(readAll(machine, '/mnt/large')).toBe(pattern(1_500_000));
    expect(machine.textOf(sys_readlink, '/mnt/fast')).toBe('small');
    expect(machine.textOf(sys_readlink, '/mnt/slow')).toBe('x'.repeat(100));
    expect(machine.names('/mnt/d/e')).toHaveLength(600);
    expect(readAll(machine, '/mnt/d/e/file-with-a-name-511')).toBe('511');
    expect(machine.sys(sys_mkdir, '/mnt/new', 0o755)).toBe('EROFS');
    expect(machine.unmountImage()).toBe(0);
  });

  test('is changed so that e2fsck finds nothing', () => {
    const machine = new Ext4Machine(makeImage(...options));
    expect(machine.mountImage()).toBe(0);
    expect(machine.sys(sys_mkdir, '/mnt/new', 0o755)).toBe(0);
    const fd = open(machine, '/mnt/new/file');
    for (let at = 0; at < 400_000; at += 40_000) expect(machine.write(fd, pattern(40_000), at)).toBe(40_000);
    expect(machine.sys(sys_fsync, fd)).toBe(0);
    machine.write(fd, 'far', 900_000);
    machine.sys(sys_ftruncate, fd, 900_002);
    expect(machine.sys(sys_fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 5000, 50_000)).toBe(0);
    machine.sys(sys_close, fd);
    for (let index = 0; index < 300; index++) machine.sys(sys_close, open(machine, `/mnt/new/name-${index}`));
    for (let index = 0; index < 300; index += 3)
      expect(machine.sys(sys_unlink, `/mnt/new/name-${index}`)).toBe(0);
    machine.sys(sys_close, open(machine, '/mnt/d/e/one-more'));
    expect(machine.sys(sys_link, '/mnt/small', '/mnt/new/link')).toBe(0);
    expect(machine.sys(sys_symlink, 'y'.repeat(200), '/mnt/new/symlink')).toBe(0);
    expect(machine.sys(sys_rename, '/mnt/new', '/mnt/d/moved')).toBe(0);
    expect(machine.sys(sys_renameat2, AT_FDCWD, '/mnt/d/e', AT_FDCWD, '/mnt/small', RENAME_EXCHANGE)).toBe(0);
    expect(machine.sys(sys_setxattr, '/mnt/large', 'user.a', new Uint8Array(40).fill(65), 40, 0)).toBe(0);
    expect(machine.sys(sys_setxattr, '/mnt/large', 'user.b', new Uint8Array(600).fill(66), 600, 0)).toBe(0);
    expect(machine.sys(sys_unlink, '/mnt/slow')).toBe(0);
    expect(machine.sys(sys_mkdir, '/mnt/gone', 0o755)).toBe(0);
    expect(machine.sys(sys_rmdir, '/mnt/gone')).toBe(0);
    expect(machine.unmountImage()).toBe(0);
    expect(check(machine.disk.image)).toBe('');
    const again = new Ext4Machine(machine.disk.image);
    expect(again.mountImage()).toBe(0);
    const text = readAll(again, '/mnt/d/moved/file');
    expect(text).toHaveLength(900_002);
    expect(text.slice(0, 5000)).toBe(pattern(5000));
    expect(text.slice(5000, 55_000)).toBe('\0'.repeat(50_000));
    expect(text.slice(55_000, 80_000)).toBe(pattern(40_000).repeat(2).slice(55_000));
    expect(text.slice(899_998)).toBe('\0\0fa');
    expect(again.names('/mnt/d/moved')).toHaveLength(203);
    expect(again.unmountImage()).toBe(0);
    expect(check(again.disk.image)).toBe('');
  });
});

describe.skipIf(!hasTools)('ext4', () => {
  test('is whole while it is mounted read-only, and can be written again', () => {
    const machine = new Ext4Machine(makeImage('-t', 'ext4'));
    const remount = (flags: number): number | string =>
      machine.sys(sys_mount, 'none', '/mnt', 'ext4', MS_REMOUNT | flags, '');
    expect(machine.mountImage()).toBe(0);
    machine.sys(sys_mkdir, '/mnt/one', 0o755);
    expect(remount(MS_RDONLY)).toBe(0);
    expect(check(machine.disk.image)).toBe('');
    expect(machine.sys(sys_mkdir, '/mnt/two', 0o755)).toBe('EROFS');
    expect(remount(0)).toBe(0);
    expect(machine.sys(sys_mkdir, '/mnt/three', 0o755)).toBe(0);
    expect(machine.unmountImage()).toBe(0);
    expect(check(machine.disk.image)).toBe('');
  });

  test('frees files without a name that were open when the machine stopped', () => {
    const machine = new Ext4Machine(makeImage('-t', 'ext4'));
    expect(machine.mountImage()).toBe(0);
    for (const name of ['/mnt/small', '/mnt/large']) {
      open(machine, name);
      expect(machine.sys(sys_unlink, name)).toBe(0);
    }
    expect(machine.sys(sys_fsync, open(machine, '/mnt/other'))).toBe(0);
    const after = new Ext4Machine(machine.disk.image.slice());
    expect(after.mountImage()).toBe(0);
    expect(after.kernel.log.records.map(({ text }) => text)).toContain(
      'EXT4-fs (ubda): 2 orphan inodes deleted',
    );
    expect(after.unmountImage()).toBe(0);
    expect(check(after.disk.image)).toBe('');
  });

  test('says ENOSPC when it is full, and has room again afterwards', () => {
    const machine = new Ext4Machine(makeImage('-t', 'ext4'));
    expect(machine.mountImage()).toBe(0);
    const fd = open(machine, '/mnt/filler');
    let at = 0;
    while (machine.write(fd, pattern(40_960), at) === 40_960) at += 40_960;
    expect(machine.write(fd, pattern(40_960), at)).toBe('ENOSPC');
    machine.sys(sys_close, fd);
    expect(machine.sys(sys_unlink, '/mnt/filler')).toBe(0);
    const again = open(machine, '/mnt/again');
    expect(machine.write(again, pattern(40_960))).toBe(40_960);
    machine.sys(sys_close, again);
    expect(machine.unmountImage()).toBe(0);
    expect(check(machine.disk.image)).toBe('');
  });
});
