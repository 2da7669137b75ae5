/** Pseudo-terminals: pty(7). The master is a File; the slave is a Tty whose port is the pair. devpts shows the slaves. */
import type { OpenContext } from '../../fs/inode.js';
import { File, type PollTable } from '../../fs/file.js';
import type { Inode } from '../../fs/inode.js';
import type { Kernel } from '../../kernel/kernel.js';
import { kernelInfo } from '../../kernel/siginfo.js';
import { sendToGroup } from '../../kernel/signal-send.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { WaitQueue } from '../../kernel/wait.js';
import { makeDevice } from '../../fs/char-dev.js';
import { ByteRing } from '../../lib/byte-ring.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDNORM, EPOLLWRNORM } from '../../uapi/epoll.js';
import { EAGAIN, EFAULT, EINVAL, EIO, ENOSPC } from '../../uapi/errno.js';
import { FIONREAD } from '../../uapi/ioctls.js';
import {
  EXTPROC,
  HUPCL,
  IXON,
  TIOCGPKT,
  TIOCGPTLCK,
  TIOCGPTN,
  TIOCGPTPEER,
  TIOCPKT,
  TIOCPKT_DOSTOP,
  TIOCPKT_NOSTOP,
  TIOCSIG,
  TIOCSPTLCK,
  VSTART,
  VSTOP,
} from '../../uapi/termios.js';
import { TtyPort } from './port.js';
import type { Termios } from './termios.js';
import { Tty } from './tty.js';
import { ttyIoctl } from './tty-ioctl.js';

/** Major of slaves: UNIX98 ptys. */
export const PTS_MAJOR = 136;
/** Bytes that the slave's output may wait for the master to read. */
const OUTPUT_LIMIT = 65536;

/** A pair; as a port it is what lies below the slave. */
export class Pty extends TtyPort {
  readonly slave: Tty;
  readonly output = new ByteRing(OUTPUT_LIMIT);
  readonly masterChanged = new WaitQueue();
  locked = true;
  packetMode = false;
  packetNotice = 0;
  masterOpen = true;
  /** The slave has been open and is closed by all: the master reads EIO. */
  slaveGone = false;

  constructor(
    readonly owner: PtyTable,
    readonly index: number,
  ) {
    super();
    this.slave = new Tty(owner.kernel, `pts/${index}`, makeDevice(PTS_MAJOR, index), this);
    // There is no line to hang up at the last close.
    this.slave.termios.cflag &= ~HUPCL;
  }

  override write(bytes: Uint8Array): number {
    // Without a master there is nobody to read it.
    if (!this.masterOpen) return bytes.length;
    const count = this.output.put(bytes);
    if (count > 0) this.masterChanged.wake(EPOLLIN | EPOLLRDNORM);
    return count;
  }

  override room(): number {
    return this.masterOpen ? this.output.free : OUTPUT_LIMIT;
  }

  override opened(): void {
    if (this.locked || !this.masterOpen) throw EIO;
    this.slaveGone = false;
  }

  override closed(): void {
    this.slaveGone = true;
    this.masterChanged.wake(EPOLLHUP);
    if (!this.masterOpen) this.owner.release(this);
  }

  override inputRoom(): void {
    this.masterChanged.wake(EPOLLOUT | EPOLLWRNORM);
  }

  // TCOFLUSH drops nothing: what was written has reached the master already.

  override notice(what: number): void {
    if (!this.packetMode) return;
    this.packetNotice |= what;
    this.masterChanged.wake(EPOLLPRI | EPOLLIN | EPOLLRDNORM);
  }

  override settingsChanged(settings: Termios): void {
    if (!this.packetMode) return;
    const stoppable =
      (settings.iflag & IXON) !== 0 && settings.cc[VSTOP] === 19 && settings.cc[VSTART] === 17;
    this.packetNotice &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
    this.notice(stoppable ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
    if ((settings.lflag & EXTPROC) !== 0) this.notice(0x40);
  }
}

export class PtyMaster extends File {
  constructor(
    readonly pty: Pty,
    inode: Inode,
    context: OpenContext,
  ) {
    super(context.mount, context.dentry, inode, context.flags, context.task.credentials);
  }

  override get seekable(): boolean {
    return false;
  }

  override async read(task: Task, to: IoBuffer): Promise<number> {
    const { pty } = this;
    if (to.remaining === 0) return 0;
    while (pty.output.used === 0 && pty.packetNotice === 0) {
      if (pty.slaveGone) throw EIO;
      if (this.nonBlocking) throw EAGAIN;
      await pty.masterChanged.sleep(task);
    }
    let header = 0;
    if (pty.packetMode) {
      const notice = pty.packetNotice;
      pty.packetNotice = 0;
      if (to.put(Uint8Array.of(notice)) === 0) throw EFAULT;
      if (notice !== 0) return 1;
      header = 1;
    }
    const bytes = new Uint8Array(Math.min(to.remaining, pty.output.used));
    const wasFull = pty.output.free === 0;
    pty.output.take(bytes);
    if (to.put(bytes) < bytes.length) throw EFAULT;
    if (wasFull || bytes.length > 0) pty.slave.outputReady();
    return header + bytes.length;
  }

