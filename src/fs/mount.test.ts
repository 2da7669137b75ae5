import { beforeEach, describe, expect, test } from 'vitest';
import { AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, O_CREAT, O_RDONLY, O_WRONLY } from '../uapi/fcntl.js';
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  MNT_DETACH,
  MNT_EXPIRE,
  mount_attr,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_BIND,
  MS_MOVE,
  MS_RDONLY,
  MS_REMOUNT,
  MS_SHARED,
  OPEN_TREE_CLONE,
} from '../uapi/mount.js';
import { sys_chdir, sys_getcwd } from './chdir.js';
import { sys_mkdir } from './create.js';
import { sys_close } from './file-calls.js';
import { sys_fsconfig, sys_fsmount, sys_fsopen, sys_fspick } from './fsopen.js';
import { sys_mount, sys_pivot_root, sys_umount2 } from './mount-calls.js';
import { sys_mount_setattr, sys_move_mount, sys_open_tree } from './move-mount.js';
import { sys_open, sys_openat } from './open.js';
import { mountsText } from './proc-mounts.js';
import { TreeMachine, userCredentials } from './testing-tree.js';

let machine: TreeMachine;
beforeEach(() => {
  machine = new TreeMachine();
  for (const name of ['/a', '/b', '/c']) machine.sys(sys_mkdir, name, 0o755);
});

const mount = (target: string, flags = 0, data: string | number = 0): number | string =>
  machine.sys(sys_mount, 'none', target, 'tmpfs', flags, data);
const mounts = (): string[] =>
  mountsText(machine.task)
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').slice(0, 4).join(' '));
const touch = (name: string): number | string => {
  const fd = machine.sys(sys_open, name, O_CREAT | O_WRONLY, 0o644);
  return typeof fd === 'string' ? fd : machine.sys(sys_close, fd);
};

describe('mount', () => {
  test('shows the new file system, and what it covers again once it is gone', () => {
    touch('/a/below');
    expect(mount('/a')).toBe(0);
    expect(machine.names('/a')).toEqual([]);
    touch('/a/above');
    expect(mounts()).toEqual([
      'root / tmpfs rw,relatime,mode=755,inode64',
      'none /a tmpfs rw,relatime,inode64',
    ]);
    expect(machine.sys(sys_umount2, '/a', 0)).toBe(0);
    expect(machine.names('/a')).toEqual(['below']);
  });
  test('is for those who may', () => {
    const user = machine.newRooted(userCredentials(1000));
    expect(machine.sysAs(user, sys_mount, 'none', '/a', 'tmpfs', 0, 0)).toBe('EPERM');
    expect(machine.sysAs(user, sys_umount2, '/a', 0)).toBe('EPERM');
  });
  test('wants a place, and a file system that there is', () => {
    expect(mount('/none')).toBe('ENOENT');
    expect(machine.sys(sys_mount, 'none', '/a', 'wonderfs', 0, 0)).toBe('ENODEV');
    expect(machine.sys(sys_mount, 'none', '/a', 0, 0, 0)).toBe('EINVAL');
    touch('/file');
    expect(mount('/file')).toBe('ENOTDIR');
    expect(machine.sys(sys_mount, '/a', '/file', 0, MS_BIND, 0)).toBe('ENOTDIR');
    expect(machine.sys(sys_mount, '', '/a', 0, MS_BIND, 0)).toBe('EINVAL');
  });
  test('read-only refuses changes, and to become so while a file is being written', () => {
    mount('/a');
    const fd = machine.sys(sys_open, '/a/file', O_CREAT | O_WRONLY, 0o644) as number;
    expect(mount('/a', MS_REMOUNT | MS_RDONLY)).toBe('EBUSY');
    machine.sys(sys_close, fd);
    expect(mount('/a', MS_REMOUNT | MS_RDONLY)).toBe(0);
    expect(machine.sys(sys_open, '/a/file', O_WRONLY, 0)).toBe('EROFS');
    expect(machine.sys(sys_mkdir, '/a/dir', 0o755)).toBe('EROFS');
    expect(machine.sys(sys_open, '/a/file', O_RDONLY, 0)).toBeTypeOf('number');
  });
  test('a bind can be read-only by itself', () => {
    mount('/a');
    machine.sys(sys_mount, '/a', '/b', 0, MS_BIND, 0);
    machine.sys(sys_mount, '', '/b', 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0);
    expect(touch('/b/x')).toBe('EROFS');
    expect(touch('/a/x')).toBe(0);
    expect(machine.names('/b')).toEqual(['x']);
  });
  test('is not moved below itself, nor from under a shared mount', () => {
    mount('/a');
    machine.sys(sys_mkdir, '/a/x', 0o755);
    expect(machine.sys(sys_mount, '/a', '/a/x', 0, MS_MOVE, 0)).toBe('ELOOP');
    expect(machine.sys(sys_mount, '/b', '/c', 0, MS_MOVE, 0)).toBe('EINVAL');
    mount('/a/x');
    machine.sys(sys_mount, '', '/a', 0, MS_SHARED, 0);
    expect(machine.sys(sys_mount, '/a/x', '/c', 0, MS_MOVE, 0)).toBe('EINVAL');
  });
});

