/** The headers of an ELF program, checked as far as loading it depends on them: elf(5), load_elf_binary() of Linux. */
import { PAGE_SIZE } from '../host/memory.js';
import type { RecordOf } from '../lib/struct.js';
import { alignDown, alignUp, isAligned } from '../lib/word64.js';
import { ENOEXEC } from '../uapi/errno.js';
import {
  ET_DYN,
  ET_EXEC,
  Elf64_Ehdr,
  Elf64_Phdr,
  PF_R,
  PF_W,
  PF_X,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
} from '../uapi/elf.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../uapi/mman.js';

export type ElfHeader = RecordOf<typeof Elf64_Ehdr>;
export type ProgramHeader = RecordOf<typeof Elf64_Phdr>;

const MAX_PROGRAM_HEADER_BYTES = 65536;

/** Whether a file that begins with these bytes claims to be ELF. */
export const isElf = (header: Uint8Array): boolean =>
  header[0] === 0x7f && header[1] === 0x45 && header[2] === 0x4c && header[3] === 0x46;

/**
 * The file header; ENOEXEC when it is not of a program for `machine`. The class is not looked at, as on Linux: no machine
 * has both.
 */
export function decodeHeader(bytes: Uint8Array, machine: number): ElfHeader {
  if (!isElf(bytes)) throw ENOEXEC;
  const header = Elf64_Ehdr.decode(bytes);
  if (header.e_type !== ET_EXEC && header.e_type !== ET_DYN) throw ENOEXEC;
  if (header.e_machine !== machine) throw ENOEXEC;
  return header;
}

/** How many bytes the program headers take. ENOEXEC. */
export function programHeaderBytes({ e_phentsize, e_phnum }: ElfHeader): number {
  const size = e_phnum * Elf64_Phdr.size;
  if (e_phentsize !== Elf64_Phdr.size || size === 0 || size > MAX_PROGRAM_HEADER_BYTES) throw ENOEXEC;
  return size;
}

export function decodeProgramHeaders(bytes: Uint8Array, count: number): ProgramHeader[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => Elf64_Phdr.read(view, index * Elf64_Phdr.size));
}

export const loadSegments = (headers: readonly ProgramHeader[]): ProgramHeader[] =>
  headers.filter(({ p_type }) => p_type === PT_LOAD);

export const interpreterHeader = (headers: readonly ProgramHeader[]): ProgramHeader | undefined =>
  headers.find(({ p_type }) => p_type === PT_INTERP);

/** PT_GNU_STACK: the last one counts. Without any, the stack of a 64-bit program is not executable. */
export function wantsExecutableStack(headers: readonly ProgramHeader[]): boolean {
  const header = headers.findLast(({ p_type }) => p_type === PT_GNU_STACK);
  return header !== undefined && (header.p_flags & PF_X) !== 0;
}

/** PROT_* of a segment. */
export const protectionOf = ({ p_flags }: ProgramHeader): number =>
  ((p_flags & PF_R) === 0 ? 0 : PROT_READ) |
  ((p_flags & PF_W) === 0 ? 0 : PROT_WRITE) |
  ((p_flags & PF_X) === 0 ? 0 : PROT_EXEC);

/** From the first page of the lowest to the end of the highest segment. 0 when there is none. */
export function totalSize(segments: readonly ProgramHeader[]): number {
  let low = Infinity;
  let high = 0;
  for (const { p_vaddr, p_memsz } of segments) {
    low = Math.min(low, alignDown(p_vaddr, PAGE_SIZE));
    high = Math.max(high, p_vaddr + p_memsz);
  }
  return segments.length === 0 ? 0 : alignUp(high - low, PAGE_SIZE);
}

/** The largest alignment that a segment asks for; nonsense does not count. */
export function maximumAlignment(segments: readonly ProgramHeader[]): number {
  let largest = 0;
  for (const { p_align } of segments) if (isPowerOfTwo(p_align)) largest = Math.max(largest, p_align);
  return Math.max(PAGE_SIZE, largest);
}

const isPowerOfTwo = (value: number): boolean =>
  value > 0 && value <= 2 ** 40 && Number.isInteger(Math.log2(value));

/** Where the program headers are in memory, relative to the load bias: AT_PHDR. 0 when they are not loaded. */
export function headersAddress({ e_phoff }: ElfHeader, segments: readonly ProgramHeader[]): number {
  for (const { p_offset, p_filesz, p_vaddr } of segments)
    if (p_offset <= e_phoff && e_phoff < p_offset + p_filesz) return e_phoff - p_offset + p_vaddr;
  return 0;
}

/** The segment's sizes and place make sense in an address space of `top` bytes. */
export const isPlausible = ({ p_filesz, p_memsz }: ProgramHeader, address: number, top: number): boolean =>
  address >= 0 && address < top && p_filesz <= p_memsz && p_memsz <= top && top - p_memsz >= address;

/** mmap(2) needs the file offset and the address to be congruent. */
export const isMappable = ({ p_offset, p_vaddr }: ProgramHeader): boolean => {
  const offset = p_offset - (p_vaddr % PAGE_SIZE);
  return offset >= 0 && isAligned(offset, PAGE_SIZE);
};
