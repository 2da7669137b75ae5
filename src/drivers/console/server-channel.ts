/** A channel to whoever connects to a listening socket: `port:N` and `unix:PATH`. */
import { Channel, type ChannelEvents, type ChannelSize, type Directions } from './channel.js';
import type { Connection } from './connection.js';
import type { PortClient, PortServer } from './port-server.js';

export class ServerChannel extends Channel implements PortClient {
  private events: ChannelEvents | undefined;
  private connection: Connection | undefined;

  constructor(
    private readonly server: PortServer,
    private readonly directions: Directions,
  ) {
    super();
  }

  override open(events: ChannelEvents): void {
    this.events = events;
    this.server.await(this);
  }

  connect(connection: Connection): void {
    this.connection = connection;
    const { events } = this;
    if (events === undefined) return;
    connection.owner = events;
    events.connected();
  }

  override close(): void {
    this.server.cancel(this);
    this.connection?.close();
    this.connection = undefined;
  }

  override read(into: Uint8Array): number {
    const count = this.connection?.read(into) ?? -1;
    return count > 0 && !this.directions.input ? 0 : count;
  }

  override write(from: Uint8Array): number {
    if (!this.directions.output) return from.length;
    return this.connection?.write(from) ?? from.length;
  }

  override wantInput(wanted: boolean): void {
    this.connection?.wantInput(wanted);
  }

  override wantOutput(wanted: boolean): void {
    this.connection?.wantOutput(wanted);
  }

  override get isConnected(): boolean {
    return this.connection !== undefined;
  }

  override get isTerminal(): boolean {
    return true;
  }

  override size(): ChannelSize | undefined {
    return this.connection?.size;
  }
}
