import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from '../../uapi/fcntl.js';
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../uapi/fs.js';
import { MNT_DETACH } from '../../uapi/mount.js';
import { sys_chmod } from '../chmod.js';
import { sys_link, sys_mkdir, sys_mknod, sys_symlink } from '../create.js';
import { sys_close } from '../file-calls.js';
import { sys_mount, sys_umount2 } from '../mount-calls.js';
import { sys_open } from '../open.js';
import { sys_rmdir, sys_unlink, sys_unlinkat } from '../remove.js';
import { sys_rename, sys_renameat2 } from '../rename.js';
import { sys_readlink } from '../stat.js';
import { TreeMachine } from '../testing-tree.js';
import { ramfs, tmpfs } from '../tmpfs/tmpfs.js';
import { sys_truncate } from '../truncate.js';
import { sys_getxattr, sys_listxattr, sys_setxattr } from '../xattr.js';
import { overlay } from './overlay.js';

const BUFFER = 0x30000;
let machine: TreeMachine;

const put = (name: string, text: string, flags = O_CREAT | O_WRONLY | O_TRUNC): void => {
  const fd = machine.sys(sys_open, name, flags, 0o644);
  if (typeof fd === 'string') throw new Error(`${name}: ${fd}`);
  expect(machine.write(fd, text)).toBe(text.length);
  machine.sys(sys_close, fd);
};
const get = (name: string): string => {
  const fd = machine.sys(sys_open, name, O_RDONLY, 0);
  if (typeof fd === 'string') return fd;
  const text = machine.read(fd);
  machine.sys(sys_close, fd);
  return text;
};
const names = (name: string): string => {
  const found = machine.names(name);
  return typeof found === 'string' ? found : found.join(' ');
};
const stat = (name: string, follow = true): Exclude<ReturnType<TreeMachine['stat']>, string> => {
  const found = machine.stat(name, follow);
  if (typeof found === 'string') throw new Error(`${name}: ${found}`);
  return found;
};
const mountOverlay = (options = 'lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work'): number | string =>
  machine.sys(sys_mount, 'overlay', '/merged', 'overlay', 0, options);

beforeEach(() => {
  machine = new TreeMachine([tmpfs, ramfs, overlay]);
  for (const name of ['/lower', '/lower2', '/rw', '/merged']) machine.sys(sys_mkdir, name, 0o755);
  machine.sys(sys_mount, 'none', '/rw', 'tmpfs', 0, 0);
  for (const name of ['/rw/upper', '/rw/work', '/lower/dir', '/lower/dir/sub', '/lower2/dir'])
    machine.sys(sys_mkdir, name, 0o755);
  put('/lower/file', 'lower');
  put('/lower/dir/a', 'a');
  put('/lower/dir/b', 'b');
  put('/lower2/dir/c', 'c');
  put('/lower2/file', 'hidden');
});

describe('an overlay shows', () => {
  test('what its layers hold, the upper one first, each name once', () => {
    put('/rw/upper/new', 'upper');
    put('/rw/upper/file', 'upper');
    expect(mountOverlay('lowerdir=/lower:/lower2,upperdir=/rw/upper,workdir=/rw/work')).toBe(0);
    expect(names('/merged')).toBe('dir file new');
    expect(get('/merged/file')).toBe('upper');
    expect(names('/merged/dir')).toBe('a b c sub');
    expect(get('/merged/dir/c')).toBe('c');
  });
  test('nothing below a file, nor a file below a directory', () => {
    machine.sys(sys_mkdir, '/rw/upper/file', 0o755);
    put('/rw/upper/dir', 'file');
    mountOverlay();
    expect(names('/merged/file')).toBe('');
    expect(get('/merged/dir')).toBe('file');
    expect(machine.stat('/merged/dir/a')).toBe('ENOTDIR');
  });
  test('without an upper layer only what is there, and takes no changes', () => {
    expect(mountOverlay('lowerdir=/lower')).toBe('EINVAL');
    expect(mountOverlay('lowerdir=/lower:/lower2')).toBe(0);
    expect(machine.sys(sys_mkdir, '/merged/x', 0o755)).toBe('EROFS');
    expect(machine.sys(sys_open, '/merged/file', O_WRONLY, 0)).toBe('EROFS');
    expect(machine.sys(sys_chmod, '/merged/file', 0o600)).toBe('EROFS');
    expect(get('/merged/file')).toBe('lower');
  });
  test('entries in an order that lasts, with positions to come back to', () => {
    for (let n = 0; n < 40; n++) put(`/lower/dir/file${n}`, '');
    mountOverlay();
    const small = machine.list('/merged/dir', machine.task, 64) as { name: string; ino: number }[];
    expect(small).toEqual(machine.list('/merged/dir'));
    for (const { name, ino } of small.slice(2))
      expect([name, stat(`/merged/dir/${name}`).st_ino]).toEqual([name, ino]);
  });
});

