/**
 * The receive queue of a unix stream socket: bytes in a ring, and above them a list of segments that says who sent which of
 * them and which files came with them. Neighbouring bytes of one sender without files are one segment: mostly, there is
 * one. Linux keeps a packet for each write instead; what shows of that is only where a receive stops.
 */
import { ByteRing } from '../../lib/byte-ring.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import { sameSender, type SenderCredentials } from '../scm.js';
import type { PassedFiles } from './in-flight.js';

export interface Segment {
  length: number;
  readonly sender: SenderCredentials | undefined;
  /** Gone once the first of its bytes have been received. */
  files: PassedFiles | undefined;
}

export class StreamQueue {
  private readonly ring = new ByteRing(0);
  private readonly segments: Segment[] = [];

  get used(): number {
    return this.ring.used;
  }

  get first(): Segment | undefined {
    return this.segments[0];
  }

  [Symbol.iterator](): IterableIterator<Segment> {
    return this.segments.values();
  }

  /**
   * Appends up to `count` bytes, with `files` attached. Returns how many: nothing when the source turns out to be
   * inaccessible.
   */
  put(from: IoBuffer, count: number, sender?: SenderCredentials, files?: PassedFiles): number {
    const { ring } = this;
    // The limit is the sender's, who has looked at it already.
    if (ring.free < count) ring.resize(ring.used + count);
    let done = 0;
    while (done < count) {
      const room = ring.back(count - done);
      const moved = from.get(room);
      if (moved < room.length) break;
      ring.grow(moved);
      done += moved;
    }
    if (done > 0) this.append(done, sender, files);
    return done;
  }

  private append(
    length: number,
    sender: SenderCredentials | undefined,
    files: PassedFiles | undefined,
  ): void {
    const last = this.segments.at(-1);
    if (
      last !== undefined &&
      files === undefined &&
      last.files === undefined &&
      sameSender(last.sender, sender)
    )
      last.length += length;
    else this.segments.push({ length, sender, files });
  }

  /** Moves bytes of the first segment out, and returns how many. Its files must have been taken first. */
  take(to: IoBuffer): number {
    const segment = this.segments[0];
    const { ring } = this;
    const count = Math.min(to.remaining, segment.length);
    let done = 0;
    while (done < count) {
      const piece = ring.front();
      const wanted = Math.min(piece.length, count - done);
      const moved = to.put(wanted < piece.length ? piece.subarray(0, wanted) : piece);
      ring.drop(moved);
      done += moved;
      if (moved < wanted) break;
    }
    segment.length -= done;
    if (segment.length === 0) this.segments.shift();
    return done;
  }

  /** Copies up to `count` bytes from a position out, without removing them. Returns how many. */
  peek(to: IoBuffer, at: number, count: number): number {
    const bytes = new Uint8Array(Math.min(count, this.used - at, to.remaining));
    this.ring.peek(bytes, at);
    return to.put(bytes);
  }

  clear(): void {
    this.ring.clear();
    this.segments.length = 0;
  }
}
