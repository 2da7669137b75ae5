/** One connection to a console's port: bytes to and from a socket, through the telnet protocol if that is spoken. */
import { type Host, READY_IN, READY_OUT, type ReadyListener } from '../../host/host.js';
import { EAGAIN } from '../../uapi/errno.js';
import type { ChannelSize } from './channel.js';
import type { Telnet } from './telnet.js';

/** Told what a connection brings: the channel that has it, or the queue. */
export interface ConnectionOwner {
  readable(): void;
  writable(): void;
  resized(): void;
}

const CHUNK = 4096;
/** Answers that a client never takes: it asks and asks, and reads nothing. */
const REPLIES_LIMIT = 65536;

export class Connection implements ReadyListener {
  owner: ConnectionOwner | undefined;
  private interest = 0;
  /** Encoded, and not yet taken by the host. */
  private unsent: Uint8Array = new Uint8Array(0);
  private wantsOutput = false;
  private broken = false;

  constructor(
    private readonly host: Host,
    private readonly fd: number,
    private readonly telnet: Telnet | undefined,
  ) {
    this.sendReplies();
  }

  get size(): ChannelSize | undefined {
    return this.telnet?.size;
  }

  close(): void {
    this.host.events.watch(this.fd, 0, this);
    this.host.files.close(this.fd);
  }

  /** Bytes of data; 0 when there are none now, -1 at the end. */
  read(into: Uint8Array): number {
    if (this.broken) return -1;
    const count = this.host.files.read(this.fd, into);
    if (count === -EAGAIN.number) return 0;
    if (count <= 0) return -1;
    if (this.telnet === undefined) return count;
    const { size } = this.telnet;
    const data = this.telnet.receive(into.subarray(0, count));
    this.sendReplies();
    if (this.telnet.size !== size) this.owner?.resized();
    return data;
  }

  /** How many bytes were taken. */
  write(from: Uint8Array): number {
    this.flush();
    if (this.unsent.length > 0) return 0;
    const part = from.subarray(0, CHUNK);
    this.unsent = this.telnet === undefined ? part.slice() : this.telnet.send(part);
    this.flush();
    return part.length;
  }

  private sendReplies(): void {
    const replies = this.telnet?.takeReplies();
    if (replies === undefined || replies.length === 0) return;
    if (this.unsent.length > REPLIES_LIMIT) this.broken = true;
    else this.unsent = Uint8Array.of(...this.unsent, ...replies);
    this.flush();
  }

  private flush(): void {
    while (this.unsent.length > 0) {
      const count = this.host.files.write(this.fd, this.unsent);
      if (count === -EAGAIN.number) break;
      // Gone: the end of input tells, and output goes nowhere until then.
      this.unsent = count < 0 ? new Uint8Array(0) : this.unsent.subarray(count);
    }
    this.watch();
  }

  wantInput(wanted: boolean): void {
    this.interest = wanted ? READY_IN : 0;
    this.watch();
  }

  wantOutput(wanted: boolean): void {
    this.wantsOutput = wanted;
    this.watch();
  }

  private watch(): void {
    const output = this.wantsOutput || this.unsent.length > 0 ? READY_OUT : 0;
    this.host.events.watch(this.fd, this.interest | output, this);
  }

  hostReady(_fd: number, ready: number): void {
    if ((ready & ~READY_IN) !== 0) {
      this.flush();
      if (this.wantsOutput && this.unsent.length === 0) this.owner?.writable();
    }
    if ((ready & ~READY_OUT) !== 0 && this.interest !== 0) this.owner?.readable();
  }
}
