/** A mount namespace: which mounts there are and what covers what. mount_namespaces(7). */
import type { Task } from '../kernel/task.js';
import { WaitQueue } from '../kernel/wait.js';
import { EPOLLERR, EPOLLPRI } from '../uapi/epoll.js';
import type { FsContext } from './fs-context.js';
import type { Mount, Path } from './mount.js';
import { copyTree, unmountTree } from './mount-tree.js';

export class MountNamespace {
  /** In mount order. */
  readonly mounts = new Set<Mount>();
  /** Woken at each change: poll on /proc/PID/mounts. */
  readonly changed = new WaitQueue();
  /** Counts the changes. */
  event = 0;
  /** What became of each mount of the namespace that this one was copied from. */
  private readonly copies = new WeakMap<Mount, Mount>();

  constructor(public root: Mount) {
    this.add(root);
  }

  add(mount: Mount): void {
    mount.namespace = this;
    this.mounts.add(mount);
  }

  remove(mount: Mount): void {
    mount.namespace = undefined;
    this.mounts.delete(mount);
  }

  /** Something has changed. */
  touch(): void {
    this.event++;
    this.changed.wake(EPOLLERR | EPOLLPRI);
  }

  /** The mount that covers a place directly, or undefined. */
  coveredBy(path: Path): Mount | undefined {
    if (path.dentry.mountedHere === 0) return undefined;
    return path.mount.children.get(path.dentry);
  }

  /** A copy with mounts of its own: unshare(CLONE_NEWNS). Shared mounts and their copies are peers. */
  clone(): MountNamespace {
    const copies = new Map<Mount, Mount>();
    const root = copyTree(this.root, this.root.root, 'same', {
      unbindable: true,
      each: (original, copy) => copies.set(original, copy),
    });
    const namespace = new MountNamespace(root);
    for (const mount of this.mounts) {
      const copy = copies.get(mount);
      if (copy === undefined) continue;
      namespace.add(copy);
      namespace.copies.set(mount, copy);
    }
    return namespace;
  }

  /** Moves a task's root and working directory to this copy of the namespace that they lie in. */
  moveInto(fs: FsContext): void {
    fs.root = this.counterpart(fs.root);
    fs.cwd = this.counterpart(fs.cwd);
  }

  private counterpart({ mount, dentry }: Path): Path {
    return { mount: this.copies.get(mount) ?? mount, dentry };
  }

  /** setns(CLONE_NEWNS): the task's root and working directory become the namespace's root. */
  enter(task: Task): void {
    let { root: mount } = this;
    let dentry = mount.root;
    for (let above = this.coveredBy({ mount, dentry }); above !== undefined;) {
      mount = above;
      dentry = mount.root;
      above = this.coveredBy({ mount, dentry });
    }
    task.fs.root = { mount, dentry };
    task.fs.cwd = { mount, dentry };
  }

  /** Its last task is gone. */
  end(): void {
    unmountTree(this.root);
  }
}
