/**
 * ELF programs: static, position-independent, and with an interpreter (the dynamic linker). elf(5); load_elf_binary() of
 * Linux, whose order of checks tells which errno execve(2) answers. Everything that can fail for the file's sake is found
 * out by `readImage`, while the old program still exists; `loadImage` comes after the point of no return.
 */
import { PAGE_SIZE } from '../host/memory.js';
import type { Task } from '../kernel/task.js';
import { nameFromBytes } from '../lib/names.js';
import { alignDown, alignUp } from '../lib/word64.js';
import type { AddressSpace } from '../mm/address-space.js';
import { findGap } from '../mm/map.js';
import { EFAULT, EINVAL, EIO, ELIBBAD, ENOEXEC, ENOMEM, EPERM, Errno } from '../uapi/errno.js';
import { ET_EXEC, Elf64_Ehdr } from '../uapi/elf.js';
import { AT_FDCWD } from '../uapi/fcntl.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.js';
import {
  type ElfHeader,
  type ProgramHeader,
  decodeHeader,
  decodeProgramHeaders,
  headersAddress,
  interpreterHeader,
  isMappable,
  isPlausible,
  loadSegments,
  maximumAlignment,
  programHeaderBytes,
  protectionOf,
  totalSize,
  wantsExecutableStack,
} from './elf-headers.js';
import { Executable } from './executable.js';

const PATH_MAX = 4096;

/** One file with its headers. */
interface ElfObject {
  readonly executable: Executable;
  readonly header: ElfHeader;
  readonly segments: readonly ProgramHeader[];
}

/** A program, ready to be loaded. */
export interface ElfImage extends ElfObject {
  readonly interpreter: ElfObject | undefined;
  readonly executableStack: boolean;
}

/** Where a program has come to lie. */
export interface LoadedImage {
  /** Where execution begins: in the interpreter, if there is one. */
  readonly entry: number;
  readonly programEntry: number;
  /** Where its program headers are, or 0. */
  readonly headers: number;
  readonly headerCount: number;
  readonly interpreterBase: number;
}

/** Reads and checks a program and its interpreter. `start` is how the file begins. ENOEXEC, ELIBBAD, ... */
export async function readImage(task: Task, executable: Executable, start: Uint8Array): Promise<ElfImage> {
  const header = decodeHeader(start, task.kernel.arch.elfMachine);
  checkMappable(executable);
  const headers = await readProgramHeaders(task, executable, header);
  const interpreter = interpreterHeader(headers);
  return {
    executable,
    header,
    segments: loadSegments(headers),
    executableStack: wantsExecutableStack(headers),
    interpreter: interpreter && (await readInterpreter(task, executable, interpreter)),
  };
}

function checkMappable({ file }: Executable): void {
  try {
    file.mappable(PROT_READ, false);
  } catch (error) {
    throw error instanceof Errno ? ENOEXEC : error;
  }
}

async function readProgramHeaders(
  task: Task,
  executable: Executable,
  header: ElfHeader,
): Promise<ProgramHeader[]> {
  const size = programHeaderBytes(header);
  const bytes = await executable.read(task, header.e_phoff, size);
  if (bytes.length < size) throw ENOEXEC;
  return decodeProgramHeaders(bytes, header.e_phnum);
}

async function readInterpreter(
  task: Task,
  program: Executable,
  { p_offset, p_filesz }: ProgramHeader,
): Promise<ElfObject> {
  if (p_filesz > PATH_MAX || p_filesz < 2) throw ENOEXEC;
  const bytes = await program.read(task, p_offset, p_filesz);
  if (bytes.length < p_filesz) throw EIO;
  if (bytes[p_filesz - 1] !== 0) throw ENOEXEC;
  const executable = await Executable.open(task, AT_FDCWD, nameFromBytes(bytes, 0, bytes.indexOf(0)));
  try {
    return await readInterpreterHeaders(task, executable);
  } catch (error) {
    executable.close();
    throw error === ENOEXEC ? ELIBBAD : error;
  }
}

async function readInterpreterHeaders(task: Task, executable: Executable): Promise<ElfObject> {
  const start = await executable.read(task, 0, Elf64_Ehdr.size);
  if (start.length < Elf64_Ehdr.size) throw EIO;
  const header = decodeHeader(start, task.kernel.arch.elfMachine);
  const headers = await readProgramHeaders(task, executable, header);
  return { executable, header, segments: loadSegments(headers) };
}

export function closeImage({ executable, interpreter }: ElfImage): void {
  executable.close();
  interpreter?.executable.close();
}

/** Maps a program and its interpreter into an empty space, and notes where things are. Any errno kills the task. */
export function loadImage(mm: AddressSpace, image: ElfImage, randomized: boolean): LoadedImage {
  const { header, segments, interpreter } = image;
  const bias = header.e_type === ET_EXEC ? 0 : programBias(mm, segments, interpreter !== undefined);
  mapSegments(mm, image, bias);
  noteLayout(mm, segments, bias);
  placeHeap(mm, segments, bias, header.e_type !== ET_EXEC && interpreter === undefined && randomized);
  const programEntry = checkedEntry(mm, header.e_entry + bias);
  const headers = headersAddress(header, segments);
  let entry = programEntry;
  let interpreterBase = 0;
  if (interpreter !== undefined) {
    interpreterBase = freeBias(mm, interpreter.segments);
    mapSegments(mm, interpreter, interpreterBase);
    entry = checkedEntry(mm, interpreter.header.e_entry + interpreterBase);
  }
  return {
    entry,
    programEntry,
    headers: headers + bias,
    headerCount: header.e_phnum,
    interpreterBase,
  };
}

