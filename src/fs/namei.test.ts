import { beforeEach, describe, expect, test } from 'vitest';
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  open_how,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  RESOLVE_CACHED,
} from '../uapi/fcntl.js';
import { sys_chdir, sys_chroot, sys_getcwd } from './chdir.js';
import { sys_mkdir, sys_symlink } from './create.js';
import { sys_mount } from './mount-calls.js';
import { sys_open, sys_openat, sys_openat2 } from './open.js';
import { sys_rmdir } from './remove.js';
import { sys_rename } from './rename.js';
import { sys_readlink } from './stat.js';
import { TreeMachine, userCredentials } from './testing-tree.js';

let machine: TreeMachine;
beforeEach(() => {
  machine = new TreeMachine();
  for (const name of ['/a', '/a/b', '/a/b/c', '/mnt']) machine.sys(sys_mkdir, name, 0o755);
  machine.sys(sys_open, '/a/file', O_CREAT | O_RDWR, 0o644);
});

const ino = (name: string): number | string => {
  const found = machine.stat(name);
  return typeof found === 'string' ? found : found.st_ino;
};

describe('a path', () => {
  test('is walked component by component, slashes and dots aside', () => {
    expect(ino('/a/b/c')).toBe(ino('//a/./b//../b/c/.'));
  });
  test('without a component is the root, whose parent is itself', () => {
    expect(ino('/')).toBe(ino('/../..'));
  });
  test('that is empty names nothing', () => {
    expect(machine.stat('')).toBe('ENOENT');
  });
  test('goes through directories only', () => {
    expect(machine.stat('/a/file/x')).toBe('ENOTDIR');
    expect(machine.stat('/a/file/')).toBe('ENOTDIR');
    expect(machine.stat('/a/file/.')).toBe('ENOTDIR');
    expect(machine.stat('/a/none/x')).toBe('ENOENT');
  });
  test('has components of at most 255 bytes', () => {
    expect(machine.stat(`/${'x'.repeat(255)}`)).toBe('ENOENT');
    expect(machine.stat(`/${'x'.repeat(256)}`)).toBe('ENAMETOOLONG');
  });
  test('is shorter than 4096 bytes', () => {
    expect(machine.stat('/'.repeat(4095))).not.toBeTypeOf('string');
    expect(machine.stat('/'.repeat(4096))).toBe('ENAMETOOLONG');
  });
  test('needs search permission in every directory on its way', () => {
    machine.sys(sys_mkdir, '/a/private', 0o700);
    machine.sys(sys_mkdir, '/a/private/x', 0o755);
    const user = machine.newRooted(userCredentials(1000));
    expect(machine.stat('/a/private', true, user)).not.toBeTypeOf('string');
    expect(machine.stat('/a/private/x', true, user)).toBe('EACCES');
    expect(machine.stat('/a/private/.', true, user)).toBe('EACCES');
  });
});

