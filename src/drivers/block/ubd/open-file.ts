/** Opening the host's files of a device, with locks, and what the log says of it. arch/um/drivers/ubd_kern.c. */
import { HOST_AT_FDCWD } from '../../../host/files.js';
import type { Kernel } from '../../../kernel/kernel.js';
import { text, type Name } from '../../../lib/names.js';
import { EACCES, EROFS, errnoOf } from '../../../uapi/errno.js';
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC } from '../../../uapi/fcntl.js';
import { HostFile } from './host-file.js';

export interface OpenWish {
  readonly write: boolean;
  /** O_SYNC. */
  readonly sync: boolean;
  /** No lock: several machines share it, and know what they do. */
  readonly shared: boolean;
  /** The file must not exist yet. */
  readonly create?: boolean;
}

export interface Opened {
  readonly file: HostFile;
  /** It could be opened for writing as was wished. */
  readonly writable: boolean;
}

/** Opens and locks. What cannot be written is opened for reading. Throws an Errno. */
export function openHostFile(kernel: Kernel, path: Name, wish: OpenWish): Opened {
  const { files } = kernel.host;
  const flags = (wish.sync ? O_SYNC : 0) | (wish.create === true ? O_CREAT | O_EXCL : 0);
  let writable = wish.write;
  let fd = files.open(HOST_AT_FDCWD, path, flags | (writable ? O_RDWR : O_RDONLY), 0o644, 0);
  if (writable && (fd === -EROFS.number || fd === -EACCES.number)) {
    writable = false;
    fd = files.open(HOST_AT_FDCWD, path, flags | O_RDONLY, 0o644, 0);
  }
  if (fd < 0) throw errnoOf(-fd);
  const file = new HostFile(files, fd);
  if (wish.shared) kernel.log.info(`Not locking "${text(path)}" on the host`);
  else lock(kernel, file, path, writable);
  return { file, writable };
}

/** Two machines that write to one file would destroy what is in it. */
function lock({ host, log }: Kernel, file: HostFile, path: Name, write: boolean): void {
  const kind = write ? 'write' : 'read';
  const result = file.lock(kind);
  if (result >= 0) return;
  const owner = host.files.lockOwner(file.fd, kind);
  if (owner > 0) log.error(`F_SETLK failed, file already locked by pid ${owner}`);
  log.error(`Failed to lock '${text(path)}', err = ${-result}`);
  file.close();
  throw errnoOf(-result);
}
