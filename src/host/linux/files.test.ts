import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeDevice } from '../../fs/char-dev.js';
import {
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  R_OK,
  W_OK,
} from '../../uapi/fcntl.js';
import { READY_IN, READY_OUT } from '../host.js';
import { HOST_AT_FDCWD, type HostDirEntry, type HostStat, type HostStatFs } from '../files.js';
import { LinuxFiles } from './files.js';
import { Opener } from './open.js';
import { PathBuffer } from './path-buffer.js';

const ENOENT = -2;
const EEXIST = -17;
const EXDEV = -18;
const ENOTDIR = -20;
const ENAMETOOLONG = -36;

let directory = '';
let at = -1;
const files = new LinuxFiles();

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'host-files-'));
  at = files.open(HOST_AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0, 0);
});
afterEach(() => {
  files.close(at);
  fs.rmSync(directory, { recursive: true, force: true });
});

function create(name: string, text = ''): number {
  const fd = files.open(at, name, O_RDWR | O_CREAT, 0o644, 0);
  expect(fd).toBeGreaterThanOrEqual(0);
  if (text !== '') expect(files.write(fd, Buffer.from(text))).toBe(text.length);
  return fd;
}

function stat(name: string): HostStat {
  const into = {} as HostStat;
  expect(files.stat(at, name, into)).toBe(0);
  return into;
}

describe('reading and writing', () => {
  test('pread and pwrite move bytes at an offset', () => {
    const fd = create('data', 'hello world');
    const into = new Uint8Array(5);
    expect(files.pread(fd, into, 6)).toBe(5);
    expect(Buffer.from(into).toString()).toBe('world');
    expect(files.pwrite(fd, Buffer.from('HELLO'), 0)).toBe(5);
    expect(files.pread(fd, into, 8)).toBe(3);
    expect(fs.readFileSync(join(directory, 'data'), 'utf8')).toBe('HELLO world');
    expect(files.close(fd)).toBe(0);
  });

  test('a part of a larger buffer is read into, and nothing around it', () => {
    const fd = create('data', 'abcdef');
    const whole = new Uint8Array(16).fill(0x2e);
    expect(files.pread(fd, whole.subarray(4, 8), 1)).toBe(4);
    expect(Buffer.from(whole).toString()).toBe('....bcde........');
    files.close(fd);
  });

  test('offsets beyond 4 GiB are exact', () => {
    const fd = create('sparse');
    const offset = 5 * 2 ** 32 + 12345;
    expect(files.pwrite(fd, Buffer.from('x'), offset)).toBe(1);
    expect(stat('sparse').size).toBe(offset + 1);
    expect(files.truncate(fd, 7)).toBe(0);
    expect(stat('sparse').size).toBe(7);
    expect(files.seek(fd, 0, 2)).toBe(7);
    files.close(fd);
  });

  test('failures are negated errno values', () => {
    expect(files.open(at, 'absent', O_RDONLY, 0, 0)).toBe(ENOENT);
    expect(files.open(at, 'x'.repeat(300), O_RDONLY, 0, 0)).toBe(ENAMETOOLONG);
    expect(files.open(at, 'x/'.repeat(3000), O_RDONLY, 0, 0)).toBe(ENAMETOOLONG);
    expect(files.close(-1)).toBe(-9);
    files.close(create('file'));
    expect(files.open(at, 'file/below', O_RDONLY, 0, 0)).toBe(ENOTDIR);
  });
});