describe('a symbolic link', () => {
  test('is followed in the middle of a path, and at its end if asked', () => {
    machine.sys(sys_symlink, 'b/c', '/a/link');
    expect(ino('/a/link')).toBe(ino('/a/b/c'));
    expect(machine.stat('/a/link', false)).toMatchObject({ st_mode: 0o120777, st_size: 3 });
    expect(machine.textOf(sys_readlink, '/a/link')).toBe('b/c');
  });
  test('with a slash behind it is followed by those, too, that would not', () => {
    machine.sys(sys_symlink, '/a/b', '/link');
    expect(machine.stat('/link/', false)).toMatchObject({ st_mode: 0o40755 });
    machine.sys(sys_symlink, '/a/file', '/flink');
    expect(machine.stat('/flink/', false)).toBe('ENOTDIR');
  });
  test('may lead through others, at most 40 of them', () => {
    machine.sys(sys_symlink, '/a', '/l0');
    for (let n = 1; n <= 40; n++) machine.sys(sys_symlink, `l${n - 1}`, `/l${n}`);
    expect(ino('/l39')).toBe(ino('/a'));
    expect(machine.stat('/l40')).toBe('ELOOP');
  });
  test('that leads to itself is a loop', () => {
    machine.sys(sys_symlink, 'loop', '/loop');
    expect(machine.stat('/loop')).toBe('ELOOP');
    expect(machine.stat('/loop/x')).toBe('ELOOP');
  });
  test('that is absolute starts at the root of the task', () => {
    machine.sys(sys_symlink, '/c', '/a/b/up');
    expect(machine.stat('/a/b/up')).toBe('ENOENT');
    machine.sys(sys_chroot, '/a/b');
    expect(machine.stat('/up')).not.toBeTypeOf('string');
  });
  test('is not opened with O_NOFOLLOW, except as a place', () => {
    machine.sys(sys_symlink, 'file', '/a/link');
    expect(machine.sys(sys_open, '/a/link', O_NOFOLLOW, 0)).toBe('ELOOP');
    const fd = machine.sys(sys_open, '/a/link', O_PATH | O_NOFOLLOW, 0);
    expect(machine.stat(fd as number)).toMatchObject({ st_mode: 0o120777 });
    expect(machine.sys(sys_open, '/a/link', O_NOFOLLOW | O_DIRECTORY, 0)).toBe('ENOTDIR');
  });
});

describe('chroot', () => {
  test("confines '..' and absolute paths", () => {
    const inside = ino('/a/b');
    machine.sys(sys_chroot, '/a');
    machine.sys(sys_chdir, '/');
    expect(ino('/../b')).toBe(inside);
    expect(ino('../../b')).toBe(inside);
    expect(machine.stat('/a')).toBe('ENOENT');
  });
  test('leaves a working directory outside reachable, and getcwd says so', () => {
    machine.sys(sys_chdir, '/a');
    machine.sys(sys_chroot, '/a/b');
    expect(machine.textOf(sys_getcwd)).toBe('(unreachable)/a\0');
    expect(ino('.')).not.toBe(ino('/'));
  });
});

describe('getcwd', () => {
  test('follows renames of what is above', () => {
    machine.sys(sys_chdir, '/a/b/c');
    expect(machine.textOf(sys_getcwd)).toBe('/a/b/c\0');
    machine.sys(sys_rename, '/a/b', '/moved');
    expect(machine.textOf(sys_getcwd)).toBe('/moved/c\0');
  });
  test('fails in a directory that has been removed, in which nothing can be made', () => {
    machine.sys(sys_chdir, '/a/b/c');
    machine.sys(sys_rmdir, '/a/b/c');
    expect(machine.textOf(sys_getcwd)).toBe('ENOENT');
    expect(machine.sys(sys_mkdir, 'new', 0o755)).toBe('ENOENT');
    expect(machine.stat('.')).toMatchObject({ st_nlink: 0 });
    expect(ino('..')).toBe(ino('/a/b'));
  });
});

