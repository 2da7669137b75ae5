/** A console channel: what a console or serial line is attached to on the host. One file each in channels/. */
import type { Host } from '../../host/host.js';
import type { Name } from '../../lib/names.js';
import type { PortServers } from './port-server.js';

/** Told by a channel what happens on the host. */
export interface ChannelEvents {
  /** Input is there: the line calls `read`. */
  readable(): void;
  /** Output can go on. */
  writable(): void;
  /** The window on the host has a new size. */
  resized(): void;
  /** Somebody is on the other side now, of a channel whose `open` had to wait for that. */
  connected(): void;
}

export interface ChannelSize {
  readonly rows: number;
  readonly columns: number;
}

export abstract class Channel {
  /** Attaches; may throw an Errno. Somebody may have yet to come: then `isConnected` is false until `connected` is called. */
  abstract open(events: ChannelEvents): void;
  abstract close(): void;
  /** Reads what is there: the number of bytes, 0 when there is nothing now, -1 at the end. */
  abstract read(into: Uint8Array): number;
  /** Writes what can be written at once; returns how many bytes. */
  abstract write(from: Uint8Array): number;
  /** Whether input is wanted: while not, `readable` is not called. */
  abstract wantInput(wanted: boolean): void;
  /** `writable` is called when output can go on. */
  abstract wantOutput(wanted: boolean): void;
  /** A terminal of the host, which is raw while the channel is open. */
  get isTerminal(): boolean {
    return false;
  }
  get isConnected(): boolean {
    return true;
  }
  /** What the end of input means: the terminal hangs up, or reads find an end of file. */
  get endIsHangup(): boolean {
    return true;
  }
  /** Somebody is sure to take all output: the machine waits for that at its end. */
  get mustDrain(): boolean {
    return false;
  }
  /** The device of the host, chosen at the open, that a person can attach to. */
  get device(): Name | undefined {
    return undefined;
  }
  size(): ChannelSize | undefined {
    return undefined;
  }
}

/** Which ways bytes go: both, or one of them in an `input,output` pair. */
export interface Directions {
  readonly input: boolean;
  readonly output: boolean;
}

/** What channels are made from. */
export interface ChannelContext {
  readonly host: Host;
  /** Listening sockets, which devices share. */
  readonly ports: PortServers;
}

/** A kind of channel. `argument` is what follows the name: ':9000' of port:9000. May throw a BadChannel. */
export interface ChannelType {
  readonly name: Name;
  parse(argument: Name, context: ChannelContext, directions: Directions): Channel;
}

/** The text that names a channel makes no sense: a line for the log. */
export class BadChannel {
  constructor(readonly message: string) {}
}
