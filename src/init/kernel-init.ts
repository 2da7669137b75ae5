/** The first process becomes init: kernel_init() of Linux. Its standard streams are /dev/console. */
import { kernelExec } from '../fs/exec.js';
import type { File } from '../fs/file.js';
import type { FsContext } from '../fs/fs-context.js';
import { openPath } from '../fs/open.js';
import type { Task } from '../kernel/task.js';
import { text, type Name } from '../lib/names.js';
import { ENOENT, Errno } from '../uapi/errno.js';
import { O_RDWR } from '../uapi/fcntl.js';
import { BootFailure } from './do-mounts.js';

const usualPlaces: readonly Name[] = ['/sbin/init', '/etc/init', '/bin/init', '/bin/sh'];

/**
 * Opens devices as the next descriptors. A root without /dev has not got them: then the nodes of rootfs serve, which the
 * kernel makes for itself.
 */
export async function openStreams(task: Task, names: readonly Name[], rootfs: FsContext): Promise<void> {
  for (const name of names) {
    const file = await openDevice(task, name, rootfs);
    task.files.install(file, false, Infinity);
  }
}

async function openDevice(task: Task, name: Name, rootfs: FsContext): Promise<File> {
  try {
    return await openPath(task, name, O_RDWR);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    const { fs } = task;
    task.fs = rootfs;
    try {
      return await openPath(task, name, O_RDWR);
    } finally {
      task.fs = fs;
    }
  }
}

async function openConsole(task: Task, rootfs: FsContext): Promise<void> {
  try {
    await openStreams(task, ['/dev/console'], rootfs);
    const file = task.files.get(0);
    for (let copies = 0; copies < 2; copies++) task.files.install(file, false, Infinity);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    task.kernel.log.error('Warning: unable to open an initial console.');
  }
}

/** Gives the first process its program: init= or the usual ones. Throws a BootFailure when none can be run. */
export async function runInit(task: Task, rootfs: FsContext): Promise<void> {
  const { params } = task.kernel;
  await openConsole(task, rootfs);
  const environment = ['HOME=/', 'TERM=linux', ...params.initEnvironment];
  if (params.init !== undefined) {
    const error = await tryInit(task, params.init, environment);
    if (error === undefined) return;
    throw new BootFailure(`Requested init ${text(params.init)} failed (error -${error.number}).`);
  }
  for (const place of usualPlaces) {
    const error = await tryInit(task, place, environment);
    if (error === undefined) return;
    if (error !== ENOENT)
      task.kernel.log.error(
        `Starting init: ${place} exists but couldn't execute it (error -${error.number})`,
      );
  }
  throw new BootFailure(
    'No working init found.  Try passing init= option to kernel. ' +
      'See Linux Documentation/admin-guide/init.rst for guidance.',
  );
}

async function tryInit(task: Task, path: Name, environment: readonly Name[]): Promise<Errno | undefined> {
  const { log, params } = task.kernel;
  log.info(`Run ${text(path)} as init process`);
  try {
    await kernelExec(task, path, [path, ...params.initArguments], environment);
    return undefined;
  } catch (error) {
    if (error instanceof Errno) return error;
    throw error;
  }
}
