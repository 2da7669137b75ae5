/**
 * Partition tables: the one of PCs (MBR, with logical partitions in extended ones) and GPT (UEFI specification, chapter 5).
 * All of it is hostile: what does not fit the disk, or goes in circles, is left out. Linux: block/partitions/{msdos,efi}.c.
 */
import { Crc32 } from '../lib/crc32.js';
import { nameFromBytes, type Name } from '../lib/names.js';
import { array, bytes, struct, u16, u32, u64, u8 } from '../lib/struct.js';
import { type Disk, SECTOR_SIZE } from './device.js';

/** Where a partition lies, in sectors of 512 bytes. */
export interface PartitionEntry {
  /** From 1 on: ubda1. */
  readonly number: number;
  readonly start: number;
  readonly sectors: number;
  /** As in root=PARTUUID=; lower case. */
  readonly uuid: Name;
  /** GPT only: UTF-16 as its low bytes. */
  readonly label?: Name;
}

/** Minors that one disk has: 16, of which one is the whole. */
export const MAX_PARTITIONS = 15;

const mbrEntry = struct({
  boot_ind: u8,
  head: u8,
  sector: u8,
  cyl: u8,
  sys_ind: u8,
  end_head: u8,
  end_sector: u8,
  end_cyl: u8,
  start_sect: u32,
  nr_sects: u32,
});
const MBR_SIGNATURE_AT = 510;
const MBR_SIGNATURE = 0xaa55;
const MBR_DISK_ID_AT = 440;
const MBR_ENTRIES_AT = 446;
const MBR_ENTRIES = 4;
const FIRST_LOGICAL = 5;
const MAX_LINKS = 100;
const EFI_PROTECTIVE = 0xee;
const isExtended = (type: number): boolean => type === 0x05 || type === 0x0f || type === 0x85;

const gptHeader = struct({
  signature: bytes(8),
  revision: u32,
  header_size: u32,
  header_crc32: u32,
  reserved1: u32,
  my_lba: u64,
  alternate_lba: u64,
  first_usable_lba: u64,
  last_usable_lba: u64,
  disk_guid: bytes(16),
  partition_entry_lba: u64,
  num_partition_entries: u32,
  sizeof_partition_entry: u32,
  partition_entry_array_crc32: u32,
});
const gptEntry = struct({
  partition_type_guid: bytes(16),
  unique_partition_guid: bytes(16),
  starting_lba: u64,
  ending_lba: u64,
  attributes: u64,
  partition_name: array(u16, 36),
});
const GPT_SIGNATURE = 'EFI PART';
const GPT_MIN_HEADER = 92;
const GPT_MOST_ENTRIES_BYTES = 1 << 20;

const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength);

/** The partitions of a disk, by number; none when there is no table that we know. Throws an Errno if it cannot be read. */
export function readPartitions(disk: Disk): PartitionEntry[] {
  if (disk.size < 2 * SECTOR_SIZE) return [];
  const first = readSectors(disk, 0, 1);
  if (first === undefined || viewOf(first).getUint16(MBR_SIGNATURE_AT, true) !== MBR_SIGNATURE) return [];
  const entries = mbrEntries(first);
  const found = entries.some(({ sys_ind }) => sys_ind === EFI_PROTECTIVE)
    ? (readGpt(disk, 1) ?? readGpt(disk, disk.size / SECTOR_SIZE - 1) ?? [])
    : looksLikeMbr(entries, first)
      ? readMbr(disk, first)
      : [];
  return found.filter(({ number }) => number <= MAX_PARTITIONS);
}

function readSectors(disk: Disk, sector: number, count: number): Uint8Array | undefined {
  if (!(sector >= 0 && (sector + count) * SECTOR_SIZE <= disk.size)) return undefined;
  const data = new Uint8Array(count * SECTOR_SIZE);
  disk.read(sector * SECTOR_SIZE, data);
  return data;
}

const mbrEntries = (sector: Uint8Array) =>
  Array.from({ length: MBR_ENTRIES }, (_, index) =>
    mbrEntry.read(viewOf(sector), MBR_ENTRIES_AT + index * mbrEntry.size),
  );

/** The boot sector of a FAT file system has the same signature: its "entries" have impossible boot indicators, or it says so. */
function looksLikeMbr(entries: ReturnType<typeof mbrEntries>, sector: Uint8Array): boolean {
  if (entries.some(({ boot_ind }) => boot_ind !== 0 && boot_ind !== 0x80)) return false;
  const label = nameFromBytes(sector, 54, 59) + nameFromBytes(sector, 82, 87);
  return !label.includes('FAT12') && !label.includes('FAT16') && !label.includes('FAT32');
}

