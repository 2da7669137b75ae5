/**
 * Host descriptors of hostfs, kept within bounds. Directories and idle files are closed again, the longest unused first,
 * and reopened by path when they are needed; what is open in the guest is pinned.
 */
import { type HostFiles } from '../../host/files.js';
import { check } from '../../uapi/errno.js';
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../uapi/fcntl.js';
import type { HostInode } from './inode.js';

const DIRECTORIES_KEPT = 512;
const FILES_KEPT = 256;

/** Nothing below the root may lead out of it: symbolic links are the guest's to follow, not the host's. */
const CONFINED = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

export class HostHandles {
  /** Least recently used first: Map keeps insertion order. */
  private readonly directories = new Map<HostInode, number>();
  private readonly idleFiles = new Map<HostInode, number>();

  constructor(
    readonly files: HostFiles,
    /** O_PATH descriptor of the exported directory. */
    readonly root: number,
  ) {}

  /** An O_PATH descriptor of a directory, valid until the next call of this object. Throws an Errno. */
  directory(inode: HostInode): number {
    if (inode.parent === undefined) return this.root;
    let fd = this.directories.get(inode);
    if (fd !== undefined) this.directories.delete(inode);
    else {
      fd = check(
        this.files.open(this.root, inode.hostPath(), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, CONFINED),
      );
      if (this.directories.size >= DIRECTORIES_KEPT) this.closeOldest(this.directories);
    }
    this.directories.set(inode, fd);
    return fd;
  }

  /** Opens the object itself for input and output. Throws an Errno. */
  open(inode: HostInode, flags: number): number {
    return check(this.files.open(this.root, inode.hostPath() || '.', flags | O_NOFOLLOW, 0, CONFINED));
  }

  /** A file's descriptor is not in use now, but may be again. */
  park(inode: HostInode, fd: number): void {
    if (this.idleFiles.size >= FILES_KEPT) this.closeOldest(this.idleFiles);
    this.idleFiles.set(inode, fd);
  }

  /** Takes a parked descriptor back. */
  unpark(inode: HostInode): number | undefined {
    const fd = this.idleFiles.get(inode);
    if (fd !== undefined) this.idleFiles.delete(inode);
    return fd;
  }

  /** The inode is gone. */
  forget(inode: HostInode): void {
    for (const kept of [this.directories, this.idleFiles]) {
      const fd = kept.get(inode);
      if (fd === undefined) continue;
      kept.delete(inode);
      this.files.close(fd);
    }
  }

  closeAll(): void {
    for (const kept of [this.directories, this.idleFiles]) {
      for (const fd of kept.values()) this.files.close(fd);
      kept.clear();
    }
    this.files.close(this.root);
  }

  private closeOldest(kept: Map<HostInode, number>): void {
    for (const [inode, fd] of kept) {
      kept.delete(inode);
      this.files.close(fd);
      return;
    }
  }
}
