/** A file of the host as storage: what every kind of ubd device is made of. All offsets and lengths are bytes. */
import { HOST_AT_FDCWD, type HostFiles, type HostStat } from '../../../host/files.js';
import type { Name } from '../../../lib/names.js';
import { check, EIO, EISDIR } from '../../../uapi/errno.js';
import { O_PATH, O_RDONLY } from '../../../uapi/fcntl.js';
import { SEEK_END } from '../../../uapi/fs.js';
import { S_ISBLK, S_ISDIR } from '../../../uapi/stat.js';

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_ZERO_RANGE = 16;

export class HostFile {
  /** The lock that it has, if any. */
  private held: 'read' | 'write' | undefined;

  constructor(
    private readonly files: HostFiles,
    readonly fd: number,
  ) {}

  /** Fills all of `into`; what lies beyond the file's end is zeros. */
  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const count = check(this.files.pread(this.fd, into.subarray(done), offset + done));
      if (count === 0) {
        into.fill(0, done);
        return;
      }
      done += count;
    }
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length;) {
      const count = check(this.files.pwrite(this.fd, from.subarray(done), offset + done));
      if (count === 0) throw EIO;
      done += count;
    }
  }

  /** Makes a hole: reads as zeros, needs no space. The file does not shrink or grow. */
  punch(offset: number, length: number): void {
    const mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
    check(this.files.fallocate(this.fd, mode, offset, length));
  }

  zero(offset: number, length: number): void {
    check(this.files.fallocate(this.fd, FALLOC_FL_ZERO_RANGE, offset, length));
  }

  /** The whole file. Zero, or a negated error number: another process has it. */
  lock(kind: 'read' | 'write'): number {
    const result = this.files.lock(this.fd, kind);
    if (result >= 0) this.held = kind;
    return result;
  }

  /** The process has closed another descriptor of what may be the same file: all its locks on that are gone, fcntl(2). */
  lockAgain(): void {
    if (this.held !== undefined) this.files.lock(this.fd, this.held);
  }

  sync(): void {
    check(this.files.fsync(this.fd, true));
  }

  close(): void {
    this.files.close(this.fd);
  }
}

/** What is known of a file without reading it. Throws an Errno. */
export function statFile(files: HostFiles, path: Name): HostStat {
  const fd = check(files.open(HOST_AT_FDCWD, path, O_PATH, 0, 0));
  try {
    const stat = {} as HostStat;
    check(files.stat(fd, '', stat));
    return stat;
  } finally {
    files.close(fd);
  }
}

/** Bytes in a file or a block device. EISDIR for a directory. */
export function sizeOfFile(files: HostFiles, path: Name): number {
  const { mode, size } = statFile(files, path);
  if (S_ISDIR(mode)) throw EISDIR;
  if (!S_ISBLK(mode)) return size;
  const fd = check(files.open(HOST_AT_FDCWD, path, O_RDONLY, 0, 0));
  try {
    return check(files.seek(fd, 0, SEEK_END));
  } finally {
    files.close(fd);
  }
}

/** The absolute name of a file: its directory resolved, its own name as it is (it may be a link). Throws an Errno. */
export function absoluteName(files: HostFiles, path: Name): Name {
  const slash = path.lastIndexOf('/');
  const directory = slash < 0 ? '.' : path.slice(0, slash + 1);
  const fd = check(files.open(HOST_AT_FDCWD, directory, O_PATH, 0, 0));
  try {
    const place = files.readLink(HOST_AT_FDCWD, `/proc/self/fd/${fd}`);
    if (typeof place === 'number') check(place);
    return `${place === '/' ? '' : place}/${path.slice(slash + 1)}`;
  } finally {
    files.close(fd);
  }
}
