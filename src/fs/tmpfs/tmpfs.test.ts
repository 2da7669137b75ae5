import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_CREAT,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
} from '../../uapi/fcntl.js';
import { RENAME_EXCHANGE, RENAME_WHITEOUT, SEEK_DATA, SEEK_HOLE } from '../../uapi/fs.js';
import { MS_REMOUNT } from '../../uapi/mount.js';
import { statfs as statfsLayout } from '../../uapi/statfs.js';
import { sys_link, sys_linkat, sys_mkdir, sys_symlink } from '../create.js';
import { sys_close } from '../file-calls.js';
import { sys_mount, sys_umount2 } from '../mount-calls.js';
import { sys_open } from '../open.js';
import { sys_lseek } from '../read-write.js';
import { sys_rmdir, sys_unlink } from '../remove.js';
import { sys_rename, sys_renameat2 } from '../rename.js';
import { sys_statfs } from '../statfs.js';
import { TreeMachine } from '../testing-tree.js';
import { sys_fallocate, sys_ftruncate } from '../truncate.js';

const BUFFER = 0x30000;
const PAGE = 4096;
let machine: TreeMachine;

const mount = (data: string, flags = 0): number | string =>
  machine.sys(sys_mount, 'none', '/mnt', 'tmpfs', flags, data);
const open = (name: string, flags = O_CREAT | O_RDWR): number => {
  const fd = machine.sys(sys_open, name, flags, 0o644);
  if (typeof fd === 'string') throw new Error(`${name}: ${fd}`);
  return fd;
};
const usage = (name = '/mnt'): { blocks: number; bfree: number; files: number; ffree: number } => {
  expect(machine.sys(sys_statfs, name, BUFFER)).toBe(0);
  const { f_blocks, f_bfree, f_files, f_ffree } = statfsLayout.decode(
    machine.memory(machine.task).copyIn(BUFFER, statfsLayout.size),
  );
  return { blocks: f_blocks, bfree: f_bfree, files: f_files, ffree: f_ffree };
};

beforeEach(() => {
  machine = new TreeMachine();
  machine.sys(sys_mkdir, '/mnt', 0o755);
});

describe('a limit', () => {
  test('of size stops writing, and removing gives room again', () => {
    mount('size=16k');
    const fd = open('/mnt/a');
    expect(machine.write(fd, 'x'.repeat(5 * PAGE))).toBe(4 * PAGE);
    expect(machine.write(fd, 'x', 4 * PAGE)).toBe('ENOSPC');
    expect(machine.write(fd, 'yy', 0)).toBe(2);
    expect(usage()).toMatchObject({ blocks: 4, bfree: 0 });
    machine.sys(sys_close, fd);
    expect(machine.sys(sys_unlink, '/mnt/a')).toBe(0);
    expect(usage()).toMatchObject({ bfree: 4 });
  });
  test('of inodes stops making files and names', () => {
    mount('nr_inodes=3');
    machine.sys(sys_close, open('/mnt/a'));
    expect(machine.sys(sys_link, '/mnt/a', '/mnt/b')).toBe(0);
    expect(machine.sys(sys_mkdir, '/mnt/c', 0o755)).toBe('ENOSPC');
    expect(machine.sys(sys_symlink, 'a', '/mnt/c')).toBe('ENOSPC');
    machine.sys(sys_unlink, '/mnt/a');
    expect(machine.sys(sys_mkdir, '/mnt/c', 0o755)).toBe(0);
    expect(usage()).toMatchObject({ files: 3, ffree: 0 });
  });
  test('can be changed while mounted, but not below what is used', () => {
    mount('size=64k,nr_inodes=10');
    machine.write(open('/mnt/a'), 'x'.repeat(3 * PAGE));
    expect(mount('size=8k', MS_REMOUNT)).toBe('EINVAL');
    expect(mount('size=12k', MS_REMOUNT)).toBe(0);
    expect(usage()).toMatchObject({ blocks: 3, bfree: 0 });
    expect(mount('size=0', MS_REMOUNT)).toBe(0);
    expect(mount('size=1m', MS_REMOUNT)).toBe('EINVAL');
  });
  test('of nothing given is half of memory', () => {
    mount('');
    expect(usage().blocks).toBe(machine.kernel.frames.total >> 1);
    expect(mount('size=25%', MS_REMOUNT)).toBe(0);
    expect(usage().blocks).toBe(Math.ceil(machine.kernel.frames.total / 4));
  });
});

test('options set mode and owner of the root, and unknown ones are refused', () => {
  expect(mount('mode=750,uid=5,gid=6')).toBe(0);
  expect(machine.stat('/mnt')).toMatchObject({
    st_mode: 0o40750,
    st_uid: 5,
    st_gid: 6,
    st_nlink: 2,
    st_size: 40,
  });
  expect(mount('colour=red')).toBe('EINVAL');
  expect(mount('size=lots')).toBe('EINVAL');
  expect(mount('mode=9')).toBe('EINVAL');
});

