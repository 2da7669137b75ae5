/**
 * devpts: the slaves of pseudo-terminals as files. Each mount is an instance of its own with its own numbers, but for the
 * first one, which /dev/ptmx belongs to. Options: uid, gid, mode, ptmxmode, max, newinstance. devpts.rst
 */
import { DEVPTS_SUPER_MAGIC } from '../../uapi/statfs.js';
import { O_CLOEXEC } from '../../uapi/fcntl.js';
import { EIO, EINVAL, ENOENT } from '../../uapi/errno.js';
import { DT_CHR, DT_DIR } from '../../uapi/dirent.js';
import { RLIMIT_NOFILE } from '../../uapi/resource.js';
import { S_IFCHR, S_IFDIR } from '../../uapi/stat.js';
import { makeDevice } from '../char-dev.js';
import { forget, lookupChild } from '../dcache.js';
import { Dentry } from '../dentry.js';
import { type DirectorySink, File } from '../file.js';
import { Inode, type OpenContext } from '../inode.js';
import type { Mount } from '../mount.js';
import { seekWithoutEnd } from '../read-write.js';
import {
  type FileSystemStatistics,
  FileSystemType,
  type MountRequest,
  SuperBlock,
  unknownOption,
} from '../super-block.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';

const PTS_MAJOR = 136;

/** The pairs behind an instance: drivers/tty makes them (PtyTable), and opens what the nodes name. */
export interface PtyPairs {
  readonly indices: Iterable<number>;
}

/** Makes the pairs of an instance; handed in by init, since drivers come above file systems. */
export type PairsFactory = (instance: DevptsSuperBlock) => PtyPairs;

class SlaveInode extends Inode {
  constructor(superBlock: SuperBlock, index: number, uid: number, gid: number, mode: number) {
    super(superBlock, index + 3);
    this.mode = S_IFCHR | mode;
    this.uid = uid;
    this.gid = gid;
    this.rdev = makeDevice(PTS_MAJOR, index);
    this.atime = this.mtime = this.ctime = superBlock.kernel.host.clock.read(0);
  }
}

class RootInode extends Inode {
  readonly slaves = new Map<Name, SlaveInode>();
  readonly ptmx: Inode;

  constructor(superBlock: SuperBlock, ptmxMode: number) {
    super(superBlock, 1);
    this.mode = S_IFDIR | 0o755;
    this.nlink = 2;
    this.atime = this.mtime = this.ctime = superBlock.kernel.host.clock.read(0);
    this.ptmx = new PtmxInode(superBlock, ptmxMode);
  }

  override lookup(name: Name): Inode | undefined {
    return name === 'ptmx' ? this.ptmx : this.slaves.get(name);
  }

  override open(context: OpenContext): File {
    return new RootFile(this, context);
  }
}

class PtmxInode extends Inode {
  constructor(superBlock: SuperBlock, mode: number) {
    super(superBlock, 2);
    this.mode = S_IFCHR | mode;
    this.rdev = makeDevice(5, 2);
    this.atime = this.mtime = this.ctime = superBlock.kernel.host.clock.read(0);
  }
}

class RootFile extends File {
  constructor(
    private readonly root: RootInode,
    context: OpenContext,
  ) {
    super(context.mount, context.dentry, root, context.flags, context.task.credentials);
  }

  override readDirectory(_task: Task, sink: DirectorySink): void {
    const entries: [Name, number, number][] = [
      ['.', 1, DT_DIR],
      ['..', 1, DT_DIR],
      ['ptmx', 2, DT_CHR],
    ];
    for (const [name, inode] of this.root.slaves) entries.push([name, inode.ino, DT_CHR]);
    while (this.position < entries.length) {
      const [name, ino, type] = entries[this.position];
      if (!sink.emit(name, ino, type, this.position + 1)) return;
      this.position++;
    }
  }

  override seek(_task: Task, offset: number, whence: number): Result {
    return seekWithoutEnd(this, offset, whence);
  }
}

interface Options {
  uid: number | undefined;
  gid: number | undefined;
  mode: number;
  ptmxMode: number;
  max: number;
}

export class DevptsSuperBlock extends SuperBlock {
  readonly pairs: PtyPairs;
  readonly options: Options = { uid: undefined, gid: undefined, mode: 0o600, ptmxMode: 0, max: 1 << 20 };
  private readonly rootInode: RootInode;

