/**
 * A file that is complete or not there at all: it is written under another name beside its place, and moved there at the
 * end. Signals that end the program remove it.
 */
import { HOST_AT_FDCWD, type HostStat } from '../host/files.js';
import type { HostFile } from '../drivers/block/ubd/host-file.js';
import type { Name } from '../lib/names.js';
import { check } from '../uapi/errno.js';
import { O_CREAT, O_EXCL, O_RDWR, O_TRUNC } from '../uapi/fcntl.js';
import { S_ISREG } from '../uapi/stat.js';
import { files, openOrFail } from './tool.js';

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

export class NewFile {
  readonly file: HostFile;
  /** undefined: the place is something that cannot be replaced (a device), and is written itself. */
  private readonly temporary: Name | undefined;

  /** `what` begins the message if the file cannot be made. */
  constructor(
    private readonly path: Name,
    what: Name,
    mode: number,
  ) {
    const stat = {} as HostStat;
    const exists = files.stat(HOST_AT_FDCWD, path, stat) === 0;
    const replaceable = !exists || S_ISREG(stat.mode);
    this.temporary = replaceable ? `${path}.${process.pid}.tmp` : undefined;
    this.file =
      this.temporary === undefined
        ? openOrFail(what, path, O_RDWR | O_CREAT | O_TRUNC, mode)
        : openOrFail(what, this.temporary, O_RDWR | O_CREAT | O_EXCL, mode);
    for (const signal of SIGNALS) process.once(signal, this.interrupted);
  }

  /** All of it is a hole so far. */
  get isNew(): boolean {
    return this.temporary !== undefined;
  }

  private readonly interrupted = (signal: NodeJS.Signals): void => {
    this.abandon();
    process.kill(process.pid, signal);
  };

  private leave(): void {
    for (const signal of SIGNALS) process.off(signal, this.interrupted);
  }

  abandon(): void {
    this.leave();
    if (this.temporary !== undefined) files.unlink(HOST_AT_FDCWD, this.temporary, 0);
  }

  /** Everything is written: it becomes what it is to be. Throws an Errno. */
  finish(): void {
    this.leave();
    this.file.sync();
    this.file.close();
    if (this.temporary !== undefined)
      check(files.rename(HOST_AT_FDCWD, this.temporary, HOST_AT_FDCWD, this.path, 0));
  }
}
