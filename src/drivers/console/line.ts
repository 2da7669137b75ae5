/** A line: a guest terminal joined to a host channel. The same code serves consoles (con) and serial lines (ssl). */
import { ByteRing } from '../../lib/byte-ring.js';
import type { HostClock } from '../../host/host.js';
import type { Task } from '../../kernel/task.js';
import type { TimerQueue, TimerTarget } from '../../kernel/timers.js';
import { WaitQueue } from '../../kernel/wait.js';
import type { Name } from '../../lib/names.js';
import { TtyPort } from '../tty/port.js';
import type { Tty } from '../tty/tty.js';
import type { Channel, ChannelEvents } from './channel.js';

/** Output that the host has not taken yet: enough to keep it busy while the writer is woken. Beyond it the guest's writers wait. */
const OUTPUT_LIMIT = 65536;

/** What is offered to the host at once. */
const FLUSH_CHUNK = 16384;
/** The kernel's log that finds no room is kept up to this size; beyond it dmesg(1) has what is not shown here. */
const LATE_LOG_LIMIT = 1 << 18;
/** login(1) and getty(8) close their terminal, hang it up, and open it again: that is no reason to lose who is there. */
const GRACE_NS = 1_500_000_000;

/** What a line needs of its machine. */
export interface LineSurroundings {
  readonly timers: TimerQueue;
  readonly clock: HostClock;
  /** The channel has chosen a device of the host: people want to know. */
  announce(device: Name): void;
}

export class Line extends TtyPort implements ChannelEvents, TimerTarget {
  /** Set once, right after the terminal has been made over this line. */
  tty!: Tty;
  /** The kernel's log is shown here: the line stays attached when the terminal is closed. */
  keepsOpen = false;
  private readonly output = new ByteRing(OUTPUT_LIMIT);
  private readonly chunk = new Uint8Array(4096);
  /** `waiting`: the channel is open, but nobody is on its other side yet. */
  private state: 'detached' | 'waiting' | 'attached' = 'detached';
  /** Opens that wait for somebody on the other side. */
  private openers = 0;
  private readonly ready = new WaitQueue();
  /** Lines of the kernel's log that found no room, in order with all other output. */
  private lateLog: Uint8Array[] = [];
  private lateLogSize = 0;

  constructor(
    private readonly channel: Channel,
    private readonly surroundings: LineSurroundings,
  ) {
    super();
  }

  private get isOpen(): boolean {
    return this.state === 'attached';
  }

  /** Somebody is on the other side. */
  get isAttached(): boolean {
    return this.isOpen;
  }

  /** Opens the channel, unless it is. May throw an Errno. */
  attach(): void {
    if (this.state !== 'detached') return;
    this.state = 'waiting';
    try {
      this.channel.open(this);
    } catch (error) {
      this.state = 'detached';
      throw error;
    }
    if (this.channel.device !== undefined) this.surroundings.announce(this.channel.device);
    if (this.channel.isConnected) this.connected();
  }

  connected(): void {
    if (this.state !== 'waiting') return;
    this.state = 'attached';
    this.tty.inputEnded = false;
    this.resized();
    this.channel.wantInput(true);
    this.ready.wake();
  }

  detach(): void {
    if (this.state === 'detached') return;
    if (this.isOpen) this.flush();
    this.forget();
  }

  private forget(): void {
    this.state = 'detached';
    this.output.clear();
    this.lateLog = [];
    this.lateLogSize = 0;
    this.channel.close();
  }

  override opening(task: Task): void | Promise<void> {
    this.attach();
    if (!this.isOpen) return this.untilConnected(task);
  }

  private async untilConnected(task: Task): Promise<void> {
    this.openers++;
    try {
      while (!this.isOpen) {
        await this.ready.sleep(task);
        this.attach();
      }
    } finally {
      if (--this.openers === 0 && !this.isOpen && !this.keepsOpen) this.detach();
    }
  }

  override closed(): void {
    const { timers, clock } = this.surroundings;
    if (!this.keepsOpen && this.state !== 'detached') timers.add(clock.now() + GRACE_NS, this);
  }

  expired(): void {
    if (!this.keepsOpen && this.tty.count === 0 && this.openers === 0) this.detach();
  }

  override sessionEnded(): void {
    this.expired();
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
    return this.lateLogSize + this.output.used;
  }

  /** Shows a line of the kernel's log, `text` without its end. */
  log(text: Uint8Array): void {
    if (!this.isOpen) return;
    // A terminal of the host is raw: it does not return the carriage by itself.
    const end = this.channel.isTerminal ? [13, 10] : [10];
    const line = Uint8Array.of(...text, ...end);
    const sent = this.lateLog.length > 0 ? 0 : this.send(line);
    if (sent === line.length || this.lateLogSize > LATE_LOG_LIMIT) return;
    this.lateLog.push(line.subarray(sent));
    this.lateLogSize += line.length - sent;
  }

  /** Somebody is sure to take what waits. */
  get mustDrain(): boolean {
    return this.channel.mustDrain;
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
      this.lateLogSize -= sent;
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
      const waiting = new Uint8Array(Math.min(this.output.used, FLUSH_CHUNK));
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

  /** The other side is gone. */
  private ended(): void {
    if (this.channel.endIsHangup) {
      this.forget();
      this.tty.hangup();
      return;
    }
    this.channel.wantInput(false);
    this.tty.inputEnded = true;
    this.tty.inputReady();
  }
}
