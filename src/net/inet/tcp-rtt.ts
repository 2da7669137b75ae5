/** How long an answer takes, and when to send again without one: RFC 6298. Times are in nanoseconds. */

const INITIAL = 1_000_000_000;
/** TCP_RTO_MIN, TCP_RTO_MAX */
const MIN = 200_000_000;
const MAX = 120_000_000_000;

export class RoundTrip {
  /** Smoothed round-trip time and its variation; 0 before the first measurement. */
  smoothed = 0;
  variation = 0;
  /** How often the time-out has been doubled since an answer came. */
  backoff = 0;
  private base = INITIAL;

  measured(time: number): void {
    if (this.smoothed === 0) {
      this.smoothed = Math.max(time, 1);
      this.variation = time / 2;
    } else {
      this.variation += (Math.abs(this.smoothed - time) - this.variation) / 4;
      this.smoothed += (time - this.smoothed) / 8;
    }
    this.base = this.smoothed + Math.max(MIN, 4 * this.variation);
    this.backoff = 0;
  }

  /** The time-out as it is now. */
  get timeout(): number {
    return Math.min(MAX, Math.max(MIN, this.base) * 2 ** this.backoff);
  }

  get maximum(): number {
    return MAX;
  }
}
