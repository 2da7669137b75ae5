/** Machines that stop at any write, random operations, and images that somebody has damaged. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, O_CREAT, O_RDWR } from '../../uapi/fcntl.js';
import { sys_link, sys_mkdir, sys_symlink } from '../create.js';
import { sys_close } from '../file-calls.js';
import { sys_open } from '../open.js';
import { sys_rmdir, sys_unlink } from '../remove.js';
import { sys_rename } from '../rename.js';
import { sys_fsync, sys_sync } from '../sync.js';
import { sys_fallocate, sys_ftruncate } from '../truncate.js';
import { sys_getxattr, sys_setxattr } from '../xattr.js';
import { Ext4Machine } from './testing.js';

const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
/** The tests need e2fsprogs. */
const hasTools = spawnSync('mke2fs', ['-V'], { env: environment }).status === 0;
const PAGE = 4096;

let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'ext4-hostile-'));
  mkdirSync(join(work, 'tree/d'), { recursive: true });
  for (let index = 0; index < 80; index++)
    writeFileSync(join(work, `tree/d/name-${index}`), 'x'.repeat(index * 50));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function makeImage(megabytes: number, ...options: string[]): Uint8Array {
  const file = join(work, 'image');
  writeFileSync(file, '');
  truncateSync(file, megabytes * 1024 * 1024);
  execFileSync('mke2fs', ['-q', '-F', '-d', join(work, 'tree'), ...options, file], {
    env: environment,
    stdio: 'pipe',
  });
  return new Uint8Array(readFileSync(file));
}

/** Runs e2fsck; what it has to say if all is not well. */
function check(image: Uint8Array, how = '-fn'): string {
  const file = join(work, 'checked');
  writeFileSync(file, image);
  const { status, stdout } = spawnSync('e2fsck', [how, file], { env: environment, encoding: 'utf8' });
  if (how !== '-fn') return status === 0 || status === 1 ? '' : stdout;
  return status === 0 ? '' : stdout;
}

/** Numbers that look random: mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) % below;
  };
}

/** Does random things to a few files, and keeps a model of their contents. */
class Load {
  readonly files = new Map<string, Uint8Array>();
  /** What the last fsync of each file has promised; gone once the file is touched again. */
  readonly promised = new Map<string, Uint8Array>();
  private letter = 0;

  constructor(
    private readonly machine: Ext4Machine,
    private readonly below: (limit: number) => number,
  ) {}

  private name(): string {
    return `/mnt/file-${this.below(6)}${'n'.repeat(this.below(3) * 40)}`;
  }

  private withFile(name: string, use: (fd: number, bytes: Uint8Array) => Uint8Array): void {
    const fd = this.machine.sys(sys_open, name, O_CREAT | O_RDWR, 0o644);
    if (typeof fd === 'string') return;
    this.promised.delete(name);
    this.files.set(name, use(fd, this.files.get(name) ?? new Uint8Array(0)));
    this.machine.sys(sys_close, fd);
  }

  step(): void {
    const { machine, below } = this;
    const name = this.name();
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        this.withFile(name, (fd, bytes) => {
          const at = below(40 * PAGE);
          const letter = 97 + (this.letter++ % 26);
          const wanted = 1 + below(12 * PAGE);
          const count = machine.write(fd, String.fromCharCode(letter).repeat(wanted), at);
          if (typeof count === 'string') return bytes;
          const next = resized(bytes, Math.max(bytes.length, at + count));
          return next.fill(letter, at, at + count);
        });
        break;
      case 3:
        this.withFile(name, (fd, bytes) => {
          const size = below(40 * PAGE);
          return machine.sys(sys_ftruncate, fd, size) === 0 ? resized(bytes, size) : bytes;
        });
        break;
      case 4:
        this.withFile(name, (fd, bytes) => {
          const at = below(30 * PAGE);
          const length = 1 + below(10 * PAGE);
          const how = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
          return machine.sys(sys_fallocate, fd, how, at, length) === 0
            ? bytes.fill(0, at, at + length)
            : bytes;
        });
        break;
      case 5:
        this.withFile(name, (fd, bytes) => {
          const end = below(60 * PAGE) + 1;
          if (machine.sys(sys_fallocate, fd, 0, 0, end) !== 0) return bytes;
          return resized(bytes, Math.max(bytes.length, end));
        });
        break;
      case 6:
        if (machine.sys(sys_unlink, name) === 0) this.files.delete(name);
        this.promised.delete(name);
        break;
      case 7: {
        const to = this.name();
        const bytes = this.files.get(name);
        if (to === name || bytes === undefined || machine.sys(sys_rename, name, to) !== 0) break;
        this.files.delete(name);
        this.files.set(to, bytes);
        this.promised.delete(name);
        this.promised.delete(to);
        break;
      }
      case 8:
        machine.sys(sys_mkdir, `/mnt/dir-${below(4)}`, 0o755);
        machine.sys(sys_symlink, 'x'.repeat(below(200) + 1), `/mnt/dir-${below(4)}/link-${below(20)}`);
        machine.sys(sys_link, name, `/mnt/dir-${below(4)}/hard-${below(4)}`);
        machine.sys(sys_unlink, `/mnt/dir-${below(4)}/hard-${below(4)}`);
        break;
      case 9:
        machine.sys(sys_unlink, `/mnt/dir-${below(4)}/link-${below(20)}`);
        machine.sys(sys_rmdir, `/mnt/dir-${below(4)}`);
        machine.sys(sys_rename, `/mnt/dir-${below(4)}`, `/mnt/d/dir-${below(4)}`);
        machine.sys(sys_setxattr, name, 'user.x', new Uint8Array(200).fill(65), below(200), 0);
        break;
      case 10: {
        const bytes = this.files.get(name);
        const fd = bytes === undefined ? 'ENOENT' : machine.sys(sys_open, name, O_RDWR, 0);
        if (typeof fd === 'string' || bytes === undefined) break;
        if (machine.sys(sys_fsync, fd) === 0) this.promised.set(name, bytes.slice());
        machine.sys(sys_close, fd);
        break;
      }
      case 11:
        if (below(3) === 0) machine.sys(sys_sync);
        break;
    }
  }
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(size);
  next.set(bytes.subarray(0, size));
  return next;
}

