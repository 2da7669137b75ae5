/**
 * ubd, User Mode Linux's block devices: which there are. Asked for on the command line, later by the management console.
 * arch/um/drivers/ubd_kern.c.
 */
import type { Kernel } from '../../../kernel/kernel.js';
import { HOST_AT_FDCWD } from '../../../host/files.js';
import { text, type Name } from '../../../lib/names.js';
import { EISDIR, Errno } from '../../../uapi/errno.js';
import { O_RDONLY } from '../../../uapi/fcntl.js';
import { backingName, readHeader } from './open-cow.js';
import { absoluteName, HostFile, sizeOfFile } from './host-file.js';
import { parseUbdSwitch, plainRequest, type UbdRequest } from './request.js';
import { UbdDisk } from './ubd-disk.js';

export const ubdHelp = `ubd<n><flags>=<file>[,<backing>][,<serial>]
    Disk <n> (0 to 15, or a letter: ubda is ubd0) is the file of the host. With a
    backing file it is a copy-on-write file: changes go to <file>, which is made
    if need be, and <backing> stays as it is. A directory as ubd0 is the root
    file system itself. Flags:
        r  read-only
        s  writes reach the host's disk before they are done
        d  plain data, even if it looks like a copy-on-write file
        c  no locks: the file is shared between machines
        t  no discard
    ubd=sync makes all disks synchronous.
        Example: ubd0=root_cow,root_fs ubd1r=data.img`;

export class Ubd {
  private readonly disks = new Map<number, UbdDisk>();
  /** Directories of the host where disks were expected: by unit, absolute. */
  readonly directories = new Map<number, Name>();
  private allSync = false;

  constructor(private readonly kernel: Kernel) {}

  /** What the command line asks for, in order; `defaultFile`: disk 0 when it is not mentioned. */
  start(requests: readonly Name[], defaultFile: Name | undefined): void {
    const wanted = new Map<number, UbdRequest>();
    for (const argument of requests) this.note(argument, wanted);
    if (defaultFile !== undefined && !wanted.has(0)) wanted.set(0, plainRequest(0, defaultFile));
    for (const unit of [...wanted.keys()].sort((a, b) => a - b)) {
      const request = wanted.get(unit);
      if (request !== undefined) this.attach(request);
    }
  }

  private note(argument: Name, wanted: Map<number, UbdRequest>): void {
    const { log } = this.kernel;
    const parsed = parseUbdSwitch(argument);
    switch (parsed.kind) {
      case 'device':
        if (wanted.has(parsed.request.unit)) this.refuse(argument, 'Device is already configured');
        else wanted.set(parsed.request.unit, parsed.request);
        return;
      case 'all-sync':
        this.allSync = true;
        log.info('ubd: Synchronous mode');
        return;
      case 'fake-major':
        log.error('fake major not supported any more');
        return;
      case 'error':
        this.refuse(argument, parsed.reason);
        return;
      case 'nothing':
        return;
      default:
        parsed satisfies never;
    }
  }

  private refuse(argument: Name, reason: string): void {
    this.kernel.log.error(`Failed to initialize device with "${text(argument)}" : ${reason}`);
  }

  private attach(request: UbdRequest): void {
    const { unit } = request;
    try {
      this.add(request);
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      if (error === EISDIR && request.backing === undefined) {
        this.directories.set(unit, absoluteName(this.kernel.host.files, request.file));
        return;
      }
      const reason = "Couldn't determine size of device's file";
      this.kernel.log.error(`Failed to initialize ubd device ${unit} :${reason}`);
      if (request.backing === undefined)
        this.kernel.log.error(`ubd: '${text(request.file)}': ${error.message}`);
    }
  }

  /** Throws an Errno when the size of what it is made of cannot be found. */
  private add(request: UbdRequest): void {
    const size = this.sizeOf(request);
    const disk = new UbdDisk(this.kernel, { ...request, sync: request.sync || this.allSync }, size);
    this.disks.set(request.unit, disk);
    this.kernel.disks.add(disk);
  }

  /** The size of the disk: of a copy-on-write file, that of its backing file. */
  private sizeOf({ file, backing, noCow }: UbdRequest): number {
    const { files } = this.kernel.host;
    if (backing !== undefined) return sizeOfFile(files, backing);
    const size = sizeOfFile(files, file);
    const fd = noCow ? -1 : files.open(HOST_AT_FDCWD, file, O_RDONLY, 0, 0);
    if (fd < 0) return size;
    const opened = new HostFile(files, fd);
    try {
      const reading = readHeader(opened);
      if (reading.kind !== 'header') return size;
      return sizeOfFile(files, this.namedBacking(file, backingName(this.kernel, file, reading.header)));
    } finally {
      opened.close();
    }
  }

  /** Says which file is missing. */
  private namedBacking(cow: Name, backing: Name): Name {
    try {
      sizeOfFile(this.kernel.host.files, backing);
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      const { log } = this.kernel;
      log.error(`Couldn't stat '${text(backing)}', err = ${error.number}`);
      log.error(
        `It is the backing file of '${text(cow)}'. Where it is now is to be said: ubdN=${text(cow)},BACKING`,
      );
    }
    return backing;
  }
}
