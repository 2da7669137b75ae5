/** A mount: a tree of a file system made visible at a place. mount(2), mount_namespaces(7). */
import type { Name } from '../lib/names.js';
import type { Dentry } from './dentry.js';
import type { MountNamespace } from './namespace.js';
import type { SuperBlock } from './super-block.js';

export class Mount {
  /** Where it is mounted: undefined for a namespace's root and for detached trees. */
  parent: Mount | undefined;
  /** The dentry of `parent` that it covers. */
  mountpoint: Dentry | undefined;
  namespace: MountNamespace | undefined;
  /** Per-mount MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, MS_NODIRATIME, MS_RELATIME. */
  flags = 0;
  /** Mounts whose parent is this one, by the dentry that they cover. */
  readonly children = new Map<Dentry, Mount>();
  /** Open files, working directories and roots in it: umount2(2) says EBUSY. */
  users = 0;
  /** Regular files in it that are open for writing: a remount to read-only says EBUSY. */
  writers = 0;

  constructor(
    /** mount id of /proc/PID/mountinfo and statx. */
    readonly id: number,
    readonly superBlock: SuperBlock,
    /** The part of the file system that is shown: its root, or a subdirectory of a bind mount. */
    readonly root: Dentry,
    /** The device word of mount(2), for /proc/mounts. */
    readonly source: Name,
  ) {}

  hold(): this {
    this.users++;
    return this;
  }
  drop(): void {
    this.users--;
  }
}

/** A place in the tree: what a path resolves to. */
export interface Path {
  readonly mount: Mount;
  readonly dentry: Dentry;
}