describe('a file', () => {
  test('has holes where nothing was written', () => {
    const fd = open('/f');
    machine.write(fd, 'data', 3 * PAGE);
    machine.write(fd, 'more', 8 * PAGE);
    const seek = (at: number, whence: number): number | string => machine.sys(sys_lseek, fd, at, whence);
    expect(seek(0, SEEK_DATA)).toBe(3 * PAGE);
    expect(seek(3 * PAGE, SEEK_HOLE)).toBe(4 * PAGE);
    expect(seek(4 * PAGE, SEEK_DATA)).toBe(8 * PAGE);
    expect(seek(8 * PAGE, SEEK_HOLE)).toBe(8 * PAGE + 4);
    expect(seek(8 * PAGE + 4, SEEK_DATA)).toBe('ENXIO');
    expect(machine.stat('/f')).toMatchObject({ st_size: 8 * PAGE + 4, st_blocks: 16 });
    expect(machine.read(fd, 6, 3 * PAGE - 2)).toBe('\0\0data');
  });
  test('keeps what fallocate has reserved, and gives up what is punched out', () => {
    mount('size=16k');
    const fd = open('/mnt/f');
    expect(machine.sys(sys_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE)).toBe(0);
    expect(machine.stat('/mnt/f')).toMatchObject({ st_size: 0, st_blocks: 32 });
    expect(machine.sys(sys_fallocate, fd, 0, 0, 5 * PAGE)).toBe('ENOSPC');
    machine.write(fd, 'x'.repeat(2 * PAGE));
    const punch = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
    expect(machine.sys(sys_fallocate, fd, punch, 10, 2 * PAGE - 20)).toBe(0);
    expect(machine.read(fd, 12, 0)).toBe(`${'x'.repeat(10)}\0\0`);
    expect(machine.read(fd, 12, 2 * PAGE - 12)).toBe(`\0\0${'x'.repeat(10)}`);
  });
  test('shows zeros, not old bytes, when it is cut and grows again', () => {
    const fd = open('/f');
    machine.write(fd, 'secret');
    machine.sys(sys_ftruncate, fd, 2);
    machine.sys(sys_ftruncate, fd, 6);
    expect(machine.read(fd)).toBe('se\0\0\0\0');
  });
  test('without a name gets one by linkat', () => {
    mount('nr_inodes=2');
    const fd = open('/mnt', O_TMPFILE | O_RDWR);
    expect(machine.stat(fd)).toMatchObject({ st_nlink: 0 });
    expect(usage().ffree).toBe(0);
    machine.write(fd, 'x');
    // AT_EMPTY_PATH
    expect(machine.sys(sys_linkat, fd, '', AT_FDCWD, '/mnt/named', 0x1000)).toBe(0);
    expect(machine.stat('/mnt/named')).toMatchObject({ st_nlink: 1, st_size: 1 });
    expect(machine.sys(sys_linkat, fd, '', AT_FDCWD, '/mnt/again', 0x1000 | AT_SYMLINK_FOLLOW)).toBe(
      'ENOSPC',
    );
  });
  test('that is removed while open goes with the last descriptor', () => {
    mount('size=16k');
    const fd = open('/mnt/f');
    machine.write(fd, 'x');
    machine.sys(sys_unlink, '/mnt/f');
    expect(usage().bfree).toBe(3);
    expect(machine.read(fd)).toBe('x');
    machine.sys(sys_close, fd);
    expect(usage().bfree).toBe(4);
  });
});

describe('a directory', () => {
  test('counts its subdirectories, and grows by 20 for each entry', () => {
    machine.sys(sys_mkdir, '/d', 0o755);
    machine.sys(sys_mkdir, '/d/x', 0o755);
    machine.sys(sys_close, open('/d/f'));
    expect(machine.stat('/d')).toMatchObject({ st_nlink: 3, st_size: 80 });
    machine.sys(sys_rename, '/d/x', '/x');
    expect(machine.stat('/d')).toMatchObject({ st_nlink: 2, st_size: 60 });
    machine.sys(sys_renameat2, AT_FDCWD, '/x', AT_FDCWD, '/d/f', RENAME_EXCHANGE);
    expect(machine.stat('/d')).toMatchObject({ st_nlink: 3, st_size: 60 });
  });
  test('is listed in the order in which entries were made, each once, whatever happens meanwhile', () => {
    const names = Array.from({ length: 20 }, (_, n) => `f${n}`);
    for (const name of names) machine.sys(sys_close, open(`/mnt/${name}`));
    expect((machine.list('/mnt', machine.task, 100) as { name: string }[]).map(({ name }) => name)).toEqual([
      '.',
      '..',
      ...names,
    ]);
  });
  test('gets a whiteout where RENAME_WHITEOUT moves something away', () => {
    machine.sys(sys_close, open('/a'));
    expect(machine.sys(sys_renameat2, AT_FDCWD, '/a', AT_FDCWD, '/b', RENAME_WHITEOUT)).toBe(0);
    expect(machine.stat('/a')).toMatchObject({ st_mode: 0o20000, st_rdev: 0 });
  });
});

