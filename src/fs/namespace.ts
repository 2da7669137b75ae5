/** A mount namespace: which mounts there are and what covers what. mount_namespaces(7). */
import type { Mount, Path } from './mount.js';
import { WaitQueue } from '../kernel/wait.js';

export class MountNamespace {
  /** In mount order. */
  readonly mounts = new Set<Mount>();
  /** Woken at each change: poll on /proc/PID/mounts. */
  readonly changed = new WaitQueue();

  constructor(public root: Mount) {
    this.add(root);
  }

  add(mount: Mount): void {
    mount.namespace = this;
    this.mounts.add(mount);
  }

  /** The mount that covers a place directly, or undefined. */
  coveredBy(path: Path): Mount | undefined {
    if (path.dentry.mountedHere === 0) return undefined;
    return path.mount.children.get(path.dentry);
  }
}
