/** An open file of overlayfs: one of the layer below, which does the work. */
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import type { Mappable } from '../../mm/mappable.js';
import { File, type PollTable } from '../file.js';
import type { OpenContext } from '../inode.js';
import { genericSeek, setPosition } from '../read-write.js';
import { SEEK_DATA, SEEK_HOLE } from '../../uapi/fs.js';
import { ENXIO } from '../../uapi/errno.js';
import type { OverlayInode } from './inode.js';

export class OverlayFile extends File {
  private real: File;

  constructor(
    private readonly context: OpenContext,
    private readonly overlay: OverlayInode,
    real: File,
  ) {
    super(context.mount, context.dentry, overlay, context.flags, context.task.credentials);
    this.real = real.hold();
  }

  /** The file that was opened; or, if that has been copied up since, the copy. What is mapped stays as it was. */
  private current(): File {
    const { real, overlay } = this;
    if (real.inode === overlay.real) return real;
    const opened = overlay.openReal({ ...this.context, flags: this.flags });
    // File systems that make one wait at open are none that are layers; then the old one still tells the old contents.
    if (opened instanceof Promise) return real;
    real.drop();
    this.real = opened.hold();
    return opened;
  }

  override read(task: Task, to: IoBuffer, position: number): Result {
    return this.current().read(task, to, position);
  }

  override write(task: Task, from: IoBuffer, position: number): Result {
    const result = this.current().write(task, from, position);
    if (typeof result !== 'number') return result.then((count) => this.written(count));
    return this.written(result);
  }

  private written(count: number): number {
    this.overlay.takeContents();
    return count;
  }

  override seek(_task: Task, offset: number, whence: number): number {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return genericSeek(this, offset, whence);
    const { overlay } = this;
    overlay.refresh();
    if (offset < 0 || offset >= overlay.size) throw ENXIO;
    return setPosition(this, whence === SEEK_DATA ? overlay.seekData(offset) : overlay.seekHole(offset));
  }

  override get canPoll(): boolean {
    return this.real.canPoll;
  }
  override poll(task: Task, table: PollTable | undefined): number {
    return this.current().poll(task, table);
  }
  override ioctl(task: Task, request: number, argument: number): Result {
    return this.current().ioctl(task, request, argument);
  }
  override mappable(protection: number, shared: boolean): Mappable {
    return this.current().mappable(protection, shared);
  }
  override flagsChanged(): void {
    this.real.flags = this.flags;
    this.real.flagsChanged();
  }
  override release(): void {
    this.real.drop();
  }
}
