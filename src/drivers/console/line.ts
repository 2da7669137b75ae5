/** A line: a guest terminal joined to a host channel. The same code serves consoles (con) and serial lines (ssl). */
import { ByteRing } from '../../lib/byte-ring.js';
import { TtyPort } from '../tty/port.js';
import type { Tty } from '../tty/tty.js';
import type { Channel, ChannelEvents } from './channel.js';

/** Output that the host has not taken yet: a screenful. Beyond it the guest's writers wait. */
const OUTPUT_LIMIT = 16384;

export class Line extends TtyPort implements ChannelEvents {
  /** Set once, right after the terminal has been made over this line. */
  tty!: Tty;
  private readonly output = new ByteRing(OUTPUT_LIMIT);
  private readonly chunk = new Uint8Array(4096);
  private isOpen = false;
  /** Lines of the kernel's log that found no room: never lost, and in order with all other output. */
  private readonly lateLog: Uint8Array[] = [];

  constructor(private readonly channel: Channel) {
    super();
  }

  /** Attaches the channel. The console's line stays open; others follow their terminal's opens and closes. */
  attach(): void {
    if (this.isOpen) return;
    this.channel.open(this);
    this.isOpen = true;
    this.resized();
    this.channel.wantInput(true);
  }

  detach(): void {
    if (!this.isOpen) return;
    this.flush();
    this.isOpen = false;
    this.channel.close();
  }

  override write(bytes: Uint8Array): number {
    if (!this.isOpen) return bytes.length;
    if (this.lateLog.length > 0) return 0;
    return this.send(bytes);
  }

  private send(bytes: Uint8Array): number {
    if (this.output.used === 0) {
      const sent = this.channel.write(bytes);
      if (sent === bytes.length) return sent;
      const kept = this.output.put(bytes.subarray(sent));
      this.channel.wantOutput(true);
      return sent + kept;
    }
    return this.output.put(bytes);
  }

  override room(): number {
    return this.lateLog.length > 0 ? 0 : this.output.free;
  }

  override pending(): number {
    return this.lateLog.reduce((sum, { length }) => sum + length, this.output.used);
  }

  /** Shows a line of the kernel's log, `text` without its end. */
  log(text: Uint8Array): void {
    if (!this.isOpen) return;
    // A terminal of the host is raw: it does not return the carriage by itself.
    const end = this.channel.isTerminal ? [13, 10] : [10];
    const line = Uint8Array.of(...text, ...end);
    const sent = this.lateLog.length > 0 ? 0 : this.send(line);
    if (sent < line.length) this.lateLog.push(line.subarray(sent));
  }

  /** Whether output can still get out: nothing waits, or someone may take it. */
  get drained(): boolean {
    return !this.isOpen || this.pending() === 0;
  }

  override flushOutput(): void {
    this.output.clear();
  }

  override inputRoom(): void {
    if (this.isOpen) this.channel.wantInput(this.tty.inputCapacity > 0);
  }

  writable(): void {
    this.flush();
    while (this.lateLog.length > 0) {
      const line = this.lateLog[0];
      const sent = this.send(line);
      if (sent < line.length) {
        this.lateLog[0] = line.subarray(sent);
        return;
      }
      this.lateLog.shift();
    }
    if (this.output.used === 0) this.channel.wantOutput(false);
    this.tty.outputReady();
  }

  private flush(): void {
    while (this.output.used > 0) {
      const waiting = new Uint8Array(Math.min(this.output.used, 4096));
      this.output.peek(waiting);
      const sent = this.channel.write(waiting);
      this.output.drop(sent);
      if (sent < waiting.length) return;
    }
  }

  readable(): void {
    const room = this.tty.inputCapacity;
    if (room <= 0) {
      this.channel.wantInput(false);
      return;
    }
    const count = this.channel.read(room < this.chunk.length ? this.chunk.subarray(0, room) : this.chunk);
    if (count < 0) this.ended();
    else if (count > 0) this.tty.receive(this.chunk.subarray(0, count));
  }

  resized(): void {
    const size = this.channel.size();
    if (size !== undefined) this.tty.setWindowSize({ ...size, xPixels: 0, yPixels: 0 });
  }

  ended(): void {
    this.channel.wantInput(false);
    this.tty.inputEnded = true;
    this.tty.inputReady();
  }
}
