/** Guest physical memory: one sparse host file, mapped whole into the kernel. */

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Bytes covered by one of `PhysicalMemory.chunks`. */
export const CHUNK_SIZE = 0x1_0000_0000;
/** Frames covered by one chunk: frame >>> CHUNK_FRAME_SHIFT is the chunk's index. */
export const CHUNK_FRAME_SHIFT = 20;
export const CHUNK_FRAME_MASK = 0xf_ffff;

export interface PhysicalMemory {
  /** Bytes, a multiple of 4096. */
  readonly size: number;
  /**
   * Views over the whole of it, each at most CHUNK_SIZE long. Frame f lies in chunk f >>> CHUNK_FRAME_SHIFT at byte
   * (f & CHUNK_FRAME_MASK) * PAGE_SIZE.
   */
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  /** Gives the host back the memory behind whole pages; they read as zeros afterwards. */
  discard(offset: number, length: number): void;
}