  constructor(type: FileSystemType, kernel: Kernel, data: Name, makePairs: PairsFactory) {
    super(type, kernel, kernel.devices.anonymous());
    this.parse(data);
    this.rootInode = new RootInode(this, this.options.ptmxMode);
    this.root = new Dentry(undefined, '', this.rootInode, this);
    this.pairs = makePairs(this);
  }

  private parse(data: Name): void {
    for (const option of data.split(',')) {
      const [key, value = ''] = option.split('=', 2);
      const number = Number.parseInt(value, key.endsWith('mode') ? 8 : 10);
      switch (key) {
        case '':
        case 'newinstance':
          break;
        case 'uid':
        case 'gid':
        case 'mode':
        case 'max':
        case 'ptmxmode':
          if (!Number.isSafeInteger(number) || number < 0) throw EINVAL;
          this.options[key === 'ptmxmode' ? 'ptmxMode' : key] = number;
          break;
        default:
          unknownOption(this.kernel, 'devpts', option);
      }
    }
  }

  override remount(_flags: number, data: Name): void {
    this.parse(data);
    this.rootInode.ptmx.mode = S_IFCHR | this.options.ptmxMode;
  }

  addSlave(index: number, task: Task): void {
    const { uid, gid, mode } = this.options;
    const owner = task.credentials;
    this.rootInode.slaves.set(
      String(index),
      new SlaveInode(this, index, uid ?? owner.fsuid, gid ?? owner.fsgid, mode),
    );
  }

  removeSlave(index: number): void {
    const name = String(index);
    this.rootInode.slaves.delete(name);
    const dentry = this.root.child(name);
    if (dentry !== undefined) forget(dentry);
  }

  override revalidate(dentry: Dentry): boolean {
    return dentry.inode !== undefined && this.rootInode.lookup(dentry.name) === dentry.inode;
  }

  override get cachesNegative(): boolean {
    return false;
  }

  override statfs(): FileSystemStatistics {
    return {
      type: DEVPTS_SUPER_MAGIC,
      bsize: 4096,
      blocks: 0,
      bfree: 0,
      bavail: 0,
      files: 0,
      ffree: 0,
      namelen: 255,
    };
  }

  override showOptions(): Name {
    const { uid, gid, mode, ptmxMode, max } = this.options;
    const octal = (value: number): string => value.toString(8).padStart(3, '0');
    return [
      ...(uid === undefined ? [] : [`uid=${uid}`]),
      ...(gid === undefined ? [] : [`gid=${gid}`]),
      `mode=${octal(mode)}`,
      `ptmxmode=${octal(ptmxMode)}`,
      ...(max === 1 << 20 ? [] : [`max=${max}`]),
    ].join(',');
  }

  /** Opens a slave of this instance by number for TIOCGPTPEER: a new descriptor. */
  openSlave(
    task: Task,
    mount: Mount,
    index: number,
    flags: number,
    open: (inode: Inode, context: OpenContext) => File,
  ): number {
    const name = String(index);
    const inode = this.rootInode.slaves.get(name);
    if (inode === undefined) throw EIO;
    const dentry = lookupChild(this.root, name);
    const file = open(inode, { task, mount, dentry, flags });
    return task.files.install(file, (flags & O_CLOEXEC) !== 0, task.process.rlimits[RLIMIT_NOFILE].soft);
  }
}

export class DevptsFileSystem extends FileSystemType {
  override readonly name = 'devpts';
  /** The instance that a ptmx node outside any devpts belongs to: the one mounted first. */
  private first: DevptsSuperBlock | undefined;

  constructor(private readonly makePairs: PairsFactory) {
    super();
  }

  override mount(request: MountRequest): SuperBlock {
    const instance = new DevptsSuperBlock(this, request.kernel, request.data, this.makePairs);
    this.first ??= instance;
    return instance;
  }

  /** The instance for an open of a ptmx or slave node: the one that the node lies in, else a 'pts' beside it, else the first. */
  instanceFor(context: OpenContext): DevptsSuperBlock {
    const { superBlock } = context.dentry;
    if (superBlock instanceof DevptsSuperBlock) return superBlock;
    const beside = context.dentry.parent?.child('pts');
    const mounted = beside && context.mount.children.get(beside)?.superBlock;
    if (mounted instanceof DevptsSuperBlock) return mounted;
    if (this.first === undefined) throw ENOENT;
    return this.first;
  }
}
