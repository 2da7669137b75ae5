/**
 * `fd:N`: descriptors that the kernel process has inherited; console 0 is on the standard streams. A terminal is raw while it
 * is in use: every key is the guest's. Files, pipes and sockets are used as they are.
 */
import { type Host, READY_IN, READY_OUT, type ReadyListener } from '../../../host/host.js';
import { EAGAIN, EBADF } from '../../../uapi/errno.js';
import { O_RDONLY, O_WRONLY } from '../../../uapi/fcntl.js';
import {
  CS8,
  CSIZE,
  ECHO,
  ECHONL,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNBRK,
  BRKINT,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IXON,
  OPOST,
  PARENB,
  PARMRK,
  TCGETS,
  TCSETS,
  TIOCGWINSZ,
  VMIN,
  VTIME,
  termios,
  winsize,
} from '../../../uapi/termios.js';
import { Channel, type ChannelEvents, type ChannelSize } from '../channel.js';

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
    this.makeRaw();
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

  private makeRaw(): void {
    const { files } = this.host;
    const bytes = new Uint8Array(termios.size);
    if (this.inFd < 0 || files.ioctl(this.inFd, TCGETS, bytes) !== 0) return;
    this.savedSettings = bytes;
    const settings = termios.decode(bytes);
    const cc = settings.c_cc.slice();
    cc[VMIN] = 1;
    cc[VTIME] = 0;
    const raw = termios.encode({
      ...settings,
      c_iflag: settings.c_iflag & ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
      c_oflag: settings.c_oflag & ~OPOST,
      c_lflag: settings.c_lflag & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
      c_cflag: (settings.c_cflag & ~(CSIZE | PARENB)) | CS8,
      c_cc: cc,
    });
    files.ioctl(this.inFd, TCSETS, raw);
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
