/** A console channel: what a console or serial line is attached to on the host. One file each in channels/. */

/** Told by a channel what happens on the host. */
export interface ChannelEvents {
  /** Input is there: the line calls `read`. */
  readable(): void;
  /** Output can go on. */
  writable(): void;
  /** The window on the host has a new size. */
  resized(): void;
  /** The other side is gone for good (a pipe's end) or hung up (a terminal). */
  ended(): void;
}

export interface ChannelSize {
  readonly rows: number;
  readonly columns: number;
}

export abstract class Channel {
  /** Attaches; may throw an Errno. */
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
  size(): ChannelSize | undefined {
    return undefined;
  }
}
