/** proc: processes and the state of the machine as files. proc(5). */
import { PROC_SUPER_MAGIC } from '../../uapi/statfs.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { rootEntries } from './root.js';
import { EntrySuperBlock } from '../kernfs-super.js';

export class ProcFileSystem extends FileSystemType {
  override readonly name = 'proc';

  override mount({ kernel }: MountRequest): SuperBlock {
    return new EntrySuperBlock(this, kernel, rootEntries(kernel), PROC_SUPER_MAGIC);
  }
}
