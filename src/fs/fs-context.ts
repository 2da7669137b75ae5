/** The file-system context of a task: root, working directory, umask. Shared by CLONE_FS. Linux's fs_struct. */
import type { Path } from './mount.js';

export class FsContext {
  umask = 0o022;
  /** Tasks that share it. */
  users = 1;
  private rootPath: Path;
  private cwdPath: Path;

  constructor(root: Path, cwd: Path) {
    this.rootPath = hold(root);
    this.cwdPath = hold(cwd);
  }

  get root(): Path {
    return this.rootPath;
  }
  set root(path: Path) {
    hold(path);
    drop(this.rootPath);
    this.rootPath = path;
  }

  get cwd(): Path {
    return this.cwdPath;
  }
  set cwd(path: Path) {
    hold(path);
    drop(this.cwdPath);
    this.cwdPath = path;
  }

  /** A copy for fork. */
  clone(): FsContext {
    const copy = new FsContext(this.rootPath, this.cwdPath);
    copy.umask = this.umask;
    return copy;
  }

  /** A task lets go. */
  leave(): void {
    if (--this.users > 0) return;
    drop(this.rootPath);
    drop(this.cwdPath);
  }
}

function hold(path: Path): Path {
  path.mount.hold();
  path.dentry.hold();
  return path;
}

function drop(path: Path): void {
  path.dentry.drop();
  path.mount.drop();
}