describe('openat2', () => {
  const openat2 = (dirfd: number, name: string, resolve: number, flags = O_RDONLY): number | string =>
    machine.sys(sys_openat2, dirfd, name, open_how.encode({ flags, mode: 0, resolve }), open_how.size);
  let dirfd: number;
  beforeEach(() => {
    dirfd = machine.sys(sys_open, '/a', O_PATH, 0) as number;
    machine.sys(sys_symlink, '/b', '/a/absolute');
    machine.sys(sys_symlink, '../mnt', '/a/escape');
    machine.sys(sys_symlink, 'b', '/a/inner');
  });

  test('RESOLVE_BENEATH refuses to leave the directory, by whatever way', () => {
    expect(openat2(dirfd, 'b/c', RESOLVE_BENEATH)).toBeTypeOf('number');
    expect(openat2(dirfd, 'b/../inner', RESOLVE_BENEATH)).toBeTypeOf('number');
    for (const name of ['..', 'b/../..', '/a/b', 'absolute', 'escape'])
      expect([name, openat2(dirfd, name, RESOLVE_BENEATH)]).toEqual([name, 'EXDEV']);
  });
  test('RESOLVE_IN_ROOT takes the directory for the root', () => {
    for (const name of ['..', '/b/c', 'absolute', '../../b'])
      expect([name, openat2(dirfd, name, RESOLVE_IN_ROOT)]).toEqual([name, expect.any(Number)]);
    expect(openat2(dirfd, 'escape', RESOLVE_IN_ROOT)).toBe('ENOENT');
  });
  test('RESOLVE_NO_SYMLINKS meets a link with ELOOP', () => {
    expect(openat2(dirfd, 'inner', RESOLVE_NO_SYMLINKS)).toBe('ELOOP');
    expect(openat2(dirfd, 'b', RESOLVE_NO_SYMLINKS)).toBeTypeOf('number');
  });
  test('RESOLVE_NO_XDEV stays on one mount', () => {
    machine.sys(sys_mount, 'none', '/a/b/c', 'tmpfs', 0, 0);
    expect(openat2(AT_FDCWD, '/a/b', RESOLVE_NO_XDEV)).toBeTypeOf('number');
    expect(openat2(AT_FDCWD, '/a/b/c', RESOLVE_NO_XDEV)).toBe('EXDEV');
    const inside = machine.sys(sys_open, '/a/b/c', O_PATH, 0) as number;
    expect(openat2(inside, '..', RESOLVE_NO_XDEV)).toBe('EXDEV');
  });
  test('RESOLVE_CACHED answers only from the cache', () => {
    expect(openat2(dirfd, 'b', RESOLVE_CACHED)).toBeTypeOf('number');
    expect(openat2(dirfd, 'unheard-of', RESOLVE_CACHED)).toBe('EAGAIN');
  });
  test('refuses unknown flags, a mode without creation, and structures that are too short', () => {
    expect(openat2(dirfd, 'b', 0x1000)).toBe('EINVAL');
    expect(openat2(dirfd, 'b', RESOLVE_BENEATH | RESOLVE_IN_ROOT)).toBe('EINVAL');
    const how = open_how.encode({ flags: 0, mode: 0o644, resolve: 0 });
    expect(machine.sys(sys_openat2, dirfd, 'b', how, how.length)).toBe('EINVAL');
    expect(machine.sys(sys_openat2, dirfd, 'b', how, 16)).toBe('EINVAL');
  });
  test('takes a longer structure if its tail is zero', () => {
    const long = new Uint8Array(40);
    expect(machine.sys(sys_openat2, dirfd, 'b', long, 40)).toBeTypeOf('number');
    long[39] = 1;
    expect(machine.sys(sys_openat2, dirfd, 'b', long, 40)).toBe('E2BIG');
  });
});

describe('a directory descriptor', () => {
  test('must be one for relative paths, and is ignored for absolute ones', () => {
    const file = machine.sys(sys_open, '/a/file', O_RDONLY, 0) as number;
    expect(machine.sys(sys_openat, file, 'x', 0, 0)).toBe('ENOTDIR');
    expect(machine.sys(sys_openat, 99, 'x', 0, 0)).toBe('EBADF');
    expect(machine.sys(sys_openat, 99, '/a', 0, 0)).toBeTypeOf('number');
  });
});

describe('protected symbolic links', () => {
  beforeEach(() => {
    machine.sys(sys_mkdir, '/tmp', 0o1777);
    const other = machine.newRooted(userCredentials(1001));
    machine.sysAs(other, sys_symlink, '/a/file', '/tmp/bait');
  });
  test('are followed by default, as the kernel itself has it', () => {
    expect(machine.stat('/tmp/bait')).not.toBeTypeOf('string');
  });
  test('of others in /tmp are not followed once the administrator says so', () => {
    machine.kernel.fsSettings.protectedSymlinks = 1;
    expect(machine.stat('/tmp/bait')).toBe('EACCES');
    expect(machine.stat('/tmp/bait', true, machine.newRooted(userCredentials(1001)))).not.toBeTypeOf(
      'string',
    );
  });
});