describe('a change', () => {
  beforeEach(() => mountOverlay());

  test('of contents copies the file up and leaves the layer below alone', () => {
    const before = stat('/merged/file');
    put('/merged/file', 'xx', O_WRONLY);
    expect(get('/merged/file')).toBe('xxwer');
    expect(get('/lower/file')).toBe('lower');
    expect(get('/rw/upper/file')).toBe('xxwer');
    expect(stat('/merged/file')).toMatchObject({ st_ino: before.st_ino, st_dev: before.st_dev, st_nlink: 1 });
  });
  test('that truncates copies no data', () => {
    put('/merged/file', 'new');
    expect(get('/merged/file')).toBe('new');
    machine.sys(sys_truncate, '/merged/dir/a', 0);
    expect(get('/merged/dir/a')).toBe('');
    expect(get('/lower/dir/a')).toBe('a');
  });
  test('of metadata copies the file up with its data, owner, mode, times and attributes', () => {
    machine.sys(sys_setxattr, '/lower/dir/b', 'user.note', 'text', 4, 0);
    const { st_mtime, st_mtime_nsec } = stat('/lower/dir/b');
    machine.clock.time += 5e9;
    machine.sys(sys_chmod, '/merged/dir/b', 0o4711);
    expect(get('/rw/upper/dir/b')).toBe('b');
    expect(stat('/merged/dir/b')).toMatchObject({ st_mode: 0o104711, st_mtime, st_mtime_nsec });
    expect(machine.sys(sys_getxattr, '/merged/dir/b', 'user.note', BUFFER, 100)).toBe(4);
    expect(stat('/lower/dir/b').st_mode).toBe(0o100644);
  });
  test('in a directory copies the directories above it up, which look as before', () => {
    const before = stat('/merged/dir');
    machine.clock.time += 5e9;
    put('/merged/dir/sub/new', 'x');
    expect(names('/rw/upper/dir')).toBe('sub');
    expect(names('/merged/dir')).toBe('a b sub');
    expect(stat('/merged/dir')).toMatchObject({ st_ino: before.st_ino, st_mtime: before.st_mtime });
  });
  test('is seen by who has the file open for reading already', () => {
    const fd = machine.sys(sys_open, '/merged/file', O_RDONLY, 0) as number;
    expect(machine.read(fd)).toBe('lower');
    put('/merged/file', 'changed');
    expect(machine.read(fd)).toBe('changed');
    expect(machine.stat(fd)).toMatchObject({ st_size: 7, st_ino: stat('/merged/file').st_ino });
  });
  test('by O_APPEND adds to what the lower layer has', () => {
    put('/merged/file', '', O_WRONLY | O_APPEND);
    expect(get('/merged/file')).toBe('lower');
  });
  test('of one of several names of a lower file is seen under all of them', () => {
    machine.sys(sys_umount2, '/merged', 0);
    machine.sys(sys_link, '/lower/file', '/lower/other');
    mountOverlay();
    put('/merged/file', 'both');
    expect(get('/merged/other')).toBe('both');
    expect(stat('/merged/other')).toMatchObject({ st_ino: stat('/merged/file').st_ino, st_nlink: 2 });
    machine.sys(sys_unlink, '/merged/file');
    expect(stat('/merged/other').st_nlink).toBe(1);
    expect(machine.sys(sys_rename, '/merged/other', '/merged/third')).toBe(0);
    expect(get('/merged/third')).toBe('both');
    expect(names('/merged')).toBe('dir third');
  });
});

