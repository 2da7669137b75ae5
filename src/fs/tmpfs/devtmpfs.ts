/**
 * devtmpfs: a tmpfs that holds a node for each device, made and removed by the kernel as devices come and go. There is one
 * instance, which all mounts show; programs may add to it and change it as they like.
 */
import { rootCredentials } from '../../kernel/credentials.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { S_IFDIR } from '../../uapi/stat.js';
import type { DeviceListener, DeviceNode } from '../char-dev.js';
import { forget, instantiate, lookupChild } from '../dcache.js';
import type { Dentry } from '../dentry.js';
import { newMount } from '../mount-tree.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { makeTmpfs } from './tmpfs.js';

const DIRECTORY = S_IFDIR | 0o755;

class DeviceNodes implements DeviceListener {
  constructor(
    kernel: Kernel,
    private readonly root: Dentry,
  ) {
    for (const node of kernel.devices.nodes.values()) this.added(node);
    kernel.devices.listeners.add(this);
  }

  added({ name, mode, rdev, uid = 0, gid = 0 }: DeviceNode): void {
    const { directory, last } = this.place(name, true);
    if (directory === undefined) return;
    const entry = lookupChild(directory, last);
    // A program's own file of that name stays.
    if (entry.inode !== undefined || directory.inode === undefined) return;
    const inode = directory.inode.mknod(last, mode, rdev, rootCredentials);
    inode.setAttributes({ mode, uid, gid });
    instantiate(entry, inode);
  }

  removed({ name, rdev }: DeviceNode): void {
    const { directory, last } = this.place(name, false);
    if (directory?.inode === undefined) return;
    const entry = lookupChild(directory, last);
    if (entry.inode === undefined || entry.inode.rdev !== rdev) return;
    directory.inode.unlink(last, entry.inode);
    forget(entry);
  }

  /** The directory of a name, which may have several parts; made if need be. */
  private place(name: Name, make: boolean): { directory: Dentry | undefined; last: Name } {
    const parts = name.split('/');
    const last = parts.pop() ?? name;
    let directory = this.root;
    for (const part of parts) {
      const entry = lookupChild(directory, part);
      if (entry.inode === undefined) {
        if (!make || directory.inode === undefined) return { directory: undefined, last };
        instantiate(entry, directory.inode.mkdir(part, DIRECTORY, rootCredentials));
      }
      directory = entry;
    }
    return { directory, last };
  }

  /** Where programs expect to mount things. */
  makeDirectories(names: readonly Name[]): void {
    for (const name of names) this.place(`${name}/.`, true);
  }
}

export class DevTmpfs extends FileSystemType {
  override readonly name = 'devtmpfs';
  private instance: SuperBlock | undefined;

  override mount(request: MountRequest): SuperBlock {
    if (this.instance === undefined) {
      this.instance = makeTmpfs(this, { ...request, data: 'mode=0755' }, true, 0o755);
      new DeviceNodes(request.kernel, this.instance.root).makeDirectories(['pts', 'shm']);
      // The kernel's own mount, which nobody sees, keeps it when the last other one goes.
      newMount(this.instance, this.instance.root, 'devtmpfs', 0);
    }
    return this.instance;
  }
}
