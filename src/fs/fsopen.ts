/**
 * Mounting in steps: fsopen(2) and fspick(2) make a context, fsconfig(2) fills it in and has the file system made or changed,
 * fsmount(2) makes a mount of it that lies nowhere yet, move_mount(2) puts that up. Linux's fsopen.c.
 */
import {
  type Argument,
  fd,
  flags as flagsArgument,
  int,
  optionalPath,
  path,
  type Result,
  syscall,
  uint,
} from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EBUSY, EINVAL, ENODATA, ENODEV, EOPNOTSUPP } from '../uapi/errno.js';
import { O_PATH, O_RDWR } from '../uapi/fcntl.js';
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_CREATE_EXCL,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_BINARY,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_PATH,
  FSCONFIG_SET_PATH_EMPTY,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fsmountFlags,
  fsopenFlags,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  FSPICK_SYMLINK_NOFOLLOW,
  fspickFlags,
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_RDONLY,
  MS_SYNCHRONOUS,
} from '../uapi/mount.js';
import { AnonymousFile } from './anon-inode.js';
import { PathFile } from './dentry-open.js';
import { descriptorLimit } from './file-calls.js';
import type { Mount } from './mount.js';
import { isAttached, type MountArguments, makeMount, mayMount, reconfigure } from './mount-calls.js';
import { mountFlagsOfAttributes } from './mount-attributes.js';
import { inodeOf, LOOKUP_EMPTY, LOOKUP_FOLLOW, lookupAt } from './namei.js';
import { dissolve } from './mount-tree.js';
import { type FileSystemType, findFileSystem } from './super-block.js';

/** Words that are flags of every file system: what they set and clear. */
const commonWords = new Map<Name, readonly [set: number, clear: number]>([
  ['ro', [MS_RDONLY, 0]],
  ['rw', [0, MS_RDONLY]],
  ['sync', [MS_SYNCHRONOUS, 0]],
  ['async', [0, MS_SYNCHRONOUS]],
  ['dirsync', [MS_DIRSYNC, 0]],
  ['mand', [MS_MANDLOCK, 0]],
  ['nomand', [0, MS_MANDLOCK]],
  ['lazytime', [MS_LAZYTIME, 0]],
  ['nolazytime', [0, MS_LAZYTIME]],
]);

/** A file system in the making, or being changed. */
export class ContextFile extends AnonymousFile {
  source: Name = '';
  /** MS_* of the file system. */
  superFlags = 0;
  private readonly words: Name[] = [];
  /** Made, and not yet mounted by fsmount(2). */
  made: Mount | undefined;
  private done = false;

  constructor(
    private readonly task: Task,
    private readonly type: FileSystemType,
    /** What is to be changed: of fspick(2). */
    private readonly picked: Mount | undefined,
  ) {
    super(task.kernel, task.credentials, O_RDWR, 'anon_inode:[fscontext]');
    if (picked !== undefined) this.superFlags = picked.superBlock.readOnly ? MS_RDONLY : 0;
  }

  /** Messages of the file system: they are all in the kernel's log. */
  override read(): number {
    throw ENODATA;
  }

  private get data(): Name {
    return this.words.join(',');
  }

  setWord(key: Name, value: Name | undefined): void {
    if (this.done) throw EBUSY;
    if (key === 'source') {
      if (value === undefined || this.source !== '') throw EINVAL;
      this.source = value;
      return;
    }
    const common = value === undefined ? commonWords.get(key) : undefined;
    if (common !== undefined) this.superFlags = (this.superFlags | common[0]) & ~common[1];
    else this.words.push(value === undefined ? key : `${key}=${value}`);
  }

  create(): number {
    if (this.picked !== undefined) throw EINVAL;
    if (this.done) throw EBUSY;
    mayMount(this.task);
    this.done = true;
    const request: Pick<MountArguments, 'source' | 'data'> = { source: this.source, data: this.data };
    this.made = makeMount(this.task, this.type, request, this.superFlags, 0);
    return 0;
  }

  reconfigure(): Result {
    if (this.picked === undefined) throw EINVAL;
    mayMount(this.task);
    return reconfigure(this.picked, this.superFlags, this.data);
  }

  /** The mount, once. */
  take(): Mount {
    const { made } = this;
    if (made === undefined) throw this.picked === undefined ? EINVAL : EBUSY;
    this.made = undefined;
    return made;
  }

  override release(): void {
    this.made?.letGo();
    this.picked?.drop();
  }
}

