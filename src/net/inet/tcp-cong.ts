/** How much may be under way: slow start, congestion avoidance, fast recovery. RFC 5681, RFC 6582 (NewReno), RFC 6928. */

const INITIAL_SEGMENTS = 10;

export class Congestion {
  /** In bytes. */
  window: number;
  threshold = Infinity;
  /** Until this sequence number has been acknowledged it recovers from a loss. */
  recoverAt: number | undefined;

  constructor(private mss: number) {
    this.window = INITIAL_SEGMENTS * mss;
  }

  /** The segment size is known only after the handshake. */
  begin(mss: number): void {
    this.mss = mss;
    this.window = INITIAL_SEGMENTS * mss;
  }

  /** New data have been acknowledged, outside of a recovery. `limited`: the window was in use. */
  acknowledged(bytes: number, limited: boolean): void {
    if (!limited) return;
    if (this.window < this.threshold) this.window += Math.min(bytes, 2 * this.mss);
    else this.window += Math.max(1, Math.floor((this.mss * Math.min(bytes, this.mss)) / this.window));
  }

  /** Three acknowledgements of the same: a segment is lost, later ones have arrived. */
  lost(inFlight: number, recoverAt: number): void {
    this.threshold = Math.max(inFlight / 2, 2 * this.mss);
    this.window = this.threshold + 3 * this.mss;
    this.recoverAt = recoverAt;
  }

  /** Another duplicate: another segment has left the network. */
  duplicate(): void {
    this.window += this.mss;
  }

  /** Part of what was under way when the loss was noticed has been acknowledged: the next is lost too. */
  partial(bytes: number): void {
    this.window = Math.max(this.mss, this.window - bytes + this.mss);
  }

  recovered(inFlight: number): void {
    this.window = Math.min(this.threshold, Math.max(inFlight, this.mss) + this.mss);
    this.recoverAt = undefined;
  }

  /** Nothing has come back in time. */
  timedOut(inFlight: number, first: boolean): void {
    if (first) this.threshold = Math.max(inFlight / 2, 2 * this.mss);
    this.window = this.mss;
    this.recoverAt = undefined;
  }

  /** Nothing has been sent for longer than a time-out: what was known of the way is old. */
  idle(): void {
    this.window = Math.min(this.window, INITIAL_SEGMENTS * this.mss);
  }
}
