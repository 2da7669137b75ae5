/**
 * Where the bytes of a read go and those of a write come from: user memory (one range or a vector) or kernel memory. It
 * keeps a cursor. A user range may turn out to be inaccessible half-way: then `put` and `get` move less than asked, and
 * `fault` is set; the caller returns what it has moved, or EFAULT when that is nothing (`moved === 0`).
 */
export abstract class IoBuffer {
  /** Bytes moved so far. */
  moved = 0;
  /** A user address could not be accessed. */
  fault = false;

  constructor(
    /** Bytes still wanted. */
    public remaining: number,
  ) {}

  /** Moves bytes out of the kernel. Returns how many: all, or up to `remaining`, or fewer at a fault. */
  abstract put(from: Uint8Array): number;
  /** Moves bytes into the kernel. Returns how many. */
  abstract get(into: Uint8Array): number;
  /** Puts `count` zeros. */
  putZeros(count: number): number {
    const zeros = new Uint8Array(Math.min(count, 4096));
    let done = 0;
    while (done < count) {
      const step = this.put(count - done < zeros.length ? zeros.subarray(0, count - done) : zeros);
      done += step;
      if (step === 0) break;
    }
    return done;
  }
}

/** An IoBuffer over the kernel's own bytes. */
export class KernelBuffer extends IoBuffer {
  constructor(private readonly bytes: Uint8Array) {
    super(bytes.length);
  }

  override put(from: Uint8Array): number {
    const count = Math.min(from.length, this.remaining);
    this.bytes.set(count === from.length ? from : from.subarray(0, count), this.moved);
    this.moved += count;
    this.remaining -= count;
    return count;
  }

  override get(into: Uint8Array): number {
    const count = Math.min(into.length, this.remaining);
    into.set(this.bytes.subarray(this.moved, this.moved + count));
    this.moved += count;
    this.remaining -= count;
    return count;
  }
}
