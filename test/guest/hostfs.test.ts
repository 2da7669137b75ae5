/** hostfs: a directory of the host, shared with the machine, and nothing but that directory. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { umlRun } from '../support/machine.js';

let directory = '';
let shared = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'uml-hostfs-'));
  shared = join(directory, 'shared');
  mkdirSync(shared);
  writeFileSync(join(directory, 'secret'), 'not for guests\n');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a script with the directory at /mnt. */
const script = (text: string, mode = ''): ReturnType<typeof umlRun> =>
  umlRun(['/bin/bash', '-c', `cd /mnt\n${text}`], ['--mount', `${shared}:/mnt${mode}`]);

test('what is written and closed is on the host', async () => {
  const { status, stdout } = await script(`
    echo one > a; echo two >> a; cat a
    dd if=/dev/zero bs=1k count=3000 2>/dev/null | tr '\\0' x > big; truncate -s 5 a
    mkdir -p d/e; ln -s ../a d/l; ln a b; mv b d/e/c; chmod 640 a; touch -d @86400 a`);
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'one\ntwo\n' });
  expect(readFileSync(join(shared, 'a'), 'utf8')).toBe('one\nt');
  expect(readFileSync(join(shared, 'big'), 'latin1')).toBe('x'.repeat(3_072_000));
  expect(readFileSync(join(shared, 'd/l'), 'utf8')).toBe('one\nt');
  const stat = statSync(join(shared, 'a'));
  expect({ mode: stat.mode & 0o777, links: stat.nlink, time: stat.mtimeMs }).toEqual({
    mode: 0o640,
    links: 2,
    time: 86_400_000,
  });
  expect(readdirSync(join(shared, 'd/e'))).toEqual(['c']);
});

test('a file stays usable under its other names, by rename and after it was removed', async () => {
  const { stdout } = await script(`
    echo x > tmp; ln tmp final; rm tmp; cat final
    exec 3<> final; rm final; echo more >&3; cat /proc/self/fd/3; exec 3>&-; ls
    echo old > o; echo new > n; mv n o; cat o`);
  expect(stdout).toBe('x\nmore\nnew\n');
});

test('memory mapped and shared reaches the file', async () => {
  if (!existsSync('/usr/bin/python3')) return;
  writeFileSync(join(shared, 'f'), 'abcdefgh');
  const program = 'import mmap;f=open("f","r+b");m=mmap.mmap(f.fileno(),0);m[2:5]=b"XYZ";m.close()';
  await script(`/usr/bin/python3 -c '${program}'`);
  expect(readFileSync(join(shared, 'f'), 'utf8')).toBe('abXYZfgh');
});

test("nothing in it leads out: neither .. nor links, the host's or the guest's", async () => {
  symlinkSync('..', join(shared, 'up'));
  symlinkSync(join(directory, 'secret'), join(shared, 'absolute'));
  const { stdout } = await script(`
    ln -s ../secret relative
    cat ../secret up/secret relative 2>/dev/null; ls /mnt/.. | grep -c shared; echo done`);
  expect(stdout).toBe('0\ndone\n');
});

test('read-only means read-only', async () => {
  writeFileSync(join(shared, 'a'), 'x');
  const { stdout } = await script(
    'for c in "touch b" "rm a" "sh -c :>a" "chmod 600 a"; do $c 2>/dev/null && echo $c worked; done; mount -o remount,rw /mnt 2>/dev/null && echo remounted; cat a',
    ':ro',
  );
  expect(stdout).toBe('x');
  expect(readdirSync(shared)).toEqual(['a']);
});

test("special files are the guest's own", async () => {
  const { stdout } = await script('mkfifo p && { echo through > p & cat p; }');
  expect(stdout).toBe('through\n');
});

test("a machine on the host's files cannot mount the host", async () => {
  const refused = await umlRun(['/bin/sh', '-c', 'mount none /mnt -t hostfs 2>/dev/null || echo refused']);
  expect(refused.stdout).toBe('refused\n');
});

test("the host's /proc is an empty directory: it shows the kernel's own memory", async () => {
  const { stdout } = await umlRun(
    ['/bin/sh', '-c', 'ls /mnt/proc | wc -l; ls -d /mnt/etc'],
    ['--mount', '/:/mnt:ro'],
  );
  expect(stdout).toBe('0\n/mnt/etc\n');
});