function checkedEntry(mm: AddressSpace, entry: number): number {
  if (entry >= mm.top) throw EINVAL;
  return entry;
}

/**
 * What is added to a position-independent program's addresses. One with an interpreter goes far from where mappings go;
 * one without is an interpreter called by name, and goes among them, so that the program that it loads has its own place.
 */
function programBias(mm: AddressSpace, segments: readonly ProgramHeader[], interpreted: boolean): number {
  if (totalSize(segments) === 0) throw EINVAL;
  if (!interpreted) return freeBias(mm, segments);
  return biasAt(alignFor(segments, mm.layout.pieBase), segments);
}

/** A bias with which the segments fall on free addresses. */
function freeBias(mm: AddressSpace, segments: readonly ProgramHeader[]): number {
  const size = totalSize(segments);
  if (size === 0) throw EINVAL;
  const alignment = maximumAlignment(segments);
  if (alignment === PAGE_SIZE) return biasAt(findGap(mm, 0, size, false), segments);
  const gap = findGap(mm, 0, size + alignment, false);
  return biasAt(alignFor(segments, gap + alignment - PAGE_SIZE), segments);
}

function alignFor(segments: readonly ProgramHeader[], address: number): number {
  return address - (address % maximumAlignment(segments));
}

const biasAt = (address: number, segments: readonly ProgramHeader[]): number =>
  address - alignDown(segments[0].p_vaddr, PAGE_SIZE);

function mapSegments(mm: AddressSpace, { executable, segments }: ElfObject, bias: number): void {
  for (const [index, segment] of segments.entries()) {
    const address = segment.p_vaddr + bias;
    if (!isPlausible(segment, address, mm.top)) throw EINVAL;
    mapSegment(mm, executable, segment, address, index === 0 ? MAP_FIXED_NOREPLACE : MAP_FIXED);
  }
}

/** Maps what is in the file, clears the rest of the last page, and maps zeros for what is not in the file. */
function mapSegment(
  mm: AddressSpace,
  { file }: Executable,
  segment: ProgramHeader,
  address: number,
  placing: number,
): void {
  const { p_filesz, p_memsz, p_offset } = segment;
  const start = alignDown(address, PAGE_SIZE);
  if (start < mm.manager.mmapMinAddress) throw EPERM;
  const protection = protectionOf(segment);
  let filled = start;
  if (p_filesz > 0) {
    if (!isMappable(segment)) throw EINVAL;
    mm.map({
      address: start,
      length: address - start + p_filesz,
      protection,
      flags: MAP_PRIVATE | placing,
      mappable: file.mappable(protection, false),
      offset: p_offset - (address - start),
      file,
    });
    filled = address + p_filesz;
    if (p_memsz > p_filesz) clearTail(mm, filled, protection);
  }
  const zerosStart = alignUp(filled, PAGE_SIZE);
  const zerosEnd = alignUp(address + p_memsz, PAGE_SIZE);
  if (p_memsz > p_filesz && zerosEnd > zerosStart)
    mm.map({
      address: zerosStart,
      length: zerosEnd - zerosStart,
      protection: PROT_READ | PROT_WRITE | (protection & PROT_EXEC),
      flags: MAP_PRIVATE | MAP_ANONYMOUS | (p_filesz > 0 ? MAP_FIXED : placing),
    });
}

/** What the file has behind the segment's end must not show. A page that can't be written is left as it is. */
function clearTail(mm: AddressSpace, from: number, protection: number): void {
  const length = alignUp(from, PAGE_SIZE) - from;
  if (length === 0) return;
  try {
    mm.clear(from, length);
  } catch (error) {
    if (error !== EFAULT || (protection & PROT_WRITE) !== 0) throw error;
  }
}

/** The bounds of code and data that /proc/PID/stat shows. */
function noteLayout(mm: AddressSpace, segments: readonly ProgramHeader[], bias: number): void {
  mm.startCode = Infinity;
  for (const segment of segments) {
    const start = segment.p_vaddr + bias;
    const end = start + segment.p_filesz;
    const executable = (protectionOf(segment) & PROT_EXEC) !== 0;
    if (executable) mm.startCode = Math.min(mm.startCode, start);
    mm.startData = Math.max(mm.startData, start);
    if (executable) mm.endCode = Math.max(mm.endCode, end);
    mm.endData = Math.max(mm.endData, end);
  }
  if (mm.startCode === Infinity) mm.startCode = 0;
}

/** The heap begins behind the program; behind an interpreter called by name there is no room, so it gets the program's place. */
function placeHeap(
  mm: AddressSpace,
  segments: readonly ProgramHeader[],
  bias: number,
  elsewhere: boolean,
): void {
  let end = 0;
  for (const { p_vaddr, p_memsz } of segments) end = Math.max(end, p_vaddr + bias + p_memsz);
  const { pieBase, brkGap } = mm.layout;
  mm.startBrk = mm.brk = (elsewhere ? pieBase : alignUp(end, PAGE_SIZE)) + brkGap;
  if (mm.brk > mm.top) throw ENOMEM;
}