describe('names', () => {
  test('are bytes: a name that is not UTF-8 survives', () => {
    const name = 'caf\xe9\xff';
    files.close(create(name));
    const bytes = fs.readdirSync(directory, { encoding: 'buffer' })[0];
    expect([...bytes]).toEqual([0x63, 0x61, 0x66, 0xe9, 0xff]);
    const fd = files.open(HOST_AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0, 0);
    const entries: HostDirEntry[] = [];
    expect(files.readDirectory(fd, entries)).toBe(0);
    expect(entries.map((entry) => entry.name).sort()).toEqual(['.', '..', name]);
    files.close(fd);
  });

  test('a large directory is read whole, and again from its beginning', () => {
    for (let index = 0; index < 1500; index++)
      fs.writeFileSync(join(directory, `a-rather-long-name-${index}`), '');
    const fd = files.open(HOST_AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0, 0);
    for (let round = 0; round < 2; round++) {
      const entries: HostDirEntry[] = [];
      expect(files.readDirectory(fd, entries)).toBe(0);
      expect(new Set(entries.map((entry) => entry.name)).size).toBe(1502);
      const one = entries.find((entry) => entry.name === 'a-rather-long-name-7');
      expect(one).toEqual({ name: 'a-rather-long-name-7', type: 8, ino: stat('a-rather-long-name-7').ino });
    }
    files.close(fd);
  });

  test('directories, links, renames', () => {
    expect(files.mkdir(at, 'sub', 0o750)).toBe(0);
    expect(files.mkdir(at, 'sub', 0o750)).toBe(EEXIST);
    expect(files.symlink('target \xfe', at, 'link')).toBe(0);
    expect(files.readLink(at, 'link')).toBe('target \xfe');
    expect(files.readLink(at, 'sub')).toBe(-22);
    files.close(create('one', '1'));
    expect(files.link(at, 'one', at, 'two', 0)).toBe(0);
    expect(stat('two').nlink).toBe(2);
    const RENAME_NOREPLACE = 1;
    expect(files.rename(at, 'one', at, 'two', RENAME_NOREPLACE)).toBe(EEXIST);
    expect(files.rename(at, 'one', at, 'sub/three', 0)).toBe(0);
    expect(files.unlink(at, 'two', 0)).toBe(0);
    expect(files.unlink(at, 'sub/three', 0)).toBe(0);
    const AT_REMOVEDIR = 0x200;
    expect(files.unlink(at, 'sub', AT_REMOVEDIR)).toBe(0);
    expect(fs.readdirSync(directory)).toEqual(['link']);
  });

  test('an open file can be linked by its descriptor', () => {
    const fd = create('old', 'x');
    const AT_EMPTY_PATH = 0x1000;
    expect(files.link(fd, '', at, 'new', AT_EMPTY_PATH)).toBe(0);
    expect(stat('new').ino).toBe(stat('old').ino);
    files.close(fd);
  });
});

