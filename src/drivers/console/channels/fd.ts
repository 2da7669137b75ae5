/**
 * `fd:N`: descriptors that the kernel process has inherited; console 0 is on the standard streams. A terminal is raw while it
 * is in use: every key is the guest's. Files, pipes and sockets are used as they are.
 */
import { type Host, READY_IN, READY_OUT, type ReadyListener } from '../../../host/host.js';
import { text } from '../../../lib/names.js';
import { EAGAIN, EBADF } from '../../../uapi/errno.js';
import { O_RDONLY, O_WRONLY } from '../../../uapi/fcntl.js';
import { TCSETS, TIOCGWINSZ, winsize } from '../../../uapi/termios.js';
import { BadChannel, Channel, type ChannelEvents, type ChannelSize, type ChannelType } from '../channel.js';
import { makeRaw } from './raw.js';

export class FdChannel extends Channel implements ReadyListener {
  private events: ChannelEvents | undefined;
  /** Our own open file descriptions where the host lets us have them: non-blocking without changing the user's. */
  private inFd = -1;
  private outFd = -1;
  private savedSettings: Uint8Array | undefined;
  private inputWanted = false;
  private outputWanted = false;
  private atEnd = false;

  constructor(
    private readonly host: Host,
    private readonly input: number,
    private readonly output: number,
  ) {
    super();
  }

  override open(events: ChannelEvents): void {
    this.events = events;
    const { files } = this.host;
    if (this.input >= 0) this.inFd = files.reopenNonBlocking(this.input, O_RDONLY);
    if (this.output >= 0) this.outFd = files.reopenNonBlocking(this.output, O_WRONLY);
    if (this.inFd < 0 && this.outFd < 0) throw EBADF;
    if (this.inFd >= 0) this.savedSettings = makeRaw(files, this.inFd);
  }

  override close(): void {
    const { files, events } = this.host;
    if (this.inFd >= 0) events.watch(this.inFd, 0, this);
    if (this.outFd >= 0) events.watch(this.outFd, 0, this);
    if (this.savedSettings !== undefined) files.ioctl(this.inFd, TCSETS, this.savedSettings);
    this.savedSettings = undefined;
    if (this.inFd >= 0) files.close(this.inFd);
    if (this.outFd >= 0) files.close(this.outFd);
    this.inFd = this.outFd = -1;
  }

  override read(into: Uint8Array): number {
    if (this.atEnd || this.inFd < 0) return -1;
    const count = this.host.files.read(this.inFd, into);
    if (count === -EAGAIN.number) return 0;
    if (count > 0) return count;
    this.atEnd = true;
    return -1;
  }

  override write(from: Uint8Array): number {
    if (this.outFd < 0) return from.length;
    const count = this.host.files.write(this.outFd, from);
    if (count >= 0) return count;
    // Nobody reads any more (EPIPE, EIO): output goes nowhere, the machine goes on.
    return count === -EAGAIN.number ? 0 : from.length;
  }

  override wantInput(wanted: boolean): void {
    this.inputWanted = wanted && !this.atEnd;
    this.watch();
  }

  override wantOutput(wanted: boolean): void {
    this.outputWanted = wanted;
    this.watch();
  }

  private watch(): void {
    const { events } = this.host;
    if (this.inFd >= 0) events.watch(this.inFd, this.inputWanted ? READY_IN : 0, this);
    if (this.outFd >= 0) events.watch(this.outFd, this.outputWanted ? READY_OUT : 0, this);
  }

  hostReady(fd: number, ready: number): void {
    if (fd === this.outFd && (ready & ~READY_IN) !== 0) this.events?.writable();
    if (fd === this.inFd && (ready & ~READY_OUT) !== 0) this.events?.readable();
  }

  override get isTerminal(): boolean {
    return this.savedSettings !== undefined;
  }

  /** A pipe's end is an end of file for the guest. */
  override get endIsHangup(): boolean {
    return false;
  }

  override get mustDrain(): boolean {
    return true;
  }

  override size(): ChannelSize | undefined {
    const bytes = new Uint8Array(winsize.size);
    for (const fd of [this.inFd, this.outFd]) {
      if (fd < 0 || this.host.files.ioctl(fd, TIOCGWINSZ, bytes) !== 0) continue;
      const size = winsize.decode(bytes);
      return { rows: size.ws_row, columns: size.ws_col };
    }
    return undefined;
  }
}

/** `fd:N`. */
export const fdChannel: ChannelType = {
  name: 'fd',
  parse(argument, { host }, { input, output }): Channel {
    if (!argument.startsWith(':'))
      throw new BadChannel("fd_init : channel type 'fd' must specify a file descriptor");
    const fd = argument.slice(1);
    if (!/^[0-9]+$/.test(fd)) throw new BadChannel(`fd_init : couldn't parse file descriptor '${text(fd)}'`);
    return new FdChannel(host, input ? Number(fd) : -1, output ? Number(fd) : -1);
  },
};
