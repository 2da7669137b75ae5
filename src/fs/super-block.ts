/** A mounted instance of a file system, and the kind it is of. */
import type { Kernel } from '../kernel/kernel.js';
import type { Task } from '../kernel/task.js';
import type { Result } from '../kernel/syscall.js';
import type { Name } from '../lib/names.js';
import { EINVAL } from '../uapi/errno.js';
import { shrink } from './dcache.js';
import type { Dentry } from './dentry.js';
import type { Mount } from './mount.js';

/** statfs(2) in numbers. */
export interface FileSystemStatistics {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  namelen: number;
}

export abstract class SuperBlock {
  /** Set by the file system's mount. */
  root!: Dentry;
  blockSize = 4096;
  /** The whole file system is read-only (a mount can be, too). */
  readOnly = false;
  /** Inodes have access control lists: acl(5). */
  posixAcl = false;
  /** MS_SYNCHRONOUS, MS_DIRSYNC, MS_LAZYTIME: shown in /proc/mounts. */
  flags = 0;
  /** Everywhere that it is mounted. */
  readonly mounts = new Set<Mount>();
  /** Dentries in its tree, and how many there may be before the unused ones go: fs/dcache. */
  dentryCount = 0;
  dentryLimit = 32768;
  /** Names up to this many bytes: ENAMETOOLONG beyond. */
  nameMax = 255;

  constructor(
    readonly type: FileSystemType,
    readonly kernel: Kernel,
    /** st_dev: from Devices.anonymous(), or the block device's number. */
    readonly dev: number,
  ) {
    kernel.superBlocks.add(this);
  }

  abstract statfs(): FileSystemStatistics;

  /** f_fsid of statfs(2): two words that tell file systems apart. */
  get fsid(): readonly [number, number] {
    return [this.dev | 0, 0];
  }

  /** Whether a cached dentry still tells the truth. File systems that change behind our back (hostfs, proc) say false. */
  revalidate(_dentry: Dentry): boolean {
    return true;
  }
  /** Whether names found absent may be remembered. */
  get cachesNegative(): boolean {
    return true;
  }
  /** The options for /proc/mounts, after rw/ro and the mount's own: ',size=5%' without the first comma, or ''. */
  showOptions(): Name {
    return '';
  }
  /** New options of a remount: EINVAL for what cannot be changed. */
  remount(_flags: number, _data: Name): void {}
  /** Everything to stable storage. */
  sync(): Result {
    return 0;
  }
  /** The last mount is gone. */
  unmount(): void {}

  /** The last mount is gone, and all that used it. */
  kill(): void {
    this.kernel.superBlocks.delete(this);
    shrink(this.root);
    this.unmount();
  }
}

export interface MountRequest {
  readonly kernel: Kernel;
  /** The task that mounts, or undefined for the kernel itself at boot. */
  readonly task: Task | undefined;
  /** The device word of mount(2). */
  readonly source: Name;
  /** MS_* flags. */
  readonly flags: number;
  /** The options of the file system: comma-separated. */
  readonly data: Name;
}

export abstract class FileSystemType {
  abstract readonly name: Name;
  /** FS_REQUIRES_DEV: /proc/filesystems shows no `nodev`. */
  readonly needsDevice: boolean = false;
  /** May be mounted in a user namespace, or only by the kernel. */
  readonly userMountable: boolean = true;

  /** Makes (or finds) the instance that the request names. Throws ENODEV, EINVAL, ENOENT, ... as mount(2). */
  abstract mount(request: MountRequest): SuperBlock;
}

/** A file system option that it does not know. */
export function unknownOption(kernel: Kernel, type: Name, option: Name): never {
  kernel.log.write(4, `${type}: Unknown parameter '${option}'`);
  throw EINVAL;
}

/** The built-in file system of a name. 'type.subtype' is for FUSE and stands for 'type'. */
export function findFileSystem(kernel: Kernel, name: Name): FileSystemType | undefined {
  const [type] = name.split('.');
  return kernel.config.fileSystems.find((fileSystem) => fileSystem.name === name || fileSystem.name === type);
}