test('an instance that is unmounted gives all memory back', () => {
  const before = machine.kernel.memory.shmemPages;
  mount('');
  machine.sys(sys_mkdir, '/mnt/d', 0o755);
  const fd = open('/mnt/d/f');
  machine.write(fd, 'x'.repeat(20 * PAGE));
  expect(machine.sys(sys_umount2, '/mnt', 0)).toBe('EBUSY');
  machine.sys(sys_close, fd);
  expect(machine.sys(sys_umount2, '/mnt', 0)).toBe(0);
  expect(machine.kernel.memory.shmemPages).toBe(before);
  expect(machine.names('/mnt')).toEqual([]);
});

/** Files as a model would have them: contents by name, and links between names. */
test('contents are those of a simple model', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const position = fc.integer({ min: 0, max: 3 * PAGE });
  const step = fc.oneof(
    fc.record({
      call: fc.constant('write' as const),
      name,
      position,
      length: fc.integer({ min: 1, max: 2 * PAGE }),
    }),
    fc.record({ call: fc.constant('truncate' as const), name, position }),
    fc.record({ call: fc.constantFrom('link' as const, 'rename' as const), name, to: name }),
    fc.record({ call: fc.constantFrom('unlink' as const), name }),
    fc.record({
      call: fc.constant('punch' as const),
      name,
      position,
      length: fc.integer({ min: 1, max: 2 * PAGE }),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      machine = new TreeMachine();
      machine.sys(sys_mkdir, '/mnt', 0o755);
      mount('');
      const model = new Map<string, { bytes: Uint8Array }>();
      let letter = 0;
      const resized = (bytes: Uint8Array, size: number): Uint8Array => {
        const next = new Uint8Array(size);
        next.set(bytes.subarray(0, size));
        return next;
      };
      for (const one of steps) {
        const at = `/mnt/${one.name}`;
        const file = model.get(one.name);
        switch (one.call) {
          case 'write': {
            const fill = 97 + (letter++ % 26);
            const fd = open(at);
            expect(machine.write(fd, String.fromCharCode(fill).repeat(one.length), one.position)).toBe(
              one.length,
            );
            machine.sys(sys_close, fd);
            const target = file ?? { bytes: new Uint8Array(0) };
            target.bytes = resized(target.bytes, Math.max(target.bytes.length, one.position + one.length));
            target.bytes.fill(fill, one.position, one.position + one.length);
            model.set(one.name, target);
            break;
          }
          case 'truncate': {
            if (file === undefined) break;
            const fd = open(at, O_WRONLY);
            expect(machine.sys(sys_ftruncate, fd, one.position)).toBe(0);
            machine.sys(sys_close, fd);
            file.bytes = resized(file.bytes, one.position);
            break;
          }
          case 'punch': {
            if (file === undefined) break;
            const fd = open(at, O_WRONLY);
            const how = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
            expect(machine.sys(sys_fallocate, fd, how, one.position, one.length)).toBe(0);
            machine.sys(sys_close, fd);
            file.bytes.fill(0, one.position, one.position + one.length);
            break;
          }
          case 'unlink':
            expect(machine.sys(sys_unlink, at)).toBe(file === undefined ? 'ENOENT' : 0);
            model.delete(one.name);
            break;
          case 'link': {
            const expected = file === undefined ? ['ENOENT', 'EEXIST'] : model.has(one.to) ? ['EEXIST'] : [0];
            expect(expected).toContain(machine.sys(sys_link, at, `/mnt/${one.to}`));
            if (file !== undefined && !model.has(one.to)) model.set(one.to, file);
            break;
          }
          case 'rename':
            expect(machine.sys(sys_rename, at, `/mnt/${one.to}`)).toBe(file === undefined ? 'ENOENT' : 0);
            // Two names of one file both stay.
            if (file === undefined || model.get(one.to) === file) break;
            model.delete(one.name);
            model.set(one.to, file);
            break;
        }
      }
      expect(machine.names('/mnt')).toEqual([...model.keys()].toSorted());
      for (const [key, { bytes }] of model) {
        const fd = open(`/mnt/${key}`, O_RDWR);
        expect(machine.stat(fd)).toMatchObject({
          st_size: bytes.length,
          st_nlink: [...model.values()].filter((other) => other.bytes === bytes).length,
        });
        expect(machine.read(fd, 10 * PAGE)).toBe(String.fromCharCode(...bytes));
        machine.sys(sys_close, fd);
      }
      for (const key of model.keys()) machine.sys(sys_unlink, `/mnt/${key}`);
      const { blocks, bfree, files, ffree } = usage();
      expect([bfree, ffree]).toEqual([blocks, files - 1]);
      expect(machine.sys(sys_rmdir, '/mnt')).toBe('EBUSY');
    }),
    { numRuns: 60 },
  );
});
