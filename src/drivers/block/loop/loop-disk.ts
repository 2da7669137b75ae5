/** loop(4): a file of the guest as a block device. Linux: drivers/block/loop.c. */
import { Disk, type DiskGroup, SECTOR_SIZE } from '../../../block/device.js';
import { BlockFile } from '../../../fs/block-dev.js';
import type { File } from '../../../fs/file.js';
import type { Kernel } from '../../../kernel/kernel.js';
import type { Result } from '../../../kernel/syscall.js';
import type { Task } from '../../../kernel/task.js';
import { KernelBuffer } from '../../../lib/io-buffer.js';
import type { Name } from '../../../lib/names.js';
import { EBADF, EBUSY, EINVAL, EIO, ENXIO, EOPNOTSUPP } from '../../../uapi/errno.js';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../../uapi/fcntl.js';
import {
  LO_FLAGS_AUTOCLEAR,
  LO_FLAGS_DIRECT_IO,
  LO_FLAGS_PARTSCAN,
  LO_FLAGS_READ_ONLY,
  LOOP_CLR_FD,
  LOOP_CONFIGURE,
  LOOP_GET_STATUS64,
  LOOP_SET_BLOCK_SIZE,
  LOOP_SET_CAPACITY,
  LOOP_SET_DIRECT_IO,
  LOOP_SET_FD,
  LOOP_SET_STATUS64,
  loop_config,
  loop_info64,
} from '../../../uapi/loop.js';
import { BLOCK_EXT_MAJOR, LOOP_MAJOR, makedev } from '../../../uapi/major.js';
import { S_ISBLK, S_ISREG } from '../../../uapi/stat.js';

/** Minors that the partitions of one device get. */
const PARTITION_MINORS = 16;
const SETTABLE = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
const CLEARABLE = LO_FLAGS_AUTOCLEAR;
const CONFIGURABLE = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;

/** What a device shows. */
interface Binding {
  readonly file: File;
  /** Who has bound it: the file is read and written in their name. */
  readonly task: Task;
  flags: number;
  offset: number;
  /** 0: to the file's end. */
  sizeLimit: number;
  fileName: Name;
  /** LOOP_CLR_FD: it goes with the last user, and is not there for others any more. */
  leaving: boolean;
}

export class LoopDisk extends Disk {
  override size = 0;
  private binding: Binding | undefined;

  constructor(
    kernel: Kernel,
    readonly number: number,
  ) {
    super(kernel, `loop${number}`, makedev(LOOP_MAJOR, number));
  }

  get isBound(): boolean {
    return this.binding !== undefined;
  }
  override get maxDiscard(): number {
    return this.isBound ? 2 ** 32 - SECTOR_SIZE : 0;
  }
  override partitionDevice(number: number): number {
    return makedev(BLOCK_EXT_MAJOR, this.number * PARTITION_MINORS + number);
  }

  override get group(): DiskGroup | undefined {
    const { binding } = this;
    if (binding === undefined) return undefined;
    const has = (flag: number): Name => ((binding.flags & flag) === 0 ? '0' : '1');
    return {
      name: 'loop',
      files: {
        backing_file: binding.fileName,
        offset: String(binding.offset),
        sizelimit: String(binding.sizeLimit),
        autoclear: has(LO_FLAGS_AUTOCLEAR),
        partscan: has(LO_FLAGS_PARTSCAN),
        dio: '0',
      },
    };
  }

  private get bound(): Binding {
    const { binding } = this;
    if (binding === undefined || binding.leaving) throw ENXIO;
    return binding;
  }

  override read(offset: number, into: Uint8Array): void {
    const { file, task, offset: start } = this.openBinding();
    this.statistics.reads++;
    this.statistics.sectorsRead += into.length / SECTOR_SIZE;
    const to = new KernelBuffer(into);
    while (to.remaining > 0) {
      const count = atOnce(file.read(task, to, start + offset + to.moved));
      // Where the file has become shorter.
      if (count === 0) {
        into.fill(0, to.moved);
        return;
      }
    }
  }

  override write(offset: number, from: Uint8Array): void {
    const { file, task, offset: start } = this.openBinding();
    this.statistics.writes++;
    this.statistics.sectorsWritten += from.length / SECTOR_SIZE;
    const source = new KernelBuffer(from);
    while (source.remaining > 0)
      if (atOnce(file.write(task, source, start + offset + source.moved)) === 0) throw EIO;
  }

  override flush(): Result {
    this.statistics.flushes++;
    const { binding } = this;
    return binding === undefined || this.readOnly ? 0 : binding.file.fsync(binding.task, false);
  }

