/**
 * Inodes that no directory names: those of pipes, of sockets, and the one that eventfds, epoll instances and their like
 * share. They live in file systems of the kernel's own that cannot be mounted.
 */
import type { Credentials } from '../kernel/credentials.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import { EINVAL, ENXIO } from '../uapi/errno.js';
import { S_IFIFO, S_IFSOCK } from '../uapi/stat.js';
import { File } from './file.js';
import { Inode } from './inode.js';
import { FileSystemType, SuperBlock, type FileSystemStatistics } from './super-block.js';

class PseudoFileSystem extends FileSystemType {
  override readonly userMountable = false;
  constructor(
    readonly name: Name,
    readonly magic: number,
  ) {
    super();
  }
  override mount(): SuperBlock {
    throw EINVAL;
  }
}

class PseudoSuperBlock extends SuperBlock {
  constructor(
    kernel: Kernel,
    private readonly pseudo: PseudoFileSystem,
  ) {
    super(pseudo, kernel, kernel.devices.anonymous());
  }
  override statfs(): FileSystemStatistics {
    return {
      type: this.pseudo.magic,
      bsize: this.blockSize,
      blocks: 0,
      bfree: 0,
      bavail: 0,
      files: 0,
      ffree: 0,
      namelen: 255,
    };
  }
}

/** An inode of a pseudo file system. */
export class PseudoInode extends Inode {
  /** open(2) of /proc/PID/fd/N, where N is such a file: only pipes can be opened again. */
  openAgain(_task: Task, _flags: number): File | Promise<File> {
    throw ENXIO;
  }
}

const anonymousType = new PseudoFileSystem('anon_inodefs', 0x0904_1934);
const pipeType = new PseudoFileSystem('pipefs', 0x5049_5045);
const memoryType = new PseudoFileSystem('tmpfs', 0x0102_1994);
const socketType = new PseudoFileSystem('sockfs', 0x534f_434b);

export class AnonymousInodes {
  private nextIno = 1;
  readonly pipes: SuperBlock;
  readonly sockets: SuperBlock;
  /** Of memfd_create(2). */
  readonly memory: SuperBlock;
  /** The one that files without any state in an inode share. Its mode has no type, as stat(2) shows. */
  readonly shared: Inode;

  constructor(private readonly kernel: Kernel) {
    const anonymous = new PseudoSuperBlock(kernel, anonymousType);
    this.pipes = new PseudoSuperBlock(kernel, pipeType);
    this.sockets = new PseudoSuperBlock(kernel, socketType);
    this.memory = new PseudoSuperBlock(kernel, memoryType);
    this.shared = new PseudoInode(anonymous, this.nextIno++).hold();
    this.shared.mode = 0o600;
    this.stamp(this.shared);
  }

  /** A number for a new inode of `pipes`, `sockets` or `memory`: they share one sequence. */
  newIno(): number {
    return this.nextIno++;
  }

  /** Fills in a new pipe's inode. */
  initializePipe(inode: PseudoInode, owner: Credentials): void {
    this.initialize(inode, S_IFIFO | 0o600, owner);
  }

  /** Fills in a new socket's inode. */
  initializeSocket(inode: PseudoInode, owner: Credentials): void {
    this.initialize(inode, S_IFSOCK | 0o777, owner);
  }

  private initialize(inode: PseudoInode, mode: number, owner: Credentials): void {
    inode.mode = mode;
    inode.uid = owner.fsuid;
    inode.gid = owner.fsgid;
    this.stamp(inode);
  }

  private stamp(inode: Inode): void {
    inode.atime = inode.mtime = inode.ctime = this.kernel.host.clock.read(0);
  }
}

/** An open file of the shared inode: eventfd, epoll, timerfd, signalfd, inotify, pidfd. */
export abstract class AnonymousFile extends File {
  constructor(
    kernel: Kernel,
    credentials: Credentials,
    flags: number,
    private readonly shownAs: Name,
  ) {
    super(undefined, undefined, kernel.anonymous.shared, flags, credentials);
  }
  override get label(): Name {
    return this.shownAs;
  }
  override get seekable(): boolean {
    return false;
  }
  override fsync(): number {
    throw EINVAL;
  }
  /** They take any seek and stay where they are: Linux's noop_llseek. */
  override seek(): number {
    return this.position;
  }
}