  override async write(task: Task, from: IoBuffer): Promise<number> {
    const { pty } = this;
    let done = 0;
    while (from.remaining > 0) {
      while (pty.slave.inputCapacity <= 0) {
        if (this.nonBlocking) {
          if (done === 0) throw EAGAIN;
          return done;
        }
        try {
          await pty.masterChanged.sleep(task);
        } catch (error) {
          if (done === 0) throw error;
          return done;
        }
      }
      const bytes = new Uint8Array(Math.min(from.remaining, pty.slave.inputCapacity, 4096));
      if (from.get(bytes) < bytes.length) throw EFAULT;
      done += pty.slave.receive(bytes);
    }
    return done;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    const { pty } = this;
    table?.wait(pty.masterChanged);
    let events = 0;
    if (pty.output.used > 0) events |= EPOLLIN | EPOLLRDNORM;
    if (pty.packetNotice !== 0) events |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
    if (pty.slaveGone) events |= EPOLLHUP;
    if (pty.slave.inputCapacity > 0) events |= EPOLLOUT | EPOLLWRNORM;
    return events;
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    const { pty } = this;
    const { memory } = task;
    switch (request >>> 0) {
      case TIOCGPTN:
        memory.putU32(argument, pty.index);
        return 0;
      case TIOCSPTLCK:
        pty.locked = memory.getU32(argument) !== 0;
        return 0;
      case TIOCGPTLCK:
        memory.putU32(argument, pty.locked ? 1 : 0);
        return 0;
      case TIOCPKT:
        pty.packetMode = memory.getU32(argument) !== 0;
        pty.packetNotice = 0;
        return 0;
      case TIOCGPKT:
        memory.putU32(argument, pty.packetMode ? 1 : 0);
        return 0;
      case TIOCSIG: {
        if (argument < 1 || argument > 64) throw EINVAL;
        if (pty.slave.foreground !== undefined) sendToGroup(pty.slave.foreground, kernelInfo(argument));
        return 0;
      }
      case TIOCGPTPEER:
        return pty.owner.openPeer(task, pty, argument);
      case FIONREAD:
        memory.putU32(argument, pty.output.used);
        return 0;
      default:
        return ttyIoctl(task, pty.slave, request, argument);
    }
  }

  override release(): void {
    const { pty } = this;
    pty.masterOpen = false;
    pty.output.clear();
    if (pty.slave.count > 0) pty.slave.hangup();
    pty.owner.masterClosed(pty);
  }
}

/** Shown the slaves that come and go: one devpts mount. */
export interface PtyListener {
  slaveAdded(pty: Pty, task: Task): void;
  slaveRemoved(pty: Pty): void;
}

/** The pairs of one devpts instance, by index. */
export class PtyTable {
  private readonly pairs: (Pty | undefined)[] = [];
  max = 4096;
  private opener: ((task: Task, pty: Pty, flags: number) => number) | undefined;

  constructor(
    readonly kernel: Kernel,
    private readonly listener: PtyListener,
  ) {}

  get(index: number): Pty | undefined {
    return this.pairs[index];
  }

  /** The numbers in use. */
  *indices(): IterableIterator<number> {
    for (const pty of this.pairs) if (pty !== undefined) yield pty.index;
  }

  /** Opens a new pair's master: /dev/ptmx. */
  openMaster(inode: Inode, context: OpenContext): File {
    let index = 0;
    while (this.pairs[index] !== undefined) index++;
    if (index >= this.max) throw ENOSPC;
    const pty = new Pty(this, index);
    this.pairs[index] = pty;
    this.listener.slaveAdded(pty, context.task);
    return new PtyMaster(pty, inode, context);
  }

  /** The node goes with the master; the number when the slave is closed too. */
  masterClosed(pty: Pty): void {
    this.listener.slaveRemoved(pty);
    if (pty.slave.count === 0) this.release(pty);
  }

  release(pty: Pty): void {
    if (this.pairs[pty.index] === pty) this.pairs[pty.index] = undefined;
  }

  setPeerOpener(opener: (task: Task, pty: Pty, flags: number) => number): void {
    this.opener = opener;
  }

  openPeer(task: Task, pty: Pty, flags: number): number {
    if (this.opener === undefined) throw EINVAL;
    return this.opener(task, pty, flags);
  }
}
