/** Guest physical memory in an ordinary array, for tests. */
import { CHUNK_SIZE, type PhysicalMemory } from '../memory.js';

export class FakeMemory implements PhysicalMemory {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  /** Bytes given back so far. */
  discarded = 0;

  constructor(readonly size: number) {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < size; at += CHUNK_SIZE)
      chunks.push(new Uint8Array(Math.min(CHUNK_SIZE, size - at)));
    this.chunks = chunks;
  }

  discard(offset: number, length: number): void {
    this.discarded += length;
    const chunk = Math.floor(offset / CHUNK_SIZE);
    const start = offset - chunk * CHUNK_SIZE;
    this.chunks[chunk].fill(0, start, start + length);
  }
}
