/** What both forms of a block map on disk need of their surroundings. */
import type { MetaBlocks } from './meta-blocks.js';
import type { Volume } from './volume.js';

/** A file's map as it is stored. Whole maps are read and written; blocks that come out the same stay clean. */
export interface MapStore {
  /** Blocks of the volume that the map itself takes. */
  readonly nodeCount: number;
  /** Makes room for the map as it is now: allocates and frees nodes. ENOSPC. */
  fit(): void;
  /** Writes the map into the inode's block area and the nodes. */
  store(area: Uint8Array): void;
}

export interface MapOwner {
  readonly volume: Volume;
  readonly meta: MetaBlocks;
  /** Where checksums of its blocks begin. */
  readonly seed: number;
  damaged(what: string): never;
  /** A block for the map. ENOSPC. */
  allocateNode(): number;
  freeNode(block: number): void;
}

/** Sets a block's bytes if they differ. */
export function replaceBytes(meta: MetaBlocks, number: number, bytes: Uint8Array): void {
  const block = meta.get(number);
  const old = block.bytes;
  let at = 0;
  while (at < old.length && old[at] === bytes[at]) at++;
  if (at === old.length) return;
  old.set(bytes);
  meta.changed(block);
}
