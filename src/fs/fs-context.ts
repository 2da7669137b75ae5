/** The file-system context of a task: root, working directory, umask. Shared by CLONE_FS. */
import type { Path } from './mount.js';

export class FsContext {
  umask = 0o022;
  constructor(
    public root: Path,
    public cwd: Path,
  ) {}

  clone(): FsContext {
    const copy = new FsContext(this.root, this.cwd);
    copy.umask = this.umask;
    return copy;
  }
}