describe('attributes', () => {
  test('stat agrees with Node', () => {
    files.close(create('file', 'some text'));
    const ours = stat('file');
    const nodes = fs.lstatSync(join(directory, 'file'), { bigint: true });
    expect(ours).toMatchObject({
      ino: Number(nodes.ino),
      mode: Number(nodes.mode),
      nlink: 1,
      uid: Number(nodes.uid),
      gid: Number(nodes.gid),
      size: 9,
      blksize: Number(nodes.blksize),
      blocks: Number(nodes.blocks),
    });
    expect(BigInt(ours.mtime) * 1_000_000_000n + BigInt(ours.mtimeNsec)).toBe(nodes.mtimeNs);
    expect(BigInt(ours.ctime) * 1_000_000_000n + BigInt(ours.ctimeNsec)).toBe(nodes.ctimeNs);
    expect(BigInt(ours.btime) * 1_000_000_000n + BigInt(ours.btimeNsec)).toBe(nodes.birthtimeNs);
    expect(ours.dev).toBe(Number(nodes.dev));
  });

  test('a device node tells its number', () => {
    const into = {} as HostStat;
    expect(files.stat(HOST_AT_FDCWD, '/dev/null', into)).toBe(0);
    expect(into.rdev).toBe(makeDevice(1, 3));
  });

  test('an empty path is the descriptor itself, a symbolic link is not followed', () => {
    fs.symlinkSync('nowhere', join(directory, 'link'));
    expect(stat('link').mode & 0o170000).toBe(0o120000);
    expect(stat('').ino).toBe(fs.statSync(directory).ino);
  });

  test('chmod, by name and by descriptor, also one opened with O_PATH', () => {
    files.close(create('file'));
    expect(files.chmod(at, 'file', 0o4711)).toBe(0);
    expect(stat('file').mode).toBe(0o104711);
    const fd = files.open(at, 'file', O_PATH | O_NOFOLLOW, 0, 0);
    expect(files.chmod(fd, '', 0o600)).toBe(0);
    expect(stat('file').mode).toBe(0o100600);
    files.close(fd);
    fs.symlinkSync('file', join(directory, 'link'));
    expect(files.chmod(at, 'link', 0o777)).toBeLessThan(0);
    expect(stat('file').mode).toBe(0o100600);
  });

  test('utimes sets nanoseconds, before 1970 too', () => {
    files.close(create('file'));
    expect(files.utimes(at, 'file', 1_700_000_000, 123_456_789, -5, 999_999_999)).toBe(0);
    const { atime, atimeNsec, mtime, mtimeNsec } = stat('file');
    expect({ atime, atimeNsec, mtime, mtimeNsec }).toEqual({
      atime: 1_700_000_000,
      atimeNsec: 123_456_789,
      mtime: -5,
      mtimeNsec: 999_999_999,
    });
    const fd = files.open(at, 'file', O_PATH, 0, 0);
    expect(files.utimes(fd, '', 7, 0, 8, 0)).toBe(0);
    expect(stat('file').mtime).toBe(8);
    files.close(fd);
  });

  test('chown to oneself works; -1 leaves alone', () => {
    files.close(create('file'));
    const uid = process.getuid?.() ?? 0;
    expect(files.chown(at, 'file', uid, -1)).toBe(0);
    expect(stat('file').uid).toBe(uid);
  });

  test('access is that of the effective identity', () => {
    files.close(create('file'));
    expect(files.access(at, 'file', R_OK | W_OK)).toBe(0);
    expect(files.access(at, 'absent', R_OK)).toBe(ENOENT);
    expect(files.access(at, '', R_OK)).toBe(0);
  });

  test('statfs tells the file system', () => {
    const into = {} as HostStatFs;
    expect(files.statfs(at, into)).toBe(0);
    const nodes = fs.statfsSync(directory);
    expect(into.type).toBe(nodes.type);
    expect(into.blocks).toBe(nodes.blocks);
    expect(into.namelen).toBe(255);
  });

  test('extended attributes, or a plain refusal of the file system', () => {
    const fd = create('file');
    const value = Buffer.from('value');
    const set = files.setxattr(fd, 'user.name', value, 0);
    if (set === -95) return;
    expect(set).toBe(0);
    const path = files.open(at, 'file', O_PATH, 0, 0);
    const into = new Uint8Array(64);
    expect(files.getxattr(path, 'user.name', into)).toBe(5);
    expect(Buffer.from(into).subarray(0, 5).toString()).toBe('value');
    const length = files.listxattr(path, into);
    expect(Buffer.from(into).subarray(0, length).toString()).toContain('user.name\0');
    expect(files.removexattr(path, 'user.name')).toBe(0);
    expect(files.getxattr(fd, 'user.name', into)).toBe(-61);
    files.close(path);
    files.close(fd);
  });
});

