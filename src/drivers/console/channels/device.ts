/** A channel that is one descriptor of the host: a terminal or a pseudo-terminal's master, raw while it is in use. */
import { type Host, READY_IN, READY_OUT, type ReadyListener } from '../../../host/host.js';
import type { Name } from '../../../lib/names.js';
import { EAGAIN } from '../../../uapi/errno.js';
import { TCSETS } from '../../../uapi/termios.js';
import { Channel, type ChannelEvents, type Directions } from '../channel.js';
import { makeRaw } from './raw.js';

/** An open device of the host: its descriptor is non-blocking. */
export interface OpenDevice {
  readonly fd: number;
  /** What a person attaches to, if that is to be announced. */
  readonly announced?: Name;
}

export class DeviceChannel extends Channel implements ReadyListener {
  private events: ChannelEvents | undefined;
  private open_: OpenDevice | undefined;
  private savedSettings: Uint8Array | undefined;
  private interest = 0;

  constructor(
    private readonly host: Host,
    private readonly directions: Directions,
    /** Opens the device; may throw an Errno. */
    private readonly opener: (host: Host) => OpenDevice,
  ) {
    super();
  }

  override open(events: ChannelEvents): void {
    this.events = events;
    this.open_ = this.opener(this.host);
    this.savedSettings = makeRaw(this.host.files, this.open_.fd);
  }

  override close(): void {
    if (this.open_ === undefined) return;
    const { fd } = this.open_;
    const { files, events } = this.host;
    this.interest = 0;
    events.watch(fd, 0, this);
    if (this.savedSettings !== undefined) files.ioctl(fd, TCSETS, this.savedSettings);
    files.close(fd);
    this.open_ = undefined;
  }

  override read(into: Uint8Array): number {
    if (this.open_ === undefined) return -1;
    if (!this.directions.input) {
      // What is typed on a terminal that is for output only goes nowhere.
      const count = this.host.files.read(this.open_.fd, into);
      return count === -EAGAIN.number || count > 0 ? 0 : -1;
    }
    const count = this.host.files.read(this.open_.fd, into);
    if (count === -EAGAIN.number) return 0;
    // EIO: the other side of a pseudo-terminal has been closed.
    return count > 0 ? count : -1;
  }

  override write(from: Uint8Array): number {
    if (this.open_ === undefined || !this.directions.output) return from.length;
    const count = this.host.files.write(this.open_.fd, from);
    if (count >= 0) return count;
    return count === -EAGAIN.number ? 0 : from.length;
  }

  override wantInput(wanted: boolean): void {
    this.watch(wanted ? this.interest | READY_IN : this.interest & ~READY_IN);
  }

  override wantOutput(wanted: boolean): void {
    this.watch(wanted ? this.interest | READY_OUT : this.interest & ~READY_OUT);
  }

  private watch(interest: number): void {
    if (this.open_ === undefined) return;
    this.interest = interest;
    this.host.events.watch(this.open_.fd, interest, this);
  }

  hostReady(_fd: number, ready: number): void {
    if ((this.interest & READY_OUT) !== 0 && (ready & ~READY_IN) !== 0) this.events?.writable();
    if ((this.interest & READY_IN) !== 0 && (ready & ~READY_OUT) !== 0) this.events?.readable();
  }

  override get isTerminal(): boolean {
    return true;
  }

  override get device(): Name | undefined {
    return this.open_?.announced;
  }
}
