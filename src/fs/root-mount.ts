/** Putting up the root of the tree at boot: init/do_mounts.c of Linux. */
import type { Kernel } from '../kernel/kernel.js';
import type { Name } from '../lib/names.js';
import { MS_RDONLY, MS_RELATIME } from '../uapi/mount.js';
import type { Path } from './mount.js';
import { connect, newMount } from './mount-tree.js';
import { MountNamespace } from './namespace.js';
import type { SuperBlock } from './super-block.js';

export interface RootTree {
  readonly namespace: MountNamespace;
  /** Root and working directory of the first process. */
  readonly root: Path;
}

/**
 * The initial namespace: `rootfs`, an empty file system that nobody sees, and the real root on top of it. Without the one
 * below, the root could not be replaced by pivot_root(2).
 */
export function mountRoot(
  kernel: Kernel,
  rootfs: SuperBlock,
  superBlock: SuperBlock,
  source: Name,
  readOnly: boolean,
): RootTree {
  const bottom = newMount(rootfs, rootfs.root, 'rootfs', 0);
  const namespace = new MountNamespace(bottom);
  superBlock.readOnly ||= readOnly;
  const mount = newMount(superBlock, superBlock.root, source, MS_RELATIME | (readOnly ? MS_RDONLY : 0));
  connect(mount, { mount: bottom, dentry: bottom.root });
  namespace.add(mount);
  kernel.rootMount = mount;
  return { namespace, root: { mount, dentry: mount.root } };
}
