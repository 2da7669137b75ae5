/** Calls on names with any arguments: they succeed or fail with an error number, and the kernel's own assertions hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fd, optionalPath, path, type SystemCall } from '../kernel/syscall.js';
import * as access from './access.js';
import * as chdir from './chdir.js';
import * as chmod from './chmod.js';
import * as create from './create.js';
import * as fhandle from './fhandle.js';
import * as fileCalls from './file-calls.js';
import * as fsopen from './fsopen.js';
import * as mountCalls from './mount-calls.js';
import * as moveMount from './move-mount.js';
import * as open from './open.js';
import { overlay } from './overlayfs/overlay.js';
import { mountInfo, mountsText } from './proc-mounts.js';
import * as readdir from './readdir.js';
import * as readWrite from './read-write.js';
import * as removeCalls from './remove.js';
import * as rename from './rename.js';
import * as stat from './stat.js';
import * as statfs from './statfs.js';
import * as sync from './sync.js';
import { TreeMachine, userCredentials } from './testing-tree.js';
import { ramfs, tmpfs } from './tmpfs/tmpfs.js';
import * as truncate from './truncate.js';
import * as utimes from './utimes.js';
import * as xattr from './xattr.js';

const modules: readonly object[] = [
  access,
  chdir,
  chmod,
  create,
  fhandle,
  fileCalls,
  fsopen,
  mountCalls,
  moveMount,
  open,
  readdir,
  readWrite,
  removeCalls,
  rename,
  stat,
  statfs,
  sync,
  truncate,
  utimes,
  xattr,
];
const calls = new Map<string, SystemCall>(
  modules.flatMap((module) =>
    Object.entries(module as Record<string, SystemCall>).filter(([name]) => name.startsWith('sys_')),
  ),
);

const words = [
  '/a',
  '/a/b',
  '/a/b/c',
  'a',
  'b',
  'c',
  '.',
  '..',
  '/',
  '',
  'l',
  'l/b',
  '/o',
  '/o/b',
  '/o/c/d',
  '/u',
  '/m',
  '/m/x',
  'b/',
  'tmpfs',
  'overlay',
  'ramfs',
  'user.x',
  'trusted.overlay.opaque',
  'system.posix_acl_access',
  'size=16k',
  'lowerdir=/a,upperdir=/u/u,workdir=/u/w,redirect_dir=on',
  'source',
];
const word = fc.constantFrom(...words);
const number = fc.oneof(
  fc.constantFrom(
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    0x40,
    0x100,
    0x200,
    0x242,
    0x1000,
    0x2000,
    0x4000,
    0x8000,
    0o200000,
    0o20200002,
  ),
  fc.constantFrom(
    -1,
    -100,
    0o644,
    0o40755,
    0o20666,
    0o10644,
    0x20000,
    0x30000,
    0x1ffff0,
    2 ** 31,
    2 ** 32,
    2 ** 52,
  ),
  fc.integer({ min: 0, max: 12 }),
);
const descriptor = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 9 }), weight: 5 },
  { arbitrary: fc.constant(-100), weight: 3 },
);
/** For each argument something of its kind, mostly: which it is depends on the call. */
const values = fc.array(
  fc.record({
    word,
    number,
    descriptor,
    odd: fc.oneof(
      { arbitrary: fc.constant(undefined), weight: 11 },
      { arbitrary: fc.oneof(word, number), weight: 1 },
    ),
  }),
  { minLength: 6, maxLength: 6 },
);
const step = fc.record({ call: fc.constantFrom(...calls.keys()), values, privileged: fc.boolean() });

test('no arguments make the kernel fall over', () => {
  const succeeded = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const machine = new TreeMachine([tmpfs, ramfs, overlay], 1024);
      for (const name of ['/a', '/a/b', '/u', '/u/u', '/u/w', '/o', '/m'])
        machine.sys(create.sys_mkdir, name, 0o777);
      machine.sys(create.sys_symlink, '/a', '/l');
      machine.sys(open.sys_open, '/a/c', 0o102, 0o666);
      const options = 'lowerdir=/a,upperdir=/u/u,workdir=/u/w,redirect_dir=on';
      machine.sys(mountCalls.sys_mount, 'x', '/o', 'overlay', 0, options);
      const user = machine.newRooted(userCredentials(1000));
      for (const { call, values, privileged } of steps) {
        const task = privileged ? machine.task : user;
        const found = calls.get(call) as SystemCall;
        const given = found.arguments.map((kind: unknown, index) => {
          const value = values[index];
          if (value.odd !== undefined) return value.odd;
          if (kind === path || kind === optionalPath) return value.word;
          return kind === fd ? value.descriptor : value.number;
        });
        const outcome = tolerant(() => machine.sysAs(task, found, ...given));
        if (typeof outcome === 'number') succeeded.add(call);
        expect(['number', 'string']).toContain(typeof outcome);
      }
      mountInfo(machine.task);
      mountsText(user);
      for (const superBlock of machine.kernel.superBlocks)
        expect(superBlock.dentryCount).toBeGreaterThanOrEqual(0);
      for (const task of [machine.task, user]) {
        task.files.leave(task);
        task.fs.leave();
      }
      machine.tree.namespace.end();
      // Nothing is in use any more, so that everything has gone but the root, which the machine itself holds.
      expect(machine.kernel.memory.shmemPages).toBe(0);
    }),
    { seed: 5, numRuns: Number(process.env['FUZZ_RUNS'] ?? 600) },
  );
  // Most calls must have got past their first checks.
  expect(succeeded.size).toBeGreaterThan(calls.size / 2);
}, 120_000);

/** Calls that wait (a FIFO without its other end) are left waiting. */
function tolerant(call: () => number | string): number | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && error.message === 'the call waits') return 0;
    throw error;
  }
}
