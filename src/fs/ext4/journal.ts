/**
 * The journal of ext3 and ext4: JBD2, big-endian. A commit writes copies of all changed blocks here; they go to their
 * places later, when there is need of room, and at the end. Data is in its place before the commit that makes it visible.
 */
import type { Disk } from '../../block/device.js';
import type { TimeSpec } from '../../host/host.js';
import { crc32c } from '../../lib/crc32c.js';
import { be32, bytes, struct, u8 } from '../../lib/struct.js';
import { EINVAL, EUCLEAN } from '../../uapi/errno.js';
import type { Run } from './block-map.js';
import { INCOMPAT_64BIT } from './layout.js';
import type { MetaBlock, MetaBlocks } from './meta-blocks.js';
import type { Volume } from './volume.js';

const JBD2_MAGIC = 0xc03b_3998;
const DESCRIPTOR = 1;
const COMMIT = 2;
const SUPER_V2 = 4;
const REVOKE = 5;
const FEATURE_REVOKE = 1;
const FEATURE_64BIT = 2;
const FEATURE_ASYNC_COMMIT = 4;
const FEATURE_CSUM_V2 = 8;
const FEATURE_CSUM_V3 = 0x10;
const KNOWN = FEATURE_REVOKE | FEATURE_64BIT | FEATURE_ASYNC_COMMIT | FEATURE_CSUM_V2 | FEATURE_CSUM_V3;
const TAG_ESCAPE = 1;
const TAG_SAME_UUID = 2;
const TAG_LAST = 8;
const HEADER = 12;
const TAIL = 4;
const CRC32C_TYPE = 4;
const SUPER_BYTES = 1024;
const TWO32 = 2 ** 32;

const journal_superblock = struct({
  h_magic: be32,
  h_blocktype: be32,
  h_sequence: be32,
  s_blocksize: be32,
  s_maxlen: be32,
  s_first: be32,
  s_sequence: be32,
  s_start: be32,
  s_errno: be32,
  s_feature_compat: be32,
  s_feature_incompat: be32,
  s_feature_ro_compat: be32,
  s_uuid: bytes(16),
  s_nr_users: be32,
  s_dynsuper: be32,
  s_max_transaction: be32,
  s_max_trans_data: be32,
  s_checksum_type: u8,
  s_padding: bytes(171),
  s_checksum: be32,
});
const { field, offset } = journal_superblock;

interface Tag {
  readonly block: number;
  readonly flags: number;
  readonly checksum: number;
  /** Where the copy is. */
  readonly copy: number;
  readonly sequence: number;
}

export class Journal {
  private readonly superBytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;
  private readonly blockSize: number;
  private readonly first: number;
  private readonly end: number;
  private features: number;
  private seed: number;
  /** The next transaction: its number and first block; and how many blocks those that are still needed take. */
  private sequence: number;
  private head: number;
  private used = 0;
  private readonly pending = new Set<MetaBlock>();
  private readonly revoked = new Set<number>();

  constructor(
    private readonly disk: Disk,
    private readonly volume: Volume,
    private readonly runs: readonly Run[],
    private readonly log: (level: number, text: string) => void,
  ) {
    this.blockSize = volume.blockSize;
    this.superBytes = this.read(0).slice(0, SUPER_BYTES);
    this.view = new DataView(this.superBytes.buffer);
    const { view } = this;
    const get = journal_superblock.read(view, 0);
    if (get.h_magic !== JBD2_MAGIC || (get.h_blocktype !== SUPER_V2 && get.h_blocktype !== 3))
      this.refuse('no journal found');
    this.features = get.h_blocktype === SUPER_V2 ? get.s_feature_incompat : 0;
    if (get.s_blocksize !== this.blockSize || (this.features & ~KNOWN) !== 0)
      this.refuse('journal has features or a block size that are not known');
    this.first = get.s_first;
    this.end = get.s_maxlen;
    if (this.first < 1 || this.end <= this.first + 8 || this.end > this.total)
      this.refuse('journal too short');
    if (this.hasChecksums && get.s_checksum !== this.superChecksum()) this.refuse('journal checksum error');
    this.seed = crc32c(0xffff_ffff, get.s_uuid);
    this.sequence = get.s_sequence;
    this.head = this.first;
  }

  private refuse(why: string): never {
    this.log(3, why);
    throw EINVAL;
  }
  private get total(): number {
    const last = this.runs.at(-1);
    return last === undefined ? 0 : last.logical + last.count;
  }
  get size(): number {
    return this.end;
  }
  /** Blocks of copies that fit into it. */
  get capacity(): number {
    return this.end - this.first;
  }
  private get hasChecksums(): boolean {
    return (this.features & (FEATURE_CSUM_V2 | FEATURE_CSUM_V3)) !== 0;
  }
  private get tagSize(): number {
    if ((this.features & FEATURE_CSUM_V3) !== 0) return 16;
    const size = (this.features & FEATURE_CSUM_V2) !== 0 ? 14 : 12;
    return (this.features & FEATURE_64BIT) !== 0 ? size : size - 4;
  }
  private get tailSize(): number {
    return this.hasChecksums ? TAIL : 0;
  }

