/**
 * The file systems that the kernel itself mounts: the root, as the command line says, and devtmpfs on /dev. Linux:
 * init/do_mounts.c, whose messages these are.
 */
import { majorOf, minorOf } from '../fs/char-dev.js';
import { sys_mkdir, sys_mknod, sys_symlink } from '../fs/create.js';
import type { Mount } from '../fs/mount.js';
import { makeMount, mountAt } from '../fs/mount-calls.js';
import { attachTree } from '../fs/mount-tree.js';
import { lookupPath } from '../fs/namei.js';
import { findFileSystem } from '../fs/super-block.js';
import type { Kernel } from '../kernel/kernel.js';
import { rootDeviceNumber } from './root-device.js';
import type { RunMount } from './run.js';
import type { Task } from '../kernel/task.js';
import { text, type Name } from '../lib/names.js';
import { EACCES, EEXIST, EINVAL, ENODEV, ENXIO, Errno } from '../uapi/errno.js';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME } from '../uapi/mount.js';
import { S_IFBLK } from '../uapi/stat.js';

/** What mount(2) takes. */
export interface MountSpec {
  readonly source: Name;
  readonly target: Name;
  readonly type: Name;
  readonly flags: number;
  readonly data?: Name;
}

const KERN_EMERG = 0;
/** Where rootfs has the root device. */
const ROOT_NODE = '/dev/root';

/** A panic of the boot: the message. */
export class BootFailure {
  constructor(readonly message: string) {}
}

/** Mounts for the kernel's own purposes, in a task's name space. Throws an Errno. */
export function mountFor(task: Task, { source, target, type, flags, data = '' }: MountSpec): void {
  void mountAt(task, lookupPath(task, target), { source, type, flags, data });
}

function makeRoot(task: Task, source: Name, typeName: Name, flags: number, data: Name): Mount {
  const type = findFileSystem(task.kernel, typeName);
  if (type === undefined) throw ENODEV;
  return makeMount(task, type, { source, data }, flags, (flags & MS_RDONLY) | MS_RELATIME);
}

/** The types to try: those that are named, or all that live on a block device. */
function rootTypes({ params, config }: Kernel): Name[] {
  if (params.rootType !== undefined) return params.rootType.split(',').filter((name) => name !== '');
  return config.fileSystems.filter(({ needsDevice }) => needsDevice).map(({ name }) => name);
}

/** Mounts the root file system that the command line names, at the root of `task`, and moves the task there. */
export function mountRoot(task: Task): Mount {
  const { kernel } = task;
  const { params } = kernel;
  const device = params.rootDevice ?? '';
  const number = rootDeviceNumber(kernel, device);
  const types = rootTypes(kernel);
  if (number === 0 && params.rootType === undefined) throw noDevice(kernel, device, number, ENXIO);
  void sys_mknod.handler(task, ROOT_NODE, S_IFBLK | 0o600, number);
  const wished = params.rootReadOnly === false ? 0 : MS_RDONLY;
  // What cannot be written is mounted for reading.
  for (const flags of wished === 0 ? [0, MS_RDONLY] : [MS_RDONLY])
    for (const type of types) {
      try {
        return enterRoot(task, makeRoot(task, ROOT_NODE, type, flags, params.rootFlags));
      } catch (error) {
        if (error === EINVAL || error === EACCES) continue;
        if (error instanceof Errno) throw noDevice(kernel, device, number, error, type);
        throw error;
      }
    }
  listPartitions(kernel);
  kernel.log.write(KERN_EMERG, `No filesystem could mount root, tried: ${types.map(text).join(' ')}`);
  throw new BootFailure(`VFS: Unable to mount root fs on ${blockName(number)}`);
}

/** How Linux writes a block device of which it knows only the number. */
const blockName = (device: number): string => `unknown-block(${majorOf(device)},${minorOf(device)})`;

