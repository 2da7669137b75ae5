/**
 * The same random sequences of calls, here on tmpfs and on the host through node:fs: results, error numbers and the state
 * of every file afterwards must agree. As root it also changes identities, so that permissions are compared.
 */
import { spawnSync } from 'node:child_process';
import * as host from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rootCredentials, type Credentials } from '../kernel/credentials.js';
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from '../uapi/fcntl.js';
import { sys_access } from './access.js';
import { sys_chdir } from './chdir.js';
import { sys_chmod, sys_lchown } from './chmod.js';
import { sys_link, sys_mkdir, sys_symlink } from './create.js';
import { sys_close } from './file-calls.js';
import { sys_open } from './open.js';
import { sys_rmdir, sys_unlink } from './remove.js';
import { sys_rename } from './rename.js';
import { sys_readlink } from './stat.js';
import { TreeMachine, userCredentials } from './testing-tree.js';

const isRoot = process.getuid?.() === 0;

/** Paths of few names, so that they meet; some end in slashes, dots, or go through links. */
const component = fc.constantFrom('a', 'b', 'c', 'd');
const path = fc
  .tuple(
    fc.array(
      fc.oneof({ arbitrary: component, weight: 6 }, { arbitrary: fc.constantFrom('..', '.'), weight: 1 }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    fc.constantFrom('', '', '', '', '/', '/.', '/..'),
  )
  .map(([parts, tail]) => parts.join('/') + tail)
  // Leaving the test's directory would show the host's own files.
  .filter((name) => depthStaysInside(name));

function depthStaysInside(name: string): boolean {
  let depth = 0;
  for (const part of name.split('/')) {
    if (part === '..') depth--;
    else if (part !== '.' && part !== '') depth++;
    if (depth < 0) return false;
  }
  return true;
}

const flags = fc.constantFrom(
  O_RDONLY,
  O_WRONLY,
  O_RDWR,
  O_CREAT | O_RDWR,
  O_CREAT | O_EXCL | O_WRONLY,
  O_CREAT | O_TRUNC | O_WRONLY,
  O_RDONLY | O_TRUNC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_CREAT | O_NOFOLLOW,
  O_CREAT | O_DIRECTORY,
  O_DIRECTORY | O_RDWR,
);
const mode = fc.constantFrom(0o777, 0o755, 0o700, 0o644, 0o1777, 0o2775, 0o4755, 0o6711, 0o000, 0o555);
// A target that stays inside: '..' only where the link lies at least as deep.
const target = fc.constantFrom('a', 'b', 'c/d', 'a/b/', './a', 'd', 'none', 'b/.');

type Step =
  | { call: 'mkdir'; path: string; mode: number }
  | { call: 'rmdir' | 'unlink' | 'stat' | 'lstat' | 'readlink' | 'list' | 'read'; path: string }
  | { call: 'rename' | 'link'; path: string; to: string }
  | { call: 'symlink'; target: string; path: string }
  | { call: 'open'; path: string; flags: number; mode: number }
  | { call: 'write'; path: string; text: string }
  | { call: 'chmod' | 'access'; path: string; mode: number }
  | { call: 'lchown'; path: string; id: number }
  | { call: 'become'; id: number };

const identities = isRoot ? [0, 1001, 1002] : [0];

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ call: fc.constant('mkdir' as const), path, mode }), weight: 4 },
  {
    arbitrary: fc.record({
      call: fc.constantFrom('rmdir', 'unlink', 'stat', 'lstat', 'readlink', 'list', 'read'),
      path,
    }) as fc.Arbitrary<Step>,
    weight: 7,
  },
  {
    arbitrary: fc.record({
      call: fc.constantFrom('rename', 'rename', 'link'),
      path,
      to: path,
    }) as fc.Arbitrary<Step>,
    weight: 5,
  },
  { arbitrary: fc.record({ call: fc.constant('symlink' as const), target, path }), weight: 2 },
  { arbitrary: fc.record({ call: fc.constant('open' as const), path, flags, mode }), weight: 5 },
  {
    arbitrary: fc.record({ call: fc.constant('write' as const), path, text: fc.constantFrom('x', 'hello') }),
    weight: 2,
  },
  { arbitrary: fc.record({ call: fc.constant('chmod' as const), path, mode }), weight: 2 },
  {
    arbitrary: fc.record({
      call: fc.constant('access' as const),
      path,
      mode: fc.integer({ min: 0, max: 7 }),
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({ call: fc.constant('lchown' as const), path, id: fc.constantFrom(...identities) }),
    weight: isRoot ? 2 : 0,
  },
  {
    arbitrary: fc.record({ call: fc.constant('become' as const), id: fc.constantFrom(...identities) }),
    weight: isRoot ? 3 : 0,
  },
);

/** What is there at the beginning, so that most paths lead somewhere. */
const furniture: readonly Step[] = [
  { call: 'mkdir', path: 'a', mode: 0o777 },
  { call: 'mkdir', path: 'a/b', mode: 0o755 },
  { call: 'mkdir', path: 'b', mode: 0o1777 },
  { call: 'open', path: 'a/c', flags: O_CREAT, mode: 0o666 },
  { call: 'open', path: 'c', flags: O_CREAT, mode: 0o644 },
  { call: 'symlink', target: 'a', path: 'd' },
  { call: 'symlink', target: '../c', path: 'b/d' },
  { call: 'link', path: 'a/c', to: 'b/c' },
];

type Outcome = string | number;

/** /proc/sys/fs/protected_*: as the host has it. */
const setting = (name: string): number =>
  Number(host.readFileSync(`/proc/sys/fs/protected_${name}`, 'latin1').trim());

/** What a stat tells, as far as it does not depend on the file system. Sizes of directories do. */
function summary(mode: number, nlink: number, uid: number, gid: number, size: number): string {
  const isDirectory = (mode & 0o170000) === 0o40000;
  return [mode.toString(8), nlink, uid, gid, isDirectory ? '-' : size].join(' ');
}

interface Side {
  run(step: Step): Outcome;
}

class HostSide implements Side {
  constructor(private readonly root: string) {}

  run(step: Step): Outcome {
    try {
      return this.act(step);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  /** Node cleans up no path that it is given, so '.' and trailing slashes reach the host as they are. */
  private at(path: string): string {
    return `${this.root}/${path}`;
  }

  private act(step: Step): Outcome {
    switch (step.call) {
      case 'mkdir':
        host.mkdirSync(this.at(step.path), step.mode);
        return 0;
      case 'rmdir':
        host.rmdirSync(this.at(step.path));
        return 0;
      case 'unlink':
        host.unlinkSync(this.at(step.path));
        return 0;
      case 'stat':
      case 'lstat': {
        const found =
          step.call === 'stat' ? host.statSync(this.at(step.path)) : host.lstatSync(this.at(step.path));
        return summary(found.mode, found.nlink, found.uid, found.gid, found.size);
      }
      case 'readlink':
        return `-> ${host.readlinkSync(this.at(step.path))}`;
      case 'list':
        return host.readdirSync(this.at(step.path)).toSorted().join(' ');
      case 'rename':
        host.renameSync(this.at(step.path), this.at(step.to));
        return 0;
      case 'link':
        host.linkSync(this.at(step.path), this.at(step.to));
        return 0;
      case 'symlink':
        host.symlinkSync(step.target, this.at(step.path));
        return 0;
      case 'open':
        host.closeSync(host.openSync(this.at(step.path), step.flags, step.mode));
        return 0;
      case 'read':
        return this.withFile(step.path, O_RDONLY, (fd) => {
          const bytes = Buffer.alloc(100);
          return `"${bytes.toString('latin1', 0, host.readSync(fd, bytes, 0, 100, 0))}"`;
        });
      case 'write':
        return this.withFile(step.path, O_WRONLY, (fd) =>
          host.writeSync(fd, Buffer.from(step.text), 0, step.text.length, 2),
        );
      case 'chmod':
        host.chmodSync(this.at(step.path), step.mode);
        return 0;
      case 'access':
        host.accessSync(this.at(step.path), step.mode);
        return 0;
      case 'lchown':
        host.lchownSync(this.at(step.path), step.id, step.id);
        return 0;
      case 'become':
        process.seteuid?.(0);
        process.setegid?.(step.id);
        process.seteuid?.(step.id);
        return 0;
    }
  }

  private withFile(path: string, how: number, act: (fd: number) => Outcome): Outcome {
    const fd = host.openSync(this.at(path), how);
    try {
      return act(fd);
    } finally {
      host.closeSync(fd);
    }
  }
}

class OurSide implements Side {
  private readonly machine = new TreeMachine();

  constructor(private readonly ids: { readonly uid: number; readonly gid: number }) {
    Object.assign(this.machine.kernel.fsSettings, {
      protectedSymlinks: setting('symlinks'),
      protectedHardlinks: setting('hardlinks'),
      protectedFifos: setting('fifos'),
      protectedRegular: setting('regular'),
    });
    this.machine.sys(sys_mkdir, '/root', 0o777);
    this.machine.sys(sys_lchown, '/root', ids.uid, ids.gid);
    this.machine.sys(sys_chdir, '/root');
    this.become(ids.uid);
  }

  private become(id: number): void {
    const { task } = this.machine;
    // access(2) asks about the real ids, which the host's process keeps.
    const base: Credentials = id === 0 && this.ids.uid === 0 ? rootCredentials : userCredentials(id);
    const gid = id === this.ids.uid ? this.ids.gid : id;
    task.credentials = {
      ...base,
      uid: this.ids.uid,
      gid: this.ids.gid,
      egid: gid,
      fsgid: gid,
      permitted: this.ids.uid === 0 ? rootCredentials.permitted : base.permitted,
      groups: process.getgroups?.() ?? [],
    };
  }

  run(step: Step): Outcome {
    const { machine } = this;
    switch (step.call) {
      case 'mkdir':
        return machine.sys(sys_mkdir, step.path, step.mode);
      case 'rmdir':
        return machine.sys(sys_rmdir, step.path);
      case 'unlink':
        return machine.sys(sys_unlink, step.path);
      case 'stat':
      case 'lstat': {
        const found = machine.stat(step.path, step.call === 'stat');
        if (typeof found === 'string') return found;
        return summary(found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_size);
      }
      case 'readlink':
        return this.readlink(step.path);
      case 'list': {
        const names = machine.names(step.path);
        return typeof names === 'string' ? names : names.join(' ');
      }
      case 'rename':
        return machine.sys(sys_rename, step.path, step.to);
      case 'link':
        return machine.sys(sys_link, step.path, step.to);
      case 'symlink':
        return machine.sys(sys_symlink, step.target, step.path);
      case 'open': {
        const fd = machine.sys(sys_open, step.path, step.flags, step.mode);
        return typeof fd === 'string' ? fd : machine.sys(sys_close, fd);
      }
      case 'read':
        return this.withFile(step.path, O_RDONLY, (fd) => {
          const text = machine.read(fd, 100);
          return /^E[A-Z]+$/.test(text) ? text : `"${text}"`;
        });
      case 'write':
        return this.withFile(step.path, O_WRONLY, (fd) => machine.write(fd, step.text, 2));
      case 'chmod':
        return machine.sys(sys_chmod, step.path, step.mode);
      case 'access':
        return machine.sys(sys_access, step.path, step.mode);
      case 'lchown':
        return machine.sys(sys_lchown, step.path, step.id, step.id);
      case 'become':
        this.become(step.id);
        return 0;
    }
  }

  private readlink(path: string): Outcome {
    const text = this.machine.textOf(sys_readlink, path);
    return /^E[A-Z]+$/.test(text) ? text : `-> ${text}`;
  }

  private withFile(path: string, how: number, act: (fd: number) => Outcome): Outcome {
    const fd = this.machine.sys(sys_open, path, how, 0);
    if (typeof fd === 'string') return fd;
    const result = act(fd);
    this.machine.sys(sys_close, fd);
    return result;
  }
}

/** Everything below a directory, told by lstat and readlink. */
function tree(side: Side, at: string, depth: number): string[] {
  const names = side.run({ call: 'list', path: at });
  if (typeof names !== 'string' || names === '' || /^E[A-Z]+$/.test(names)) return [`${at}: ${names}`];
  return names.split(' ').flatMap((name) => {
    const path = `${at}/${name}`;
    const found = String(side.run({ call: 'lstat', path }));
    const line = `${path}: ${found} ${side.run({ call: 'readlink', path })}`;
    return found.startsWith('4') && depth > 0 ? [line, ...tree(side, path, depth - 1)] : [line];
  });
}

test('names behave here as they do on the host', () => {
  const oldMask = process.umask(0);
  try {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const root = host.mkdtempSync(join(tmpdir(), 'names-'));
        host.chmodSync(root, 0o777);
        const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
        const there = new HostSide(root);
        const here = new OurSide(ids);
        try {
          for (const [index, one] of [...furniture, ...steps].entries()) {
            const expected = there.run(one);
            expect([index, one, here.run(one)]).toEqual([index, one, expected]);
          }
          for (const side of [there, here]) side.run({ call: 'become', id: ids.uid });
          expect(tree(here, '.', 4)).toEqual(tree(there, '.', 4));
        } finally {
          there.run({ call: 'become', id: ids.uid });
          // Some directories may admit nobody now.
          if (ids.uid !== 0) spawnSync('chmod', ['-R', 'u+rwX', root]);
          host.rmSync(root, { recursive: true, force: true });
        }
      }),
      { numRuns: Number(process.env['NAMES_RUNS'] ?? 80) },
    );
  } finally {
    process.umask(oldMask);
  }
}, 120_000);
