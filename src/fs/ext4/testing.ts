/** For tests: a disk in memory, and a machine that has one mounted at /mnt. */
import { Disk } from '../../block/device.js';
import type { Kernel } from '../../kernel/kernel.js';
import { EIO } from '../../uapi/errno.js';
import { makedev } from '../../uapi/major.js';
import { sys_mkdir } from '../create.js';
import { sys_mount, sys_umount2 } from '../mount-calls.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';
import { TreeMachine } from '../testing-tree.js';
import { ramfs, tmpfs } from '../tmpfs/tmpfs.js';
import { ext4 } from './ext4.js';
import type { Ext4SuperBlock } from './super.js';

export class MemoryDisk extends Disk {
  constructor(
    kernel: Kernel,
    readonly image: Uint8Array,
  ) {
    super(kernel, 'ubda', makedev(98, 0));
  }
  /** The machine stops after so many writes: those that follow never reach the disk. */
  writesLeft = Infinity;

  get size(): number {
    return this.image.length;
  }
  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.image.length) throw EIO;
    into.set(this.image.subarray(offset, offset + into.length));
  }
  write(offset: number, from: Uint8Array): void {
    if (offset + from.length > this.image.length) throw EIO;
    if (--this.writesLeft < 0) return;
    this.image.set(from, offset);
  }
  flush(): number {
    return 0;
  }
}

/** ext4 on whatever disk it is given. */
class OnDisk extends FileSystemType {
  override readonly name = 'ext4';
  disk: MemoryDisk | undefined;
  superBlock: Ext4SuperBlock | undefined;

  override mount(request: MountRequest): SuperBlock {
    if (this.disk === undefined) throw EIO;
    return (this.superBlock = ext4.mountOn(request, this.disk));
  }
}

export class Ext4Machine extends TreeMachine {
  private readonly type: OnDisk;
  readonly disk: MemoryDisk;

  constructor(image: Uint8Array) {
    const type = new OnDisk();
    super([tmpfs, ramfs, type]);
    this.type = type;
    this.disk = type.disk = new MemoryDisk(this.kernel, image);
    this.sys(sys_mkdir, '/mnt', 0o755);
  }

  mountImage(flags = 0, options = ''): number | string {
    if (this.disk.users === 0) this.disk.acquire();
    this.disk.acquire();
    const result = this.sys(sys_mount, 'none', '/mnt', 'ext4', flags, options);
    if (result !== 0) this.disk.release();
    return result;
  }
  unmountImage(): number | string {
    return this.sys(sys_umount2, '/mnt', 0);
  }
  get superBlock(): Ext4SuperBlock | undefined {
    return this.type.superBlock;
  }
}
