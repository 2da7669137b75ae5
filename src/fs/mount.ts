/** A mount: a tree of a file system made visible at a place. mount(2), mount_namespaces(7). */
import type { Name } from '../lib/names.js';
import type { Dentry } from './dentry.js';
import type { MountNamespace } from './namespace.js';
import type { SuperBlock } from './super-block.js';

/** Mounts to which mounting and unmounting under one of them spreads: mount_namespaces(7). */
export class PeerGroup {
  readonly members = new Set<Mount>();
  /** Mounts that get what happens in the group, but give nothing back. */
  readonly slaves = new Set<Mount>();
  constructor(
    /** As in `shared:N` of /proc/PID/mountinfo. */
    readonly id: number,
  ) {}
}

export class Mount {
  /** Where it is mounted: undefined for a namespace's root and for detached trees. */
  parent: Mount | undefined;
  /** The dentry of `parent` that it covers. */
  mountpoint: Dentry | undefined;
  namespace: MountNamespace | undefined;
  /** Per-mount MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, MS_NODIRATIME, MS_RELATIME, MS_NOSYMFOLLOW. */
  flags = 0;
  /** Mounts whose parent is this one, by the dentry that they cover. */
  readonly children = new Map<Dentry, Mount>();
  /** MS_SHARED: the group that it belongs to. */
  peers: PeerGroup | undefined;
  /** MS_SLAVE: the group that it gets mounts from. */
  master: PeerGroup | undefined;
  unbindable = false;
  /** Open files, working directories and roots in it: umount2(2) says EBUSY. */
  users = 0;
  /** Regular files in it that are open for writing: a remount to read-only says EBUSY. */
  writers = 0;
  /** MNT_EXPIRE: not used since it was asked about last. */
  expiring = false;
  /** Unmounted while in use: the last user ends it. */
  private detached = false;

  constructor(
    /** mount id of /proc/PID/mountinfo and statx; 0 for places that lie in no tree. */
    readonly id: number,
    readonly superBlock: SuperBlock,
    /** The part of the file system that is shown: its root, or a subdirectory of a bind mount. */
    readonly root: Dentry,
    /** The device word of mount(2), for /proc/mounts. */
    readonly source: Name,
  ) {
    if (id === 0) return;
    root.hold();
    superBlock.mounts.add(this);
  }

  hold(): this {
    this.users++;
    this.expiring = false;
    return this;
  }
  drop(): void {
    if (--this.users === 0 && this.detached) this.end();
  }

  /** It has been unmounted: ends now, or when its last user goes. */
  letGo(): void {
    this.detached = true;
    if (this.users === 0) this.end();
  }

  private end(): void {
    const { superBlock } = this;
    if (!superBlock.mounts.delete(this)) return;
    // Those that a lazy unmount left on it.
    for (const child of this.children.values()) child.letGo();
    this.root.drop();
    if (superBlock.mounts.size === 0) superBlock.kill();
  }
}

/** A place in the tree: what a path resolves to. */
export interface Path {
  readonly mount: Mount;
  readonly dentry: Dentry;
}
