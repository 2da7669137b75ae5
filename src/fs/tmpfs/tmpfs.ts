/** tmpfs(5), and ramfs, which is the same without limits. */
import type { Credentials } from '../../kernel/credentials.js';
import { rootCredentials } from '../../kernel/credentials.js';
import type { Name } from '../../lib/names.js';
import { S_IFDIR } from '../../uapi/stat.js';
import { Dentry } from '../dentry.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { TmpfsDirectory } from './inode.js';
import { parseTmpfsOptions } from './options.js';
import { TmpfsSuperBlock } from './super.js';

/** Makes an empty instance. */
export function makeTmpfs(
  type: FileSystemType,
  { kernel, task, data }: Pick<MountRequest, 'kernel' | 'task' | 'data'>,
  limited: boolean,
  defaultMode: number,
): TmpfsSuperBlock {
  const options = parseTmpfsOptions(kernel, data);
  const superBlock = new TmpfsSuperBlock(type, kernel, limited, options);
  const mounter = task?.credentials ?? rootCredentials;
  const owner: Credentials = {
    ...mounter,
    fsuid: options.uid ?? mounter.fsuid,
    fsgid: options.gid ?? mounter.fsgid,
  };
  const root = new TmpfsDirectory(superBlock, undefined, S_IFDIR | (options.mode ?? defaultMode), owner);
  superBlock.root = new Dentry(undefined, '', root, superBlock);
  return superBlock;
}

class Tmpfs extends FileSystemType {
  override readonly name: Name = 'tmpfs';
  override mount(request: MountRequest): SuperBlock {
    return makeTmpfs(this, request, true, 0o1777);
  }
}

class Ramfs extends FileSystemType {
  override readonly name: Name = 'ramfs';
  override mount(request: MountRequest): SuperBlock {
    return makeTmpfs(this, request, false, 0o755);
  }
}

export const tmpfs: FileSystemType = new Tmpfs();
export const ramfs: FileSystemType = new Ramfs();
