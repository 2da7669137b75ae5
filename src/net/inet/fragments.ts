/** Putting fragments together: RFC 791, RFC 8200, RFC 5722 (fragments that overlap lose the whole packet). */
import type { TimerTarget } from '../../kernel/timers.js';
import type { Net } from '../net.js';

/** net.ipv4.ipfrag_time, net.ipv4.ipfrag_high_thresh. */
const LIFETIME = 30_000_000_000;
const MEMORY_MAX = 4 << 20;
const PACKET_MAX = 65_535;

interface Fragment {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** The fragments of one packet. */
class Pieces implements TimerTarget {
  /** In order of their offsets. */
  readonly fragments: Fragment[] = [];
  received = 0;
  /** Known once the last has come. */
  length: number | undefined;
  timer = 0;

  constructor(
    readonly owner: Reassembly,
    readonly key: string,
  ) {}

  expired(): void {
    this.timer = 0;
    this.owner.forget(this);
  }
}

export class Reassembly {
  private readonly packets = new Map<string, Pieces>();
  private memory = 0;

  constructor(private readonly net: Net) {}

  /** Adds a fragment; the whole when it is complete. */
  add(key: string, data: Uint8Array, offset: number, more: boolean): Uint8Array | undefined {
    const pieces = this.packets.get(key) ?? this.begin(key);
    if (!this.insert(pieces, data, offset, more)) {
      this.forget(pieces);
      return undefined;
    }
    this.memory += data.length;
    if (pieces.received !== pieces.length) {
      this.makeRoom();
      return undefined;
    }
    const whole = new Uint8Array(pieces.received);
    for (const fragment of pieces.fragments) whole.set(fragment.data, fragment.offset);
    this.forget(pieces);
    return whole;
  }

  private begin(key: string): Pieces {
    const pieces = new Pieces(this, key);
    const { timers, clock } = this.net.kernel.scheduler;
    pieces.timer = timers.add(clock.now() + LIFETIME, pieces);
    this.packets.set(key, pieces);
    return pieces;
  }

  /** False when it does not fit what is there. */
  private insert(pieces: Pieces, data: Uint8Array, offset: number, more: boolean): boolean {
    const end = offset + data.length;
    const { fragments } = pieces;
    // All but the last are multiples of 8 bytes.
    if (end > PACKET_MAX || data.length === 0 || (more && (data.length & 7) !== 0)) return false;
    if (!more && pieces.length !== undefined && pieces.length !== end) return false;
    if (!more) pieces.length = end;
    if (pieces.length !== undefined && end > pieces.length) return false;
    let at = fragments.findIndex((fragment) => fragment.offset >= offset);
    if (at < 0) at = fragments.length;
    const before = fragments[at - 1];
    const after = fragments[at];
    if (before !== undefined && before.offset + before.data.length > offset) return false;
    if (after !== undefined && after.offset < end) return false;
    // The packet that brought it is not kept.
    fragments.splice(at, 0, { offset, data: data.slice() });
    pieces.received += data.length;
    return true;
  }

  /** The oldest go when there are too many. */
  private makeRoom(): void {
    for (const pieces of this.packets.values()) {
      if (this.memory <= MEMORY_MAX) return;
      this.forget(pieces);
    }
  }

  forget(pieces: Pieces): void {
    if (!this.packets.delete(pieces.key)) return;
    this.memory -= pieces.received;
    if (pieces.timer !== 0) this.net.kernel.scheduler.timers.cancel(pieces.timer);
  }
}