describe('removing', () => {
  beforeEach(() => mountOverlay());

  test('a file of a lower layer leaves a whiteout', () => {
    expect(machine.sys(sys_unlink, '/merged/file')).toBe(0);
    expect(machine.stat('/merged/file')).toBe('ENOENT');
    expect(names('/merged')).toBe('dir');
    expect(stat('/rw/upper/file')).toMatchObject({ st_mode: 0o20000, st_rdev: 0 });
    expect(get('/lower/file')).toBe('lower');
  });
  test('a file of the upper layer alone leaves nothing', () => {
    put('/merged/new', 'x');
    machine.sys(sys_unlink, '/merged/new');
    expect(names('/rw/upper')).toBe('');
  });
  test('and making again hides what was below', () => {
    machine.sys(sys_unlink, '/merged/file');
    put('/merged/file', 'again');
    expect(get('/merged/file')).toBe('again');
    machine.sys(sys_unlink, '/merged/file');
    expect(machine.sys(sys_mkdir, '/merged/file', 0o755)).toBe(0);
    expect(names('/merged/file')).toBe('');
    expect(names('/rw/work/work')).toBe('');
  });
  test('a directory works only when nothing is shown in it', () => {
    expect(machine.sys(sys_rmdir, '/merged/dir')).toBe('ENOTEMPTY');
    for (const name of ['a', 'b']) machine.sys(sys_unlink, `/merged/dir/${name}`);
    expect(machine.sys(sys_rmdir, '/merged/dir')).toBe('ENOTEMPTY');
    machine.sys(sys_unlinkat, AT_FDCWD, '/merged/dir/sub', AT_REMOVEDIR);
    expect(machine.sys(sys_rmdir, '/merged/dir')).toBe(0);
    expect(names('/merged')).toBe('file');
  });
  test('a directory and making it again shows it empty, also after another mount', () => {
    for (const name of ['a', 'b']) machine.sys(sys_unlink, `/merged/dir/${name}`);
    machine.sys(sys_rmdir, '/merged/dir/sub');
    machine.sys(sys_rmdir, '/merged/dir');
    machine.sys(sys_mkdir, '/merged/dir', 0o755);
    expect(names('/merged/dir')).toBe('');
    machine.sys(sys_umount2, '/merged', 0);
    mountOverlay();
    expect(names('/merged/dir')).toBe('');
    expect(machine.stat('/merged/dir/a')).toBe('ENOENT');
  });
  test('an open file leaves it readable', () => {
    const fd = machine.sys(sys_open, '/merged/file', O_RDWR, 0) as number;
    machine.sys(sys_unlink, '/merged/file');
    expect(machine.read(fd)).toBe('lower');
    expect(machine.stat(fd)).toMatchObject({ st_nlink: 0 });
  });
  test('a file that was open for reading only, and changing it by that descriptor, leaves no name', () => {
    const fd = machine.sys(sys_open, '/merged/file', O_RDONLY, 0) as number;
    machine.sys(sys_unlink, '/merged/file');
    machine.sys(sys_chmod, `/merged/none`, 0o600);
    expect(machine.read(fd)).toBe('lower');
    expect(names('/merged')).toBe('dir');
  });
});

describe('renaming', () => {
  test('a file of a lower layer leaves a whiteout', () => {
    mountOverlay();
    const { st_ino } = stat('/merged/file');
    expect(machine.sys(sys_rename, '/merged/file', '/merged/dir/moved')).toBe(0);
    expect(names('/merged')).toBe('dir');
    expect(get('/merged/dir/moved')).toBe('lower');
    expect(stat('/merged/dir/moved').st_ino).toBe(st_ino);
  });
  test('a directory of a lower layer is refused, as if it were on another device', () => {
    mountOverlay();
    expect(machine.sys(sys_rename, '/merged/dir', '/merged/elsewhere')).toBe('EXDEV');
  });
  test('a directory of a lower layer works with redirect_dir=on, also after another mount', () => {
    const options = 'lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work,redirect_dir=on';
    mountOverlay(options);
    put('/merged/dir/new', 'new');
    expect(machine.sys(sys_mkdir, '/merged/other', 0o755)).toBe(0);
    expect(machine.sys(sys_rename, '/merged/dir', '/merged/other/deep')).toBe(0);
    for (let round = 0; round < 2; round++) {
      expect(names('/merged')).toBe('file other');
      expect(names('/merged/other/deep')).toBe('a b new sub');
      expect(get('/merged/other/deep/a')).toBe('a');
      machine.sys(sys_umount2, '/merged', 0);
      expect(mountOverlay(options)).toBe(0);
    }
    expect(machine.sys(sys_mkdir, '/merged/dir', 0o755)).toBe(0);
    expect(names('/merged/dir')).toBe('');
  });
  test('a directory of the upper layer onto a name of a lower one does not merge them', () => {
    mountOverlay();
    for (const name of ['/merged/dir/a', '/merged/dir/b']) machine.sys(sys_unlink, name);
    machine.sys(sys_rmdir, '/merged/dir/sub');
    machine.sys(sys_mkdir, '/merged/fresh', 0o755);
    put('/merged/fresh/x', 'x');
    expect(machine.sys(sys_rename, '/merged/fresh', '/merged/dir')).toBe(0);
    expect(names('/merged/dir')).toBe('x');
    machine.sys(sys_umount2, '/merged', 0);
    mountOverlay();
    expect(names('/merged/dir')).toBe('x');
  });
  test('exchanges files of both layers', () => {
    mountOverlay();
    put('/merged/up', 'up');
    const exchange = (how: number): number | string =>
      machine.sys(sys_renameat2, AT_FDCWD, '/merged/up', AT_FDCWD, '/merged/file', how);
    expect(exchange(RENAME_NOREPLACE)).toBe('EEXIST');
    expect(exchange(RENAME_EXCHANGE)).toBe(0);
    expect(get('/merged/up')).toBe('lower');
    expect(get('/merged/file')).toBe('up');
  });
});