/** A descriptor of a mount. One that nobody has put up by the time that it is closed goes. */
export class MountFile extends PathFile {
  constructor(task: Task, mount: Mount) {
    super(mount, mount.root, inodeOf(mount.root), O_PATH, task.credentials);
  }
  override release(): void {
    if (this.mount !== undefined && !isAttached(this.mount)) dissolve(this.mount);
  }
}

export const sys_fsopen = syscall([path, flagsArgument(fsopenFlags)], (task, name, flags) => {
  mayMount(task);
  const type = findFileSystem(task.kernel, name);
  if (type === undefined) throw ENODEV;
  if (!type.userMountable) throw EINVAL;
  const file = new ContextFile(task, type, undefined);
  return task.files.install(file, (flags & FSOPEN_CLOEXEC) !== 0, descriptorLimit(task));
});

export const sys_fspick = syscall([fd, path, flagsArgument(fspickFlags)], (task, dirfd, name, flags) => {
  mayMount(task);
  const lookup =
    ((flags & FSPICK_SYMLINK_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0) |
    ((flags & FSPICK_EMPTY_PATH) === 0 ? 0 : LOOKUP_EMPTY);
  const { mount, dentry } = lookupAt(task, dirfd, name, lookup);
  if (dentry !== mount.root) throw EINVAL;
  const file = new ContextFile(task, mount.superBlock.type, mount.hold());
  return task.files.install(file, (flags & FSPICK_CLOEXEC) !== 0, descriptorLimit(task));
});

/** What fsconfig(2) takes as its value depends on the command: a word, or nothing. */
const pointer: Argument<readonly [number, number]> = {
  decode: (_task, lo, hi) => [lo, hi],
  format: ([lo, hi]) => `0x${((hi >>> 0) * 2 ** 32 + (lo >>> 0)).toString(16)}`,
};

export const sys_fsconfig = syscall(
  [fd, uint, optionalPath, pointer, int],
  (task, at, command, key, value, extra): Result => {
    const isNull = value[0] === 0 && value[1] === 0;
    const file = task.files.get(at);
    switch (command) {
      case FSCONFIG_SET_FLAG:
        if (key === undefined || !isNull || extra !== 0) throw EINVAL;
        break;
      case FSCONFIG_SET_STRING:
        if (key === undefined || isNull || extra !== 0) throw EINVAL;
        break;
      case FSCONFIG_SET_BINARY:
      case FSCONFIG_SET_PATH:
      case FSCONFIG_SET_PATH_EMPTY:
      case FSCONFIG_SET_FD:
        // No file system here has an option of such a kind.
        if (key === undefined) throw EINVAL;
        break;
      case FSCONFIG_CMD_CREATE:
      case FSCONFIG_CMD_RECONFIGURE:
      case FSCONFIG_CMD_CREATE_EXCL:
        if (key !== undefined || !isNull || extra !== 0) throw EINVAL;
        break;
      default:
        throw EOPNOTSUPP;
    }
    if (!(file instanceof ContextFile)) throw EINVAL;
    return configure(task, file, command, key ?? '', value);
  },
);

function configure(
  task: Task,
  file: ContextFile,
  command: number,
  key: Name,
  value: readonly [number, number],
): Result {
  switch (command) {
    case FSCONFIG_SET_FLAG:
      file.setWord(key, undefined);
      return 0;
    case FSCONFIG_SET_STRING:
      file.setWord(key, path.decode(task, value[0], value[1]));
      return 0;
    case FSCONFIG_CMD_CREATE:
      return file.create();
    case FSCONFIG_CMD_RECONFIGURE:
      return file.reconfigure();
    case FSCONFIG_CMD_CREATE_EXCL:
      throw EOPNOTSUPP;
    default:
      throw EINVAL;
  }
}

export const sys_fsmount = syscall([fd, flagsArgument(fsmountFlags), uint], (task, at, flags, attributes) => {
  mayMount(task);
  const mountFlags = mountFlagsOfAttributes(attributes);
  const context = task.files.get(at);
  if (!(context instanceof ContextFile)) throw EINVAL;
  task.files.checkRoom(descriptorLimit(task));
  const mount = context.take();
  mount.flags = mountFlags | (mount.superBlock.readOnly ? MS_RDONLY : 0);
  const file = new MountFile(task, mount);
  return task.files.install(file, (flags & FSMOUNT_CLOEXEC) !== 0, descriptorLimit(task));
});