function listPartitions({ disks, log }: Kernel): void {
  for (const { major, minor, size, name } of disks) {
    const number = `${hex(major, 2)}${hex(minor, 2)}`;
    log.write(KERN_EMERG, `${number}      ${String(Math.floor(size / 1024)).padStart(10)} ${name} `);
  }
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

function noDevice(kernel: Kernel, name: Name, number: number, error: Errno, type?: Name): BootFailure {
  const { log, params } = kernel;
  if (type !== undefined) {
    const of = params.rootFlags === '' ? '' : ` of ${text(params.rootFlags)}`;
    const why = error === ENODEV ? 'there is no such file system type' : error.message;
    log.write(KERN_EMERG, `VFS: mounting ${text(type)}${of} as root: ${why}`);
  }
  const block = blockName(number);
  log.write(KERN_EMERG, `VFS: Cannot open root device "${text(name)}" or ${block}: error -${error.number}`);
  log.write(KERN_EMERG, 'Please append a correct "root=" boot option; here are the available partitions:');
  listPartitions(kernel);
  return new BootFailure(`VFS: Unable to mount root fs on ${block}`);
}

/** Covers the task's root with a mount, and makes that its root and working directory. */
function enterRoot(task: Task, mount: Mount): Mount {
  attachTree(mount, task.fs.root);
  const place = { mount, dentry: mount.root };
  task.fs.root = place;
  task.fs.cwd = place;
  const { superBlock, flags } = mount;
  const { type, dev } = superBlock;
  const how = (flags & MS_RDONLY) !== 0 ? ' readonly' : '';
  const { log } = task.kernel;
  log.info(`VFS: Mounted root (${type.name} filesystem)${how} on device ${majorOf(dev)}:${minorOf(dev)}.`);
  return mount;
}

/**
 * The root of a machine that boots from the host's own files: they are the lower layer, and what the machine changes goes to
 * memory. With hostfs= it is the files below that directory.
 */
export function mountHostRoot(task: Task): Mount {
  const { kernel } = task;
  const lower: MountSpec = { source: 'none', target: '/lower', type: 'hostfs', flags: MS_RDONLY };
  const upper: MountSpec = { source: 'none', target: '/upper', type: 'tmpfs', flags: 0, data: 'mode=755' };
  try {
    for (const spec of [lower, upper]) {
      makeDirectory(task, spec.target);
      mountFor(task, spec);
    }
    for (const name of ['/upper/data', '/upper/work']) makeDirectory(task, name);
    const data = 'lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work,redirect_dir=on';
    const flags = kernel.params.rootReadOnly === true ? MS_RDONLY : 0;
    return enterRoot(task, makeRoot(task, 'host', 'overlay', flags, data));
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    throw new BootFailure(`VFS: Unable to mount the host's files as root: ${error.message}`);
  }
}

export function makeDirectory(task: Task, name: Name): void {
  void sys_mkdir.handler(task, name, 0o755);
}

/** In rootfs: /dev with what drivers have announced, for a root that has no /dev. */
export function makeDeviceNodes(task: Task): void {
  makeDirectory(task, '/dev');
  for (const { name, mode, rdev } of task.kernel.devices.nodes.values())
    if (!name.includes('/')) void sys_mknod.handler(task, `/dev/${name}`, mode, rdev);
}

/** devtmpfs on /dev, if there is such a directory: CONFIG_DEVTMPFS_MOUNT. */
export function mountDevices(task: Task): void {
  const { log } = task.kernel;
  try {
    mountFor(task, { source: 'devtmpfs', target: '/dev', type: 'devtmpfs', flags: 0 });
    log.info('devtmpfs: mounted');
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    log.error(`devtmpfs: error mounting -${error.number}`);
  }
}

const noPrograms = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** What an init of a distribution would mount; of machines that run without one the kernel does it, where directories are. */
const usualMounts: readonly MountSpec[] = [
  { source: 'proc', target: '/proc', type: 'proc', flags: noPrograms },
  { source: 'sysfs', target: '/sys', type: 'sysfs', flags: noPrograms },
  {
    source: 'devpts',
    target: '/dev/pts',
    type: 'devpts',
    flags: MS_NOSUID | MS_NOEXEC,
    data: 'gid=5,mode=620,ptmxmode=666',
  },
  { source: 'tmpfs', target: '/dev/shm', type: 'tmpfs', flags: MS_NOSUID | MS_NODEV },
  { source: 'tmpfs', target: '/run', type: 'tmpfs', flags: MS_NOSUID | MS_NODEV, data: 'mode=755' },
];

/** What udev or its like would add to /dev. */
const deviceLinks: readonly (readonly [target: Name, name: Name])[] = [
  ['/proc/self/fd', '/dev/fd'],
  ['fd/0', '/dev/stdin'],
  ['fd/1', '/dev/stdout'],
  ['fd/2', '/dev/stderr'],
  ['/proc/kcore', '/dev/core'],
];

/** Mounts what a machine without an init of its own needs. Missing mount points are made where the root can be written. */
export function mountUsual(task: Task): void {
  const attempt = (what: string, action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      if (error !== EEXIST) task.kernel.log.warn(`init: ${what}: ${error.message}`);
    }
  };
  for (const spec of usualMounts)
    attempt(`mounting ${spec.type} on ${spec.target}`, () => {
      makeMissing(task, spec.target);
      mountFor(task, spec);
    });
  for (const [target, name] of deviceLinks)
    attempt(`linking ${name} to ${target}`, () => void sys_symlink.handler(task, target, name));
}

/** `uml run --mount`: host directories. Throws a BootFailure for one that cannot be mounted. */
export function mountHostDirectories(task: Task, mounts: readonly RunMount[]): void {
  for (const { host, guest, readOnly } of mounts) {
    const flags = readOnly ? MS_RDONLY : 0;
    try {
      makeMissing(task, guest);
      mountFor(task, { source: host, target: guest, type: 'hostfs', flags, data: host });
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      throw new BootFailure(`mounting ${text(host)} on ${text(guest)}: ${error.message}`);
    }
  }
}

/** Makes a directory, and those that lead there, where they are missing. */
function makeMissing(task: Task, directory: Name): void {
  const names = directory.split('/').filter((name) => name !== '');
  let path = '';
  for (const name of names) {
    path += `/${name}`;
    try {
      makeDirectory(task, path);
    } catch (error) {
      if (error !== EEXIST) throw error;
    }
  }
}