describe('umount', () => {
  test('wants the root of a mount that nobody uses', () => {
    mount('/a');
    machine.sys(sys_mkdir, '/a/d', 0o755);
    expect(machine.sys(sys_umount2, '/a/d', 0)).toBe('EINVAL');
    machine.sys(sys_chdir, '/a/d');
    expect(machine.sys(sys_umount2, '/a', 0)).toBe('EBUSY');
    machine.sys(sys_chdir, '/');
    expect(machine.sys(sys_umount2, '/a', 0x100)).toBe('EINVAL');
    expect(machine.sys(sys_umount2, '/a', 0)).toBe(0);
  });
  test('with MNT_DETACH leaves those inside where they are', () => {
    mount('/a');
    machine.sys(sys_mkdir, '/a/d', 0o755);
    machine.sys(sys_chdir, '/a/d');
    expect(machine.sys(sys_umount2, '/a', MNT_DETACH)).toBe(0);
    expect(touch('file')).toBe(0);
    expect(machine.textOf(sys_getcwd)).toBe('(unreachable)/d\0');
    const { size } = machine.kernel.superBlocks;
    machine.sys(sys_chdir, '/');
    expect(machine.kernel.superBlocks.size).toBe(size - 1);
  });
  test('with MNT_EXPIRE waits for a second time without use in between', () => {
    mount('/a');
    expect(machine.sys(sys_umount2, '/a', MNT_EXPIRE)).toBe('EAGAIN');
    touch('/a/x');
    expect(machine.sys(sys_umount2, '/a', MNT_EXPIRE)).toBe('EAGAIN');
    expect(machine.sys(sys_umount2, '/a', MNT_EXPIRE)).toBe(0);
  });
});

describe('pivot_root', () => {
  test('exchanges the root, for all who were there', () => {
    const other = machine.newRooted();
    mount('/a');
    machine.sys(sys_mkdir, '/a/old', 0o755);
    machine.sys(sys_mkdir, '/a/new', 0o755);
    expect(machine.sys(sys_pivot_root, '/a', '/a/old')).toBe(0);
    expect(machine.names('/')).toEqual(['new', 'old']);
    expect(machine.stat('/new', true, other)).not.toBeTypeOf('string');
    expect(machine.names('/old')).toEqual(['a', 'b', 'c']);
    expect(machine.sys(sys_umount2, '/old', MNT_DETACH)).toBe(0);
    expect(mounts()).toEqual(['none / tmpfs rw,relatime,inode64']);
  });
  test('wants mounts, and the old root below the new', () => {
    expect(machine.sys(sys_pivot_root, '/a', '/a')).toBe('EBUSY');
    mount('/a');
    expect(machine.sys(sys_pivot_root, '/a', '/b')).toBe('EBUSY');
    mount('/b');
    expect(machine.sys(sys_pivot_root, '/a', '/b')).toBe('EINVAL');
  });
});