describe('the overlay keeps to itself', () => {
  test('its attributes', () => {
    mountOverlay();
    machine.sys(sys_unlink, '/merged/file');
    machine.sys(sys_mkdir, '/merged/file', 0o755);
    expect(machine.sys(sys_listxattr, '/merged/file', BUFFER, 100)).toBe(0);
    expect(machine.sys(sys_listxattr, '/rw/upper/file', BUFFER, 100)).toBe(
      'trusted.overlay.opaque'.length + 1,
    );
    expect(machine.sys(sys_setxattr, '/merged/file', 'trusted.overlay.opaque', 'n', 1, 0)).toBe('EPERM');
  });
  test('whiteouts: nobody else makes one', () => {
    mountOverlay();
    expect(machine.sys(sys_mknod, '/merged/w', 0o20600, 0)).toBe('EPERM');
    expect(machine.sys(sys_mknod, '/merged/null', 0o20600, 0x103)).toBe(0);
    expect(stat('/merged/null').st_rdev).toBe(0x103);
  });
  test('links and special files as they are', () => {
    machine.sys(sys_symlink, 'dir/a', '/lower/link');
    mountOverlay();
    expect(get('/merged/link')).toBe('a');
    expect(machine.textOf(sys_readlink, '/merged/link')).toBe('dir/a');
    machine.sys(sys_rename, '/merged/link', '/merged/link2');
    expect(get('/merged/link2')).toBe('a');
  });
});

describe('mounting', () => {
  test('wants layers that are directories, apart from each other, and options that it knows', () => {
    expect(mountOverlay('lowerdir=/none,upperdir=/rw/upper,workdir=/rw/work')).toBe('ENOENT');
    expect(mountOverlay('lowerdir=/lower/file,upperdir=/rw/upper,workdir=/rw/work')).toBe('ENOTDIR');
    expect(mountOverlay('lowerdir=/lower,upperdir=/rw/upper')).toBe('EINVAL');
    expect(mountOverlay('lowerdir=/lower,upperdir=/rw/upper,workdir=/lower2')).toBe('EINVAL');
    expect(mountOverlay('lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/upper')).toBe('EINVAL');
    expect(mountOverlay('lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work,colour=red')).toBe('EINVAL');
    expect(machine.tree.namespace.mounts.size).toBe(3);
  });
  test('keeps the layers alive when their own mounts go', () => {
    mountOverlay();
    machine.sys(sys_umount2, '/rw', MNT_DETACH);
    put('/merged/new', 'x');
    expect(get('/merged/new')).toBe('x');
    expect(machine.sys(sys_umount2, '/merged', 0)).toBe(0);
    expect(machine.kernel.memory.shmemPages).toBe(5);
  });
  test('is shown with its options', () => {
    mountOverlay();
    const [mount] = [...machine.tree.namespace.mounts].slice(-1);
    expect(mount.superBlock.showOptions()).toBe('lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work');
  });
});