function contents(machine: Ext4Machine, name: string): string {
  const fd = machine.sys(sys_open, name, 0, 0);
  if (typeof fd === 'string') return fd;
  let text = '';
  for (;;) {
    const part = machine.read(fd, 60_000, text.length);
    text += part;
    if (part.length < 60_000) break;
  }
  machine.sys(sys_close, fd);
  return text;
}
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const kinds: [string, string[]][] = [
  ['ext4', ['-t', 'ext4', '-b', '4096', '-J', 'size=4']],
  ['ext4 with small blocks', ['-t', 'ext4', '-b', '1024', '-J', 'size=1']],
  ['ext3', ['-t', 'ext3', '-b', '1024', '-J', 'size=1']],
  ['ext2', ['-t', 'ext2']],
];

describe.skipIf(!hasTools).each(kinds)('%s', (kind, options) => {
  test('has what a model has after random operations, and e2fsck finds nothing', () => {
    for (let seed = 1; seed <= 2; seed++) {
      const machine = new Ext4Machine(makeImage(12, ...options));
      expect(machine.mountImage()).toBe(0);
      const load = new Load(machine, random(seed));
      for (let step = 0; step < 250; step++) load.step();
      for (const [name, bytes] of load.files) expect(contents(machine, name) === asText(bytes)).toBe(true);
      expect(machine.unmountImage()).toBe(0);
      expect(check(machine.disk.image)).toBe('');
      expect(machine.mountImage()).toBe(0);
      for (const [name, bytes] of load.files) expect(contents(machine, name) === asText(bytes)).toBe(true);
      expect(machine.unmountImage()).toBe(0);
    }
  });

  test.skipIf(kind === 'ext2')('keeps what was synced when the machine stops at any write', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const below = random(seed * 77);
      const machine = new Ext4Machine(makeImage(12, ...options));
      expect(machine.mountImage()).toBe(0);
      const load = new Load(machine, below);
      machine.disk.writesLeft = 20 + below(400);
      let promised = new Map<string, Uint8Array>();
      for (let step = 0; step < 400 && machine.disk.writesLeft > 0; step++) {
        promised = new Map(load.promised);
        load.step();
        // The step that was cut off may have begun to change a file.
        if (machine.disk.writesLeft <= 0)
          for (const name of promised.keys())
            if (load.promised.get(name) !== promised.get(name)) promised.delete(name);
      }
      const image = machine.disk.image.slice();
      expect(check(image, '-fp')).toBe('');
      const after = new Ext4Machine(image);
      expect(after.mountImage()).toBe(0);
      for (const [name, bytes] of promised) expect(contents(after, name) === asText(bytes)).toBe(true);
      expect(after.unmountImage()).toBe(0);
      expect(check(image)).toBe('');
    }
  });

  test('answers with errors when the image is damaged', () => {
    const clean = makeImage(4, ...options.slice(0, 4));
    for (let seed = 1; seed <= 15; seed++) {
      const below = random(seed * 31);
      const image = clean.slice();
      for (let flip = 0; flip < 30; flip++)
        image[1024 + below(below(2) === 0 ? 8192 : 500_000)] ^= 1 << below(8);
      const machine = new Ext4Machine(image);
      if (machine.mountImage(0, 'errors=continue') !== 0) continue;
      machine.names('/mnt');
      machine.names('/mnt/d');
      for (let index = 0; index < 80; index += 7) {
        contents(machine, `/mnt/d/name-${index}`);
        machine.sys(sys_getxattr, `/mnt/d/name-${index}`, 'user.x', 0, 0);
        machine.sys(sys_unlink, `/mnt/d/name-${index}`);
      }
      const load = new Load(machine, below);
      for (let step = 0; step < 30; step++) load.step();
      machine.unmountImage();
    }
  });
});

test.skipIf(!hasTools)('features that are not known are refused', () => {
  const machine = new Ext4Machine(makeImage(8, '-t', 'ext4', '-O', 'bigalloc'));
  expect(machine.mountImage()).toBe('EINVAL');
});
