/** Extended attributes, in the inode's record and in a block of their own: Linux's ext4/xattr.c. */
import { crc32c, crc32cWord } from '../../lib/crc32c.js';
import { nameFromBytes, putName, type Name } from '../../lib/names.js';
import { E2BIG, EINVAL, ENOSPC } from '../../uapi/errno.js';
import { ACL_GROUP, ACL_UNDEFINED_ID, ACL_USER } from '../../uapi/posix-acl.js';
import type { Acl, AclEntry } from '../posix-acl.js';
import type { Ext4Inode } from './inode.js';
import { EXT4_XATTR_MAGIC, ext4_xattr_entry, ext4_xattr_header } from './layout.js';
import type { MetaBlock } from './meta-blocks.js';

const TWO32 = 2 ** 32;
/** e_name_index. The longer ones are tried first. */
const prefixes: readonly (readonly [index: number, prefix: Name])[] = [
  [2, 'system.posix_acl_access'],
  [3, 'system.posix_acl_default'],
  [1, 'user.'],
  [4, 'trusted.'],
  [6, 'security.'],
  [7, 'system.'],
];

interface Attribute {
  readonly index: number;
  readonly name: Name;
  readonly value: Uint8Array;
}

const round4 = (value: number): number => Math.ceil(value / 4) * 4;
const { size: HEADER } = ext4_xattr_header;
const { size: ENTRY } = ext4_xattr_entry;

export class Attributes {
  private readonly values = new Map<Name, Uint8Array>();

  constructor(private readonly inode: Ext4Inode) {
    const { image, view, attributeStart, attributeBlock } = inode;
    if (attributeStart + 4 < image.length && view.getUint32(attributeStart, true) === EXT4_XATTR_MAGIC)
      this.load(image.subarray(attributeStart + 4), 0);
    if (attributeBlock !== 0) this.load(this.block(attributeBlock).bytes, HEADER);
  }

  private block(number: number): MetaBlock {
    const { inode } = this;
    if (!inode.volume.isBlock(number)) inode.damaged(`bad block of extended attributes ${number}`);
    const block = inode.meta.get(number, (read) => {
      if (
        inode.volume.metadataChecksums &&
        checksum(inode, read) !== ext4_xattr_header.field.h_checksum.get(read.view, 0)
      )
        inode.damaged('corrupted xattr block: checksum');
    });
    if (ext4_xattr_header.field.h_magic.get(block.view, 0) !== EXT4_XATTR_MAGIC)
      inode.damaged('corrupted xattr block');
    return block;
  }

  /** Reads entries from `start`; where values lie is told from the start of `bytes`. */
  private load(bytes: Uint8Array, start: number): void {
    const { inode } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = start; at + 4 <= bytes.length && view.getUint32(at, true) !== 0;) {
      if (at + ENTRY > bytes.length) inode.damaged('corrupted extended attributes');
      const entry = ext4_xattr_entry.read(view, at);
      const end = at + ENTRY + entry.e_name_len;
      if (
        end > bytes.length ||
        entry.e_value_offs + entry.e_value_size > bytes.length ||
        entry.e_value_inum !== 0
      )
        inode.damaged('corrupted extended attributes');
      const prefix = prefixes.find(([index]) => index === entry.e_name_index)?.[1];
      if (prefix !== undefined)
        this.values.set(
          prefix + nameFromBytes(bytes, at + ENTRY, end),
          bytes.slice(entry.e_value_offs, entry.e_value_offs + entry.e_value_size),
        );
      at = at + round4(ENTRY + entry.e_name_len);
    }
  }

  get(name: Name): Uint8Array | undefined {
    return this.values.get(name);
  }
  names(): Name[] {
    return [...this.values.keys()];
  }

  /** Sets or removes one. ENOSPC, E2BIG; then nothing has changed. */
  set(name: Name, value: Uint8Array | undefined): void {
    const old = this.values.get(name);
    if (value === undefined && old === undefined) return;
    if (value === undefined) this.values.delete(name);
    else this.values.set(name, value.slice());
    try {
      this.store();
    } catch (error) {
      if (old === undefined) this.values.delete(name);
      else this.values.set(name, old);
      throw error;
    }
  }

  private store(): void {
    const { inode } = this;
    const all = [...this.values].map(([name, value]) => split(name, value));
    // What all fits the record best goes there: the small ones.
    all.sort((a, b) => a.value.length - b.value.length);
    const room = inode.image.length - inode.attributeStart - 4 - 4;
    const inside: Attribute[] = [];
    const outside: Attribute[] = [];
    let used = 0;
    for (const attribute of all) {
      const size = sizeOf(attribute);
      if (used + size <= room) {
        used += size;
        inside.push(attribute);
      } else outside.push(attribute);
    }
    this.storeBlock(outside);
    if (room > 0) {
      const area = inode.image.subarray(inode.attributeStart);
      area.fill(0);
      if (inside.length > 0) {
        new DataView(area.buffer, area.byteOffset).setUint32(0, EXT4_XATTR_MAGIC, true);
        encodeEntries(area.subarray(4), 0, inside);
      }
    }
    inode.changed();
  }

  private storeBlock(attributes: Attribute[]): void {
    const { inode } = this;
    const { superBlock, volume } = inode;
    const size = attributes.reduce((sum, attribute) => sum + sizeOf(attribute), HEADER + 4);
    if (size > volume.blockSize)
      throw attributes.some(({ value }) => value.length > volume.blockSize) ? E2BIG : ENOSPC;
    const old = inode.attributeBlock;
    const shared = old !== 0 && ext4_xattr_header.field.h_refcount.get(this.block(old).view, 0) > 1;
    if (attributes.length === 0 || shared) this.release();
    if (attributes.length === 0) return;
    let block: MetaBlock;
    if (inode.attributeBlock === 0) {
      const { start } = superBlock.allocator.allocate(inode.goal(0), 1);
      inode.attributeBlock = start;
      inode.blockCount++;
      block = inode.meta.fresh(start);
    } else block = this.block(old);
    attributes.sort(
      (a, b) =>
        a.index - b.index ||
        a.name.length - b.name.length ||
        (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
    );
    inode.meta.changed(block);
    block.bytes.fill(0);
    const hash = encodeEntries(block.bytes, HEADER, attributes);
    ext4_xattr_header.write(block.view, 0, {
      h_magic: EXT4_XATTR_MAGIC,
      h_refcount: 1,
      h_blocks: 1,
      h_hash: hash,
      h_checksum: 0,
      h_reserved: [],
    });
    seal(inode, block);
  }

  /** Lets go of the block, which other inodes may share. */
  release(): void {
    const { inode } = this;
    const number = inode.attributeBlock;
    if (number === 0) return;
    const block = this.block(number);
    const { h_refcount } = ext4_xattr_header.field;
    const count = h_refcount.get(block.view, 0);
    inode.attributeBlock = 0;
    inode.blockCount--;
    if (count <= 1) {
      inode.superBlock.freeBlocks(number, 1, true);
      return;
    }
    inode.meta.changed(block);
    h_refcount.set(block.view, 0, count - 1);
    seal(inode, block);
  }
}