/** The same steps on an overlay and on a plain directory with the same contents must show the same. */
test('an overlay behaves like a plain directory', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const step = fc.oneof(
    fc.tuple(fc.constant('mkdir'), path),
    fc.tuple(fc.constant('rmdir'), path),
    fc.tuple(fc.constant('unlink'), path),
    fc.tuple(fc.constant('write'), path),
    fc.tuple(fc.constant('append'), path),
    fc.tuple(fc.constant('chmod'), path),
    fc.tuple(fc.constant('symlink'), path),
    fc.tuple(fc.constantFrom('rename', 'rename', 'link', 'exchange', 'noreplace'), path, path),
    fc.tuple(fc.constant('forget'), path),
  );
  const furnish = (root: string): void => {
    for (const directory of ['a', 'a/a', 'a/a/b', 'b', 'b/c', 'b/c/a'])
      machine.sys(sys_mkdir, `${root}/${directory}`, 0o755);
    for (const file of ['a/b', 'a/a/a', 'a/a/b/c', 'c', 'b/a', 'b/c/b'])
      put(`${root}/${file}`, `lower ${file}`);
  };
  const show = (root: string): string[] => {
    const found = machine.list(root);
    if (typeof found === 'string') return [`${root}: ${found}`];
    return found
      .filter((entry) => entry.name !== '.' && entry.name !== '..')
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .flatMap((entry) => {
        const at = `${root}/${entry.name}`;
        const { st_mode, st_nlink, st_size, st_ino } = stat(at, false);
        const isDirectory = (st_mode & 0o170000) === 0o40000;
        expect([at, entry.ino]).toEqual([at, st_ino]);
        const line = `${entry.name} ${entry.type} ${st_mode.toString(8)} ${isDirectory ? '' : `${st_nlink} ${st_size} ${get(at)}`}`;
        return isDirectory ? [line, ...show(at).map((below) => `  ${below}`)] : [line];
      });
  };
  const act = (root: string, [call, one, two]: (string | undefined)[], count: number): number | string => {
    const at = `${root}/${one}`;
    const to = `${root}/${two}`;
    switch (call) {
      case 'mkdir':
        return machine.sys(sys_mkdir, at, 0o755);
      case 'rmdir':
        return machine.sys(sys_rmdir, at);
      case 'unlink':
        return machine.sys(sys_unlink, at);
      case 'chmod':
        return machine.sys(sys_chmod, at, 0o600);
      case 'symlink':
        return machine.sys(sys_symlink, 'a', at);
      case 'link':
        return machine.sys(sys_link, at, to);
      case 'write':
      case 'append': {
        const how = call === 'write' ? O_CREAT | O_WRONLY | O_TRUNC : O_WRONLY | O_APPEND;
        const fd = machine.sys(sys_open, at, how, 0o644);
        if (typeof fd === 'string') return fd;
        const result = machine.write(fd, `text ${count}`);
        machine.sys(sys_close, fd);
        return result;
      }
      case 'forget':
        return 0;
      default: {
        const how = call === 'exchange' ? RENAME_EXCHANGE : call === 'noreplace' ? RENAME_NOREPLACE : 0;
        return machine.sys(sys_renameat2, AT_FDCWD, at, AT_FDCWD, to, how);
      }
    }
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      machine = new TreeMachine([tmpfs, ramfs, overlay]);
      for (const directory of ['/plain', '/lower', '/merged', '/rw', '/rw/upper', '/rw/work'])
        machine.sys(sys_mkdir, directory, 0o755);
      furnish('/plain');
      furnish('/lower');
      const options = 'lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work,redirect_dir=on';
      expect(mountOverlay(options)).toBe(0);
      const before = show('/lower');
      for (const [count, one] of steps.entries()) {
        if (one[0] === 'forget') {
          expect(machine.sys(sys_umount2, '/merged', 0)).toBe(0);
          expect(mountOverlay(options)).toBe(0);
        }
        expect([one, act('/merged', one, count)]).toEqual([one, act('/plain', one, count)]);
      }
      expect(show('/merged')).toEqual(show('/plain'));
      expect(names('/rw/work/work')).toBe('');
      expect(show('/lower')).toEqual(before);
      expect(machine.sys(sys_umount2, '/merged', 0)).toBe(0);
      expect(mountOverlay(options)).toBe(0);
      expect(show('/merged')).toEqual(show('/plain'));
    }),
    { numRuns: Number(process.env['OVERLAY_RUNS'] ?? 60) },
  );
}, 120_000);
