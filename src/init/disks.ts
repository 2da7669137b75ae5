/** The disks of a machine at start-up, and what follows from them for its root. */
import { DiskDriver } from '../fs/block-dev.js';
import { LoopControl } from '../drivers/block/loop/loop-control.js';
import { Ubd } from '../drivers/block/ubd/ubd.js';
import { HOST_AT_FDCWD } from '../host/files.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Name } from '../lib/names.js';
import { R_OK } from '../uapi/fcntl.js';
import { BLOCK_EXT_MAJOR, LOOP_MAJOR, UBD_MAJOR, makedev } from '../uapi/major.js';
import { rootDeviceNumber } from './root-device.js';

/** Disk 0 when nothing else is said. */
export const DEFAULT_ROOT_FILE = 'root_fs';

/** `defaultFile`: without a switch for it, disk 0 is the file of that name. */
export function startDisks(kernel: Kernel, defaultFile: boolean): void {
  const { params } = kernel;
  kernel.devices.addBlockDriver(new DiskDriver('ubd', UBD_MAJOR));
  kernel.devices.addBlockDriver(new DiskDriver('loop', LOOP_MAJOR));
  kernel.devices.addBlockDriver(new DiskDriver('blkext', BLOCK_EXT_MAJOR));
  kernel.devices.addCharDriver(new LoopControl(kernel));
  const ubd = new Ubd(kernel);
  const requests = params.devices.filter(({ driver }) => driver === 'ubd').map(({ argument }) => argument);
  ubd.start(requests, defaultFile ? defaultDisk(kernel) : undefined);
  const directory = ubd.directories.get(0);
  if (directory !== undefined && isFirstDisk(kernel, params.rootDevice)) useDirectory(kernel, directory);
}

const FIRST_DISK = makedev(UBD_MAJOR, 0);

/** The file need not exist if it is to be the root: then the log says what is missing. */
function defaultDisk(kernel: Kernel): Name | undefined {
  const exists = kernel.host.files.access(HOST_AT_FDCWD, DEFAULT_ROOT_FILE, R_OK) === 0;
  const { rootDevice } = kernel.params;
  const wanted = rootDevice !== undefined && rootDeviceNumber(kernel, rootDevice) === FIRST_DISK;
  return exists || wanted ? DEFAULT_ROOT_FILE : undefined;
}

/** A directory has no number to be found by its name. */
const isFirstDisk = (kernel: Kernel, device: Name | undefined): boolean =>
  device !== undefined &&
  (rootDeviceNumber(kernel, device) === FIRST_DISK || /^\/dev\/ubd(a|\/?0)$/.test(device));

/** ubd0=DIRECTORY: the HOWTO promises that it is the root file system. */
function useDirectory({ params }: Kernel, directory: Name): void {
  params.rootType ??= 'hostfs';
  if (params.rootFlags === '') params.rootFlags = directory;
}