describe('confinement', () => {
  const inRoot = (opener: LinuxFiles | Opener, path: string): number => {
    const fd = opener.open(at, path, O_RDONLY, 0, RESOLVE_IN_ROOT);
    if (fd >= 0) files.close(fd);
    return fd;
  };

  test('a path does not leave its directory', () => {
    fs.mkdirSync(join(directory, 'etc'));
    fs.symlinkSync('/etc/passwd', join(directory, 'absolute'));
    expect(inRoot(files, '../../../../../etc/passwd')).toBe(ENOENT);
    expect(inRoot(files, 'absolute')).toBe(ENOENT);
    expect(files.open(at, 'absolute', O_RDONLY, 0, RESOLVE_BENEATH)).toBe(EXDEV);
    fs.writeFileSync(join(directory, 'etc/passwd'), '');
    expect(inRoot(files, 'absolute')).toBeGreaterThanOrEqual(0);
  });

  test('nor by the walk that stands in for openat2', () => {
    const walker = new Opener(new PathBuffer());
    Object.assign(walker, { openat2Works: false });
    fs.mkdirSync(join(directory, 'etc'));
    fs.symlinkSync('/', join(directory, 'out'));
    fs.writeFileSync(join(directory, 'etc/file'), '');
    expect(inRoot(walker, 'etc/file')).toBeGreaterThanOrEqual(0);
    expect(inRoot(walker, './etc//file')).toBeGreaterThanOrEqual(0);
    expect(inRoot(walker, '..')).toBe(EXDEV);
    expect(inRoot(walker, 'etc/../..')).toBe(EXDEV);
    expect(inRoot(walker, 'out/etc/passwd')).toBe(ENOTDIR);
    expect(inRoot(walker, 'out')).toBe(EXDEV);
    expect(inRoot(walker, 'absent')).toBe(ENOENT);
    expect(walker.open(at, '/etc', O_RDONLY, 0, RESOLVE_BENEATH)).toBe(EXDEV);
  });
});

test('a lock keeps another process out', () => {
  const fd = create('locked', 'x');
  expect(files.lock(fd, 'write')).toBe(0);
  const script = `import fcntl,sys
f=open(sys.argv[1],'r+')
try: fcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB); print('got it')
except OSError: print('refused')`;
  const attempt = (): string =>
    execFileSync('python3', ['-c', script, join(directory, 'locked')], { encoding: 'utf8' }).trim();
  expect(attempt()).toBe('refused');
  expect(files.lock(fd, 'unlock')).toBe(0);
  expect(attempt()).toBe('got it');
  files.close(fd);
});

test('reopenNonBlocking leaves the shared description alone', () => {
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  const fd = files.open(at, 'fifo', O_RDWR, 0, 0);
  const other = files.reopenNonBlocking(fd, O_RDONLY);
  expect(other).toBeGreaterThanOrEqual(0);
  expect(files.read(other, new Uint8Array(4))).toBe(-11);
  const flags = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/flags:\s+(\d+)/)?.[1];
  expect(parseInt(flags ?? '0', 8) & 0o4000).toBe(0);
  files.close(other);
  files.close(fd);
});

test('reopenNonBlocking shares the position of a regular file', () => {
  const fd = create('file', 'first ');
  const other = files.reopenNonBlocking(fd, O_WRONLY);
  files.write(other, Buffer.from('second'));
  expect(fs.readFileSync(join(directory, 'file'), 'utf8')).toBe('first second');
  files.close(other);
  files.close(fd);
  expect(files.reopenNonBlocking(fd, O_WRONLY)).toBe(-9);
});

test('poll tells what holds now', () => {
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  const fd = files.open(at, 'fifo', O_RDWR, 0, 0);
  expect(files.poll(fd, READY_IN | READY_OUT)).toBe(READY_OUT);
  files.write(fd, Buffer.from('x'));
  expect(files.poll(fd, READY_IN)).toBe(READY_IN);
  files.close(fd);
});

test('ioctl fills its buffer', () => {
  const FIONREAD = 0x541b;
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  const fd = files.open(at, 'fifo', O_RDWR, 0, 0);
  files.write(fd, Buffer.from('abc'));
  const into = new Uint8Array(4);
  expect(files.ioctl(fd, FIONREAD, into)).toBe(0);
  expect([...into]).toEqual([3, 0, 0, 0]);
  const TCGETS = 0x5401;
  expect(files.ioctl(fd, TCGETS, new Uint8Array(60))).toBe(-25);
  files.close(fd);
});

test('fallocate punches holes where the file system can', () => {
  const fd = files.open(at, 'data', O_WRONLY | O_CREAT, 0o600, 0);
  files.pwrite(fd, Buffer.alloc(65536, 1), 0);
  const result = files.fallocate(fd, 3, 0, 4096);
  expect([0, -95]).toContain(result);
  expect(files.fsync(fd, true)).toBe(0);
  expect(files.fsync(fd, false)).toBe(0);
  files.close(fd);
});