test('a copy of the namespace has mounts of its own, and the task is where it was', () => {
  mount('/a');
  machine.sys(sys_chdir, '/a');
  const { task, tree } = machine;
  const copy = tree.namespace.clone();
  task.namespaces = { ...task.namespaces, mount: copy };
  copy.moveInto(task.fs);
  touch('file');
  mount('/b');
  expect(machine.textOf(sys_getcwd)).toBe('/a\0');
  expect(mounts().length).toBe(3);
  const outside = machine.newRooted();
  expect(machine.stat('/a/file', true, outside)).not.toBeTypeOf('string');
  expect(mountsText(outside).split('\n').length).toBe(3);
  copy.end();
  expect(machine.stat('/a/file', true, outside)).not.toBeTypeOf('string');
});

describe('mounting in steps', () => {
  test('makes, mounts and puts up a file system', () => {
    const context = machine.sys(sys_fsopen, 'tmpfs', 0) as number;
    const set = (command: number, key: string | number, value: string | number): number | string =>
      machine.sys(sys_fsconfig, context, command, key, value, 0);
    expect(set(FSCONFIG_SET_STRING, 'size', '64k')).toBe(0);
    expect(set(FSCONFIG_SET_STRING, 'source', 'mine')).toBe(0);
    expect(set(FSCONFIG_SET_FLAG, 'rw', 0)).toBe(0);
    expect(machine.sys(sys_fsmount, context, 0, 0)).toBe('EINVAL');
    expect(set(FSCONFIG_CMD_CREATE, 0, 0)).toBe(0);
    expect(set(FSCONFIG_CMD_CREATE, 0, 0)).toBe('EBUSY');
    const tree = machine.sys(sys_fsmount, context, 0, MOUNT_ATTR_NOATIME) as number;
    const made = machine.sys(sys_openat, tree, 'early', O_CREAT | O_WRONLY, 0o644);
    machine.sys(sys_close, made as number);
    expect(machine.sys(sys_move_mount, tree, '', AT_FDCWD, '/a', MOVE_MOUNT_F_EMPTY_PATH)).toBe(0);
    for (const fd of [tree, context]) machine.sys(sys_close, fd);
    expect(mounts()).toContain('mine /a tmpfs rw,noatime,size=64k,inode64');
    expect(machine.names('/a')).toEqual(['early']);
    const picked = machine.sys(sys_fspick, AT_FDCWD, '/a', 0) as number;
    machine.sys(sys_fsconfig, picked, FSCONFIG_SET_FLAG, 'ro', 0, 0);
    expect(machine.sys(sys_fsconfig, picked, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0)).toBe(0);
    expect(touch('/a/x')).toBe('EROFS');
  });
  test('leaves nothing behind when it is given up', () => {
    const { size } = machine.kernel.superBlocks;
    const context = machine.sys(sys_fsopen, 'tmpfs', 0) as number;
    machine.sys(sys_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    const tree = machine.sys(sys_fsmount, context, 0, 0) as number;
    machine.sys(sys_close, context);
    machine.sys(sys_close, tree);
    expect(machine.kernel.superBlocks.size).toBe(size);
  });
  test('open_tree copies a tree, mount_setattr changes it', () => {
    mount('/a');
    machine.sys(sys_mkdir, '/a/x', 0o755);
    mount('/a/x');
    const tree = machine.sys(sys_open_tree, AT_FDCWD, '/a', OPEN_TREE_CLONE | AT_RECURSIVE) as number;
    const change = mount_attr.encode({
      attr_set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME,
      attr_clr: MOUNT_ATTR__ATIME,
    });
    const setattr = (attributes: Uint8Array): number | string =>
      machine.sys(sys_mount_setattr, tree, '', AT_EMPTY_PATH | AT_RECURSIVE, attributes, attributes.length);
    expect(setattr(mount_attr.encode({ attr_set: 1 << 30 }))).toBe('EINVAL');
    expect(setattr(mount_attr.encode({ attr_set: MOUNT_ATTR_NOATIME }))).toBe('EINVAL');
    expect(setattr(change)).toBe(0);
    expect(machine.sys(sys_move_mount, tree, '', AT_FDCWD, '/b', MOVE_MOUNT_F_EMPTY_PATH)).toBe(0);
    expect(mounts().slice(-2)).toEqual([
      'none /b tmpfs ro,noatime,inode64',
      'none /b/x tmpfs ro,noatime,inode64',
    ]);
    expect(touch('/b/x/y')).toBe('EROFS');
    expect(touch('/a/x/y')).toBe(0);
  });
});
