/**
 * From path names to places: path_resolution(7), openat2(2). Linux's namei.c. Everything here is synchronous; the result
 * holds nothing, so a caller that waits before it is done with a place holds it (Dentry.hold).
 */
import type { Credentials } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EACCES, ELOOP, ENOENT, ENOTDIR, EXDEV } from '../uapi/errno.js';
import { AT_FDCWD } from '../uapi/fcntl.js';
import { MS_NOSYMFOLLOW } from '../uapi/mount.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_ISVTX, S_IWOTH } from '../uapi/stat.js';
import { isBelow, lookupChild } from './dcache.js';
import { Dentry } from './dentry.js';
import type { File } from './file.js';
import type { Inode } from './inode.js';
import { touchAtime } from './inode-times.js';
import { Mount, type Path } from './mount.js';
import { genericPermission, MAY_EXEC } from './permission.js';

/** Follow a symbolic link at the end of the path. */
export const LOOKUP_FOLLOW = 0x1;
/** The result must be a directory. */
export const LOOKUP_DIRECTORY = 0x2;
/** An empty path is the descriptor itself: AT_EMPTY_PATH. */
export const LOOKUP_EMPTY = 0x4;
export const LOOKUP_NO_SYMLINKS = 0x8;
export const LOOKUP_NO_MAGICLINKS = 0x10;
export const LOOKUP_NO_XDEV = 0x20;
export const LOOKUP_BENEATH = 0x40;
export const LOOKUP_IN_ROOT = 0x80;
/** EAGAIN rather than ask a file system. */
export const LOOKUP_CACHED = 0x100;
/** Nothing above or beside the starting directory can be reached. */
const LOOKUP_IS_SCOPED = LOOKUP_BENEATH | LOOKUP_IN_ROOT;
/** Flags that change how ordinary steps are taken: without them the walk skips their tests. */
const LOOKUP_RESTRICTED =
  LOOKUP_IS_SCOPED | LOOKUP_NO_XDEV | LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS | LOOKUP_CACHED;

/** Symbolic links in one look-up: ELOOP beyond. */
const MAXSYMLINKS = 40;

const SLASH = 0x2f;
const DOT = 0x2e;

/** The last component of a path: an ordinary name, '.', '..', or none (the root directory). */
export type LastType = 'name' | 'dot' | 'dotdot' | 'root';

/** Where the last component of a path is to be looked up, and what it is. */
export interface ParentLookup {
  readonly parent: Path;
  /** The last component, when it is an ordinary name. */
  readonly last: Name;
  readonly type: LastType;
  /** Slashes follow it: only a directory will do. */
  readonly trailingSlash: boolean;
}

/** The place that a path names. `dirfd` is a directory descriptor or AT_FDCWD; `flags` are LOOKUP_*. */
export function lookupAt(
  task: Task,
  dirfd: number,
  name: Name,
  flags: number,
  credentials: Credentials = task.credentials,
): Path {
  const walk = new Walk(task, credentials, flags, dirfd, name);
  walk.resolve(name);
  return { mount: walk.mount, dentry: walk.dentry };
}

/** The place that a path names, from the working directory, following links. */
export const lookupPath = (task: Task, name: Name, flags = LOOKUP_FOLLOW): Path =>
  lookupAt(task, AT_FDCWD, name, flags);

/** As `lookupAt`, for kernel code that needs no more than the inode. */
export function inodeAt(task: Task, dirfd: number, name: Name, flags: number): Inode {
  const { dentry } = lookupAt(task, dirfd, name, flags);
  return inodeOf(dentry);
}

/** The directory that holds the last component of a path, which need not exist. */
export function lookupParent(task: Task, dirfd: number, name: Name, flags = 0): ParentLookup {
  const walk = new Walk(task, task.credentials, flags, dirfd, name);
  walk.toParent(name);
  return walk.parentLookup();
}

/** The inode of an entry that is known not to be negative. */
export function inodeOf(dentry: Dentry): Inode {
  if (dentry.inode === undefined) throw ENOENT;
  return dentry.inode;
}

/** What an open file was opened at. Files without a place (pipes, sockets) get one that lies in no tree. */
export function filePath(file: File): Path {
  const { mount, dentry, inode } = file;
  if (mount !== undefined && dentry !== undefined) return { mount, dentry };
  const place = Dentry.floating('', inode);
  return { mount: new Mount(0, inode.superBlock, place, ''), dentry: place };
}

/** The state of one walk along a path: Linux's nameidata. */
export class Walk {
  mount: Mount;
  dentry: Dentry;
  last: Name = '';
  type: LastType = 'root';
  trailingSlash = false;
  /** What '..' does not go above and '/' leads to. */
  private readonly root: Path;
  private readonly restricted: boolean;
  private links = 0;

