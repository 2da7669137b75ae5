/**
 * The blocks of metadata in memory. Changes are made here, block by block, and collected: `transaction.ts` writes them out.
 * Blocks are let go of only between operations, so that whoever changes one has the only copy.
 */
import type { Disk } from '../../block/device.js';

/** Clean blocks are let go of beyond this many bytes. */
const MOST_BYTES = 64 * 1024 * 1024;

export class MetaBlock {
  readonly view: DataView;
  /** It has changed since the last commit. */
  dirty = false;
  /** It is in the journal, and newer there than in its place. */
  journalled = false;

  constructor(
    readonly number: number,
    readonly bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

export class MetaBlocks {
  readonly dirty = new Set<MetaBlock>();
  private readonly blocks = new Map<number, MetaBlock>();

  constructor(
    private readonly disk: Disk,
    readonly blockSize: number,
  ) {}

  /** The block, read if need be. `verify` sees it when it comes from the disk, and throws if it is damaged. EIO. */
  get(number: number, verify?: (block: MetaBlock) => void): MetaBlock {
    let block = this.blocks.get(number);
    if (block !== undefined) return block;
    block = new MetaBlock(number, new Uint8Array(this.blockSize));
    this.disk.read(number * this.blockSize, block.bytes);
    verify?.(block);
    this.blocks.set(number, block);
    return block;
  }

  /** A block that has just been allocated: zeros, whatever the disk has there. */
  fresh(number: number): MetaBlock {
    let block = this.blocks.get(number);
    if (block === undefined) {
      block = new MetaBlock(number, new Uint8Array(this.blockSize));
      this.blocks.set(number, block);
    } else block.bytes.fill(0);
    this.changed(block);
    return block;
  }

  /** The caller is about to change the block, or has. */
  changed(block: MetaBlock): void {
    if (block.dirty) return;
    block.dirty = true;
    this.dirty.add(block);
  }

  /** The block is metadata no more. True if the journal has it, so that a replay would bring it back. */
  forget(number: number): boolean {
    const block = this.blocks.get(number);
    if (block === undefined) return false;
    this.blocks.delete(number);
    this.dirty.delete(block);
    block.dirty = false;
    const { journalled } = block;
    block.journalled = false;
    return journalled;
  }

  /** Writes a block to its place. */
  writeInPlace(block: MetaBlock): void {
    const offset = block.number * this.blockSize;
    this.disk.write(offset, block.bytes);
    this.disk.pages.invalidate(offset, offset + this.blockSize);
    block.journalled = false;
  }

  /** No operation is under way: clean blocks may go. */
  trim(): void {
    if (this.blocks.size * this.blockSize <= MOST_BYTES) return;
    for (const [number, block] of this.blocks)
      if (!block.dirty && !block.journalled) this.blocks.delete(number);
  }

  /** Everything is forgotten: the disk has changed behind it. */
  clear(): void {
    this.blocks.clear();
    this.dirty.clear();
  }
}
