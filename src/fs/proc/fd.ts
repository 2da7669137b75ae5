/** /proc/PID/fd and fdinfo: the open files of a process. */
import { mayAccess } from '../../kernel/ptrace-access.js';
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';
import { EACCES, ENOENT } from '../../uapi/errno.js';
import { O_CLOEXEC } from '../../uapi/fcntl.js';
import { dPath } from '../dcache.js';
import type { File } from '../file.js';
import type { Path } from '../mount.js';
import { filePath } from '../namei.js';
import type { Entry, Owner } from '../kernfs.js';

/** Entries by descriptor, for both directories. */
function byDescriptor(
  get: () => Task,
  alive: () => boolean,
  owner: () => Owner,
  make: (fd: number, file: File) => Entry,
): Entry {
  const entry = (fd: number, file: File): Entry => ({
    ...make(fd, file),
    owner,
    alive: () => alive() && get().files.find(fd) === file,
  });
  const check = (reader: Task | undefined): void => {
    if (reader !== undefined && !mayAccess(reader, get())) throw EACCES;
  };
  return {
    kind: 'directory',
    mode: 0o500,
    alive,
    owner,
    *list(reader) {
      check(reader);
      for (const [fd, file] of get().files.entries()) yield [String(fd), entry(fd, file)] as const;
    },
    find(name, reader) {
      check(reader);
      if (!/^(0|[1-9]\d{0,8})$/.test(name)) return undefined;
      const file = get().files.find(Number(name));
      return file && entry(Number(name), file);
    },
  };
}

function nameOf(file: File, root: Path): Name {
  if (file.label !== '' || file.mount === undefined || file.dentry === undefined) return file.label;
  return dPath({ mount: file.mount, dentry: file.dentry }, root);
}

export function fdDirectory(get: () => Task, alive: () => boolean, owner: () => Owner): Entry {
  return byDescriptor(get, alive, owner, (_fd, file) => ({
    kind: 'link',
    mode: file.readable && file.writable ? 0o700 : file.writable ? 0o300 : 0o500,
    target: (reader) => nameOf(file, (reader ?? get()).fs.root),
    follow(reader) {
      if (!mayAccess(reader, get())) throw EACCES;
      return filePath(file);
    },
  }));
}

export function fdInfoDirectory(get: () => Task, alive: () => boolean, owner: () => Owner): Entry {
  return byDescriptor(get, alive, owner, (fd, file) => ({
    kind: 'text',
    mode: 0o400,
    show() {
      const { files } = get();
      if (files.find(fd) !== file) throw ENOENT;
      const flags = (file.flags & ~O_CLOEXEC) | (files.getCloseOnExec(fd) ? O_CLOEXEC : 0);
      return (
        `pos:\t${file.position}\nflags:\t0${flags.toString(8)}\nmnt_id:\t${file.mount?.id ?? 0}\nino:\t${file.inode.ino}\n` +
        file.showFdInfo()
      );
    },
  }));
}