  constructor(
    private readonly task: Task,
    private readonly credentials: Credentials,
    private readonly flags: number,
    dirfd: number,
    name: Name,
  ) {
    this.restricted = (flags & LOOKUP_RESTRICTED) !== 0;
    const scoped = (flags & LOOKUP_IS_SCOPED) !== 0;
    let start: Path;
    if (name === '' && (flags & LOOKUP_EMPTY) === 0) throw ENOENT;
    if (!scoped && name.charCodeAt(0) === SLASH) start = task.fs.root;
    else if (dirfd === AT_FDCWD) start = task.fs.cwd;
    else {
      start = filePath(task.files.get(dirfd));
      if (name !== '' && !isDirectory(start.dentry)) throw ENOTDIR;
    }
    if (scoped && (flags & LOOKUP_BENEATH) !== 0 && name.charCodeAt(0) === SLASH) throw EXDEV;
    this.root = scoped ? start : task.fs.root;
    this.mount = start.mount;
    this.dentry = start.dentry;
  }

  parentLookup(): ParentLookup {
    return {
      parent: { mount: this.mount, dentry: this.dentry },
      last: this.last,
      type: this.type,
      trailingSlash: this.trailingSlash,
    };
  }

  /** Walks the whole path. */
  resolve(name: Name): void {
    let rest: Name | undefined = name;
    let mustBeDirectory = (this.flags & LOOKUP_DIRECTORY) !== 0;
    while (rest !== undefined) {
      this.toParent(rest);
      mustBeDirectory ||= this.trailingSlash;
      rest = this.takeLast();
    }
    if (this.dentry.inode === undefined) throw ENOENT;
    if (mustBeDirectory && !isDirectory(this.dentry)) throw ENOTDIR;
  }

  /** Steps onto the last component. Returns what is to be walked instead when it is a link that is followed. */
  private takeLast(): Name | undefined {
    if (this.type === 'name') {
      const child = this.child(this.last);
      if (child.inode === undefined) throw ENOENT;
      return this.stepLast(child);
    }
    if (this.type === 'dotdot') this.up();
    return undefined;
  }

  /** As takeLast, when the last component's entry is known already. Goes to it even if it is negative. */
  stepLast(child: Dentry): Name | undefined {
    const mode = child.inode?.mode ?? 0;
    if ((mode & S_IFMT) === S_IFLNK && (this.trailingSlash || (this.flags & LOOKUP_FOLLOW) !== 0)) {
      this.checkTrailingLink(inodeOf(child));
      const body = this.follow(child);
      if (body === undefined) return undefined;
      return this.trailingSlash ? `${body}/` : body;
    }
    this.dentry = child;
    if (child.mountedHere !== 0) this.crossMounts();
    return undefined;
  }

  /** Walks all components but the last, which it leaves in `last`. Linux's link_path_walk. */
  toParent(path: Name): void {
    let name = path;
    let at = 0;
    this.type = 'root';
    this.trailingSlash = false;
    if (name.charCodeAt(0) === SLASH) this.jumpToRoot();
    for (;;) {
      while (name.charCodeAt(at) === SLASH) at++;
      if (at === name.length) return;
      this.maySearch();
      let end = name.indexOf('/', at);
      if (end < 0) end = name.length;
      let next = end;
      while (name.charCodeAt(next) === SLASH) next++;
      const type = lastType(name, at, end);
      if (next === name.length) {
        this.type = type;
        this.trailingSlash = end < next;
        if (type === 'name') this.last = at === 0 && end === name.length ? name : name.slice(at, end);
        return;
      }
      if (type === 'name') {
        const body = this.step(name.slice(at, end));
        if (body !== undefined) {
          // The rest is walked after what the link says. An empty text leads nowhere else.
          name = body === '' ? name.slice(next) : `${body}/${name.slice(next)}`;
          at = 0;
          if (body.charCodeAt(0) === SLASH) this.jumpToRoot();
          continue;
        }
      } else if (type === 'dotdot') this.up();
      if (!isDirectory(this.dentry)) throw ENOTDIR;
      at = next;
    }
  }

  /** Steps onto a component that is not the last. Returns the text of a link. */
  private step(name: Name): Name | undefined {
    const child = this.child(name);
    const { inode } = child;
    if (inode === undefined) throw ENOENT;
    if ((inode.mode & S_IFMT) === S_IFLNK) return this.follow(child);
    this.dentry = child;
    if (child.mountedHere !== 0) this.crossMounts();
    return undefined;
  }