  private physical(logical: number): number {
    const run = this.runs.find((one) => one.logical <= logical && logical < one.logical + one.count);
    if (run === undefined) throw EUCLEAN;
    return run.physical + logical - run.logical;
  }
  private read(logical: number): Uint8Array<ArrayBuffer> {
    const into = new Uint8Array(this.blockSize);
    this.disk.read(this.physical(logical) * this.blockSize, into);
    return into;
  }
  private next(logical: number, count = 1): number {
    const at = logical + count;
    return at < this.end ? at : at - this.end + this.first;
  }

  private superChecksum(): number {
    const copy = this.superBytes.slice();
    new DataView(copy.buffer).setUint32(offset.s_checksum, 0);
    return crc32c(0xffff_ffff, copy);
  }
  private writeSuper(start: number): void {
    field.s_sequence.set(this.view, 0, this.sequence >>> 0);
    field.s_start.set(this.view, 0, start);
    if (this.hasChecksums) field.s_checksum.set(this.view, 0, this.superChecksum());
    this.disk.write(this.physical(0) * this.blockSize, this.superBytes);
  }

  /** A checksum over a block with the word that holds it left out. */
  private blockChecksum(block: Uint8Array<ArrayBuffer>, at: number): number {
    const copy = block.slice();
    copy.fill(0, at, at + 4);
    return crc32c(this.seed, copy);
  }
  private dataChecksum(sequence: number, data: Uint8Array): number {
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, sequence);
    return crc32c(crc32c(this.seed, word), data);
  }

  // Recovery.

  /** Copies blocks of all complete transactions to their places. Linux's recovery.c. */
  recover(): void {
    const start = field.s_start.get(this.view, 0);
    if (start === 0) return;
    if (start < this.first || start >= this.end) this.refuse('bad start of journal');
    const { tags, revokes, sequence } = this.scan(start);
    let replayed = 0;
    for (const tag of tags) {
      const revoke = revokes.get(tag.block);
      if (revoke !== undefined && revoke >= tag.sequence) continue;
      if (this.replay(tag)) replayed++;
    }
    this.log(6, `JBD2: recovery: ${replayed} blocks replayed`);
    this.sequence = sequence + 1;
    this.writeSuper(0);
    this.disk.pages.invalidate(0, Infinity);
  }

  private scan(start: number): { tags: Tag[]; revokes: Map<number, number>; sequence: number } {
    const tags: Tag[] = [];
    const revokes = new Map<number, number>();
    let { sequence } = this;
    let found: Tag[] = [];
    let revoked: number[] = [];
    let at = start;
    for (let visited = 0; visited < this.capacity;) {
      const block = this.read(at);
      const view = new DataView(block.buffer);
      if (view.getUint32(0) !== JBD2_MAGIC || view.getUint32(8) !== sequence >>> 0) break;
      const type = view.getUint32(4);
      visited++;
      at = this.next(at);
      if (type === DESCRIPTOR) {
        if (!this.tailIsGood(block, view)) break;
        const count = this.readTags(view, at, sequence, found);
        visited += count;
        at = this.next(at, count % this.capacity);
      } else if (type === REVOKE) {
        if (!this.tailIsGood(block, view)) break;
        revoked.push(...this.readRevokes(view));
      } else if (type === COMMIT) {
        if (this.hasChecksums && view.getUint32(16) !== this.blockChecksum(block, 16)) break;
        tags.push(...found);
        for (const number of revoked) revokes.set(number, sequence);
        found = [];
        revoked = [];
        sequence++;
      } else break;
    }
    return { tags, revokes, sequence };
  }

  private tailIsGood(block: Uint8Array<ArrayBuffer>, view: DataView): boolean {
    const at = block.length - TAIL;
    return !this.hasChecksums || view.getUint32(at) === this.blockChecksum(block, at);
  }

  /** Reads the tags of a descriptor, whose copies begin at `from`; returns how many. */
  private readTags(view: DataView, from: number, sequence: number, into: Tag[]): number {
    const { tagSize } = this;
    const end = this.blockSize - this.tailSize;
    const isV3 = (this.features & FEATURE_CSUM_V3) !== 0;
    let count = 0;
    for (let at = HEADER; at + tagSize <= end;) {
      const flags = isV3 ? view.getUint32(at + 4) : view.getUint16(at + 6);
      const high = (this.features & FEATURE_64BIT) !== 0 ? view.getUint32(at + 8) : 0;
      const checksum = isV3 ? view.getUint32(at + 12) : view.getUint16(at + 4);
      const copy = this.next(from, count % this.capacity);
      into.push({ block: view.getUint32(at) + high * TWO32, flags, checksum, copy, sequence });
      count++;
      at += tagSize + ((flags & TAG_SAME_UUID) === 0 ? 16 : 0);
      if ((flags & TAG_LAST) !== 0) break;
    }
    return count;
  }

  private readRevokes(view: DataView): number[] {
    const wide = (this.features & FEATURE_64BIT) !== 0;
    const size = wide ? 8 : 4;
    const end = Math.min(view.getUint32(12), this.blockSize - this.tailSize);
    const numbers: number[] = [];
    for (let at = 16; at + size <= end; at += size)
      numbers.push(wide ? view.getUint32(at) * TWO32 + view.getUint32(at + 4) : view.getUint32(at));
    return numbers;
  }

  private replay({ block, flags, checksum, copy, sequence }: Tag): boolean {
    const data = this.read(copy);
    if (this.hasChecksums) {
      const crc = this.dataChecksum(sequence, data);
      const isGood = (this.features & FEATURE_CSUM_V3) !== 0 ? crc === checksum : (crc & 0xffff) === checksum;
      if (!isGood) {
        this.log(3, `JBD2: Invalid checksum recovering data block ${block} in journal`);
        return false;
      }
    }
    if (block >= this.volume.blocks) {
      this.log(3, `JBD2: block ${block} in journal is beyond the end`);
      return false;
    }
    if ((flags & TAG_ESCAPE) !== 0) new DataView(data.buffer).setUint32(0, JBD2_MAGIC);
    this.disk.write(block * this.blockSize, data);
    return true;
  }

  // Commits.

  /** The journal is going to be written: it gets the features that Linux gives it. */
  start(): void {
    let wanted = FEATURE_REVOKE;
    if (this.volume.has(INCOMPAT_64BIT)) wanted |= FEATURE_64BIT;
    if (this.volume.metadataChecksums) wanted |= FEATURE_CSUM_V3;
    field.h_blocktype.set(this.view, 0, SUPER_V2);
    this.features = wanted;
    field.s_feature_incompat.set(this.view, 0, wanted);
    if (this.volume.metadataChecksums) {
      field.s_feature_compat.set(this.view, 0, 0);
      field.s_checksum_type.set(this.view, 0, CRC32C_TYPE);
    }
    this.head = this.first;
    this.used = 0;
    this.writeSuper(0);
  }

  /** A block that the journal has is metadata no more: older copies must not come back. */
  revoke(block: number): void {
    this.revoked.add(block);
    for (const one of this.pending) if (one.number === block) this.pending.delete(one);
  }

  commit(meta: MetaBlocks, now: TimeSpec): void {
    if (meta.dirty.size === 0 && this.revoked.size === 0) return;
    const changed = [...meta.dirty];
    for (const { number } of changed) this.revoked.delete(number);
    const blocks = this.encode(changed, now);
    if (blocks.length > this.capacity) {
      this.log(4, 'transaction larger than the journal: written without it');
      this.checkpoint(meta);
      for (const block of changed) meta.writeInPlace(block);
    } else {
      if (this.used + blocks.length > this.capacity) this.checkpoint(meta);
      this.append(blocks);
      for (const block of changed) {
        block.journalled = true;
        this.pending.add(block);
      }
    }
    this.revoked.clear();
    for (const block of changed) block.dirty = false;
    meta.dirty.clear();
  }

  private append(blocks: readonly Uint8Array[]): void {
    const isFirst = this.used === 0;
    const start = this.head;
    for (let index = 0; index < blocks.length;) {
      // Blocks that are next to each other on the disk go together.
      const at = this.head;
      const physical = this.physical(at);
      let count = 1;
      while (
        index + count < blocks.length &&
        at + count < this.end &&
        this.physical(at + count) === physical + count
      )
        count++;
      const together = new Uint8Array(count * this.blockSize);
      for (let part = 0; part < count; part++) together.set(blocks[index + part], part * this.blockSize);
      this.disk.write(physical * this.blockSize, together);
      this.head = this.next(at, count);
      index += count;
    }
    this.used += blocks.length;
    // The first transaction after the journal was empty: now it counts.
    if (isFirst) this.writeSuper(start);
    this.sequence++;
  }

  /** What has been committed goes to its place, and the journal is empty. No changes since may be in the blocks. */
  private checkpoint(meta: MetaBlocks): void {
    // Blocks of the commit under way have newer contents, which must not be in place before it is complete; their old
    // ones are in the journal only. So the journal is played back rather than written from memory.
    if (this.used > 0 && [...this.pending].some((block) => block.dirty)) {
      const { tags, revokes } = this.scanOwn();
      for (const tag of tags) {
        const revoke = revokes.get(tag.block);
        if (revoke === undefined || revoke < tag.sequence) this.replay(tag);
      }
    }
    for (const block of [...this.pending].toSorted((a, b) => a.number - b.number))
      if (!block.dirty) meta.writeInPlace(block);
    this.pending.clear();
    this.used = 0;
    this.head = this.first;
    this.writeSuper(0);
  }

  private scanOwn(): { tags: Tag[]; revokes: Map<number, number> } {
    const { sequence } = this;
    this.sequence = field.s_sequence.get(this.view, 0);
    const found = this.scan(field.s_start.get(this.view, 0));
    this.sequence = sequence;
    return found;
  }

  /** Everything goes to its place. */
  finish(meta: MetaBlocks): void {
    this.checkpoint(meta);
  }

  /** A transaction as blocks: revocations, descriptors with their copies, and the commit. */
  private encode(changed: readonly MetaBlock[], now: TimeSpec): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    this.encodeRevokes(blocks);
    const perBlock = Math.floor((this.blockSize - HEADER - this.tailSize - 16) / this.tagSize);
    for (let start = 0; start < changed.length; start += perBlock)
      this.encodeDescriptor(blocks, changed.slice(start, start + perBlock));
    const { block, view } = this.header(COMMIT);
    view.setUint32(48, Math.floor(now.sec / TWO32));
    view.setUint32(52, now.sec >>> 0);
    view.setUint32(56, now.nsec);
    if (this.hasChecksums) view.setUint32(16, this.blockChecksum(block, 16));
    blocks.push(block);
    return blocks;
  }

  private header(type: number): { block: Uint8Array<ArrayBuffer>; view: DataView } {
    const block = new Uint8Array(this.blockSize);
    const view = new DataView(block.buffer);
    view.setUint32(0, JBD2_MAGIC);
    view.setUint32(4, type);
    view.setUint32(8, this.sequence >>> 0);
    return { block, view };
  }
  private sealTail(block: Uint8Array<ArrayBuffer>, view: DataView): void {
    if (this.hasChecksums)
      view.setUint32(block.length - TAIL, this.blockChecksum(block, block.length - TAIL));
  }

  private encodeRevokes(blocks: Uint8Array[]): void {
    const wide = (this.features & FEATURE_64BIT) !== 0;
    const size = wide ? 8 : 4;
    const numbers = [...this.revoked];
    const perBlock = Math.floor((this.blockSize - 16 - this.tailSize) / size);
    for (let start = 0; start < numbers.length; start += perBlock) {
      const { block, view } = this.header(REVOKE);
      let at = 16;
      for (const number of numbers.slice(start, start + perBlock)) {
        if (wide) view.setUint32(at, Math.floor(number / TWO32));
        view.setUint32(wide ? at + 4 : at, number % TWO32);
        at += size;
      }
      view.setUint32(12, at);
      this.sealTail(block, view);
      blocks.push(block);
    }
  }

  private encodeDescriptor(blocks: Uint8Array[], changed: readonly MetaBlock[]): void {
    const { block, view } = this.header(DESCRIPTOR);
    const isV3 = (this.features & FEATURE_CSUM_V3) !== 0;
    const copies: Uint8Array[] = [];
    let at = HEADER;
    for (const [index, { number, bytes: source }] of changed.entries()) {
      const copy = source.slice();
      const copyView = new DataView(copy.buffer);
      let flags = index === 0 ? 0 : TAG_SAME_UUID;
      if (index === changed.length - 1) flags |= TAG_LAST;
      // A copy must not look like a block of the journal's own.
      if (copyView.getUint32(0) === JBD2_MAGIC) {
        copyView.setUint32(0, 0);
        flags |= TAG_ESCAPE;
      }
      copies.push(copy);
      const crc = this.hasChecksums ? this.dataChecksum(this.sequence >>> 0, copy) : 0;
      view.setUint32(at, number % TWO32);
      if ((this.features & FEATURE_64BIT) !== 0) view.setUint32(at + 8, Math.floor(number / TWO32));
      if (isV3) {
        view.setUint32(at + 4, flags);
        view.setUint32(at + 12, crc);
      } else {
        view.setUint16(at + 4, crc & 0xffff);
        view.setUint16(at + 6, flags);
      }
      at += this.tagSize + (index === 0 ? 16 : 0);
    }
    this.sealTail(block, view);
    blocks.push(block, ...copies);
  }
}