  override discard(offset: number, length: number): void {
    const { file, offset: start } = this.openBinding();
    if (!S_ISREG(file.inode.mode)) throw EOPNOTSUPP;
    this.statistics.discards++;
    this.statistics.sectorsDiscarded += length / SECTOR_SIZE;
    atOnce(file.inode.fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start + offset, length));
  }

  private openBinding(): Binding {
    if (this.binding === undefined) throw EIO;
    return this.binding;
  }

  override close(): void {
    if (this.binding !== undefined && (this.binding.flags & LO_FLAGS_AUTOCLEAR) !== 0) this.unbind();
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    switch (request) {
      case LOOP_SET_FD:
        this.bind(task, argument, 0, loop_info64.decode(new Uint8Array(loop_info64.size)));
        return 0;
      case LOOP_CONFIGURE:
        return this.configure(task, argument);
      case LOOP_CLR_FD:
        return this.clear();
      case LOOP_SET_STATUS64:
        return this.setStatus(loop_info64.decode(task.memory.copyIn(argument, loop_info64.size)));
      case LOOP_GET_STATUS64:
        task.memory.copyOut(argument, this.status());
        return 0;
      case LOOP_SET_CAPACITY:
        return this.resize(this.bound);
      case LOOP_SET_DIRECT_IO:
        if (this.bound.leaving || argument !== 0) throw EINVAL;
        return 0;
      case LOOP_SET_BLOCK_SIZE:
        if (this.bound.leaving || argument !== SECTOR_SIZE) throw EINVAL;
        return 0;
      default:
        return super.ioctl(task, request, argument);
    }
  }

  private configure(task: Task, argument: number): number {
    const { fd, block_size, info } = loop_config.decode(task.memory.copyIn(argument, loop_config.size));
    if (block_size !== 0 && block_size !== SECTOR_SIZE) throw EINVAL;
    if ((info.lo_flags & ~CONFIGURABLE) !== 0) throw EINVAL;
    this.bind(task, fd, info.lo_flags, info);
    return 0;
  }

  private bind(task: Task, fd: number, flags: number, info: LoopInfo): void {
    const file = task.files.get(fd);
    if (this.binding !== undefined) throw EBUSY;
    this.checkFile(file);
    if (info.lo_encrypt_type !== 0) throw EINVAL;
    const readOnly = !file.writable || (flags & LO_FLAGS_READ_ONLY) !== 0;
    const binding: Binding = {
      file: file.hold(),
      task,
      flags: (flags & ~LO_FLAGS_READ_ONLY) | (readOnly ? LO_FLAGS_READ_ONLY : 0),
      offset: info.lo_offset,
      sizeLimit: info.lo_sizelimit,
      fileName: info.lo_file_name,
      leaving: false,
    };
    this.binding = binding;
    this.readOnly = readOnly;
    this.pages.invalidate(0, Infinity);
    this.resize(binding);
    this.scanIfWanted(binding);
  }

  /** A file or a block device, but not one that is made of this device. */
  private checkFile(file: File): void {
    if (!file.readable) throw EBADF;
    const { mode } = file.inode;
    if (!S_ISREG(mode) && !S_ISBLK(mode)) throw EINVAL;
    for (let below: File | undefined = file; below instanceof BlockFile;) {
      const whole: Disk = below.disk.whole;
      if (whole === this) throw EBADF;
      below = whole instanceof LoopDisk ? whole.binding?.file : undefined;
    }
  }

  private resize(binding: Binding): number {
    const { file, offset, sizeLimit } = binding;
    file.inode.refresh();
    const all = file instanceof BlockFile ? file.disk.size : file.inode.size;
    const rest = Math.max(0, all - offset);
    const size = sizeLimit === 0 ? rest : Math.min(rest, sizeLimit);
    this.size = Math.floor(size / SECTOR_SIZE) * SECTOR_SIZE;
    return 0;
  }

  private scanIfWanted({ flags }: Binding): void {
    if ((flags & LO_FLAGS_PARTSCAN) !== 0) this.kernel.disks.scan(this);
  }

  /** The device may still be in use: then it goes with the last user. */
  private clear(): number {
    const { bound } = this;
    bound.leaving = this.users === 1;
    bound.flags |= LO_FLAGS_AUTOCLEAR;
    return 0;
  }

  private unbind(): void {
    const { binding } = this;
    if (binding === undefined) return;
    this.kernel.disks.forgetPartitions(this);
    this.binding = undefined;
    this.size = 0;
    this.readOnly = false;
    binding.file.drop();
  }

  private setStatus(info: LoopInfo): Result {
    const { bound } = this;
    if (info.lo_encrypt_type !== 0) throw EINVAL;
    const change = (): number => {
      bound.offset = info.lo_offset;
      bound.sizeLimit = info.lo_sizelimit;
      bound.fileName = info.lo_file_name;
      const before = bound.flags;
      bound.flags = (before & ~CLEARABLE) | (info.lo_flags & SETTABLE);
      this.pages.invalidate(0, Infinity);
      this.resize(bound);
      if ((before & LO_FLAGS_PARTSCAN) === 0) this.scanIfWanted(bound);
      return 0;
    };
    const written = this.pages.sync();
    return typeof written === 'number' ? change() : written.then(change);
  }

  private status(): Uint8Array {
    const { file, offset, sizeLimit, flags, fileName } = this.bound;
    return loop_info64.encode({
      lo_device: file.inode.device,
      lo_inode: file.inode.ino,
      lo_rdevice: S_ISBLK(file.inode.mode) ? file.inode.rdev : 0,
      lo_offset: offset,
      lo_sizelimit: sizeLimit,
      lo_number: this.number,
      lo_flags: flags,
      lo_file_name: fileName,
    });
  }
}

type LoopInfo = ReturnType<typeof loop_info64.decode>;

/** What pages are read from and written to must not wait. */
function atOnce(result: Result): number {
  if (typeof result !== 'number') throw EIO;
  return result;
}
