/** Data that have arrived before what precedes them. */
import { advance, ahead, isAfter, isBefore } from './tcp-sequence.js';

interface Piece {
  seq: number;
  data: Uint8Array;
}

export class OutOfOrder {
  /** In order, without overlaps. */
  private readonly pieces: Piece[] = [];
  /** Where the piece that came last begins: SACK tells of its block first. */
  private latest = 0;

  get empty(): boolean {
    return this.pieces.length === 0;
  }

  /** Keeps a copy of what is new of it. */
  add(seq: number, data: Uint8Array): void {
    this.latest = seq;
    let from = seq;
    let rest = data;
    for (let index = 0; rest.length > 0; index++) {
      const piece = this.pieces[index] as Piece | undefined;
      const room =
        piece === undefined ? rest.length : Math.min(rest.length, Math.max(0, ahead(piece.seq, from)));
      if (room > 0) {
        this.pieces.splice(index, 0, { seq: from, data: rest.slice(0, room) });
        index++;
      }
      if (piece === undefined) return;
      // Past what is there already.
      const skip = Math.max(0, ahead(advance(piece.seq, piece.data.length), from));
      from = advance(from, Math.max(room, skip));
      rest = data.subarray(ahead(from, seq));
    }
  }

  /** Takes the data that begin at or before `next`: the part from there on. Undefined when there is a gap still. */
  take(next: number): Uint8Array | undefined {
    for (;;) {
      const first = this.pieces[0] as Piece | undefined;
      if (first === undefined || isAfter(first.seq, next)) return undefined;
      this.pieces.shift();
      const skip = ahead(next, first.seq);
      if (skip < first.data.length) return first.data.subarray(skip);
    }
  }

  /** Blocks for SACK: the one with the latest piece first. */
  blocks(): [from: number, to: number][] {
    const blocks: [number, number][] = [];
    for (const { seq, data } of this.pieces) {
      const end = advance(seq, data.length);
      const last = blocks.at(-1);
      if (last !== undefined && last[1] === seq) last[1] = end;
      else blocks.push([seq, end]);
    }
    const newest = blocks.findIndex(
      ([from, to]) => !isBefore(this.latest, from) && isBefore(this.latest, to),
    );
    if (newest > 0) blocks.unshift(...blocks.splice(newest, 1));
    return blocks;
  }

  clear(): void {
    this.pieces.length = 0;
  }
}
