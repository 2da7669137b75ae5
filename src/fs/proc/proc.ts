/** proc: processes and the state of the machine as files. proc(5). */
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { rootEntries } from './root.js';
import { EntrySuperBlock } from '../kernfs-super.js';

const PROC_SUPER_MAGIC = 0x9fa0;

export class ProcFileSystem extends FileSystemType {
  override readonly name = 'proc';

  override mount({ kernel }: MountRequest): SuperBlock {
    return new EntrySuperBlock(this, kernel, rootEntries(kernel), PROC_SUPER_MAGIC);
  }
}
