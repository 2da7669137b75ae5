/** `null`: input never comes, output vanishes. */
import { Channel, type ChannelType } from '../channel.js';

class NullChannel extends Channel {
  override open(): void {}
  override close(): void {}
  override read(): number {
    return 0;
  }
  override write(from: Uint8Array): number {
    return from.length;
  }
  override wantInput(): void {}
  override wantOutput(): void {}
}

export const nullChannel: ChannelType = { name: 'null', parse: () => new NullChannel() };