  /** The entry of a name in the directory where the walk is. */
  child(name: Name): Dentry {
    return lookupChild(this.dentry, name, this.restricted && (this.flags & LOOKUP_CACHED) !== 0);
  }

  private maySearch(): void {
    const inode = this.dentry.inode as Inode;
    const verdict = inode.permission(this.credentials, MAY_EXEC);
    if (verdict === true) return;
    if (verdict === false || !genericPermission(this.credentials, inode, MAY_EXEC)) throw EACCES;
  }

  /** From a place on which something is mounted to what is on top of it. */
  private crossMounts(): void {
    let { mount, dentry } = this;
    for (;;) {
      const covering = mount.children.get(dentry);
      if (covering === undefined) break;
      mount = covering;
      dentry = covering.root;
    }
    if (mount !== this.mount && (this.flags & LOOKUP_NO_XDEV) !== 0) throw EXDEV;
    this.mount = mount;
    this.dentry = dentry;
  }

  /** '..' */
  private up(): void {
    const place = this.belowParent();
    if (place === undefined) {
      if ((this.flags & LOOKUP_BENEATH) !== 0) throw EXDEV;
    } else {
      const { mount, dentry } = place;
      if (mount !== this.mount && (this.flags & LOOKUP_NO_XDEV) !== 0) throw EXDEV;
      const parent = dentry.parent as Dentry;
      // A directory that was moved out of the part that a bind mount shows has no way up.
      if (mount.root.parent !== undefined && !isBelow(parent, mount.root)) throw ENOENT;
      this.mount = mount;
      this.dentry = parent;
    }
    if (this.dentry.mountedHere !== 0) this.crossMounts();
  }

  /** The place whose dentry's parent is '..': that where this mount sits, if here is its root. None at the root. */
  private belowParent(): Path | undefined {
    let { mount, dentry } = this;
    const { root } = this;
    for (;;) {
      if (dentry === root.dentry && mount === root.mount) return undefined;
      if (dentry !== mount.root) return dentry.parent === undefined ? undefined : { mount, dentry };
      if (mount.parent === undefined || mount.mountpoint === undefined) return undefined;
      dentry = mount.mountpoint;
      mount = mount.parent;
    }
  }

  private jumpToRoot(): void {
    if (this.restricted) {
      if ((this.flags & LOOKUP_BENEATH) !== 0) throw EXDEV;
      if ((this.flags & LOOKUP_NO_XDEV) !== 0 && this.mount !== this.root.mount) throw EXDEV;
    }
    this.mount = this.root.mount;
    this.dentry = this.root.dentry;
  }

  /** Follows a link: returns its text, or undefined when it was magic and the walk is where it led. */
  private follow(link: Dentry): Name | undefined {
    if (this.links++ >= MAXSYMLINKS) throw ELOOP;
    if ((this.flags & LOOKUP_NO_SYMLINKS) !== 0 || (this.mount.flags & MS_NOSYMFOLLOW) !== 0) throw ELOOP;
    const inode = inodeOf(link);
    touchAtime(this.mount, inode);
    const target = inode.followMagic(this.task);
    if (target === undefined) return inode.readlink(this.task);
    if ((this.flags & LOOKUP_NO_MAGICLINKS) !== 0) throw ELOOP;
    if ((this.flags & LOOKUP_NO_XDEV) !== 0 && this.mount !== target.mount) throw EXDEV;
    if ((this.flags & LOOKUP_IS_SCOPED) !== 0) throw EXDEV;
    this.mount = target.mount;
    this.dentry = target.dentry;
    return undefined;
  }

  /** /proc/sys/fs/protected_symlinks: in /tmp, only one's own links are followed. */
  private checkTrailingLink(link: Inode): void {
    if (this.task.kernel.fsSettings.protectedSymlinks === 0) return;
    if (link.uid === this.credentials.fsuid) return;
    const directory = inodeOf(this.dentry);
    if ((directory.mode & (S_ISVTX | S_IWOTH)) !== (S_ISVTX | S_IWOTH)) return;
    if (directory.uid !== link.uid) throw EACCES;
  }
}

function lastType(name: Name, start: number, end: number): LastType {
  if (name.charCodeAt(start) !== DOT) return 'name';
  if (end === start + 1) return 'dot';
  return end === start + 2 && name.charCodeAt(start + 1) === DOT ? 'dotdot' : 'name';
}

function isDirectory(dentry: Dentry): boolean {
  return dentry.inode !== undefined && (dentry.inode.mode & S_IFMT) === S_IFDIR;
}
