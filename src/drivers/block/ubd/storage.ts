/** What a ubd device keeps its sectors in, once it is open: one file of the host, or two. */
import type { HostFile } from './host-file.js';

export abstract class Storage {
  /** It can be written. */
  abstract readonly writable: boolean;
  abstract read(offset: number, into: Uint8Array): void;
  abstract write(offset: number, from: Uint8Array): void;
  abstract sync(): void;
  /** Gives space back. What is read of the range afterwards is zeros, or what was there. */
  abstract discard(offset: number, length: number): void;
  /** Makes the range zeros. Throws EOPNOTSUPP when the host cannot do it by itself. */
  abstract zero(offset: number, length: number): void;
  abstract close(): void;
  /** Another device has closed its files, which may be the same. */
  abstract lockAgain(): void;
}

/** A file that is the disk, byte by byte. */
export class PlainStorage extends Storage {
  constructor(
    private readonly file: HostFile,
    override readonly writable: boolean,
  ) {
    super();
  }

  override read(offset: number, into: Uint8Array): void {
    this.file.read(offset, into);
  }
  override write(offset: number, from: Uint8Array): void {
    this.file.write(offset, from);
  }
  override sync(): void {
    this.file.sync();
  }
  override discard(offset: number, length: number): void {
    this.file.punch(offset, length);
  }
  override zero(offset: number, length: number): void {
    this.file.zero(offset, length);
  }
  override close(): void {
    this.file.close();
  }
  override lockAgain(): void {
    this.file.lockAgain();
  }
}
