/**
 * hostfs: a directory of the host as a file system. `mount none /mnt -t hostfs -o /dir`; as root file system with
 * `rootfstype=hostfs rootflags=/dir`. The switch `hostfs=DIR` confines all of them below DIR.
 */
import { HOST_AT_FDCWD, type HostStat } from '../../host/files.js';
import type { Name } from '../../lib/names.js';
import { ENOTDIR, EPERM, check } from '../../uapi/errno.js';
import { O_DIRECTORY, O_PATH, RESOLVE_BENEATH } from '../../uapi/fcntl.js';
import { S_IFDIR, S_IFMT } from '../../uapi/stat.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { HostSuperBlock, emptyStat } from './super-block.js';

export class HostFileSystem extends FileSystemType {
  override readonly name = 'hostfs';

  /** `confinement`: the switch's directory, '' for none; `append`: its flag. */
  constructor(
    private readonly confinement: Name = '',
    private readonly append = false,
  ) {
    super();
  }

  override mount(request: MountRequest): SuperBlock {
    if (request.kernel.params.hostfsSealed) {
      request.kernel.log.warn(
        'hostfs: refused: the command line has not given this machine any of the host (hostfs=)',
      );
      throw EPERM;
    }
    const { files } = request.kernel.host;
    const directory = request.data === '' ? '/' : request.data;
    const fd =
      this.confinement === ''
        ? this.open(files.open(HOST_AT_FDCWD, directory, O_PATH, 0, 0))
        : this.openConfined(request, directory);
    const stat: HostStat = emptyStat();
    if (files.stat(fd, '', stat) !== 0 || (stat.mode & S_IFMT) !== S_IFDIR) {
      files.close(fd);
      throw ENOTDIR;
    }
    return new HostSuperBlock(this, request.kernel, directory, fd, this.append);
  }

  /** Resolves below the switch's directory: `..` and links that lead out of it fail (EXDEV). */
  private openConfined(request: MountRequest, directory: Name): number {
    const { files } = request.kernel.host;
    const top = this.open(files.open(HOST_AT_FDCWD, this.confinement, O_PATH | O_DIRECTORY, 0, 0));
    try {
      return this.open(files.open(top, directory.replace(/^\/+/, '') || '.', O_PATH, 0, RESOLVE_BENEATH));
    } finally {
      files.close(top);
    }
  }

  private open(result: number): number {
    return check(result);
  }
}
