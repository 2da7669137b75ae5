/**
 * overlayfs: lower layers, which are only read, seen through an upper one, which takes the changes.
 * Documentation/filesystems/overlayfs.rst. Formats in the upper layer (whiteouts, opaque directories, redirects) are
 * Linux's, so that its kernel can mount it, too; the number that a copied file keeps is our own attribute.
 */
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';
import { rootCredentials } from '../../kernel/credentials.js';
import { EINVAL, ENOTDIR, ENOTEMPTY, EROFS } from '../../uapi/errno.js';
import { S_IFDIR, S_ISDIR } from '../../uapi/stat.js';
import { instantiate, isBelow, lookupChild } from '../dcache.js';
import type { Dentry } from '../dentry.js';
import type { Path } from '../mount.js';
import { newMount } from '../mount-tree.js';
import { inodeOf, lookupPath } from '../namei.js';
import { isReadOnly } from '../permission.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { complain, type OverlayOptions, parseOverlayOptions } from './options.js';
import { type Layer, OverlaySuperBlock, type UpperLayer } from './super.js';
import { remove } from './upper.js';
import { listLayer } from './readdir.js';

/** As many as Linux allows. */
const MAX_LAYERS = 500;

class Overlay extends FileSystemType {
  override readonly name: Name = 'overlay';

  override mount({ kernel, task, data }: MountRequest): SuperBlock {
    if (task === undefined) throw EINVAL;
    const options = parseOverlayOptions(kernel, data);
    if (options.lower.length > MAX_LAYERS)
      throw complain(kernel, `too many lower directories, limit is ${MAX_LAYERS}`);
    if (options.upper === undefined && options.lower.length < 2)
      throw complain(kernel, 'at least 2 lowerdir are needed while upperdir nonexistent');
    const layers: Layer[] = [];
    try {
      for (const name of options.lower) layers.push(layerOf(directoryAt(task, name)));
      const upper = upperLayer(task, options);
      const superBlock = new OverlaySuperBlock(this, kernel, options, upper, layers, task);
      if (upper !== undefined) cleanWork(superBlock, upper);
      return superBlock;
    } catch (error) {
      for (const { mount } of layers) mount.letGo();
      throw error;
    }
  }
}

function directoryAt(task: Task, name: Name): Path {
  const place = lookupPath(task, name);
  if (!S_ISDIR(inodeOf(place.dentry).mode)) throw ENOTDIR;
  return place;
}

const layerOf = ({ mount, dentry }: Path): Layer => ({
  mount: newMount(mount.superBlock, dentry, mount.source, mount.flags),
});

function upperLayer(task: Task, options: OverlayOptions): UpperLayer | undefined {
  const { kernel } = task;
  if (options.upper === undefined || options.work === undefined) return undefined;
  const upper = directoryAt(task, options.upper);
  const work = directoryAt(task, options.work);
  if (isReadOnly(upper.mount)) throw EROFS;
  // It could not keep whiteouts: its own would hide them.
  if (upper.mount.superBlock instanceof OverlaySuperBlock)
    throw complain(kernel, `filesystem on '${options.upper}' not supported as upperdir`);
  if (upper.mount !== work.mount)
    throw complain(kernel, 'workdir and upperdir must reside under the same mount');
  if (isBelow(upper.dentry, work.dentry) || isBelow(work.dentry, upper.dentry))
    throw complain(kernel, 'workdir and upperdir must be separate subtrees');
  return { ...layerOf(upper), work: workDirectory(work.dentry).hold() };
}

/** The directory `work` in the work directory. */
function workDirectory(directory: Dentry): Dentry {
  const entry = lookupChild(directory, 'work');
  const parent = inodeOf(directory);
  if (entry.inode === undefined) instantiate(entry, parent.mkdir('work', S_IFDIR, rootCredentials));
  return entry;
}

/** What a crash has left there. */
function cleanWork(superBlock: OverlaySuperBlock, { work }: UpperLayer): void {
  for (const { name } of listLayer(superBlock, inodeOf(work))) {
    try {
      remove(work, name);
    } catch (error) {
      if (error !== ENOTEMPTY) throw error;
      superBlock.kernel.log.warn(`overlayfs: cleanup of 'work/${name}' failed`);
    }
  }
}

export const overlay: FileSystemType = new Overlay();
