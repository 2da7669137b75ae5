/** /dev/loop-control: loop devices come, go and are found. loop(4). Linux: drivers/block/loop.c. */
import { CharDriver } from '../../../fs/char-dev.js';
import { File } from '../../../fs/file.js';
import type { Inode, OpenContext } from '../../../fs/inode.js';
import type { Kernel } from '../../../kernel/kernel.js';
import type { Result } from '../../../kernel/syscall.js';
import type { Task } from '../../../kernel/task.js';
import { EBUSY, EEXIST, EINVAL, ENODEV, ENOSYS } from '../../../uapi/errno.js';
import { LOOP_CTL_ADD, LOOP_CTL_GET_FREE, LOOP_CTL_REMOVE } from '../../../uapi/loop.js';
import { LOOP_CTRL_MINOR, MISC_MAJOR, makedev } from '../../../uapi/major.js';
import { S_IFCHR } from '../../../uapi/stat.js';
import { LoopDisk } from './loop-disk.js';

/** There from the start. */
const INITIAL = 8;
const MOST = 4096;

export class LoopControl extends CharDriver {
  override readonly name = 'misc';
  override readonly major = MISC_MAJOR;
  override readonly minors = [LOOP_CTRL_MINOR, 1] as const;
  private readonly loops = new Map<number, LoopDisk>();

  constructor(private readonly kernel: Kernel) {
    super();
    const rdev = makedev(MISC_MAJOR, LOOP_CTRL_MINOR);
    kernel.devices.addNode({ name: 'loop-control', mode: S_IFCHR | 0o600, rdev });
    for (let number = 0; number < INITIAL; number++) this.add(number);
  }

  override open(inode: Inode, _minor: number, context: OpenContext): File {
    return new ControlFile(this, inode, context);
  }

  /** EEXIST when it is there already. */
  add(number: number): number {
    if (this.loops.has(number)) throw EEXIST;
    if (number >= MOST) throw EINVAL;
    const disk = new LoopDisk(this.kernel, number);
    this.loops.set(number, disk);
    this.kernel.disks.add(disk);
    return number;
  }

  /** The lowest that shows nothing; made if need be. */
  free(): number {
    for (let number = 0; ; number++) {
      const disk = this.loops.get(number);
      if (disk === undefined) return this.add(number);
      if (!disk.isBound) return number;
    }
  }

  remove(number: number): number {
    const disk = this.loops.get(number);
    if (disk === undefined) throw ENODEV;
    if (disk.isBound) throw EBUSY;
    this.kernel.disks.remove(disk);
    this.loops.delete(number);
    return number;
  }
}

class ControlFile extends File {
  constructor(
    private readonly control: LoopControl,
    inode: Inode,
    { mount, dentry, flags, task }: OpenContext,
  ) {
    super(mount, dentry, inode, flags, task.credentials);
  }

  override ioctl(_task: Task, request: number, argument: number): Result {
    switch (request >>> 0) {
      case LOOP_CTL_ADD:
        return argument < 0 ? this.control.free() : this.control.add(argument);
      case LOOP_CTL_REMOVE:
        if (argument < 0) throw EINVAL;
        return this.control.remove(argument);
      case LOOP_CTL_GET_FREE:
        return this.control.free();
      default:
        throw ENOSYS;
    }
  }
}
