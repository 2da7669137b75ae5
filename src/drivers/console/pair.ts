/** `input,output`: two channels as one. */
import { Channel, type ChannelEvents, type ChannelSize } from './channel.js';

export class PairChannel extends Channel implements ChannelEvents {
  private events: ChannelEvents | undefined;
  private told = false;

  constructor(
    private readonly input: Channel,
    private readonly output: Channel,
  ) {
    super();
  }

  override open(events: ChannelEvents): void {
    this.events = events;
    this.input.open(this);
    try {
      this.output.open(this);
    } catch (error) {
      this.input.close();
      throw error;
    }
    this.told = this.isConnected;
  }

  override close(): void {
    this.input.close();
    this.output.close();
  }

  override read(into: Uint8Array): number {
    return this.input.read(into);
  }

  override write(from: Uint8Array): number {
    return this.output.write(from);
  }

  override wantInput(wanted: boolean): void {
    this.input.wantInput(wanted);
  }

  override wantOutput(wanted: boolean): void {
    this.output.wantOutput(wanted);
  }

  override get isTerminal(): boolean {
    return this.input.isTerminal || this.output.isTerminal;
  }

  override get isConnected(): boolean {
    return this.input.isConnected && this.output.isConnected;
  }

  override get endIsHangup(): boolean {
    return this.input.endIsHangup;
  }

  override get mustDrain(): boolean {
    return this.output.mustDrain;
  }

  override get device(): string | undefined {
    const devices = [this.input.device, this.output.device].filter((device) => device !== undefined);
    return devices.length === 0 ? undefined : devices.join(',');
  }

  override size(): ChannelSize | undefined {
    return this.output.size() ?? this.input.size();
  }

  readable(): void {
    this.events?.readable();
  }

  writable(): void {
    this.events?.writable();
  }

  resized(): void {
    this.events?.resized();
  }

  connected(): void {
    if (this.told || !this.isConnected) return;
    this.told = true;
    this.events?.connected();
  }
}