function readMbr(disk: Disk, first: Uint8Array): PartitionEntry[] {
  const end = disk.size / SECTOR_SIZE;
  const id = viewOf(first).getUint32(MBR_DISK_ID_AT, true).toString(16).padStart(8, '0');
  const found: PartitionEntry[] = [];
  const add = (number: number, start: number, sectors: number): void => {
    if (start >= end || sectors === 0) return;
    const uuid = `${id}-${number.toString(16).padStart(2, '0')}`;
    found.push({ number, start, sectors: Math.min(sectors, end - start), uuid });
  };
  let logical = FIRST_LOGICAL;
  for (const [index, { sys_ind, start_sect, nr_sects }] of mbrEntries(first).entries()) {
    if (nr_sects === 0) continue;
    if (!isExtended(sys_ind)) {
      add(index + 1, start_sect, nr_sects);
      continue;
    }
    // Just enough of an extended partition to hold a boot loader is visible, so that nobody makes a file system in it.
    add(index + 1, start_sect, Math.min(nr_sects, 2));
    for (const { start, sectors } of logicalPartitions(disk, start_sect)) add(logical++, start, sectors);
  }
  return found.sort((a, b) => a.number - b.number);
}

/** A chain of tables, each with a partition relative to itself and a link relative to the extended partition. */
function* logicalPartitions(disk: Disk, extended: number): Generator<{ start: number; sectors: number }> {
  let table = extended;
  for (let links = 0; links < MAX_LINKS; links++) {
    const sector = readSectors(disk, table, 1);
    if (sector === undefined || viewOf(sector).getUint16(MBR_SIGNATURE_AT, true) !== MBR_SIGNATURE) return;
    const entries = mbrEntries(sector);
    for (const { sys_ind, start_sect, nr_sects } of entries)
      if (nr_sects !== 0 && !isExtended(sys_ind)) yield { start: table + start_sect, sectors: nr_sects };
    const link = entries.find(({ sys_ind, nr_sects }) => nr_sects !== 0 && isExtended(sys_ind));
    if (link === undefined) return;
    table = extended + link.start_sect;
  }
}

/** A GPT whose header is at that sector; undefined when there is none that holds together. */
function readGpt(disk: Disk, at: number): PartitionEntry[] | undefined {
  const sector = readSectors(disk, at, 1);
  if (sector === undefined) return undefined;
  const header = gptHeader.read(viewOf(sector), 0);
  const { header_size, num_partition_entries: count, sizeof_partition_entry: size } = header;
  if (nameFromBytes(header.signature) !== GPT_SIGNATURE || header.my_lba !== at) return undefined;
  if (header_size < GPT_MIN_HEADER || header_size > SECTOR_SIZE) return undefined;
  const covered = sector.slice(0, header_size);
  covered.fill(0, gptHeader.offset.header_crc32, gptHeader.offset.header_crc32 + 4);
  if (new Crc32().update(covered).value !== header.header_crc32) return undefined;
  if (size < gptEntry.size || size % 8 !== 0 || count * size > GPT_MOST_ENTRIES_BYTES) return undefined;
  const table = readSectors(disk, header.partition_entry_lba, Math.ceil((count * size) / SECTOR_SIZE));
  if (table === undefined) return undefined;
  const entries = table.subarray(0, count * size);
  if (new Crc32().update(entries).value !== header.partition_entry_array_crc32) return undefined;
  return gptEntries(entries, size, disk.size / SECTOR_SIZE);
}

function gptEntries(table: Uint8Array, size: number, end: number): PartitionEntry[] {
  const found: PartitionEntry[] = [];
  for (let number = 1; number * size <= table.length; number++) {
    const entry = gptEntry.read(viewOf(table), (number - 1) * size);
    const { starting_lba: start, ending_lba: last } = entry;
    if (entry.partition_type_guid.every((byte) => byte === 0) || start > last || last >= end) continue;
    const units = entry.partition_name;
    const length = units.indexOf(0);
    const label = String.fromCharCode(
      ...units.slice(0, length < 0 ? units.length : length).map((unit) => (unit > 0xff ? 0x3f : unit)),
    );
    found.push({ number, start, sectors: last - start + 1, uuid: guid(entry.unique_partition_guid), label });
  }
  return found;
}

/** The first three groups are little endian numbers. */
function guid(id: Uint8Array): Name {
  const hex = (...at: number[]): string =>
    at.map((index) => id[index].toString(16).padStart(2, '0')).join('');
  return [hex(3, 2, 1, 0), hex(5, 4), hex(7, 6), hex(8, 9), hex(10, 11, 12, 13, 14, 15)].join('-');
}