function seal(inode: Ext4Inode, block: MetaBlock): void {
  if (inode.volume.metadataChecksums)
    ext4_xattr_header.field.h_checksum.set(block.view, 0, checksum(inode, block));
}

function checksum(inode: Ext4Inode, { number, bytes }: MetaBlock): number {
  const at = ext4_xattr_header.offset.h_checksum;
  let crc = crc32cWord(crc32cWord(inode.volume.seed, number % TWO32), Math.floor(number / TWO32));
  crc = crc32c(crc, bytes, 0, at);
  crc = crc32cWord(crc, 0);
  return crc32c(crc, bytes, at + 4);
}

function split(name: Name, value: Uint8Array): Attribute {
  const found = prefixes.find(([, prefix]) => name.startsWith(prefix));
  if (found === undefined) throw EINVAL;
  return { index: found[0], name: name.slice(found[1].length), value };
}

const sizeOf = ({ name, value }: Attribute): number => round4(ENTRY + name.length) + round4(value.length);

/** Writes entries from `start` on and values from the end back; returns the hash of all. */
function encodeEntries(bytes: Uint8Array, start: number, attributes: readonly Attribute[]): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = start;
  let top = bytes.length - (bytes.length % 4);
  let whole = 0;
  for (const { index, name, value } of attributes) {
    top -= round4(value.length);
    bytes.set(value, top);
    const hash = entryHash(name, view, top, value.length);
    ext4_xattr_entry.write(view, at, {
      e_name_len: name.length,
      e_name_index: index,
      e_value_offs: value.length === 0 ? 0 : top,
      e_value_inum: 0,
      e_value_size: value.length,
      e_hash: hash,
    });
    putName(name, bytes, at + ENTRY);
    whole = ((whole << 16) ^ (whole >>> 16) ^ hash) >>> 0;
    at += round4(ENTRY + name.length);
  }
  return whole;
}

function entryHash(name: Name, view: DataView, valueAt: number, length: number): number {
  let hash = 0;
  for (let index = 0; index < name.length; index++)
    hash = ((hash << 5) ^ (hash >>> 27) ^ name.charCodeAt(index)) >>> 0;
  for (let done = 0; done < length; done += 4)
    hash = ((hash << 16) ^ (hash >>> 16) ^ view.getUint32(valueAt + done, true)) >>> 0;
  return hash;
}

// Access control lists have a shorter form on disk: ids only where they mean something.

export function decodeAcl(bytes: Uint8Array): Acl {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: AclEntry[] = [];
  for (let at = 4; at + 4 <= bytes.length;) {
    const tag = view.getUint16(at, true);
    const perm = view.getUint16(at + 2, true);
    const named = tag === ACL_USER || tag === ACL_GROUP;
    const id = named && at + 8 <= bytes.length ? view.getUint32(at + 4, true) : ACL_UNDEFINED_ID;
    entries.push({ tag, perm: perm & 7, id });
    at += named ? 8 : 4;
  }
  return entries;
}

export function encodeAcl(acl: Acl): Uint8Array {
  const isNamed = ({ tag }: AclEntry): boolean => tag === ACL_USER || tag === ACL_GROUP;
  const bytes = new Uint8Array(acl.reduce((sum, entry) => sum + (isNamed(entry) ? 8 : 4), 4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1, true);
  let at = 4;
  for (const entry of acl) {
    view.setUint16(at, entry.tag, true);
    view.setUint16(at + 2, entry.perm, true);
    if (isNamed(entry)) view.setUint32(at + 4, entry.id, true);
    at += isNamed(entry) ? 8 : 4;
  }
  return bytes;
}
