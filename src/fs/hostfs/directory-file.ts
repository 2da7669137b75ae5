/** An open directory of hostfs. The host's entries are read once, when the listing starts: rewinding reads them anew. */
import type { HostDirEntry } from '../../host/files.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { DT_DIR } from '../../uapi/dirent.js';
import { check } from '../../uapi/errno.js';
import { O_DIRECTORY, O_RDONLY } from '../../uapi/fcntl.js';
import { type DirectorySink, File } from '../file.js';
import type { OpenContext } from '../inode.js';
import { seekWithoutEnd } from '../read-write.js';
import type { HostInode } from './inode.js';

export class HostDirectoryFile extends File {
  private entries: HostDirEntry[] | undefined;

  constructor(
    private readonly directory: HostInode,
    context: OpenContext,
  ) {
    super(context.mount, context.dentry, directory, context.flags, context.task.credentials);
  }

  override readDirectory(_task: Task, sink: DirectorySink): void {
    if (this.entries === undefined || this.position === 0) this.entries = this.list();
    const { entries } = this;
    while (this.position < entries.length) {
      const { name, ino, type } = entries[this.position];
      if (!sink.emit(name, ino, type, this.position + 1)) return;
      this.position++;
    }
  }

  private list(): HostDirEntry[] {
    const { ino, sealed } = this.directory;
    if (sealed) return ['.', '..'].map((name) => ({ name, ino, type: DT_DIR }));
    const { files, handles } = this.directory.sb;
    const entries: HostDirEntry[] = [];
    const fd = handles.open(this.directory, O_RDONLY | O_DIRECTORY);
    try {
      check(files.readDirectory(fd, entries));
    } finally {
      files.close(fd);
    }
    return entries;
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    return seekWithoutEnd(this, offset, whence);
  }
}
